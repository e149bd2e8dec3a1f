"""Where the next plane is taken.

A policy sees the plan when it is made and the observations so far when it is asked;
it answers with a z of the grid, or None where it has nothing left to ask for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.plugins import POLICY, load
from rmz_acquire.scanning.foreign import own_policy
from rmz_acquire.scanning.surprise import surprise_along_z

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import Placed, Policy
    from rmz_acquire.scanning.records import Plane

__all__ = [
    "POLICIES",
    "Bisect",
    "Disagreement",
    "ExactList",
    "LargestError",
    "Uniform",
    "largest_gap",
    "make_policy",
]

_ROUNDING_UM = 1e-9


class _ByPlace(ABC):
    """A policy that knows the next z before the estimate: no estimate decides it."""

    @abstractmethod
    def next_z(self, taken: Sequence[Placed]) -> float | None:
        """Give the next z."""

    def z_ahead(self, taken: Sequence[Observation], plane: Plane) -> float | None:
        """Give the z that follows a plane if the scan goes on."""
        return self.next_z([*taken, plane])


class ExactList(_ByPlace):
    """Exactly the z that the plan lists, in its order."""

    def __init__(self, plan: ScanPlan) -> None:
        self._z_um = plan.z_exact_um or ()

    def next_z(self, taken: Sequence[Placed]) -> float | None:
        """Give the next z of the list."""
        return _next_of(self._z_um, taken)


class Uniform(_ByPlace):
    """Equal spacing, the paper's choice: `max_planes` cell centres of the range.

    They are taken in a spread order, so that a scan that stops early has still seen
    the whole range: the middle one first, then always the one farthest from those
    before it; where two are as far, the one farther from the last. For seven that is
    3, 0, 6, 1, 5, 2, 4.
    """

    def __init__(self, plan: ScanPlan) -> None:
        grid = np.asarray(plan.z_um)
        places = cell_centres(grid, min(plan.max_planes, len(grid)))
        number = np.arange(len(places))
        order = [len(places) // 2]
        away = np.abs(number - order[0])
        while len(order) < len(places):
            # away decides, then the distance from the last, then the lower number
            last = np.abs(number - order[-1])
            order.append(int(np.argmax(away * len(places) + last)))
            away = np.minimum(away, np.abs(number - order[-1]))
        self._z_um = [float(places[i]) for i in order]

    def next_z(self, taken: Sequence[Placed]) -> float | None:
        """Give the next of the equally spaced z."""
        return _next_of(self._z_um, taken)


class Bisect(_ByPlace):
    """The middle of the largest gap.

    The first planes at equally spaced cell centres, from the lowest up; then the z of
    the grid that is farthest from every plane taken (its z as read back). Of those as
    far, one between two taken planes comes before one at an end of the range, and the
    lower before the higher: a plane at an end tells of one side only, changes the
    volume little, and would let a scan converge before its middle was looked at.
    A z that was asked for once is not asked for again, so a stage that does not move
    cannot hold the scan at one place.
    """

    def __init__(self, plan: ScanPlan) -> None:
        self._grid = np.asarray(plan.z_um)
        count = min(plan.first_planes, len(self._grid))
        self._first = [float(z) for z in cell_centres(self._grid, count)]

    def next_z(self, taken: Sequence[Placed]) -> float | None:
        """Give the next first plane, or the z farthest from all taken planes."""
        first = _next_of(self._first, taken)
        return largest_gap(self._grid, taken) if first is None else first


class _Promising(ABC):
    """Where a number that the estimator tells of every z of the grid is largest.

    The first planes as `Bisect`; with nothing told yet, it bisects on. At each plane
    that was predicted, its innovation, in counts, is held against what was told there:
    where the estimator was too sure, neighbours count for more.
    """

    def __init__(self, plan: ScanPlan) -> None:
        self._grid = np.asarray(plan.z_um)
        self._range_um = plan.range_um
        self._cost = plan.travel_cost
        self._bisect = Bisect(plan)
        self._first = min(plan.first_planes, len(self._grid))

    def next_z(self, taken: Sequence[Observation]) -> float | None:
        """Give the z with the most to be gained, less what the way there costs."""
        told = self.told(taken[-1]) if taken else None
        if told is None or len(taken) < self._first:
            return self._bisect.next_z(taken)
        asked = np.array([plane.z_requested_um for plane in taken])
        seen = np.array([plane.z_um for plane in taken])
        gain = np.asarray(told) * self._surprise(taken)
        away = np.abs(self._grid - taken[-1].z_um) / self._range_um
        gain = gain / (1 + self._cost * away)
        near = np.abs(self._grid[:, None] - seen).min(1) < _ROUNDING_UM
        gain[near | np.isin(self._grid, asked)] = -1
        best = int(np.argmax(gain))
        return None if gain[best] < 0 else float(self._grid[best])

    @staticmethod
    @abstractmethod
    def told(plane: Observation) -> tuple[float, ...] | None:
        """What the estimator told with this plane, (Z,) counts."""

    def _surprise(self, taken: Sequence[Observation]) -> NDArray[np.float64]:
        """(Z,) error over what was told, from the planes that were predicted."""
        at, ratio = [], []
        for before, plane in pairwise(taken):
            told = self.told(before)
            light = plane.frame.mean - plane.frame.background
            if told is None or not plane.innovation or light <= 0:
                continue
            expected = float(np.interp(plane.z_um, self._grid, told))
            if expected > 0:
                at.append(plane.z_um)
                ratio.append(np.log(plane.innovation * light / expected))
        if not at:
            return np.ones(len(self._grid))
        middle = float(np.median(ratio))
        mean = surprise_along_z(
            self._grid,
            np.array(at),
            np.array(ratio),
            middle,
            planes=max(len(taken), self._first),
        )
        surprise: NDArray[np.float64] = np.exp(np.clip(mean - middle, -1, 1))
        return surprise


class LargestError(_Promising):
    """Where the predicted error is largest, scaled by the innovations so far."""

    @staticmethod
    def told(plane: Observation) -> tuple[float, ...] | None:
        """Give the predicted error."""
        return plane.predicted_error


class Disagreement(_Promising):
    """Where the estimator's candidates differ most; for one that has several."""

    @staticmethod
    def told(plane: Observation) -> tuple[float, ...] | None:
        """Give the disagreement."""
        return plane.disagreement


# kept in step with the names in plugins.py by a test
POLICIES: dict[str, Callable[[ScanPlan], Policy]] = {
    "bisect": Bisect,
    "uniform": Uniform,
    "error": LargestError,
    "disagreement": Disagreement,
}


def make_policy(plan: ScanPlan) -> Policy:
    """Make the policy that a plan asks for."""
    if plan.z_exact_um is not None:
        return ExactList(plan)
    if plan.policy in POLICIES:
        return POLICIES[plan.policy](plan)
    return own_policy(load(POLICY, plan.policy), plan)


def largest_gap(grid_um: NDArray[np.float64], taken: Sequence[Placed]) -> float | None:
    """Give the z of a grid that is farthest from every plane taken.

    Parameters
    ----------
    grid_um : ndarray, (Z,)
        The grid, ascending.
    taken : sequence of Observation or Plane
        Every plane so far; at least one.

    Returns
    -------
    float or None
        µm; None where every z of the grid was asked for.
    """
    asked = np.array([plane.z_requested_um for plane in taken])
    left = grid_um[~np.isin(grid_um, asked)]
    if left.size == 0:
        return None
    seen = np.array([plane.z_um for plane in taken])
    return float(left[farthest(left, seen)])


def _next_of(z_um: Sequence[float], taken: Sequence[Placed]) -> float | None:
    """The next of a list; one that somebody asked for, or chance, is none of it."""
    number = sum(plane.chosen_by in ("policy", "more") for plane in taken)
    return z_um[number] if number < len(z_um) else None


def cell_centres(grid_um: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Choose grid positions at the centres of `count` equal cells of the range.

    Parameters
    ----------
    grid_um : ndarray, (Z,)
        The grid, ascending.
    count : int
        How many, at most Z.

    Returns
    -------
    ndarray, (count,)
        Different grid positions, ascending: the nearest to each centre that leaves
        room for the others.
    """
    low, high = grid_um[0], grid_um[-1]
    centres = low + (np.arange(count) + 0.5) / count * (high - low)
    chosen: list[int] = []
    for i, centre in enumerate(centres):
        nearest = int(np.argmin(np.abs(grid_um - centre)))
        lowest = chosen[-1] + 1 if chosen else 0
        highest = len(grid_um) - (count - i)
        chosen.append(min(max(nearest, lowest), highest))
    return grid_um[chosen]


def farthest(candidates_um: NDArray[np.float64], taken_um: NDArray[np.float64]) -> int:
    """Index of the candidate farthest from all taken z; between them, lowest first."""
    away = np.abs(candidates_um[:, None] - taken_um[None, :]).min(axis=1)
    far = np.flatnonzero(away >= away.max() - _ROUNDING_UM)
    low, high = taken_um.min(), taken_um.max()
    between = far[(candidates_um[far] > low) & (candidates_um[far] < high)]
    return int(between[0] if between.size else far[0])
