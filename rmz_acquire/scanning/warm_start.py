"""A scan that begins with what the last time point left, until a plane contradicts it.

A specimen that has not changed need not be scanned anew. So the planes of the last time
point are given to the estimator first, and a few of them are taken again: where each
shows what it showed, the volume is believed and the scan may stop. Where one does not
(moved, grown, bleached, out of focus), everything old is dropped, and the scan goes on
as if it had begun with the planes just taken.

The oldest planes are taken again first, so that none is believed for long. A change
that shows in none of those that are taken again is not noticed before it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.scanning.frame_similarity import compare
from rmz_acquire.scanning.policies import cell_centres, farthest
from rmz_acquire.scanning.stopping import ChangeRule
from rmz_acquire.scanning.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.frame_similarity import FrameDifference
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import Estimator
    from rmz_acquire.scanning.records import Estimate

__all__ = ["Carrying", "OldPlane"]

_FADED = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class OldPlane:
    """A plane of an earlier time point.

    Parameters
    ----------
    image : ndarray, (Y, X)
        Camera counts.
    z_um, z_requested_um : float
        Read back and asked for, µm.
    age : int
        How many time points ago it was taken.
    """

    image: NDArray[Any]
    z_um: float
    z_requested_um: float
    age: int


class Carrying:
    """The estimator, the policy and the stop rule of such a scan: one belief in three.

    Give it to a `Scan` as all of them.

    Parameters
    ----------
    plan : ScanPlan
        Of the scan.
    old : sequence of OldPlane
        What is left of the time points before; one or more.
    make : callable
        Makes a fresh estimator.
    confirm : int
        How many of the old planes are taken again.
    tolerance : float
        By how much one may differ, as a part of its contrast.
    """

    def __init__(
        self,
        plan: ScanPlan,
        old: Sequence[OldPlane],
        make: Callable[[], Estimator],
        *,
        confirm: int = 2,
        tolerance: float = 0.1,
    ) -> None:
        self._plan = plan
        self._make = make
        self._tolerance = tolerance
        self._inner = make()
        self._old = tuple(old)
        self._again = _oldest_and_apart(self._old, min(confirm, len(self._old)))
        self._unseen = list(self._again)
        self._new: list[tuple[NDArray[Any], float]] = []
        self._said = ""
        lenient = {"min_planes": min(plan.min_planes, len(self._again))}
        self._believing = ChangeRule(plan.model_copy(update=lenient))
        self._doubting = ChangeRule(plan)
        #: Why the old planes were dropped; None while they are believed.
        self.dropped: str | None = None

    # ---- as an estimator ----------------------------------------------------------

    @property
    def name(self) -> str:
        """The estimator's own."""
        return self._inner.name

    @property
    def estimator(self) -> Estimator:
        """What makes the volume."""
        return self._inner

    @property
    def z_um(self) -> NDArray[np.float64]:
        """The output grid, µm, (Z,)."""
        return self._inner.z_um

    @property
    def volume(self) -> NDArray[np.float32] | None:
        """The volume, counts, (Z, Y, X); None before the first new plane."""
        return self._inner.volume if self._new else None

    @property
    def planes_taken(self) -> int:
        """How many new planes there are."""
        return len(self._new)

    @property
    def carried_z_um(self) -> tuple[float, ...]:
        """Where the old planes were taken that it believes, µm."""
        if self.dropped is not None or not self._new:
            return ()
        return tuple(old.z_um for old in self._old)

    def describe(self) -> dict[str, Any]:
        """What the estimator is."""
        return self._inner.describe()

    def add(self, image: NDArray[Any], z_um: float) -> Estimate:
        """Take in a new plane, and compare it where it is one taken again."""
        self._new.append((image.copy(), z_um))
        self._said = ""
        old = self._taken_again(z_um)
        if self.dropped is None and old is not None:
            self._unseen.remove(old)
            when = _when(old.age)
            likeness = compare(old.image, image)
            problem = self._problem(likeness)
            if problem is not None:
                self.dropped = f"the plane {problem} that of {when}"
                self._said = f"{self.dropped}: begun anew"
                return self._begin_anew()
            self._said = f"as {when} ({likeness.change:.0%} of its contrast)"
        if len(self._new) == 1:
            for each in self._old:
                self._inner.add(each.image, each.z_um)
        return self._inner.add(image, z_um)

    # ---- as a policy --------------------------------------------------------------

    def next_z(self, taken: Sequence[Observation]) -> float | None:
        """Give the next old plane to take again, or the z farthest from all others."""
        believed = self.dropped is None
        asked = [plane.z_requested_um for plane in taken]
        left_again = [old.z_requested_um for old in self._unseen]
        left_again = [z for z in left_again if z not in asked]
        if believed and left_again:
            return left_again[0]
        seen = [plane.z_um for plane in taken]
        if believed:
            asked += [old.z_requested_um for old in self._old]
            seen += [old.z_um for old in self._old]
        grid = np.asarray(self._plan.z_um)
        near = np.array(seen)
        if not believed:
            count = min(self._plan.first_planes, len(grid))
            room = self._plan.range_um / (2 * count)
            for centre in cell_centres(grid, count):
                if np.abs(near - centre).min() >= room:
                    return float(centre)
        left = grid[~np.isin(grid, asked)]
        return float(left[farthest(left, near)]) if left.size else None

    # ---- as a stop rule -----------------------------------------------------------

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Compare the change with ε once the old planes are confirmed, or dropped."""
        if self.dropped is not None:
            verdict = self._doubting.judge(taken)
        elif self._unseen:
            verdict = Verdict(False, f"{len(self._unseen)} more to confirm")
        else:
            verdict = self._believing.judge(taken)
        if not self._said:
            return verdict
        return Verdict(verdict.converged, f"{self._said}; {verdict.reason}")

    # ---- inside -------------------------------------------------------------------

    def _taken_again(self, z_um: float) -> OldPlane | None:
        """Which old plane one at this z repeats; one by hand may repeat none."""

        def away_um(old: OldPlane) -> float:
            return abs(old.z_requested_um - z_um)

        nearest = min(self._unseen, key=away_um, default=None)
        if nearest is None or away_um(nearest) > self._plan.step_um / 2:
            return None
        return nearest

    def _problem(self, likeness: FrameDifference) -> str | None:
        """What speaks against believing the old planes, as a clause."""
        if likeness.change > self._tolerance:
            return f"differs by {likeness.change:.0%} of its contrast from"
        light = likeness.brightness
        if light is not None and abs(light - 1) > _FADED:
            return f"is {light:.0%} as bright as"
        return None

    def _begin_anew(self) -> Estimate:
        self._inner = self._make()
        for image, z_um in self._new[:-1]:
            self._inner.add(image, z_um)
        return self._inner.add(*self._new[-1])


def _when(age: int) -> str:
    return "the last time point" if age == 1 else f"{age} time points ago"


def _oldest_and_apart(old: Sequence[OldPlane], count: int) -> list[OldPlane]:
    """Choose the oldest planes; of those as old, the farthest from those chosen."""
    middle = (min(p.z_um for p in old) + max(p.z_um for p in old)) / 2
    left, chosen = list(old), list[OldPlane]()
    while len(chosen) < count:
        at = [plane.z_um for plane in chosen]

        def rank(plane: OldPlane, at: list[float] = at) -> tuple[float, float, float]:
            apart = min((abs(plane.z_um - z) for z in at), default=0.0)
            if not at:
                apart = -abs(plane.z_um - middle)
            return (plane.age, apart, -plane.z_um)

        best = max(left, key=rank)
        left.remove(best)
        chosen.append(best)
    return chosen
