"""The parts of a picture on which a scan decides, and the volume that they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Region", "RegionVolume", "plane_at"]


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """A rectangle of a picture, pixels.

    Parameters
    ----------
    y, x : int
        Its first row and column.
    height, width : int
        Rows and columns.
    """

    y: int
    x: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index a picture with."""
        return (
            slice(self.y, self.y + self.height),
            slice(self.x, self.x + self.width),
        )

    def to_list(self) -> list[int]:
        """Give it as files have it: y, x, height, width."""
        return [self.y, self.x, self.height, self.width]

    def overlaps(self, other: Region) -> bool:
        """Whether they have a pixel in common."""
        return (
            self.y < other.y + other.height
            and other.y < self.y + self.height
            and self.x < other.x + other.width
            and other.x < self.x + self.width
        )

    def around(self, halo: int, shape: Sequence[int]) -> Region:
        """Give it with so many pixels on every side, as far as the picture goes."""
        top, left = max(0, self.y - halo), max(0, self.x - halo)
        bottom = min(shape[0], self.y + self.height + halo)
        right = min(shape[1], self.x + self.width + halo)
        return Region(top, left, bottom - top, right - left)


@dataclass(frozen=True, slots=True, eq=False)
class RegionVolume:
    """The volume under a region, as coarse as the decision needed it.

    Parameters
    ----------
    region : Region
        Where.
    z_um : ndarray
        (n,) float64 its own z, µm; first and last are those of the scan's grid.
    volume : ndarray
        (n, height / binning, width / binning) float32 camera counts.
    """

    region: Region
    z_um: NDArray[np.float64]
    volume: NDArray[np.float32]

    def on(self, z_um: ArrayLike) -> NDArray[np.float32]:
        """Give it on a z grid, in the pixels of the picture.

        Parameters
        ----------
        z_um : array_like
            (Z,) µm, ascending.

        Returns
        -------
        ndarray
            (Z, height, width) float32 counts.
        """
        grid = np.asarray(z_um, dtype=np.float64)
        made = self.volume
        if len(grid) != len(self.z_um) or not np.allclose(grid, self.z_um):
            made = np.stack([plane_at(made, self.z_um, float(z)) for z in grid])
        times = self.region.height // made.shape[1]
        if times > 1:
            made = made.repeat(times, axis=1).repeat(times, axis=2)
        return made


def plane_at(
    volume: NDArray[np.float32], grid_um: NDArray[np.float64], z_um: float
) -> NDArray[np.float32]:
    """Give a volume at any z, linear between its planes.

    Parameters
    ----------
    volume : ndarray
        (Z, Y, X) float32.
    grid_um : ndarray
        (Z,) ascending, µm.
    z_um : float
        Where, µm; what is beyond the grid is as at its end.

    Returns
    -------
    ndarray
        (Y, X) float32.
    """
    position = float(np.interp(z_um, grid_um, np.arange(len(grid_um))))
    low = min(int(position), len(grid_um) - 2)
    part = np.float32(position - low)
    plane: NDArray[np.float32] = volume[low] * (1 - part) + volume[low + 1] * part
    return plane
