"""Which estimate earns its place: every plane is predicted before it is taken.

Several estimates of one volume predict a plane; once it is there, their errors are
known, and with them the convex mixture that would have predicted best. With errors
e_i = v_i - I of the candidates, on the latest planes t, the shares s minimise

    sum_t w_t |sum_i s_i e_i,t|^2 / c_t + trust |s - s_0|^2,   s_i >= 0, sum_i s_i = 1,

where c_t is the squared error of the reference and w_t how much the plane counts.

Noise of the plane adds the same to every <e_i, e_j>: as the shares sum to 1, it does
not move them.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "FEW_STEPS",
    "LAYERS",
    "LINEAR",
    "UNSEEN",
    "WIENER",
    "Candidates",
    "convex_shares",
    "latest_ratio",
    "relative_errors",
]

LINEAR = "linear"
WIENER = "wiener"
FEW_STEPS = "richardson-lucy, few steps"
LAYERS = "richardson-lucy"

_LATEST = 4
"""Planes that count."""

UNSEEN = {LAYERS: 0.5, FEW_STEPS: 0.25, WIENER: 0.25}
"""Shares before any plane has been predicted. Errors of candidates are alike in part
only: a mixture is never worse than the worst, and often close to the best."""

_TRUST = 0.2
"""Weight of these shares, over that of one plane whose errors are as large as those of
the reference: one plane can mislead by 3 dB."""

_MOST_LINEAR = 0.05
"""Share of interpolation where a plane had to be left out to see it: with few planes
it does as well as any across a gap twice as wide, and worst of all in the real one."""

_LEAST_LACK = 0.02
"""Share of an error that is not taken for noise."""

_LEAST_SHARE = 0.02
"""What is worth less is left out: each costs a volume."""


class Candidates:
    """How well several estimates have predicted the latest planes.

    Parameters
    ----------
    reference : str
        Whose error is the unit of all errors.
    """

    def __init__(self, reference: str = WIENER) -> None:
        self._reference = reference
        #: How many planes there were when the latest one was compared.
        self.latest_planes = 0
        self._seen: list[tuple[tuple[str, ...], NDArray[np.float64], bool]] = []

    def see(
        self,
        plane: NDArray[np.float32],
        predicted: Mapping[str, NDArray[np.float32]],
        noise: float,
        planes: int = 0,
        weight: float = 1.0,
        left_out: bool = False,
    ) -> None:
        """Compare predictions of a plane with the plane.

        Parameters
        ----------
        plane : ndarray
            (Y, X) counts.
        predicted : mapping of str to ndarray
            (Y, X) counts, of every candidate that predicted it.
        noise : float
            Variance of a pixel's noise in the plane, squared counts.
        planes : int
            How many planes there are now, for `latest_planes`.
        weight : float
            How much the plane counts, 0 to 1.
        left_out : bool
            Whether it was predicted from the others after it had been taken.
        """
        self.latest_planes = planes
        names = tuple(predicted)
        errors = np.stack([(predicted[name] - plane).ravel() for name in names])
        gram = (errors @ errors.T).astype(np.float64) / plane.size
        here = names.index(self._reference)
        lack = max(gram[here, here] - noise, _LEAST_LACK * gram[here, here])
        if lack > 0:
            self._seen.append((names, weight * gram / lack, left_out))

    def forget(self) -> None:
        """Drop what is known: the estimates are made otherwise from now on."""
        self._seen.clear()

    @property
    def shares(self) -> dict[str, float]:
        """Share of every candidate in the volume; they sum to 1.

        Only those that predicted all of the latest planes have any.
        """
        latest = self._seen[-_LATEST:]
        if not latest:
            return dict(UNSEEN)
        names = [n for n in latest[-1][0] if all(n in each[0] for each in latest)]
        gram = np.zeros((len(names), len(names)))
        for known, products, _ in latest:
            places = [known.index(name) for name in names]
            gram += products[np.ix_(places, places)]
        shares = _mixed(gram, names)
        most = _MOST_LINEAR if any(left_out for *_, left_out in latest) else 1.0
        if LINEAR in names and shares[names.index(LINEAR)] > most:
            rest = [i for i, name in enumerate(names) if name != LINEAR]
            shares[:] = most
            others = _mixed(gram[np.ix_(rest, rest)], [names[i] for i in rest])
            shares[rest] = (1 - most) * others
        shares[shares < _LEAST_SHARE] = 0
        shares /= shares.sum()
        return dict(zip(names, shares.tolist(), strict=True))


def _mixed(gram: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64]:
    """Shares of some candidates, by the products of their errors."""
    first = np.array([UNSEEN.get(name, 0.0) for name in names])
    return convex_shares(gram, first / first.sum(), _TRUST)


def relative_errors(
    plane: NDArray[np.float32],
    predicted: Mapping[str, NDArray[np.float32]],
    dark: float,
    noise: float = 0.0,
) -> dict[str, float]:
    """RMS errors of predictions of a plane, over the plane's own RMS above the dark.

    The plane's own noise, which nothing predicts, is taken out.

    Parameters
    ----------
    plane : ndarray
        (Y, X) counts.
    predicted : mapping of str to ndarray
        (Y, X) counts, of every candidate.
    dark : float
        Counts that mean no light.
    noise : float
        Variance of a pixel's noise in the plane, squared counts.

    Returns
    -------
    dict of str to float
        Of every candidate; empty for a plane without light.
    """
    light = float(np.mean((plane - dark) ** 2))
    if light <= 0:
        return {}
    errors = {n: float(np.mean((m - plane) ** 2)) for n, m in predicted.items()}
    return {
        name: math.sqrt(max(error - noise, _LEAST_LACK * error) / light)
        for name, error in errors.items()
    }


def latest_ratio(compared: Sequence[tuple[float, float]]) -> float:
    """RMS error of the latest predictions over what was expected of them.

    Parameters
    ----------
    compared : sequence of (float, float)
        Mean squared errors, found and expected, in the order of the planes.

    Returns
    -------
    float
        Geometric mean, each plane half of the one after it; 1 before any.
    """
    log_ratio = weights = 0.0
    for back, (found, expected) in enumerate(reversed(compared)):
        if found > 0 and expected > 0:
            log_ratio += 0.5**back * math.log(found / expected) / 2
            weights += 0.5**back
    return math.exp(log_ratio / weights) if weights else 1.0


def convex_shares(
    gram: NDArray[np.float64], first: NDArray[np.float64], trust: float
) -> NDArray[np.float64]:
    """Solve for the shares of a mixture, exactly.

    Parameters
    ----------
    gram : ndarray
        (n, n) products of the candidates' errors, positive semidefinite.
    first : ndarray
        (n,) shares to be drawn to; not negative, they sum to 1.
    trust : float
        How strongly; above 0.

    Returns
    -------
    ndarray
        (n,) not negative, they sum to 1.
    """
    n = len(first)
    curved = gram + trust * np.eye(n)
    best, least = first, np.inf
    # Few candidates: every set of those with a share is tried.
    for size in range(1, n + 1):
        for chosen in combinations(range(n), size):
            part = list(chosen)
            inverse = np.linalg.inv(curved[np.ix_(part, part)])
            free = inverse @ (trust * first[part])
            ones = inverse.sum(1)
            shares = np.zeros(n)
            shares[part] = free + ones * (1 - free.sum()) / ones.sum()
            if shares.min() < 0:
                continue
            cost = shares @ curved @ shares - 2 * trust * shares @ first
            if cost < least:
                best, least = shares, float(cost)
    return np.array(best)
