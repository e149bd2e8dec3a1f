"""What the window hears of stacks to train on, and of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.experiments.dense_stacks import Position
    from rmz_acquire.gui.models.training_form import TrainedModel
    from rmz_acquire.recording.progress import TrainingProgress

__all__ = [
    "PlaceFound",
    "StacksEnded",
    "StacksStep",
    "TrainingEnded",
    "TrainingEvent",
    "TrainingStep",
]


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """Where the stage stands, for the list of places."""

    place: Position


@dataclass(frozen=True, slots=True, eq=False)
class StacksStep:
    """A plane of a stack was taken, (Y, X) counts; all numbers from 1."""

    stack: int
    stacks: int
    plane: int
    planes: int
    image: NDArray[Any]


@dataclass(frozen=True, slots=True)
class StacksEnded:
    """No more stacks are taken; these are on disk, `error` says what went wrong."""

    files: tuple[Path, ...]
    error: str | None = None
    cancelled: bool = False
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """A training is so far."""

    folder: Path
    progress: TrainingProgress


@dataclass(frozen=True, slots=True)
class TrainingEnded:
    """A training is over: with a model, stopped, or with an error in one line."""

    folder: Path
    model: TrainedModel | None = None
    error: str | None = None
    log: str = ""

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self.model is None and self.error is None


TrainingEvent = PlaceFound | StacksStep | StacksEnded | TrainingStep | TrainingEnded
