"""Camera counts to the numbers a network is trained on, and back.

The paper normalises with the extended-depth-of-field image of the full stack, which a
scan does not have while it runs. Here background and scale come from the planes at
hand, in training exactly as live; both follow a change of offset or gain, so that a
brighter or offset copy of a specimen gives the same normalised planes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Normalisation"]

BACKGROUND_PERCENTILE = 1.0


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Background and scale, both in camera counts.

    Parameters
    ----------
    background : float
        Counts that become 0.
    scale : float
        Counts above the background that become 1; positive.
    """

    background: float
    scale: float

    @classmethod
    def of(cls, planes: NDArray[Any]) -> Normalisation:
        """Estimate both from planes.

        The background is the 1st percentile of all pixels, the scale their standard
        deviation. A scale by the brightest spots would hang on which of them are in
        focus so far, and leave the blurred rest too faint beside the propagation
        matrix for a network to see.

        Parameters
        ----------
        planes : ndarray
            (M, Y, X) counts.

        Returns
        -------
        Normalisation
        """
        background = float(np.percentile(planes, BACKGROUND_PERCENTILE))
        scale = float(np.std(planes, dtype=np.float64))
        # A plane without any structure has no scale of its own: leave its counts.
        return cls(background, scale if scale > 0 else 1.0)

    def apply(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """Counts to normalised values, float32."""
        return ((counts - np.float32(self.background)) / self.scale).astype(np.float32)

    def undo(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised values to counts, float32."""
        return (values * np.float32(self.scale)) + np.float32(self.background)

    def fits(self, other: Normalisation, tolerance: float) -> bool:
        """Whether `other` differs by no more than a share of this scale."""
        shift = abs(other.background - self.background)
        change = abs(other.scale - self.scale)
        return max(shift, change) <= tolerance * self.scale
