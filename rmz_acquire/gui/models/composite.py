"""What the window shows of a volume that is not rendered yet: regions, interpolation.

Nothing of it is made ahead: a cut through it costs what the cut shows, and a large
picture takes no more memory than its planes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rmz_acquire.gui.models.display_levels import contrast_along_z, levels_of
from rmz_acquire.scanning.regions import plane_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning import Plane, Region, RegionVolume

__all__ = ["Composite", "Cuts"]

_SAMPLE_PX = 128
"""Pixels along a side, about, from which levels and contrast are told."""


class Cuts(NamedTuple):
    """Three pictures of a volume: (Y, X), (Z, X) and (Z, Y), counts."""

    xy: NDArray[np.float32]
    xz: NDArray[np.float32]
    yz: NDArray[np.float32]


class Composite:
    """The regions' volume inside the whole picture; elsewhere linear between planes.

    Parameters
    ----------
    planes : sequence of Plane
        So far; at least one.
    z_um : sequence of float
        (Z,) grid, µm, ascending.
    regions : sequence of RegionVolume
        What the scan decides on; none where that is not kept.
    decided_on : sequence of Region, optional
        Where the scan decided, if their volume is not kept.
    """

    def __init__(
        self,
        planes: Sequence[Plane],
        z_um: Sequence[float],
        regions: Sequence[RegionVolume] = (),
        decided_on: Sequence[Region] = (),
    ) -> None:
        by_z = sorted(planes, key=lambda plane: plane.z_um)
        self._images = [plane.image for plane in by_z]
        self._z_um = np.asarray(z_um, dtype=np.float64)
        at = np.array([plane.z_um for plane in by_z])
        self._weights = _between(at, self._z_um)
        self._parts = [(one, _between(one.z_um, self._z_um)) for one in regions]
        #: Where it is the estimator's volume and not interpolated.
        self.made: tuple[Region, ...] = tuple(one.region for one in regions)
        #: What decides.
        self.decided_on: tuple[Region, ...] = self.made or tuple(decided_on)
        #: As of an array, (Z, Y, X).
        self.shape: tuple[int, int, int] = (len(self._z_um), *self._images[0].shape)
        self.sample = self._sample()
        self.levels = levels_of(self.sample)
        #: As of `contrast_along_z`.
        self.contrast = contrast_along_z(self.sample)

    def plane(self, z: int) -> NDArray[np.float32]:
        """Give the plane of an index, (Y, X) float32 counts."""
        used = np.flatnonzero(self._weights[z])
        first, *more = (int(k) for k in used)
        made = self._images[first].astype(np.float32)
        if more:
            made *= self._weights[z, first]
            made += self._images[more[0]] * self._weights[z, more[0]]
        for one, _ in self._parts:
            part = plane_at(one.volume, one.z_um, float(self._z_um[z]))
            made[one.region.slices] = _enlarged(part, one.region)
        return made

    def cuts(self, z: int, y: int, x: int) -> Cuts:
        """Cut through a voxel in the three directions."""
        xz = self._weights @ np.stack([image[y] for image in self._images])
        yz = self._weights @ np.stack([image[:, x] for image in self._images])
        for one, weights in self._parts:
            rows, columns = one.region.slices
            times = one.region.height // one.volume.shape[1]
            if rows.start <= y < rows.stop:
                line = weights @ one.volume[:, (y - rows.start) // times, :]
                xz[:, columns] = line.repeat(times, axis=1)
            if columns.start <= x < columns.stop:
                line = weights @ one.volume[:, :, (x - columns.start) // times]
                yz[:, rows] = line.repeat(times, axis=1)
        return Cuts(self.plane(z), xz, yz)

    def maxima(self) -> Cuts:
        """Give the largest value along each direction: as slow as all of its planes."""
        deep, high, wide = self.shape
        xy = np.full((high, wide), -np.inf, np.float32)
        xz = np.empty((deep, wide), np.float32)
        yz = np.empty((deep, high), np.float32)
        for z in range(deep):
            plane = self.plane(z)
            np.maximum(xy, plane, out=xy)
            xz[z], yz[z] = plane.max(axis=0), plane.max(axis=1)
        return Cuts(xy, xz, yz)

    def value(self, z: int, y: int, x: int) -> float:
        """Give the counts of a voxel."""
        for one, weights in reversed(self._parts):
            rows, columns = one.region.slices
            if rows.start <= y < rows.stop and columns.start <= x < columns.stop:
                times = one.region.height // one.volume.shape[1]
                row, column = (y - rows.start) // times, (x - columns.start) // times
                return float(weights[z] @ one.volume[:, row, column])
        return float(self._weights[z] @ [image[y, x] for image in self._images])

    def _sample(self) -> NDArray[np.float32]:
        """Some of its voxels: every so many-th row and column of the planes."""
        step = max(1, max(self.shape[1:]) // _SAMPLE_PX)
        some = np.stack([image[::step, ::step] for image in self._images])
        made = np.tensordot(self._weights, some.astype(np.float32), 1)
        rows, columns = (np.arange(0, n, step) for n in self.shape[1:])
        for one, weights in self._parts:
            y, x = one.region.slices
            times = one.region.height // one.volume.shape[1]
            down = np.flatnonzero((rows >= y.start) & (rows < y.stop))[:, None]
            across = np.flatnonzero((columns >= x.start) & (columns < x.stop))[None]
            own_y = (rows[down] - y.start) // times
            own_x = (columns[across] - x.start) // times
            part = one.volume[:, own_y, own_x]
            made[:, down, across] = np.tensordot(weights, part, 1)
        return np.asarray(made, dtype=np.float32)


def _between(
    at_um: NDArray[np.float64], z_um: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Shares of planes at (M,) µm, ascending, in those at (Z,) µm: (Z, M)."""
    place = np.interp(z_um, at_um, np.arange(len(at_um)))
    low = np.minimum(place.astype(int), max(len(at_um) - 2, 0))
    part = place - low
    weights = np.zeros((len(z_um), len(at_um)), np.float32)
    rows = np.arange(len(z_um))
    weights[rows, low] = 1 - part
    above = part > 0
    weights[rows[above], low[above] + 1] = part[above]
    return weights


def _enlarged(part: NDArray[np.float32], region: Region) -> NDArray[np.float32]:
    """Bring a plane of a region to the pixels of the picture."""
    times = region.height // part.shape[0]
    return part if times == 1 else part.repeat(times, axis=0).repeat(times, axis=1)
