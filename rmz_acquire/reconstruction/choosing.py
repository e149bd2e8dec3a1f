"""Which scale of z, and how much of which volume: by planes predicted untaken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.reconstruction.candidates import (
    FEW_STEPS,
    LAYERS,
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

_MARGIN_DB = 1.0
"""Evidence that a scale needs over the nominal one, by one plane left out; of several,
chance is less."""

_PRIOR_DB = 4.0
"""Evidence that a scale e times the nominal one has to make up for besides."""

_WORSE_DB = 1.0
"""More that a scale may leave of all planes and still be asked to predict one."""

_TRIED = 2
"""Scales at most that are asked: those that leave least."""


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
        """Take the scale that explains all planes and predicts those left out best.

        Neither is enough with few planes. Predicted from few others, they prefer less
        blur than there is; explained together, they are at almost any scale.
        """
        nominal = SCALES[0]
        left = {
            scale: self._left_out.unexplained(given, scale, TO_SCALE)
            for scale in self._scales
        }
        best, most = nominal, 0.0
        if min(left.values()) > 0:
            less = {s: _db(left[nominal] / left[s]) for s in self._scales}
            others = [s for s in self._scales[1:] if less[s] > -_WORSE_DB]
            tried = sorted(others, key=lambda s: -less[s])[:_TRIED]
            self._predict(given, places, tried)
            for scale in tried:
                gains = self._gains[scale][-_LATEST:]
                if not gains:
                    continue
                needed = _MARGIN_DB / math.sqrt(len(gains))
                needed += _PRIOR_DB * math.log(scale / nominal) ** 2
                told = less[scale] + sum(gains) / len(gains) - needed
                if told > most:
                    best, most = scale, told
        if best != self.z_scale:
            self.z_scale = best
            self.candidates.forget()

    def _predict(
        self, given: Given, places: Sequence[int], scales: Sequence[float]
    ) -> None:
        """Note what layers at some scales gain over the nominal one on planes, dB."""
        for place in places if scales else ():
            errors = []
            for scale in (SCALES[0], *scales):
                plane, made = self._left_out.predict(given, place, scale, TO_SCALE)
                errors.append(float(np.mean((made[LAYERS] - plane) ** 2)))
            if min(errors) > 0:
                for scale, error in zip(scales, errors[1:], strict=True):
                    self._gains[scale].append(_db(errors[0] / error))

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
            self.candidates.see(
                plane, made, noise * binned, len(z_um), weight, left_out=True
            )


def _db(ratio: float) -> float:
    return 10 * math.log10(ratio)


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
