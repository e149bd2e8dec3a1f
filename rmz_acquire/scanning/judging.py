"""After every plane: is it enough, and if not, where next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning.policies import largest_gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning.decision import Status
    from rmz_acquire.scanning.frames import Observation
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.policies import Policy
    from rmz_acquire.scanning.protocols import ChosenBy
    from rmz_acquire.scanning.stopping import StopRule

__all__ = ["Judge", "Judgement"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from the planes so far.

    Parameters
    ----------
    status : str or None
        How the scan ends; None where it goes on.
    reason : str
        Why, in one sentence with the numbers.
    z_um : float or None
        Where the next plane is taken, µm; None where the scan ends.
    chosen_by : str
        Who wants that plane.
    """

    status: Status | None
    reason: str
    z_um: float | None = None
    chosen_by: ChosenBy = "policy"


class Judge:
    """Puts rule, policy and budget together, and what somebody wants beyond them.

    Parameters
    ----------
    plan : ScanPlan
        The budget, and the list where there is one.
    policy : Policy
        Where next.
    rule : StopRule
        Whether it is enough.
    """

    def __init__(self, plan: ScanPlan, policy: Policy, rule: StopRule) -> None:
        self._plan = plan
        self._policy = policy
        self._rule = rule

    def judge(
        self,
        taken: Sequence[Observation],
        *,
        until: int | None = None,
        asked: bool = False,
    ) -> Judgement:
        """Judge the planes so far.

        Parameters
        ----------
        taken : sequence of Observation
            Every plane, in the order taken; at least one.
        until : int, optional
            It goes on to exactly so many planes, whatever rule and budget say.
        asked : bool
            Whether a plane waits that somebody asked for.
        """
        found = self._plain(taken)
        if asked:
            if found.status is None:
                return found
            return Judgement(None, f"{found.reason}; a plane was asked for by hand")
        return found if until is None else self._exactly(taken, until, found)

    def _exactly(
        self, taken: Sequence[Observation], until: int, found: Judgement
    ) -> Judgement:
        """Take so many planes, no more; fewer where every z of the grid is taken."""
        status = found.status or "max_planes"
        if len(taken) >= until:
            said = f"{found.reason}; the planes that were asked for are taken"
            return Judgement(status, said)
        z_um = self._policy.next_z(taken)
        if z_um is None:
            z_um = largest_gap(np.asarray(self._plan.z_um), taken)
        if z_um is None:
            left = until - len(taken)
            said = (
                f"{found.reason}; {left} more {'was' if left == 1 else 'were'} asked "
                "for, but every z of the range is taken"
            )
            return Judgement(status, said)
        said = f"{found.reason}; going on to {until} planes"
        return Judgement(None, said, z_um, "more")

    def _plain(self, taken: Sequence[Observation]) -> Judgement:
        plan, count = self._plan, len(taken)
        if plan.z_exact_um is not None:
            z_um, listed = self._policy.next_z(taken), len(plan.z_exact_um)
            if z_um is None:
                said = f"all {listed} planes of the list are taken"
                return Judgement("list_done", said)
            said = f"{count} of {listed} planes of the list are taken"
            return Judgement(None, said, z_um)
        verdict = self._rule.judge(taken)
        if verdict.converged:
            return Judgement("converged", verdict.reason)
        if count >= plan.max_planes:
            most = plan.max_planes
            said = f"{verdict.reason}; the most planes allowed, {most}, are taken"
            return Judgement("max_planes", said)
        z_um = self._policy.next_z(taken)
        if z_um is None:
            said = f"{verdict.reason}; after {count} planes no z is left to take"
            return Judgement("max_planes", said)
        return Judgement(None, verdict.reason, z_um)
