"""A volume that is made in parts and read plane by plane, on disk in between."""

from __future__ import annotations

import copy
import tempfile
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["ScratchVolume"]


class ScratchVolume:
    """Float32 pixels in a file without a name, which is gone with the process.

    Use it as a context. Memory that is mapped to a file would count as the process's
    own.

    Parameters
    ----------
    shape : (int, int, int)
        (Z, Y, X).
    folder : Path
        Where there is room for it.

    Raises
    ------
    OSError
        If the disk does not take it.
    """

    ndim = 3

    def __init__(self, shape: tuple[int, int, int], folder: Path) -> None:
        self.shape = shape
        #: Where in the file its first plane stands.
        self.first = 0
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)

    def __enter__(self) -> Self:
        """It is there already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self._file.close()

    def __len__(self) -> int:
        return self.shape[0]

    def write_part(self, corner: tuple[int, int], part: NDArray[Any]) -> None:
        """Put a part where it belongs.

        Parameters
        ----------
        corner : (int, int)
            Its first row and column.
        part : ndarray
            (Z, height, width), all of z.
        """
        _, height, width = self.shape
        y, x = corner
        for z, plane in enumerate(np.ascontiguousarray(part, np.float32), self.first):
            rows = [plane] if plane.shape[1] == width else plane
            for row, pixels in enumerate(rows):
                self._file.seek(4 * ((z * height + y + row) * width + x))
                self._file.write(pixels.tobytes())

    def part(self, first: int, planes: int) -> ScratchVolume:
        """Give some of its planes, in the same file.

        Parameters
        ----------
        first, planes : int
            Which is the first, and how many there are.
        """
        made = copy.copy(self)
        made.shape = planes, *self.shape[1:]
        made.first = self.first + first
        return made

    def __getitem__(self, z: int) -> NDArray[np.float32]:
        """Give a plane, (Y, X)."""
        _, height, width = self.shape
        if not 0 <= z < len(self):
            raise IndexError(z)
        self._file.seek(4 * (self.first + z) * height * width)
        read = self._file.read(4 * height * width)
        return np.frombuffer(read, np.float32).reshape(height, width)
