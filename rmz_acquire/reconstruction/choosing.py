"""Which scale of z, and how much of which volume: by planes predicted untaken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.reconstruction.left_out import LeftOut, Trial

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from rmz_acquire.reconstruction.likelihood import Steps

__all__ = ["Choice"]

SCALES = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Steps of the focus over steps of the stage that are tried: the nominal one first."""

TO_SCALE: Steps = ((4, 30),)
TO_WEIGH: Steps = ((4, 40), (2, 10))

MOST_PLANES = 8
"""With more, the scale stands, and planes are predicted as they come only."""

_AT_ONCE = 3
"""Planes left out at most, where several came at once."""

_LATEST = 4
"""Trials that count."""

_MARGIN_DB = 0.1
_MARGIN = 1.1
"""A scale has to gain so much more over the Wiener filter than the nominal one does,
and so many times as much: on a good model the error is nearly flat in the scale."""

_TRUST = 0.03
"""Share of the error by which both must differ before their mixture is weighed."""


class Choice:
    """What has been learnt so far from planes that were predicted.

    Parameters
    ----------
    left_out : LeftOut
        Predicts planes from the others.

    Attributes
    ----------
    z_scale : float
        Steps of the focus over steps of the stage.
    """

    def __init__(self, left_out: LeftOut) -> None:
        self._left_out = left_out
        self.z_scale = SCALES[0]
        self._gains: dict[float, list[float]] = {scale: [] for scale in SCALES}
        self._weighed: list[Trial] = []

    @property
    def weight(self) -> float:
        """Share of the layers' volume in the mixture with the Wiener filter's."""
        towards = apart = 0.0
        for trial in self._weighed[-_LATEST:]:
            if trial.linear > 0:
                towards += trial.towards / trial.linear
                apart += trial.apart / trial.linear
        return min(1.0, max(0.0, (towards + _TRUST) / (apart + _TRUST)))

    def gain_db(self, z_scale: float) -> float:
        """Mean gain over the Wiener filter on planes left out, dB; 0 before any."""
        gains = self._gains[z_scale][-_LATEST:]
        return sum(gains) / len(gains) if gains else 0.0

    def learn(self, light: Tensor, z_um: list[float], shift: float, new: int) -> None:
        """Leave inner planes out and see how well they are predicted.

        Parameters
        ----------
        light : Tensor
            (M, Y, X) counts above the background.
        z_um : list of float
            (M,) µm.
        shift : float
            As of the likelihood.
        new : int
            How many of them have come since the last time.
        """
        if len(z_um) > MOST_PLANES or not self._left_out.possible(TO_SCALE):
            return
        places = _inner(z_um, new)
        for place in places:
            for scale in SCALES:
                trial = self._left_out.trial(light, z_um, shift, place, scale, TO_SCALE)
                if trial.linear > 0 and trial.error > 0:
                    gain = 10 * math.log10(trial.linear / trial.error)
                    self._gains[scale].append(gain)
        nominal = self.gain_db(SCALES[0])
        best = max(SCALES, key=self.gain_db)
        if self.gain_db(best) < _MARGIN * max(nominal, 0.0) + _MARGIN_DB:
            best = SCALES[0]
        if best != self.z_scale:
            self.z_scale = best
            self._weighed.clear()
        for place in places:
            self._weighed.append(
                self._left_out.trial(light, z_um, shift, place, self.z_scale, TO_WEIGH)
            )

    def see(
        self,
        plane: NDArray[np.float32],
        ours: NDArray[np.float32],
        theirs: NDArray[np.float32],
    ) -> None:
        """Compare two predictions of a plane that was then taken, (Y, X) counts."""
        lack, apart = plane - theirs, ours - theirs
        self._weighed.append(
            Trial(
                error=float(np.mean((plane - ours) ** 2)),
                linear=float(np.mean(lack**2)),
                apart=float(np.mean(apart**2)),
                towards=float(np.mean(apart * lack)),
            )
        )


def _inner(z_um: list[float], new: int) -> list[int]:
    """Which planes to leave out: the newest that lie between others.

    Where the newest is at an end, the one in the middle of all is left out instead.
    """
    inside = [i for i, z in enumerate(z_um) if min(z_um) < z < max(z_um)]
    if not inside:
        return []
    fresh = [i for i in inside if i >= len(z_um) - new]
    if not fresh:
        middle = float(np.median(z_um))
        return [min(inside, key=lambda i: abs(z_um[i] - middle))]
    picked = np.linspace(0, len(fresh) - 1, min(len(fresh), _AT_ONCE)).round()
    return [fresh[int(i)] for i in picked]
