"""What the controllers tell the window, by a queue that the window polls.

Worker threads put, the GUI thread drains on a timer. Of what comes faster than it can
be drawn (live pictures, volumes) only the latest is kept, so the queue cannot grow.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rmz_acquire.gui.controllers.training_events import (
    StacksStep,
    TrainingEvent,
    TrainingStep,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.gui.models.microscope_facts import ScopeFacts
    from rmz_acquire.gui.models.stored_runs import StoredRun, StoredVolume
    from rmz_acquire.recording.experiment_folder import Key
    from rmz_acquire.scanning import Decision, Plane

__all__ = [
    "Compared",
    "Connected",
    "Event",
    "EventQueue",
    "Focus",
    "Looked",
    "Paced",
    "Picture",
    "PlaneCame",
    "Problem",
    "RunOpened",
    "ScanEnded",
    "ScanStarted",
    "StackEnded",
    "StackPlane",
    "State",
    "StateChanged",
    "Step",
    "VolumeCame",
    "VolumeStarted",
]


class State(StrEnum):
    """What the microscope is doing; the window shows and allows accordingly."""

    empty = "empty"
    connecting = "connecting"
    ready = "ready"
    live = "live"
    scanning = "scanning"
    collecting = "collecting"
    paused = "paused"
    ending = "ending"
    closed = "closed"

    @property
    def busy(self) -> bool:
        """Whether a scan, or one who takes stacks, has the microscope."""
        return self in (
            State.scanning,
            State.collecting,
            State.paused,
            State.ending,
        )


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The microscope is in another state now."""

    state: State


@dataclass(frozen=True, slots=True)
class Connected:
    """A configuration is loaded: these are its core and its name."""

    core: CMMCorePlus
    name: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What the microscope tells of itself now."""

    facts: ScopeFacts


@dataclass(frozen=True, slots=True)
class Picture:
    """A live or snapped picture, (Y, X) camera counts."""

    image: NDArray[Any]
    live: bool


@dataclass(frozen=True, slots=True)
class Focus:
    """Where the focus stage stands, µm, and all stages by their label.

    A z stage has one position, an XY stage two.
    """

    z_um: float
    label: str = ""
    stages: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paced:
    """More is known of how long planes take here."""


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """A scan begins, or goes on, in this folder."""

    folder: Path
    volumes: int


@dataclass(frozen=True, slots=True)
class VolumeStarted:
    """A volume of it begins, or goes on with the planes that it has.

    `number` counts from 1; `later` planes are the most of all volumes after it, the
    last of which may begin in `due_s` seconds at the earliest.
    """

    volume: StoredVolume
    number: int
    later: int = 0
    due_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """What the scan is doing, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class PlaneCame:
    """A plane is on disk; `number` counts from 1."""

    plane: Plane
    number: int


@dataclass(frozen=True, slots=True)
class VolumeCame:
    """A decision is made; the volume is (Z, Y, X) float32 counts, None if it failed.

    `levels` are its black and white, `contrast` that of each plane, (Z,).
    """

    decision: Decision
    volume: NDArray[np.float32] | None
    next_z_um: float | None
    levels: tuple[float, float] | None = None
    contrast: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """The scan is over, its files are whole; `error` is set where it failed.

    `run` is None where nothing was written.
    """

    folder: Path
    run: StoredRun | None
    error: str | None = None
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class StackPlane:
    """A plane of the full stack is on disk, beside the run that is shown."""

    plane: Plane
    number: int
    planes: int


@dataclass(frozen=True, slots=True)
class StackEnded:
    """The full stack is over; `status` and `reason` as of a summary.

    `run` and `key` tell beside which volume it was taken, `taken` of `planes` are in
    `folder`; `error` is set where it failed.
    """

    run: Path
    key: Key
    folder: Path
    taken: int
    planes: int
    status: str
    reason: str
    error: str | None = None
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """Another volume to look at, (Z, Y, X) float32 counts, and what it is.

    `run` and `key` tell what volume it belongs to; None is the one that is shown.
    """

    name: str
    volume: NDArray[np.float32]
    text: str = ""
    run: Path | None = None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class RunOpened:
    """A run was read from disk, or another volume of it."""

    run: StoredRun


@dataclass(frozen=True, slots=True)
class Problem:
    """Something went wrong: one line that says what to do, and the traceback."""

    text: str
    traceback: str = ""


Event = (
    StateChanged
    | Connected
    | Looked
    | Picture
    | Focus
    | Paced
    | ScanStarted
    | VolumeStarted
    | Step
    | PlaneCame
    | VolumeCame
    | ScanEnded
    | StackPlane
    | StackEnded
    | Compared
    | RunOpened
    | Problem
    | TrainingEvent
)

# of these only the latest is worth drawing
_LATEST = (Looked, Picture, Focus, Paced, Step, StacksStep, TrainingStep)


class EventQueue:
    """From worker threads to the one that polls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []

    def put(self, event: Event) -> None:
        """Add an event; from any thread."""
        with self._lock:
            if isinstance(event, _LATEST):
                kind = type(event)
                self._events = [e for e in self._events if type(e) is not kind]
            self._events.append(event)

    def drain(self) -> list[Event]:
        """Take all events that wait, in order."""
        with self._lock:
            events, self._events = self._events, []
        return events
