"""What somebody hands to an experiment: an estimator, a policy, a stop rule.

By an object or by what makes one. Its name goes into the block, so that the folder
tells what ran, and who goes on or decides again has the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.plugins import (
    ESTIMATOR,
    POLICY,
    STOP_RULE,
    full_name,
    load,
    qualified_name,
)
from rmz_acquire.scanning import own_estimator, own_policy, own_rule
from rmz_acquire.scanning.foreign import is_made

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import useq
    from numpy.typing import NDArray

    from rmz_acquire.experiments.block import ExperimentSettings
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator, Policy, ScanPlan, StopRule

    MakesEstimator = Callable[[NDArray[np.float64], Optics | None], Estimator]
    MakesPolicy = Callable[[ScanPlan], Policy]
    MakesRule = Callable[[ScanPlan], StopRule]

__all__ = ["Own"]

_KINDS = {"estimator": ESTIMATOR, "policy": POLICY, "stop_rule": STOP_RULE}


@dataclass(frozen=True, slots=True)
class Own:
    """Objects of somebody else's; None for what the block names.

    Parameters
    ----------
    estimator : Estimator, callable or str, optional
        What makes an estimator of the z grid and the optics, for each volume; a fresh
        estimator, where there is one volume; or a name.
    policy, stop_rule : Policy or StopRule, callable or str, optional
        One object for all volumes, what makes one of the plan of each; or a name.
    """

    estimator: Estimator | MakesEstimator | str | None = None
    policy: Policy | MakesPolicy | str | None = None
    stop_rule: StopRule | MakesRule | str | None = None

    def into(
        self, sequence: useq.MDASequence, *, begun: bool = False
    ) -> useq.MDASequence:
        """Write the names into the block of a sequence.

        Parameters
        ----------
        sequence : useq.MDASequence
            The experiment.
        begun : bool
            Whether it has begun: its block names all that it began with.

        Raises
        ------
        InputError
            If the block names another one.
        """
        block = sequence.metadata.get("rmz_acquire")
        if not isinstance(block, dict):
            return sequence  # which is refused for that
        block = dict(block)
        for key, kind in _KINDS.items():
            given = getattr(self, key)
            if given is None:
                continue
            name = given if isinstance(given, str) else qualified_name(given)
            named = block.get(key)
            same = isinstance(named, str) and (
                full_name(kind, named) == full_name(kind, name)
            )
            if (begun or named is not None) and not same:
                said = "the experiment began with" if begun else f"{BLOCK} says"
                msg = (
                    f"{key}: {name} was handed over, but {said} "
                    f"{named or 'none of its own'}"
                )
                raise InputError(msg)
            block.setdefault(key, name)
        if (self.policy is not None or self.stop_rule is not None) and (
            block.get("z_um") is not None
        ):
            key = "policy" if self.policy is not None else "stop_rule"
            msg = f"{key}: it was handed over, but {BLOCK}.z_um lists every plane"
            raise InputError(msg)
        if block == sequence.metadata["rmz_acquire"]:
            return sequence
        return sequence.replace(metadata={**sequence.metadata, "rmz_acquire": block})

    def check(self, settings: ExperimentSettings) -> None:
        """Import what the block names.

        Raises
        ------
        InputError
            Naming the key.
        """
        for key, kind in _KINDS.items():
            name, given = getattr(settings, key), getattr(self, key)
            if name is None or (given is not None and not isinstance(given, str)):
                continue
            if ":" in full_name(kind, name):
                try:
                    load(kind, name)
                except InputError as error:
                    raise InputError(f"{BLOCK}.{key}: {error}") from error

    def check_count(self, volumes: int) -> None:
        """Refuse an estimator's object where there are several volumes.

        Raises
        ------
        InputError
            Saying how many.
        """
        own = self.estimator
        if volumes > 1 and own is not None and is_made(ESTIMATOR, own):
            msg = (
                f"estimator: an object of {qualified_name(own)} makes one volume, "
                f"the experiment has {volumes}: hand over what makes one of "
                "(z_um, optics)"
            )
            raise InputError(msg)

    def make_estimator(
        self, name: str, z_um: Sequence[float], optics: Optics | None
    ) -> Estimator:
        """Make the estimator of a volume that is not one of ours."""
        given: Any = self.estimator
        if given is None or isinstance(given, str):
            given = load(ESTIMATOR, name)
        return own_estimator(given, z_um, optics)

    def policy_for(self, plan: ScanPlan) -> Policy | None:
        """Make the policy that was handed over; None where the plan names it."""
        if self.policy is None or isinstance(self.policy, str):
            return None
        # who follows another channel takes its planes
        return None if plan.z_exact_um is not None else own_policy(self.policy, plan)

    def rule_for(self, plan: ScanPlan) -> StopRule | None:
        """Make the stop rule that was handed over; None where the plan names it."""
        if self.stop_rule is None or isinstance(self.stop_rule, str):
            return None
        return own_rule(self.stop_rule, plan)
