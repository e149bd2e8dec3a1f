"""What somebody wants of a scan beside its plan, from any thread."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from rmz_acquire.scanning.outcome import Status

__all__ = ["RequestedPlanes", "Requests"]


class RequestedPlanes:
    """A queue of z that can be held back while old planes are given again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: deque[float] = deque()
        self._later: list[float] | None = None

    def __bool__(self) -> bool:
        """Whether a plane waits."""
        return bool(self._now)

    @property
    def holding(self) -> bool:
        """Whether old planes are given again."""
        return self._later is not None

    def add(self, z_um: float, *, again: bool) -> None:
        """Queue a plane; one that is given again is never held back."""
        with self._lock:
            queue = self._now if self._later is None or again else self._later
            queue.append(z_um)

    def first(self) -> float | None:
        """The next one, µm, which stays in the queue; None where none waits."""
        with self._lock:
            return self._now[0] if self._now else None

    def pop(self) -> float:
        """Take the next one, µm, out."""
        return self._now.popleft()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold back what was and is asked for; it comes afterwards."""
        with self._lock:
            later = self._later = list(self._now)
            self._now.clear()
        try:
            yield
        finally:
            with self._lock:
                self._now.extend(later)
                self._later = None


class Requests(ABC):
    """The part of a scan that others talk to: planes by hand, going on, its end."""

    def __init__(self) -> None:
        self._asked = RequestedPlanes()
        self._until: int | None = None
        self._ending: tuple[Status, str] | None = None

    @property
    @abstractmethod
    def planes_begun(self) -> int:
        """How many planes there are, with one under way."""

    @property
    def on_plan(self) -> bool:
        """Whether policy, rule and budget alone decide, with nobody's word beside."""
        return self._until is None and not self._asked

    @property
    def abort_requested(self) -> bool:
        """Whether somebody wants it to end at once."""
        return self._ending is not None and self._ending[0] == "aborted"

    @property
    def ending(self) -> bool:
        """Whether somebody wants it to end, at once or with the plane under way."""
        return self._ending is not None

    def ask(self, z_um: float, *, again: bool = False) -> None:
        """Take a plane here next, whatever the policy has in mind; from any thread.

        Parameters
        ----------
        z_um : float
            Where, µm.
        again : bool
            It was asked for before, and is among the planes that are given again.
        """
        self._asked.add(float(z_um), again=again)

    def replaying(self) -> AbstractContextManager[None]:
        """Take old planes in: what is asked for meanwhile comes after them."""
        return self._asked.held()

    def go_on(self, planes: int) -> None:
        """Take exactly so many more planes; only `stop` and `abort` end it before.

        Those asked for by hand count; others are the policy's, or in the largest gap.

        Parameters
        ----------
        planes : int
            After the one under way.
        """
        self._until = self.planes_begun + planes

    def as_planned(self) -> None:
        """Let rule and budget decide again, after a `go_on`."""
        self._until = None

    def abort(self, reason: str = "aborted by the user") -> None:
        """End the scan; safe from any thread or signal handler, at any time, twice.

        A plane on its way may still be observed; then the scan is finished. Where
        none comes, the next `next_z` finishes it.

        Parameters
        ----------
        reason : str
            Who or what ended it.
        """
        if not self.abort_requested:
            self._end("aborted", reason)

    def stop(self, reason: str = "stopped by the user") -> None:
        """End the scan well: a plane under way still counts. As safe as `abort`."""
        if self._ending is None:
            self._end("stopped", reason)

    @abstractmethod
    def _end(self, status: Status, reason: str) -> None:
        """See to it that it ends so, from whatever thread."""
