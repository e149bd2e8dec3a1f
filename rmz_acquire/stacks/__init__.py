"""Reads recorded z-stacks of every format in one way, and writes them.

`tiff`, `imagej`, `ome` and `zarr` only collect pixels and what a file says of them;
`calibration` alone decides what holds where that contradicts itself or what was given.
"""

from __future__ import annotations

import lazy_loader as lazy

# names and where they are from stand in __init__.pyi; imported when first asked for
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
