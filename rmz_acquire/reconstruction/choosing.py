"""Which scale of z, and how much of which volume: by planes predicted untaken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.reconstruction.candidates import (
    FEW_STEPS,
    LAYERS,
    WIENER,
    Candidates,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.reconstruction.left_out import LeftOut
    from rmz_acquire.reconstruction.likelihood import Given, Steps

__all__ = ["Choice"]

SCALES = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Scales of z that are tried, over that of the optics: the nominal one first."""

CALIBRATED = (1.0,)
"""Those over the scale of calibrated optics: a whole stack tells more than few planes
do, of which small pictures of spots prefer a wrong scale."""

TO_SCALE: Steps = ((4, 30),)
TO_WEIGH: Steps = ((4, 40), (2, 10))
TO_WEIGH_MANY: Steps = ((4, 150), (2, 40))
TO_WEIGH_FEW: Steps = ((4, 12), (2, 3))

SCHEDULES = (TO_SCALE, TO_WEIGH, TO_WEIGH_MANY, TO_WEIGH_FEW)
"""All of them."""

MOST_PLANES = 5
"""With more, the scale stands, and planes are predicted as they come: few steps are as
good as many while planes are far apart, and no judge when they are close."""

_STALE = 4
"""Planes after which one is left out all the same, where none lay between others."""

_LEAST_SPAN = 0.5
"""Share of the grid's length that the planes must span: what is seen at one end of a
specimen tells little about the rest."""

_AT_ONCE = 3
"""Planes left out at most, where several came at once."""

_LATEST = 4
"""Planes left out that count for the scale."""

_MARGIN_DB = 0.3
"""What a scale has to gain over the nominal one. Where that one predicts better than
the Wiener filter, its gain has to be doubled besides: a model whose scale is wrong
hardly beats the filter, and on one that does, small pictures of few blurred spots
prefer a wrong scale by as much as others the right one."""

_PRIOR_DB = 2.0
"""Gain that a scale e times the nominal one has to make up for, over the planes left
out: planes predicted from few others prefer less blur than there is."""


class Choice:
    """What has been learnt so far from planes that were predicted.

    Parameters
    ----------
    left_out : LeftOut
        Predicts planes from the others.

    Attributes
    ----------
    z_scale : float
        Steps of the focus over those that the optics tell for the stage.
    candidates : Candidates
        What has predicted how well.
    """

    def __init__(self, left_out: LeftOut) -> None:
        self._left_out = left_out
        self._scales = CALIBRATED if left_out.calibrated else SCALES
        self.z_scale = SCALES[0]
        self._gains: dict[float, list[float]] = {scale: [] for scale in self._scales}
        self.candidates = Candidates()

    def gain_db(self, z_scale: float) -> float:
        """Mean gain over the Wiener filter on planes left out, dB; 0 before any."""
        gains = self._gains[z_scale][-_LATEST:]
        return sum(gains) / len(gains) if gains else 0.0

    def learn(self, given: Given, noise: float, new: int) -> None:
        """Leave inner planes out and see how well they are predicted.

        Parameters
        ----------
        given : Given
            All planes.
        noise : float
            Variance of a pixel's noise, squared counts.
        new : int
            How many of them have come since the last time.
        """
        z_um = given.z_um
        spread = (max(z_um) - min(z_um)) / self._left_out.span_um
        if spread < _LEAST_SPAN or not self._left_out.possible(TO_SCALE):
            return
        places = _inner(z_um, new)
        if len(z_um) > MOST_PLANES:
            if len(z_um) - self.candidates.latest_planes >= _STALE:
                self._weigh(given, places[:1], noise, (TO_WEIGH_MANY, TO_WEIGH))
            return
        if len(self._scales) > 1 and self._left_out.wide:
            self._scale(given, places)
        self._weigh(given, places, noise, (TO_WEIGH, TO_WEIGH_FEW))

    def _scale(self, given: Given, places: Sequence[int]) -> None:
        """Leave planes out at every scale, and take the one that they speak for."""
        for place in places:
            for scale in self._scales:
                plane, made = self._left_out.predict(given, place, scale, TO_SCALE)
                errors = [np.mean((made[n] - plane) ** 2) for n in (WIENER, LAYERS)]
                if min(errors) > 0:
                    gain = 10 * math.log10(errors[0] / errors[1])
                    self._gains[scale].append(gain)
        nominal = self.gain_db(SCALES[0])
        best = max(self._scales, key=self._likely)
        if self.gain_db(best) < nominal + max(nominal, 0.0) + _MARGIN_DB:
            best = SCALES[0]
        if best != self.z_scale:
            self.z_scale = best
            self.candidates.forget()

    def _likely(self, z_scale: float) -> float:
        """Mean gain, dB, less what the distance from the nominal scale costs."""
        planes = max(1, len(self._gains[z_scale][-_LATEST:]))
        away = math.log(z_scale / SCALES[0])
        return self.gain_db(z_scale) - _PRIOR_DB * away**2 / planes

    def _weigh(
        self,
        given: Given,
        places: Sequence[int],
        noise: float,
        steps: tuple[Steps, Steps],
    ) -> None:
        """Leave planes out and compare all candidates there."""
        many, few = steps
        for place in places:
            plane, made = self._left_out.predict(given, place, self.z_scale, many)
            other = self._left_out.predict(given, place, self.z_scale, few)[1]
            made = {**made, FEW_STEPS: other[LAYERS]}
            binned = plane.size / given.light[0].numel()
            z_um = given.z_um
            known = given.without(place).z_um
            weight = self._left_out.weight(z_um[place], known)
            self.candidates.see(plane, made, noise * binned, len(z_um), weight)


def _inner(z_um: Sequence[float], new: int) -> list[int]:
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
