"""Threads that compute, and how they end: when asked to, and before the process does.

No thread can be ended from outside. But an exception can be raised in one that runs
Python: it meets it between two of its steps, of a network between two layers. So a
reconstruction that nobody waits for any more is over in a moment, whoever wrote the
estimator.

An interpreter that goes while a thread is inside torch takes the process along
("terminate called without an active exception", exit status 134). So before it goes
all workers are ended, and waited for, but not for ever.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import queue
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Task", "Worker", "end_workers", "leave", "note_exit_code"]

T = TypeVar("T")

logger = logging.getLogger(__name__)

PATIENCE_S = 10.0
"""How long a worker that was asked to end is waited for, s."""
_AGAIN_S = 2.0


class _Ended(BaseException):
    """Raised in a worker that shall end; no `except Exception` catches it."""


class Task(Generic[T]):
    """One thing to do, and what came of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None

    @property
    def ended(self) -> bool:
        """Whether its worker was ended in the middle of it."""
        return isinstance(self.error, _Ended)


class Worker:
    """Does one thing after the other on a thread of its own.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._tasks: queue.SimpleQueue[Task[object] | None] = queue.SimpleQueue()
        self._asked: float | None = None
        # a daemon: one that hangs must not keep the process alive
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.start()
        _known.add(self)

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def name(self) -> str:
        """Of the thread."""
        return self._thread.name

    def submit(self, work: Callable[[], T]) -> Task[T]:
        """Do it when all before it is done."""
        task: Task[T] = Task(work)
        self._tasks.put(task)  # type: ignore[arg-type]
        return task

    def close(self) -> None:
        """End when all is done."""
        self._tasks.put(None)

    def end(self) -> None:
        """End in the middle of what it does, and do nothing that waits."""
        if self._asked is None:
            self._asked = time.monotonic()
        self._interrupt()
        self._tasks.put(None)

    def join(self, patience_s: float) -> bool:
        """End, and wait until it has.

        Parameters
        ----------
        patience_s : float
            How long at most after it was first asked to, s.

        Returns
        -------
        bool
            Whether it has.
        """
        self.end()
        assert self._asked is not None
        deadline = self._asked + patience_s
        while self.alive and (left := deadline - time.monotonic()) > 0:
            self._thread.join(min(left, _AGAIN_S))
            self._interrupt()  # somebody may have caught it
        return not self.alive

    def _interrupt(self) -> None:
        ident = self._thread.ident
        if self.alive and ident is not None:
            raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
            raise_in(ctypes.c_ulong(ident), ctypes.py_object(_Ended))

    def _live(self) -> None:
        try:
            while (task := self._tasks.get()) is not None and self._asked is None:
                try:
                    task.result = task.work()
                except BaseException as error:
                    task.error = error
                task.done.set()
        except _Ended:
            pass


_known: weakref.WeakSet[Worker] = weakref.WeakSet()
_exit_code: int | None = None


def end_workers() -> list[str]:
    """End every worker of the process, and wait for them with some patience.

    Returns
    -------
    list of str
        The names of those that did not end.
    """
    workers = [worker for worker in list(_known) if worker.alive]
    for worker in workers:
        worker.end()
    return [worker.name for worker in workers if not worker.join(PATIENCE_S)]


def note_exit_code(code: int) -> None:
    """Tell with what code the process ends, should a worker have to be left behind."""
    global _exit_code
    _exit_code = code


def leave(code: int) -> NoReturn:
    """End the process now, whatever threads still run; what was written stays."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


@atexit.register
def _end_at_exit() -> None:
    left = end_workers()
    if left and _exit_code is not None:
        logger.warning("%s did not end: left behind", ", ".join(left))
        leave(_exit_code)
