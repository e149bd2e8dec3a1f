"""The Wiener estimate behind the estimators' Protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.filters import wiener_filter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.optics import Optics

__all__ = ["WienerEstimator"]


class WienerEstimator(VolumeEstimator):
    """The best linear estimate from the optics alone: no training, any objective.

    Parameters
    ----------
    z_um : array_like
        (Z,) ascending output grid, µm.
    optics : Optics
        The microscope.
    """

    name = "wiener"

    def __init__(self, z_um: ArrayLike, optics: Optics) -> None:
        super().__init__(z_um)
        self._optics = optics
        self._filter = wiener_filter(optics, self.z_um)
        self._error: NDArray[np.float32] | None = None

    @property
    def predicted_error(self) -> NDArray[np.float32] | None:
        """Predicted RMS error of every output plane, (Z,) counts; None before any."""
        return self._error

    def describe(self) -> dict[str, Any]:
        """What this estimator is, for summary.json."""
        return super().describe() | {"optics": self._optics.model_dump()}

    def _reconstruct(self) -> NDArray[np.float32]:
        result = self._filter.estimate(
            torch.from_numpy(self.planes), torch.from_numpy(self.planes_z_um)
        )
        self._error = result.error.numpy()
        volume: NDArray[np.float32] = result.volume.numpy()
        return volume
