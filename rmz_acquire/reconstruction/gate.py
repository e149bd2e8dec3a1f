"""How much of a second volume goes into a first: by planes that both predicted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Gate"]

_TRUST = 0.05
"""Share of the first one's error by which the second must differ to be weighed."""

_PARTS = 4
"""Parts of a plane along a side: how far apart they are tells what is chance."""

_FADING = 0.6
"""Weight of a plane over that of the next one."""


class Gate:
    """The share that a second prediction has earned, none before any plane.

    Of all mixtures, the one with the least squared error on the planes predicted so
    far, the latest first, drawn towards the first prediction: by one standard error of
    what the second gains, over parts of each plane, and a little more. One bright spot
    that happens to be predicted better is no gain everywhere.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[float, float, float]] = []

    def see(
        self,
        plane: NDArray[np.float32],
        first: NDArray[np.float32],
        second: NDArray[np.float32],
    ) -> None:
        """Compare two predictions of a plane that was then taken.

        Parameters
        ----------
        plane, first, second : ndarray
            (Y, X) counts.
        """
        lack = (plane - first).astype(np.float64)
        apart = (second - first).astype(np.float64)
        error = float(np.mean(lack**2))
        if error > 0:
            towards = apart * lack
            sure = float(np.mean(towards)) - _standard_error(towards)
            moments = sure, float(np.mean(apart**2))
            gain = error - float(np.mean((plane - second).astype(np.float64) ** 2))
            self._seen.append((moments[0] / error, moments[1] / error, gain / error))

    @property
    def share(self) -> float:
        """Of the second in the mixture, 0 to 1."""
        towards = apart = 0.0
        for back, (lack, distance, _) in enumerate(reversed(self._seen)):
            towards += _FADING**back * lack
            apart += _FADING**back * distance
        if not self._seen:
            return 0.0
        return min(1.0, max(0.0, towards / (apart + _TRUST)))

    @property
    def gain_db(self) -> float | None:
        """What the second gained on the latest plane, dB; None before any."""
        if not self._seen:
            return None
        return float(-10 * np.log10(max(1 - self._seen[-1][2], 1e-6)))


def _standard_error(values: NDArray[np.float64]) -> float:
    """Of the mean over a plane, from that of its parts; 0 where it has but one."""
    parts = [
        part.mean()
        for rows in np.array_split(values, _PARTS)
        for part in np.array_split(rows, _PARTS, axis=1)
        if part.size
    ]
    if len(parts) < 2:
        return 0.0
    return float(np.std(parts, ddof=1)) / math.sqrt(len(parts))
