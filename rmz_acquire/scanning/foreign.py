"""Somebody else's estimator, policy or stop rule, made and held to its Protocol.

Each is handed over as an object, or as what makes one: a class or a function. What does
not do what it must is refused in one line before anything moves; a policy cannot send
the stage out of the range, whatever it answers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.plugins import ESTIMATOR, POLICY, STOP_RULE, Kind, qualified_name
from rmz_acquire.scanning.protocols import KnowsAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import Estimator, Policy, StopRule
    from rmz_acquire.scanning.records import Plane
    from rmz_acquire.scanning.verdicts import Verdict

__all__ = ["is_made", "own_estimator", "own_policy", "own_rule"]


def own_policy(given: Policy | Callable[[ScanPlan], Policy], plan: ScanPlan) -> Policy:
    """Make somebody else's policy for a volume.

    Parameters
    ----------
    given : Policy or callable
        The policy, or what makes it of the plan.
    plan : ScanPlan
        Of the volume.

    Returns
    -------
    Policy
        Fails where it asks for a z outside of the plan's grid.

    Raises
    ------
    InputError
        If it is no policy.
    """
    return _Policy(_made(POLICY, given, plan), plan, qualified_name(given))


def own_rule(
    given: StopRule | Callable[[ScanPlan], StopRule], plan: ScanPlan
) -> StopRule:
    """Make somebody else's stop rule for a volume.

    Parameters
    ----------
    given : StopRule or callable
        The rule, or what makes it of the plan.
    plan : ScanPlan
        Of the volume.

    Returns
    -------
    StopRule
        Fails where it gives no verdict.

    Raises
    ------
    InputError
        If it is no stop rule.
    """
    return _Rule(_made(STOP_RULE, given, plan), qualified_name(given))


def own_estimator(given: Any, z_um: Sequence[float], optics: Any) -> Estimator:
    """Make somebody else's estimator for a volume.

    Parameters
    ----------
    given : Estimator or callable
        A fresh estimator, or what makes one: ``given(z_um, optics)``.
    z_um : sequence of float
        The z grid, µm, ascending.
    optics : Optics or None
        The microscope, as far as it is known.

    Returns
    -------
    Estimator

    Raises
    ------
    InputError
        If it is none, has planes already, or is for another grid.
    """
    grid: NDArray[np.float64] = np.asarray(z_um, dtype=np.float64)
    made: Estimator = _made(ESTIMATOR, given, grid, optics)
    name = qualified_name(given)
    lacks = [
        each
        for each in ("name", "z_um", "volume", "planes_taken")
        if not hasattr(made, each)
    ]
    if lacks:
        msg = f"{name} is no estimator: it has no {lacks[0]}, see {ESTIMATOR.protocol}"
        raise InputError(msg)
    own = np.asarray(made.z_um, dtype=np.float64)
    if own.shape != grid.shape or not np.allclose(own, grid, rtol=0, atol=1e-6):
        msg = f"the z_um of {name} is not the grid of {len(grid)} z that it was given"
        raise InputError(msg)
    if made.planes_taken:
        msg = f"{name} has {made.planes_taken} planes already: give a fresh one"
        raise InputError(msg)
    if not isinstance(made.describe(), dict):
        msg = f"{name} is no estimator: describe gives no dict"
        raise InputError(msg)
    return made


def is_made(kind: Kind, given: Any) -> bool:
    """Whether it is an object of the kind, not what makes one."""
    return not isinstance(given, type) and _does(kind, given)


def _does(kind: Kind, thing: Any) -> bool:
    return all(callable(getattr(thing, method, None)) for method in kind.methods)


def _made(kind: Kind, given: Any, *args: Any) -> Any:
    name = qualified_name(given)
    made = given
    if not is_made(kind, given):
        if not callable(given):
            raise InputError(_none_of(kind, name))
        try:
            made = given(*args)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        except Exception as error:
            said = message_of(error, typed=True)
            msg = f"the {kind.title} {name} cannot be made: {said}"
            raise InputError(msg) from error
        if not is_made(kind, made):
            raise InputError(_none_of(kind, name))
    return made


def _none_of(kind: Kind, name: str) -> str:
    has = " and ".join(kind.methods)
    return f"{name} is no {kind.title}: it must have {has}, see {kind.protocol}"


class _Policy:
    """Somebody else's policy, kept within the grid."""

    def __init__(self, policy: Policy, plan: ScanPlan, name: str) -> None:
        self._policy = policy
        self._name = name
        self._low = plan.z_um[0] - plan.step_um / 2
        self._high = plan.z_um[-1] + plan.step_um / 2
        self._said = f"{plan.z_um[0]:g} to {plan.z_um[-1]:g} µm"

    def next_z(self, taken: Sequence[Observation]) -> float | None:
        """Ask it, and refuse a z that is none of the range."""
        return self._within(self._policy.next_z(taken))

    def z_ahead(self, taken: Sequence[Observation], plane: Plane) -> float | None:
        """Ask it ahead, where it can be."""
        if not isinstance(self._policy, KnowsAhead):
            return None
        return self._within(self._policy.z_ahead(taken, plane))

    def _within(self, answer: Any) -> float | None:
        if answer is None:
            return None
        try:
            z_um = float(answer)
        except (TypeError, ValueError):
            z_um = math.nan
        if not self._low <= z_um <= self._high:
            told = f"{z_um:g} µm" if math.isfinite(z_um) else repr(answer)
            msg = f"the policy {self._name} asks for z {told}, outside of {self._said}"
            raise InputError(msg)
        return z_um


class _Rule:
    """Somebody else's stop rule."""

    def __init__(self, rule: StopRule, name: str) -> None:
        self._rule = rule
        self._name = name

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Ask it, and refuse what is no verdict."""
        verdict = self._rule.judge(taken)
        if not hasattr(verdict, "converged") or not hasattr(verdict, "reason"):
            msg = f"the stop rule {self._name} gave {verdict!r}, which is no Verdict"
            raise InputError(msg)
        return verdict
