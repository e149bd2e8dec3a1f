"""What a model of the microscope leaves of the planes, beyond their noise.

The object that an estimator found is blurred again, and compared with the planes that
it was found in. What is left is averaged over a few pixels: the finest detail of bright
points is never wholly explained, whatever the optics, while wrong optics put light into
wrong places at every scale. And what it predicted before a plane was taken is compared
with linear interpolation, which knows no optics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning.model_fit import Misfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["ModelFit"]

_COARSE_PX = 4
"""Pixels along a side that are averaged."""

_SLACK = 1.2
"""Times its estimate that is taken out for the noise, which is rather too low."""


class ModelFit:
    """Adds up how well a model explains planes, and has predicted them.

    Parameters
    ----------
    model : str
        A key of `rmz_acquire.scanning.model_fit.LIMITS`.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._missed = self._interpolated = 0.0
        self._predicted = 0
        self._left = self._structure = 0.0

    def predicted(
        self,
        plane: NDArray[np.float32],
        made: NDArray[np.float32],
        between: NDArray[np.float32],
        noise: float,
    ) -> None:
        """Compare a plane between others with what was predicted of it.

        Parameters
        ----------
        plane, made, between : ndarray
            (Y, X) counts: itself, by the model, and by linear interpolation.
        noise : float
            Variance of a pixel's noise in the plane, squared counts.
        """
        error = _mean_square(made - plane) - _SLACK * noise
        self._missed += max(error, 0.0)
        self._interpolated += _mean_square(between - plane)
        self._predicted += 1

    def explained(
        self,
        planes: NDArray[np.float32],
        made: NDArray[np.float32],
        noise: Sequence[float],
    ) -> None:
        """Compare all planes with the object found, blurred again.

        Parameters
        ----------
        planes, made : ndarray
            (M, Y, X) counts.
        noise : sequence of float
            Variance of a pixel's noise in each, squared counts.
        """
        left = planes - made
        rows, columns = (min(_COARSE_PX, n) for n in left.shape[1:])
        down, across = left.shape[1] // rows, left.shape[2] // columns
        cut = left[:, : down * rows, : across * columns]
        coarse = cut.reshape(len(left), down, rows, across, columns).mean((2, 4))
        expected = _SLACK * sum(noise) / (rows * columns)
        self._left = max(len(left) * _mean_square(coarse) - expected, 0.0)
        self._structure = float(planes.var((1, 2), dtype=np.float64).sum())

    @property
    def misfit(self) -> Misfit:
        """What was found so far."""
        return Misfit(
            self._model,
            self._left,
            self._structure,
            self._missed,
            self._interpolated,
            self._predicted,
        )


def _mean_square(x: NDArray[np.float32]) -> float:
    return float(np.mean(np.square(x), dtype=np.float64))
