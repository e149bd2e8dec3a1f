"""When a scan stops: the paper's rule, and guards against believing the network.

The rule is δ_M ≤ ε. A small change is not a small error, and there are ways to a small
change that say nothing about the specimen: a plane taken twice, a blank frame, a part
of the range that no plane has come near. None of these counts as convergence, and the
reason says which it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.plugins import STOP_RULE, load
from rmz_acquire.scanning.foreign import own_rule
from rmz_acquire.scanning.frame_quality import blank_reason
from rmz_acquire.scanning.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import StopRule

__all__ = ["ChangeRule", "make_rule"]


class ChangeRule:
    """Converged when the change is at or below ε and no guard objects."""

    def __init__(self, plan: ScanPlan) -> None:
        self._plan = plan

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Compare the last change with ε, then ask every guard."""
        plan = self._plan
        last = taken[-1]
        relative = plan.epsilon_kind == "relative"
        change = last.delta_relative if relative else last.delta
        unit = "" if relative else " counts"
        if change is None:
            first = "no change to judge yet: the first plane"
            none = "the change is not defined: the volume shows nothing"
            return Verdict(False, first if len(taken) == 1 else none)
        if change > plan.epsilon:
            reason = f"change {change:.3g}{unit} is above epsilon {plan.epsilon:g}"
            return Verdict(False, reason)
        small = f"change {change:.3g}{unit} is at or below epsilon {plan.epsilon:g}"
        objections = self._objections(taken)
        if objections:
            return Verdict(False, f"{small}, but {' and '.join(objections)}")
        return Verdict(True, f"{small} after {len(taken)} planes")

    def _objections(self, taken: Sequence[Observation]) -> list[str]:
        """Every reason not to believe a small change."""
        plan = self._plan
        last, earlier = taken[-1], taken[:-1]
        found = []
        if len(taken) < plan.min_planes:
            found.append(f"only {len(taken)} of at least {plan.min_planes} planes")
        for number, other in enumerate(earlier, start=1):
            if abs(other.z_um - last.z_um) < plan.same_z_um:
                found.append(
                    f"z {last.z_um:g} µm was seen before (plane {number}), "
                    "a repeated plane says nothing"
                )
                break
        for number, other in enumerate(earlier, start=1):
            if other.frame.digest == last.frame.digest:
                found.append(
                    f"the frame equals plane {number} in every pixel, "
                    "the camera gave it twice"
                )
                break
        blank = blank_reason(last.frame, [other.frame for other in earlier])
        if blank is not None:
            found.append(f"the frame is blank, it {blank}")
        if plan.tau is not None:
            if last.innovation is None:
                found.append("the innovation is not defined")
            elif last.innovation > plan.tau:
                found.append(
                    f"innovation {last.innovation:.3g} is above tau {plan.tau:g}"
                )
        # a float's last bit must not decide
        if last.gap_um > plan.gap_limit_um * (1 + 1e-9):
            found.append(
                f"a gap of {last.gap_um:.3g} µm is unseen "
                f"(limit {plan.gap_limit_um:.3g} µm)"
            )
        return found


def make_rule(plan: ScanPlan) -> StopRule:
    """Make the stop rule that a plan asks for."""
    if plan.stop_rule is None:
        return ChangeRule(plan)
    return own_rule(load(STOP_RULE, plan.stop_rule), plan)
