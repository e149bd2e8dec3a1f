"""Measures in the background how long planes take here.

One process at a time, at low priority, which is killed as soon as a scan begins or
something else is asked: the window is never blocked, a scan never shares the machine.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from rmz_acquire.gui.models.pace import PaceBook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.gui.models.pace import PaceTask

__all__ = ["PaceController"]

logger = logging.getLogger(__name__)

_REST_S = 1.0
"""A range that is still being set is not measured."""


class PaceController(QObject):
    """Measures what is wanted and not known yet, the first first.

    Parameters
    ----------
    book : PaceBook, optional
        Where it is written down; without one nothing is measured.
    """

    #: More is known of how long planes take here.
    learned = pyqtSignal()

    def __init__(self, book: PaceBook | None = None) -> None:
        super().__init__()
        self._on = book is not None
        self.book = book or PaceBook()
        self._changed = threading.Condition()
        self._wanted: tuple[PaceTask, ...] = ()
        self._held = self._closing = False
        self._child: subprocess.Popen[str] | None = None
        self._running: PaceTask | None = None
        self._failed: set[str] = set()
        self._thread: threading.Thread | None = None

    @property
    def measuring(self) -> bool:
        """Whether a measurement is under way."""
        return self._child is not None

    def want(self, tasks: Sequence[PaceTask]) -> None:
        """Ask for these, in place of all that was asked for before."""
        with self._changed:
            if tuple(tasks) == self._wanted or self._closing or not self._on:
                return
            self._wanted = tuple(tasks)
            if self._running not in self._wanted:
                self._kill()
            if self._thread is None and self._wanted:
                self._thread = threading.Thread(
                    target=self._work, name="pace", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def hold(self, on: bool) -> None:
        """Measure nothing while something else needs the machine."""
        with self._changed:
            if on is self._held:
                return
            self._held = on
            if on:
                self._kill()
            self._changed.notify_all()

    def close(self) -> None:
        """End at once."""
        with self._changed:
            self._closing = True
            self._kill()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    # ---- on its own thread --------------------------------------------------------

    def _next(self) -> PaceTask | None:
        """What to measure now; None where it is not to be."""
        if self._held:
            return None
        for task in self._wanted:
            if not self.book.has(task) and task.key not in self._failed:
                return task
        return None

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closing and self._next() is None:
                    self._changed.wait()
                # until nobody changes anything any more
                while not self._closing and self._changed.wait(_REST_S):
                    pass
                if self._closing:
                    return
                task = self._next()
                if task is None:
                    continue
                child = self._start(task)
            if child is not None:
                self._listen(task, child)

    def _start(self, task: PaceTask) -> subprocess.Popen[str] | None:
        words = [
            sys.executable,
            "-m",
            "rmz_acquire.evaluation.time_per_plane",
            task.argument(),
        ]
        gentle: dict[str, Any] = {}
        if sys.platform == "win32":  # pragma: no cover
            gentle["creationflags"] = (
                subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
            )
        else:
            nice = next((p for p in ("/usr/bin/nice",) if os.path.exists(p)), None)
            words = [nice, "-n", "5", *words] if nice else words
        try:
            self._child = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                **gentle,
            )
        except OSError:
            logger.exception("nothing can be measured")
            self._failed.add(task.key)
        self._running = task
        return self._child

    def _listen(self, task: PaceTask, child: subprocess.Popen[str]) -> None:
        seconds: float | None = None
        assert child.stdout is not None and child.stdin is not None
        try:
            for line in child.stdout:
                seconds = float(json.loads(line)["seconds"])
                self.book.guess(task, seconds)
                self.learned.emit()
        except (ValueError, KeyError, OSError):
            logger.exception("a measurement said what nobody understands")
        finally:
            child.stdin.close()
            child.stdout.close()
            code = child.wait()
            with self._changed:
                self._child = self._running = None
        if code == 0 and seconds is not None:
            self.book.learn(task, seconds)
            self.learned.emit()
        elif code > 0:
            # killed ones are asked again
            logger.warning("measuring %s failed (code %d)", task.key, code)
            self._failed.add(task.key)
