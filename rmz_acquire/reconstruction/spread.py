"""How far the candidates for a volume are apart, voxel by voxel.

Estimates that predict planes about as well differ where the planes do not tell. That is
no error: what all of them have wrong they do not differ in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.reconstruction.base import VolumeEstimator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.records import Estimate

__all__ = ["WithSpread", "spread_of"]

_VOLUMES = 6
"""At work beside those of the estimator: sum, candidate, difference, both made, and one
that waits where tiles are made side by side."""


def spread_of(estimator: VolumeEstimator) -> NDArray[np.float32] | None:
    """RMS distance of the candidates from the volume.

    Parameters
    ----------
    estimator : VolumeEstimator
        With its planes.

    Returns
    -------
    ndarray or None
        (Z, Y, X) camera counts; None where there are no planes, or no candidates.
    """
    volume, number = estimator.volume, 0
    if volume is None:
        return None
    total = np.zeros_like(volume)
    for one in estimator.candidate_volumes():
        total += np.square(one - volume)
        number += 1
    if number == 0:
        return None
    total /= number
    spread: NDArray[np.float32] = np.sqrt(total, out=total)
    return spread


class WithSpread(VolumeEstimator):
    """Makes a volume with its spread behind it, as one of twice as many planes.

    So tiles of both are made, and fade into each other, at once.

    Parameters
    ----------
    estimator : VolumeEstimator
        Fresh, with candidates.
    """

    def __init__(self, estimator: VolumeEstimator) -> None:
        super().__init__(estimator.z_um)
        self._estimator, self.name = estimator, estimator.name

    @property
    def volume(self) -> NDArray[np.float32] | None:
        """Volume and spread, (2 Z, Y, X) counts; None before the first plane."""
        if self._estimator.volume is None:
            return None
        return self._reconstruct()

    def describe(self) -> dict[str, Any]:
        """As of the estimator."""
        return self._estimator.describe()

    def bytes_needed(self, shape: tuple[int, int], planes: int) -> int:
        """As of the estimator, and of what the spread takes."""
        more = 4 * _VOLUMES * len(self.z_um) * shape[0] * shape[1]
        return self._estimator.bytes_needed(shape, planes) + more

    @property
    def side_by_side(self) -> bool:
        """As of the estimator."""
        return self._estimator.side_by_side

    def survey(self, images: Sequence[NDArray[Any]]) -> None:
        """As of the estimator."""
        self._estimator.survey(images)

    def learnt(self) -> object:
        """As of the estimator."""
        return self._estimator.learnt()

    def settle(self, learnt: object) -> None:
        """As of the estimator."""
        self._estimator.settle(learnt)

    def compared(self) -> dict[str, Any]:
        """As of the estimator."""
        return self._estimator.compared()

    def add(self, image: NDArray[Any], z_um: float) -> Estimate:
        """As of the estimator: the volume in what it gives has no spread behind it."""
        return self._estimator.add(image, z_um)

    def add_all(
        self, images: Iterable[NDArray[Any]], z_um: Iterable[float]
    ) -> NDArray[np.float32]:
        """As of the estimator, (2 Z, Y, X) counts."""
        self._estimator.add_all(images, z_um)
        return self._reconstruct()

    def _reconstruct(self) -> NDArray[np.float32]:
        volume, spread = self._estimator.volume, spread_of(self._estimator)
        assert volume is not None
        if spread is None:
            spread = np.full_like(volume, np.nan)
        return np.concatenate((volume, spread))
