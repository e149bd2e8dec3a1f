"""A thread that thinks, so that whoever waits for it can stop waiting.

A network may need seconds for a plane. An abort must have the light off and the stage
on its way back within one second all the same, and no thread can be ended from outside:
so the thinking is done on a thread of its own, and after an abort nobody listens to it.
One thread for the whole acquisition: torch keeps a pool of helpers for every thread
that it ever ran on.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Thinker"]

T = TypeVar("T")

_LOOK_S = 0.05


class _Task(Generic[T]):
    """One thing to do, and what came of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None


class Thinker:
    """Does one thing after the other on its own thread, which ends with `close`."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[_Task[object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], T], stopped: Callable[[], bool]) -> T | None:
        """Do it and wait, unless somebody stops everything meanwhile.

        Parameters
        ----------
        work : callable
            What to do.
        stopped : callable
            Whether to stop waiting; asked about twenty times a second.

        Returns
        -------
        object or None
            What `work` gave; None where it was not waited for.
        """
        if self._thread is None:
            # a daemon: a network that hangs must not keep the process alive
            self._thread = threading.Thread(
                target=self._live, name="rmz-acquire estimator", daemon=True
            )
            self._thread.start()
        task: _Task[T] = _Task(work)
        self._tasks.put(task)  # type: ignore[arg-type]
        while not task.done.wait(_LOOK_S):
            if stopped():
                return None
        if task.error is not None:
            raise task.error
        return task.result

    def close(self) -> None:
        """Let the thread end when it is done with what it does."""
        self._tasks.put(None)
        self._thread = None

    def _live(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task.result = task.work()
            except BaseException as error:
                task.error = error
            task.done.set()
