"""A thread that thinks, so that whoever waits for it can stop waiting.

A network may need seconds for a plane. An abort must have the light off and the stage
on its way back within one second all the same: so the thinking is done on a thread of
its own, and after an abort it is ended, and nobody waits for that.
One thread for the whole acquisition: torch keeps a pool of helpers for every thread
that it ever ran on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rmz_acquire.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CancellableWorker"]

T = TypeVar("T")

_LOOK_S = 0.05


class CancellableWorker:
    """Does one thing after the other on its own thread, which ends with `close`."""

    def __init__(self) -> None:
        self._worker: Worker | None = None

    def run(
        self,
        work: Callable[[], T],
        stopped: Callable[[], bool],
        meanwhile: Callable[[], None] | None = None,
    ) -> T | None:
        """Do it and wait, unless somebody stops everything meanwhile.

        Parameters
        ----------
        work : callable
            What to do; ended where it is not waited for.
        stopped : callable
            Whether to stop waiting; asked about twenty times a second.
        meanwhile : callable, optional
            What the thread that waits does first; it looks itself whether all is
            stopped, and raises nothing.

        Returns
        -------
        object or None
            What `work` gave; None where it was not waited for.
        """
        if self._worker is None:
            self._worker = Worker("rmz-acquire estimator")
        task = self._worker.submit(work)
        if meanwhile is not None:
            meanwhile()
        while not task.done.wait(_LOOK_S):
            if stopped():
                self._worker.end()
                self._worker = None
                return None
        if task.error is not None and not task.ended:
            raise task.error
        return task.result

    def close(self) -> None:
        """Let the thread end when it is done with what it does."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
