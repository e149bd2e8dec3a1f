"""How long a scan still takes, from what its planes took so far.

A scan may stop before the most planes that it may take: what is told is the most.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import TYPE_CHECKING

from rmz_acquire.gui.models.cost import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TimeLeft", "left_words", "plane_seconds"]

_LAST = 3
"""So many last planes tell how long one is computed: more planes may take longer."""


def plane_seconds(
    stage_ms: Sequence[float], camera_ms: Sequence[float], thinking_ms: Sequence[float]
) -> float | None:
    """Give the seconds that one more plane takes; None before the first is computed.

    Parameters
    ----------
    stage_ms, camera_ms, thinking_ms : sequence of float
        What the planes so far took to move and settle, to expose and read out, and to
        be computed, ms; each may be shorter than the others.
    """
    if not camera_ms or not thinking_ms:
        return None
    seen = median(stage_ms) if stage_ms else 0.0
    return (seen + median(camera_ms)) / 1000 + _thinking_s(thinking_ms)


def _thinking_s(thinking_ms: Sequence[float]) -> float:
    return fmean(thinking_ms[-_LAST:]) / 1000


def left_words(seconds: float | None, *, most: bool) -> str:
    """Say it: "at most 40 s left", "about 3 min left"; empty where it is not known.

    Parameters
    ----------
    seconds : float or None
        How long, s.
    most : bool
        Whether it may end before.
    """
    if seconds is None:
        return ""
    return f"{'at most' if most else 'about'} {duration(seconds)} left"


@dataclass(slots=True)
class TimeLeft:
    """Counts the planes of a scan, and what they take.

    Parameters
    ----------
    clock : callable
        Seconds, ever growing.
    expected_s : float, optional
        What a plane is believed to take, s, until the first is computed.
    """

    clock: Callable[[], float] = time.monotonic
    expected_s: float | None = None
    _stage_ms: list[float] = field(default_factory=list)
    _camera_ms: list[float] = field(default_factory=list)
    _thinking_ms: list[float] = field(default_factory=list)
    _left: int = 0
    _later: int = 0
    _due: float = 0.0
    _since: float = 0.0
    _thinking: bool = False

    def begin(self, planes: int, later: int = 0, due_s: float = 0.0) -> None:
        """A volume begins, or goes on.

        Parameters
        ----------
        planes : int
            The most that it still takes.
        later : int
            The most of all volumes after it.
        due_s : float
            In how many seconds the last of them may begin at the earliest.
        """
        self._left, self._later = max(0, planes), max(0, later)
        self._since, self._thinking = self.clock(), False
        self._due = self._since + due_s

    def plane(self, stage_ms: float | None, camera_ms: float | None) -> None:
        """A plane is taken; it took so long."""
        if stage_ms is not None:
            self._stage_ms.append(stage_ms)
        if camera_ms is not None:
            self._camera_ms.append(camera_ms)
        self._left = max(0, self._left - 1)
        self._since, self._thinking = self.clock(), True

    def thought(self, thinking_ms: float | None) -> None:
        """A plane is computed; that took so long, 0 where nothing is."""
        if thinking_ms is not None:
            self._thinking_ms.append(thinking_ms)
        self._since, self._thinking = self.clock(), False

    def seconds(self) -> float | None:
        """How long it still takes at most, s; None where nothing is known of it."""
        each = plane_seconds(self._stage_ms, self._camera_ms, self._thinking_ms)
        measured = each is not None
        if each is None:
            each = self.expected_s
        if each is None:
            return None
        now, work = self.clock(), (self._left + self._later) * each
        # what is under way counts down, and stands where it takes longer than others
        step = each
        if self._thinking and measured:
            step = _thinking_s(self._thinking_ms)
            work += step
        work = max(0.0, work - min(now - self._since, step))
        return max(work, self._due - now if self._later else 0.0)
