"""An estimator for those who want the planes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.scanning.records import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["NoEstimator"]


class NoEstimator:
    """Stands where a plane is taken for itself and no volume is made of it."""

    name = "none"
    volume: NDArray[np.float32] | None = None

    def __init__(self, z_um: Sequence[float]) -> None:
        self.z_um = np.asarray(z_um, dtype=np.float64)
        self.planes_taken = 0

    def add(self, image: NDArray[Any], z_um: float) -> Estimate:
        """Count the plane."""
        self.planes_taken += 1
        nothing = np.zeros((0, *image.shape), np.float32)
        return Estimate(nothing, None, None, None, 0.0, 0.0)

    def describe(self) -> dict[str, Any]:
        """Nothing to describe."""
        return {"estimator": None, "model": None, "model_sha256": None, "optics": None}
