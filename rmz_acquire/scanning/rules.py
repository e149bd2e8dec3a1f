"""The stop rules by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.plugins import STOP_RULE, load
from rmz_acquire.scanning.foreign import own_rule
from rmz_acquire.scanning.stopping import ChangeRule, PaperRule
from rmz_acquire.scanning.target_rule import TargetRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import StopRule

__all__ = ["RULES", "make_rule"]

# kept in step with the names in plugins.py by a test
RULES: dict[str, Callable[[ScanPlan], StopRule]] = {
    "guarded": ChangeRule,
    "paper": PaperRule,
    "target": TargetRule,
}


def make_rule(plan: ScanPlan) -> StopRule:
    """Make the stop rule that a plan asks for."""
    if plan.stop_rule in RULES:
        return RULES[plan.stop_rule](plan)
    return own_rule(load(STOP_RULE, plan.stop_rule), plan)
