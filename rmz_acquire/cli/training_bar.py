"""How far a training is, on the terminal: from its first second on."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rmz_acquire.cli.console import stderr
from rmz_acquire.recording.progress import TrainingProgress, read_progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["TrainingBar"]

_EVERY_S = 0.5
_LINE_EVERY_S = 60.0
"""Between lines where there is no terminal, as in a log file."""

# No process may be forked, as those that load are, while a thread holds the lock of
# the terminal: it would be held in there for ever.
_drawing = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_drawing.acquire,
        after_in_parent=_drawing.release,
        after_in_child=_drawing.release,
    )


class TrainingBar:
    """Step, loss, time left, and what takes time just now.

    Drawn by a thread of its own, so that it goes on while specimens are simulated.

    Parameters
    ----------
    folder : Path
        Of the run: what it holds of one that was cut off is shown at once.
    steps : int
        Of the optimiser, in all.
    doing : str
        What takes time at first.
    """

    def __init__(self, folder: Path, steps: int, doing: str = "loading") -> None:
        before = read_progress(folder)
        self._now = TrainingProgress(before.step, steps, doing=doing)
        self._told = self._line = time.monotonic()
        self._end = threading.Event()
        self._bar = Progress(
            BarColumn(10),
            TextColumn("step {task.completed:.0f} of {task.total:.0f}"),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("time left {task.fields[left]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}"),
            console=stderr,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=steps, **self._fields())

    def tell(self, now: TrainingProgress) -> None:
        """Take how the training stands."""
        told, self._now, self._told = self._now, now, time.monotonic()
        if stderr.is_terminal:
            return
        if now.scoring is not None and now.scoring != told.scoring:
            stderr.print(f"scoring {now.scoring}", soft_wrap=True, markup=False)
        elif self._told - self._line > _LINE_EVERY_S and now.scoring is None:
            self._line = self._told
            fields = self._fields()
            stderr.print(
                f"step {now.step} of {now.steps}, loss {fields['loss']}, "
                f"time left {fields['left']} {fields['doing']}".rstrip(),
                soft_wrap=True,
            )

    @contextmanager
    def shown(self, *, wanted: bool = True) -> Iterator[None]:
        """Show it, where there is a terminal, and take it away in the end."""
        if not wanted or not stderr.is_terminal:
            yield
            return
        thread = threading.Thread(target=self._draw, name="training bar", daemon=True)
        with _drawing:
            self._bar.start()
            self._bar.refresh()
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()
            self._bar.stop()

    def _draw(self) -> None:
        while not self._end.wait(_EVERY_S):
            with _drawing:
                self._bar.update(self._task, completed=self._now.step, **self._fields())
                self._bar.refresh()

    def _fields(self) -> dict[str, Any]:
        now, left = self._now, self._now.seconds_left
        if left is not None:
            left = max(0.0, left - (time.monotonic() - self._told))
        doing = now.doing or ""
        if now.scoring is not None:
            left, doing = None, f"scoring {now.scoring}"
        return {
            "loss": "–" if now.loss is None else f"{now.loss:.3g}",
            "left": "–" if left is None else str(timedelta(seconds=round(left))),
            "doing": doing,
        }
