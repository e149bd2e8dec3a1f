"""The baselines without optics: nearest plane, and linear between planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.reconstruction.base import VolumeEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LinearEstimator", "NearestEstimator"]


class NearestEstimator(VolumeEstimator):
    """Every output plane is the nearest plane taken.

    Parameters
    ----------
    z_um : array_like
        (Z,) ascending output grid, µm.
    """

    name = "nearest"

    def _reconstruct(self) -> NDArray[np.float32]:
        distance = np.abs(self.z_um[:, None] - self.planes_z_um[None])
        volume: NDArray[np.float32] = self.planes[distance.argmin(axis=1)]
        return volume


class LinearEstimator(VolumeEstimator):
    """Linear between the planes taken, constant beyond the outermost.

    Parameters
    ----------
    z_um : array_like
        (Z,) ascending output grid, µm.
    """

    name = "linear"

    def _reconstruct(self) -> NDArray[np.float32]:
        # Planes taken twice at one z are averaged, as any interpolation must.
        at, inverse = np.unique(self.planes_z_um, return_inverse=True)
        planes = np.zeros((len(at), *self._images[0].shape), dtype=np.float32)
        np.add.at(planes, inverse, self.planes)
        planes /= np.bincount(inverse)[:, None, None]
        position = np.interp(self.z_um, at, np.arange(len(at)))
        low = np.minimum(position.astype(np.intp), max(len(at) - 2, 0))
        high = np.minimum(low + 1, len(at) - 1)
        part = (position - low).astype(np.float32)[:, None, None]
        volume: NDArray[np.float32] = planes[low] * (1 - part) + planes[high] * part
        return volume
