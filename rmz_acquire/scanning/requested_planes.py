"""Planes that somebody asks a scan for, from any thread."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RequestedPlanes"]


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
