"""Specimens, what a wide-field microscope sees of them, and a microscope to try it on.

The devices for Micro-Manager are in `camera` and `stage`; they are not imported here,
so that training on simulated specimens does without Micro-Manager.
"""

from __future__ import annotations

import lazy_loader as lazy

# names and where they are from stand in __init__.pyi; imported when first asked for
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
