"""How much of a second volume goes into a first: what is granted, and what is earned.

The second is the first and what a network changes in it. Two things tell whether that
will do good before any plane has been predicted: how much fine detail there is in the
planes, for the network sharpens points and lines and spoils smooth bodies, which the
first one knows better; and whether it contradicts planes that were taken. Planes that
both predicted then lower the share that was granted, or earn one that was not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Gate", "contradiction", "fine_detail"]

_TRUST = 0.1
"""Weight of what is granted, over that of a plane that the second predicts as far from
the first as the first is from the plane."""

_CERTAIN = 2.0
"""Standard errors by which a gain has to be certain, where nothing is granted."""

_ENOUGH = 3
"""Planes from which on they may raise the share above what is granted. The first ones
lie twice as far from others as the volume does now: there, a network gains on smooth
bodies, by more than two standard errors, that it spoils nearer to planes."""

_FADING = 0.6
"""Weight of a plane over that of the next one."""

_LEAST_LACK = 0.02
"""Share of an error that is not taken for noise."""

_DETAIL = 0.10, 0.16
"""Fine detail up to which nothing, and from which on all is granted. At 20x/0.75 nuclei
have 0.03 to 0.07, filaments 0.19 to 0.28, beads 0.5 to 0.8."""

_CONTRADICTED = 1.6, 2.1
"""Contradiction up to which all, and from which on nothing is granted. Simulated stacks
have 0.4 to 1.2, in bright light up to 2, real ones on which the network loses 1.9 to
3.3."""

_PARTS = 4
"""Parts of a plane along a side: how far apart they are tells what is chance."""

_DETAIL_SIDES = 8.4
"""Side of the square over which what is no detail is averaged, over the resolution."""

_FAINT = 0.05
"""Share of the noise of a plane beside which what there is to see counts for little."""

_COARSE_PX = 4
"""Pixels along a side that are averaged before a contradiction is looked for."""


class Gate:
    """The share of the second prediction in the mixture; none before anything is told.

    Of all mixtures, the one with the least squared error on the planes predicted so
    far, the latest first, drawn towards the share that is granted without them. The
    less that is, the more certain has a gain to be: standard errors, over parts of each
    plane, are taken off, since one bright spot that happens to be predicted better is
    no gain everywhere. Above it is only gone after a few planes.
    """

    def __init__(self) -> None:
        self._granted = 0.0
        self._seen: list[tuple[float, float, float, float]] = []

    def grant(self, detail: float, contradicted: float) -> None:
        """Tell what holds without planes that were predicted.

        Parameters
        ----------
        detail : float
            As of `fine_detail`. Where there is little, nothing is granted.
        contradicted : float
            As of `contradiction`. Where there is much, nothing is granted, either.
        """
        kind = float(np.interp(detail, _DETAIL, (0.0, 1.0)))
        self._granted = kind * float(np.interp(contradicted, _CONTRADICTED, (1.0, 0.0)))

    def see(
        self,
        plane: NDArray[np.float32],
        first: NDArray[np.float32],
        second: NDArray[np.float32],
        noise: float = 0.0,
    ) -> None:
        """Compare two predictions of a plane that was then taken.

        Parameters
        ----------
        plane, first, second : ndarray
            (Y, X) counts.
        noise : float
            Variance of a pixel's noise in the plane, squared counts.
        """
        lack = (plane - first).astype(np.float64)
        apart = (second - first).astype(np.float64)
        error = float(np.mean(lack**2))
        if error > 0:
            towards, distance = float(np.mean(apart * lack)), float(np.mean(apart**2))
            without = max(error - noise, _LEAST_LACK * error)
            gain = (2 * towards - distance) / error
            chance = _standard_error(apart * lack)
            self._seen.append(
                (towards / without, chance / without, distance / without, gain)
            )

    @property
    def share(self) -> float:
        """Of the second in the mixture, 0 to 1."""
        towards, apart = _TRUST * self._granted, _TRUST
        off = _CERTAIN * (1 - self._granted)
        for back, (lack, chance, distance, _) in enumerate(reversed(self._seen)):
            towards += _FADING**back * (lack - off * chance)
            apart += _FADING**back * distance
        most = self._granted if len(self._seen) < _ENOUGH else 1.0
        return min(most, max(0.0, towards / apart))

    @property
    def gain_db(self) -> float | None:
        """What the second gained on the latest plane, dB; None before any."""
        if not self._seen:
            return None
        return float(-10 * np.log10(max(1 - self._seen[-1][-1], 1e-6)))


def fine_detail(
    planes: NDArray[np.float32], resolution_px: float, noise: float
) -> float:
    """Share of the variance of planes that a local average leaves.

    Parameters
    ----------
    planes : ndarray
        (M, Y, X) counts, with little noise: as an estimate has them.
    resolution_px : float
        Wavelength over twice the NA, pixels.
    noise : float
        Variance of a pixel's noise in planes as they were taken, squared counts.

    Returns
    -------
    float
        0, smooth bodies, to 1, points; near 0 for an empty field, too.
    """
    side = 2 * max(1, round((_DETAIL_SIDES * resolution_px - 1) / 2)) + 1
    smooth = functional.avg_pool2d(
        torch.from_numpy(planes)[:, None],
        side,
        stride=1,
        padding=side // 2,
        count_include_pad=False,
    )[:, 0].numpy()
    whole = float(planes.var((1, 2), dtype=np.float64).mean()) + _FAINT * noise
    left = float(np.mean(np.square(planes - smooth), dtype=np.float64))
    return left / whole if whole > 0 else 0.0


def contradiction(planes: NDArray[np.float32], made: NDArray[np.float32]) -> float:
    """How far a volume is from being what planes that were taken show but for noise.

    Parameters
    ----------
    planes, made : ndarray
        (M, Y, X) counts: themselves, and what the volume has there.

    Returns
    -------
    float
        Mean square of what is left, averaged over small squares, over that which it
        would have as noise. Up to 1 where nothing else is left, and where the volume
        has taken some of the noise; 0 where nothing is left.
    """
    left = torch.from_numpy(planes - made)
    square = tuple(min(_COARSE_PX, n) for n in planes.shape[1:])
    coarse = functional.avg_pool2d(left[None], square).double().square().mean()
    whole = float(left.double().square().mean())
    return math.prod(square) * float(coarse) / whole if whole > 0 else 0.0


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
