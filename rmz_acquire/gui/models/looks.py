"""What is computed of pictures before they are drawn, off the GUI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["contrast_along_z", "levels_of"]


def levels_of(values: NDArray[Any]) -> tuple[float, float]:
    """Black and white for a picture or a volume, from a part of its values."""
    part = values[tuple(slice(None, None, 1 + n // 64) for n in values.shape)]
    low, high = np.percentile(part, (0.5, 99.9))
    return float(low), float(max(high, low + 1))


def contrast_along_z(volume: NDArray[Any]) -> NDArray[np.float64]:
    """Standard deviation of every plane, (Z,), from a quarter of its pixels."""
    contrast: NDArray[np.float64] = volume[:, ::2, ::2].std(axis=(1, 2))
    return contrast
