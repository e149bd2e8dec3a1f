"""What the engine is given of each volume, and the way to stop it all."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import useq

    from rmz_acquire.scanning import Plane, Recorder, Scan

__all__ = ["Check", "Control", "RepeatPlane", "VolumeTask"]


@dataclass(frozen=True, slots=True)
class RepeatPlane:
    """A plane that is taken once more, to be compared.

    Parameters
    ----------
    z_um : float
        Where, µm.
    by_way_of_um : float or None
        Where the stage goes first, µm; None leaves it where it stands.
    rest_ms : float
        How long it rests then, beside its own settling, ms.
    """

    z_um: float
    by_way_of_um: float | None
    rest_ms: float = 0.0


class Check(Protocol):
    """What is looked at once more when a scan has ended well."""

    def asks(self, scan: Scan) -> list[RepeatPlane]:
        """Give the planes that are wanted, in order; none where nothing can be told."""
        ...

    def event(self, again: RepeatPlane, number: int) -> useq.MDAEvent:
        """Make the event of one of them."""
        ...

    def observe(self, plane: Plane, number: int) -> None:
        """Put one of them on disk."""
        ...

    def conclude(self) -> None:
        """Compare; called when all are there."""
        ...


@dataclass(frozen=True, slots=True)
class VolumeTask:
    """One volume: its scan, its record, and the events that take its planes.

    Parameters
    ----------
    scan : Scan
        Says where next.
    recorder : Recorder
        Has each plane before the scan sees it.
    event : callable
        Makes the event of a plane of its z, µm, and the number of planes before it.
    autofocus : useq.MDAEvent, optional
        Hardware autofocus before the first plane.
    place : object
        What shares a focus correction: the index of the position.
    check : Check, optional
        What is looked at once more behind the last plane.
    after_old : bool
        Whether planes that were taken before were given again since the last task: the
        frames that are remembered are then not those of the last exposures.
    """

    scan: Scan
    recorder: Recorder
    event: Callable[[float, int], useq.MDAEvent]
    autofocus: useq.MDAEvent | None = None
    place: int | None = None
    check: Check | None = None
    after_old: bool = False


class Control:
    """Stops an acquisition from anywhere: any thread, at any time, twice.

    Pausing is the runner's own: ``core.mda.set_paused(True)``; while it is paused
    there is no light and nothing moves.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._reason = ""
        self._winding_up: str | None = None

    @property
    def reason(self) -> str | None:
        """Why it was stopped; None where it was not."""
        return self._reason if self._stop.is_set() else None

    @property
    def winding_up(self) -> str | None:
        """Why no further plane is wanted; None where more are."""
        return self._winding_up

    def wind_up(self, reason: str = "stopped by the user") -> None:
        """End the acquisition well: the plane under way still counts, none follows.

        Parameters
        ----------
        reason : str
            Who or what found it enough.
        """
        if self._winding_up is None:
            self._winding_up = reason

    def abort(self, reason: str = "aborted by the user") -> None:
        """End the acquisition: light off, stage back, what was taken kept.

        Parameters
        ----------
        reason : str
            Who or what ended it.
        """
        if not self._stop.is_set():
            self._reason = reason
            self._stop.set()
