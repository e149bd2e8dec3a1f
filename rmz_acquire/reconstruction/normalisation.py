"""Camera counts to the numbers a network is trained on, and back.

The paper normalises with the extended-depth-of-field image of the full stack, which a
scan does not have while it runs. Here background and scale come from the planes at
hand, in training exactly as live; both follow a change of offset or gain, so that a
brighter or offset copy of a specimen gives the same normalised planes. The paper's way
is there as the kind "edf": on the full stack in training, on the planes at hand live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rmz_acquire.reconstruction.extended_focus import (
    extended_focus,
    triangle_threshold,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Normalisation", "NormalisationKind"]

NormalisationKind = Literal["live", "edf"]

BACKGROUND_PERCENTILE = 1.0
FOREGROUND_PERCENTILE = 99.0


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
    def of(
        cls, planes: NDArray[Any], kind: NormalisationKind = "live"
    ) -> Normalisation:
        """Estimate both from planes.

        With "live" the background is the 1st percentile of all pixels, the scale their
        standard deviation. A scale by the brightest spots would hang on which of them
        are in focus so far, and leave the blurred rest too faint beside the propagation
        matrix for a network to see. With "edf", as in Methods 4.1 of the paper, the
        triangle threshold parts the extended depth of field image; its background's
        mean is the shift, the 99th percentile of its foreground the scale.

        Parameters
        ----------
        planes : ndarray
            (M, Y, X) counts.
        kind : {"live", "edf"}
            How.

        Returns
        -------
        Normalisation
        """
        if kind == "edf":
            return cls._of_extended_focus(planes)
        background = float(np.percentile(planes, BACKGROUND_PERCENTILE))
        scale = float(np.std(planes, dtype=np.float64))
        # A plane without any structure has no scale of its own: leave its counts.
        return cls(background, scale if scale > 0 else 1.0)

    @classmethod
    def _of_extended_focus(cls, planes: NDArray[Any]) -> Normalisation:
        picture = extended_focus(planes)
        bright = picture > triangle_threshold(picture)
        if not bright.any() or bright.all():
            return cls(float(picture.mean()), 1.0)
        background = float(picture[~bright].mean())
        top = float(np.percentile(picture[bright], FOREGROUND_PERCENTILE))
        return cls(background, top - background if top > background else 1.0)

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
