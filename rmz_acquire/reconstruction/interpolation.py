"""The baselines without optics: nearest plane, and linear between planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.reconstruction.base import VolumeEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LinearEstimator",
    "NearestEstimator",
    "interpolated",
    "interpolation_weights",
]


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
        return interpolated(self.planes, self.planes_z_um, self.z_um)


def interpolated(
    planes: NDArray[np.float32],
    at_um: NDArray[np.floating[Any]],
    wanted_um: NDArray[np.floating[Any]],
) -> NDArray[np.float32]:
    """Planes at any z, linear between those taken.

    Parameters
    ----------
    planes : ndarray
        (M, Y, X) counts.
    at_um, wanted_um : ndarray
        As of `interpolation_weights`.

    Returns
    -------
    ndarray
        (n, Y, X) counts.
    """
    weights = interpolation_weights(at_um, wanted_um).astype(np.float32)
    made: NDArray[np.float32] = np.tensordot(weights, planes, axes=1)
    return made


def interpolation_weights(
    at_um: NDArray[np.floating[Any]], wanted_um: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """What each plane counts for in an output plane, linear between them.

    Parameters
    ----------
    at_um : ndarray
        (M,) where planes were taken, µm, in any order; those taken at one z share.
    wanted_um : ndarray
        (n,) output positions, µm; constant beyond the outermost plane.

    Returns
    -------
    ndarray
        (n, M) float64; rows add up to 1.
    """
    places, which, times = np.unique(at_um, return_inverse=True, return_counts=True)
    columns = [np.interp(wanted_um, places, row) for row in np.eye(len(places))]
    weights: NDArray[np.float64] = np.stack(columns, axis=1)[:, which] / times[which]
    return weights
