"""Reads recorded z-stacks of every format in one way, and writes them.

`tiff`, `imagej`, `ome` and `zarr` only collect pixels and what a file says of them;
`calibration` alone decides what holds where that contradicts itself or what was given.
"""

from __future__ import annotations

from rmz_acquire.stacks.calibration import even_step_um
from rmz_acquire.stacks.claims import Given
from rmz_acquire.stacks.reading import Stack, read_stack
from rmz_acquire.stacks.writing import write_stack

__all__ = ["Given", "Stack", "even_step_um", "read_stack", "write_stack"]
