"""The Wiener estimate behind the estimators' Protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.filters import wiener_filter
from rmz_acquire.reconstruction.interpolation import interpolated
from rmz_acquire.reconstruction.misfit import ModelFit

if TYPE_CHECKING:
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
        super().__init__(z_um, optics)
        self._optics = optics
        self._filter = wiener_filter(optics, self.z_um)
        self._error: NDArray[np.float32] | None = None
        self._tested: NDArray[np.float32] | None = None
        self._fit = ModelFit(self.name)
        self._noise: list[float] = []

    @property
    def predicted_error(self) -> NDArray[np.float32] | None:
        """Predicted RMS error of every output plane, (Z,) counts; None before any."""
        return self._error

    def _candidates(self) -> dict[str, Any]:
        return {"misfit": self._fit.misfit, "tested_error": self._tested}

    def _look_back(self) -> None:
        """Compare planes between others with what was predicted of them."""
        before, n = self._volume, len(self._noise)
        known = np.array(self._at_um[:n])
        for image, z in zip(self._images[n:], self._at_um[n:], strict=True):
            self._noise.append(self.noise_in(image))
            if before is not None and known.min() < z < known.max():
                linear = interpolated(self.planes[:n], known, np.array([z]))[0]
                made = self._at(before, z)
                self._fit.predicted(image, made, linear, self._noise[-1])

    def _scaled(
        self, error: NDArray[np.float32], ratio: NDArray[np.float64]
    ) -> NDArray[np.float32] | None:
        """Scale errors along z by a ratio at the planes; None of a single plane."""
        if len(ratio) < 2:
            return None
        order = np.argsort(self.planes_z_um, kind="stable")
        at, log_ratio = self.planes_z_um[order], np.log(ratio[order])
        return error * np.exp(np.interp(self.z_um, at, log_ratio)).astype(np.float32)

    def _reconstruct(self) -> NDArray[np.float32]:
        self._look_back()
        result = self._filter.estimate(
            torch.from_numpy(self.planes),
            torch.from_numpy(self.planes_z_um),
            leave_out=True,
        )
        self._error = result.error.numpy()
        assert result.left_out is not None
        self._tested = self._scaled(self._error, result.left_out.numpy())
        volume: NDArray[np.float32] = result.volume.numpy()
        again = np.stack([self._at(volume, z) for z in self._at_um])
        self._fit.explained(self.planes, again, self._noise)
        return volume
