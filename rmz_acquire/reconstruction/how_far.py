"""How far a volume is while it is made: estimators count work, somebody listens.

Work is counted in pixels that were transformed, or in as many as take the same time.
How much there is in all, no estimator knows before: steps end where planes are
explained. But parts of a picture are alike: a part takes as much for a pixel as the one
before it did.
"""

from __future__ import annotations

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
    """Sums up the parts of a volume.

    Parameters
    ----------
    shapes : sequence of (int, int)
        Height and width of each, pixels; the first tells of the others, and is none
        of them.
    told : callable
        Is handed the share of all that is done, 0 to 1, where it grew.
    """

    def __init__(
        self, shapes: Sequence[tuple[int, int]], told: Callable[[float], None]
    ) -> None:
        self._size = [(y + _BORDER_PX) * (x + _BORDER_PX) for y, x in shapes]
        self._told = told
        self._before = 0
        self._part = 0
        self._units = self._units_before = 0.0
        self._share = self._spoken_s = 0.0

    @contextmanager
    def part(self, number: int) -> Iterator[None]:
        """Listen to what this thread counts while a part is made."""
        self._part, self._units = number, 0.0
        token = _listening.set(self)
        try:
            yield
        finally:
            _listening.reset(token)
        self._units_before = self._units / self._size[number]
        self._before += self._size[number]
        self._tell(self._before)

    def add(self, units: float) -> None:
        """So much more was done."""
        self._units += units
        now = time.monotonic()
        if self._units_before <= 0 or now - self._spoken_s < _TELL_S:
            return
        self._spoken_s = now
        size = self._size[self._part]
        here = min(self._units / (self._units_before * size), _MOST)
        self._tell(self._before + here * size)

    def _tell(self, done: float) -> None:
        share = done / sum(self._size)
        if share > self._share:
            self._share = share
            self._told(share)


_listening: ContextVar[HowFar | None] = ContextVar("listening", default=None)


def worked(units: float) -> None:
    """Count work that was done, pixels."""
    listening = _listening.get()
    if listening is not None:
        listening.add(units)


@contextmanager
def uncounted() -> Iterator[None]:
    """Count nothing: what is done here is done for one part alone."""
    token = _listening.set(None)
    try:
        yield
    finally:
        _listening.reset(token)
