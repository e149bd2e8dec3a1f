"""How far a volume is while it is made: estimators count work, somebody listens.

Work is counted in pixels that were transformed, or in as many as take the same time.
How much there is in all, no estimator knows before: steps end where planes are
explained. But parts of a picture are alike: a part takes as much for a pixel as the one
before it did.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["HowFar", "uncounted", "worked"]

_BORDER_PX = 128
"""By how much larger than a picture its transforms are, about, along a side."""

_TELL_S = 0.1
"""No oftener."""

_MOST = 0.99
"""Of a part that is not done yet."""


class HowFar:
    """Sums up the parts of a volume, several of which may be made at the same time.

    Parameters
    ----------
    shapes : sequence of (int, int)
        Height and width of each, pixels; the first tells of the others, and is none
        of them.
    told : callable
        Is handed the share of all that is done, 0 to 1, where it grew; by the thread
        that made this one.
    """

    def __init__(
        self, shapes: Sequence[tuple[int, int]], told: Callable[[float], None]
    ) -> None:
        self._size = [(y + _BORDER_PX) * (x + _BORDER_PX) for y, x in shapes]
        self._told = told
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._done = 0
        self._at_work: dict[int, float] = {}
        self._rate = 0.0
        self._share = self._spoken_s = 0.0

    @contextmanager
    def part(self, number: int) -> Iterator[None]:
        """Listen to what this thread counts while a part is made."""
        with self._lock:
            self._at_work[number] = 0.0
        token = _listening.set((self, number))
        try:
            yield
        finally:
            _listening.reset(token)
        with self._lock:
            self._rate = self._at_work.pop(number) / self._size[number]
            self._done += self._size[number]
        if threading.get_ident() == self._thread:
            self.tell()

    def add(self, number: int, units: float) -> None:
        """So much more was done of a part."""
        self._at_work[number] += units
        if threading.get_ident() != self._thread:
            return
        now = time.monotonic()
        if now - self._spoken_s >= _TELL_S:
            self._spoken_s = now
            self.tell()

    def tell(self) -> None:
        """Tell how far it is; for the thread that made this one."""
        with self._lock:
            done = float(self._done)
            for number, units in self._at_work.items():
                size = self._size[number]
                if self._rate > 0:
                    done += size * min(units / (self._rate * size), _MOST)
        share = done / sum(self._size)
        if share > self._share:
            self._share = share
            self._told(share)


_listening: ContextVar[tuple[HowFar, int] | None] = ContextVar(
    "listening", default=None
)


def worked(units: float) -> None:
    """Count work that was done, pixels."""
    listening = _listening.get()
    if listening is not None:
        how_far, number = listening
        how_far.add(number, units)


@contextmanager
def uncounted() -> Iterator[None]:
    """Count nothing: what is done here is done for one part alone."""
    token = _listening.set(None)
    try:
        yield
    finally:
        _listening.reset(token)
