"""How few planes a scan can end with, before any is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning.audits import is_due
from rmz_acquire.scanning.frame_quality import FrameFacts, Observation
from rmz_acquire.scanning.policies import POLICIES, make_policy
from rmz_acquire.scanning.rules import RULES, make_rule

if TYPE_CHECKING:
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.records import ChosenBy

__all__ = ["fewest_planes"]

_MOST = 200


def fewest_planes(plan: ScanPlan) -> int:
    """Give the fewest planes after which a scan may stop by itself.

    It is the plan's own policy and rule on planes that change nothing: what is left
    are the planes that it asks for and the gaps that it does not leave open.

    Parameters
    ----------
    plan : ScanPlan
        With the largest gap that its estimator reaches over (`within_reach`).

    Returns
    -------
    int
        At most `max_planes`.
    """
    bound = int(np.ceil((plan.range_um - plan.step_um) / (2 * plan.gap_limit_um)))
    if plan.z_exact_um is None:
        if plan.stop_rule not in RULES:
            return 1  # somebody else's may say so
        if plan.stop_rule == "target":
            return plan.min_planes  # where every plane is predicted
        if plan.policy not in POLICIES:
            # it answers to what it sees
            return min(max(bound, plan.min_planes), plan.max_planes)
        if bound > _MOST:
            return min(bound, plan.max_planes)
    grid = np.asarray(plan.z_um)
    policy = make_policy(plan)
    rule = make_rule(plan)
    taken: list[Observation] = []
    chosen_by: ChosenBy = "policy"
    away = np.full(len(grid), np.inf)
    z_um = policy.next_z(())
    while z_um is not None:
        away = np.minimum(away, np.abs(grid - z_um))
        taken.append(_unchanged(z_um, float(away.max()), len(taken), chosen_by))
        if plan.z_exact_um is None:
            verdict = rule.judge(taken)
            if len(taken) >= plan.max_planes or verdict.converged:
                break
            # chance may draw just what the policy would have asked for
            drawn = getattr(verdict, "audit", False) or is_due(plan, taken)
            chosen_by = "audit" if drawn else "policy"
        z_um = policy.next_z(taken)
    return len(taken)


def _unchanged(
    z_um: float, gap_um: float, number: int, chosen_by: ChosenBy
) -> Observation:
    """A good plane that was predicted to the last count."""
    frame = FrameFacts(
        digest=str(number),
        constant=False,
        structured=True,
        background=100.0,
        mean=200.0,
        highest=1000.0,
        saturated=0.0,
    )
    change = 0.0 if number else None
    return Observation(z_um, z_um, frame, change, change, change, gap_um, chosen_by)
