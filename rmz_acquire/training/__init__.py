"""Data, losses and the training step; `train` takes a configuration to a model."""

from __future__ import annotations

import lazy_loader as lazy

# names and where they are from stand in __init__.pyi; imported when first asked for
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
