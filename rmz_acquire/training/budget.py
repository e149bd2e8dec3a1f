"""What a network had seen when its training ended: it stands on the card."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.models import Budget, read_card
from rmz_acquire.training.cached import BATCH

if TYPE_CHECKING:
    from rmz_acquire.training.training_config import TrainingConfig

__all__ = ["budget_of"]


def budget_of(config: TrainingConfig, steps: int, *, processes: int = 1) -> Budget:
    """Count what a run has seen, with what it started from.

    Parameters
    ----------
    config : TrainingConfig
        Of the run.
    steps : int
        That it has taken.
    processes : int
        That trained at the same time, each on sequences of its own.

    Returns
    -------
    Budget
        Unknown is the number of specimens in recorded stacks, and what a model saw
        from which the run started and whose card does not tell.
    """
    sequences = steps * config.optimiser.accumulate * processes
    if config.cache is not None:
        sequences *= BATCH
    own = Budget(
        steps=steps, sequences=sequences, specimens=_specimens(config, sequences)
    )
    if config.start_from is None:
        return own
    try:
        before = read_card(config.start_from).budget
    except InputError:
        before = Budget()
    added = {
        name: "unknown" if "unknown" in (ours, theirs) else ours + theirs
        for name in ("steps", "sequences", "specimens")
        for ours, theirs in [(getattr(own, name), getattr(before, name))]
    }
    return Budget.model_validate({**added, "note": f"{steps} steps of them its own"})


def _specimens(config: TrainingConfig, sequences: int) -> int | str:
    if config.files is not None:
        return "unknown"
    if config.cache is not None:
        return min(config.cache.specimens, math.ceil(sequences / config.cache.uses))
    return math.ceil(sequences / config.simulation.sequences)
