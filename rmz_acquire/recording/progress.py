"""How a training stands, as lines of JSON in its folder: written there, read anywhere.

Whoever watches a training (the window, a script, a person with ``tail -f``) reads
``progress.jsonl``. Each line is one of

- ``{"doing": "simulating specimens"}``: what takes time just now, until the next line
- ``{"begin": 40, "steps": 300}``: training begins, or goes on, at this step
- ``{"step": 45, "seconds": 12.5, "loss": 0.8}``: so far, s since it began
- ``{"look": 50, "gain_db": 0.71}``: a look at the validation specimens, dB over wiener
- ``{"scoring": "worm-3 M=5"}``: training is done, the model is being scored
- ``{"model": "mine"}``: released, in this folder of the run's
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rmz_acquire.atomic_io import json_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["PROGRESS_FILE", "ProgressLog", "TrainingProgress", "read_progress"]

logger = logging.getLogger(__name__)

PROGRESS_FILE = "progress.jsonl"


class ProgressLog:
    """Adds lines to a run's file.

    Parameters
    ----------
    folder : Path
        Of the run.
    on_progress : callable, optional
        Is told how it stands after each line.
    """

    def __init__(
        self,
        folder: Path,
        on_progress: Callable[[TrainingProgress], None] | None = None,
    ) -> None:
        self._path = folder / PROGRESS_FILE
        self._on_progress = on_progress
        self._tale = _Tale() if on_progress is None else _told_in(folder)

    def write(self, **entry: Any) -> None:
        """Add a line; where that fails the training goes on, unwatched."""
        line = json_text(entry)
        if self._on_progress is not None:
            self._tale.add(json.loads(line))
            self._on_progress(self._tale.so_far())
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            logger.warning("%s cannot be written", self._path, exc_info=True)


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How a training stands.

    Attributes
    ----------
    step, steps : int
        Of the optimiser: done, and in all; 0 until it has begun.
    seconds_left : float or None
        By the pace so far; None where that is not known.
    loss : float or None
        Of the last step told.
    looks : tuple of (int, float)
        Step, and gain over wiener there, dB.
    doing : str or None
        What takes time just now, where it is not a step of the optimiser.
    scoring : str or None
        What is scored now; None before and after.
    model : str or None
        The folder of the released model in that of the run, once there is one.
    """

    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    loss: float | None = None
    looks: tuple[tuple[int, float], ...] = ()
    doing: str | None = None
    scoring: str | None = None
    model: str | None = None


def read_progress(folder: Path) -> TrainingProgress:
    """Read how a training stands; nothing is known of one that has not begun.

    Parameters
    ----------
    folder : Path
        Of the run.

    Returns
    -------
    TrainingProgress
        Of a run that went on from a checkpoint, without what came after that and was
        lost.
    """
    return _told_in(folder).so_far()


class _Tale:
    """What the lines come to."""

    def __init__(self) -> None:
        self._now = TrainingProgress()
        self._paces: list[tuple[int, float]] = []

    def add(self, entry: dict[str, Any]) -> None:
        now = replace(self._now, doing=None)
        if "begin" in entry:
            step = int(entry["begin"])
            looks = tuple(look for look in now.looks if look[0] <= step)
            now = TrainingProgress(step, int(entry["steps"]), looks=looks)
            self._paces = []
        elif "step" in entry:
            now = replace(now, step=int(entry["step"]), loss=entry.get("loss"))
            # the pace of the whole is that from the first line to the last
            self._paces = [*self._paces[:1], (now.step, float(entry["seconds"]))]
        elif "look" in entry:
            look = int(entry["look"]), float(entry["gain_db"])
            now = replace(now, looks=(*now.looks, look))
        elif "doing" in entry:
            now = replace(now, doing=str(entry["doing"]))
        elif "scoring" in entry:
            now = replace(now, scoring=str(entry["scoring"]))
        elif "model" in entry:
            now = replace(now, scoring=None, model=str(entry["model"]))
        self._now = now

    def so_far(self) -> TrainingProgress:
        if len(self._paces) < 2:
            return self._now
        (first, begun), (last, now) = self._paces
        left = (self._now.steps - last) * (now - begun) / max(1, last - first)
        return replace(self._now, seconds_left=left)


def _told_in(folder: Path) -> _Tale:
    tale = _Tale()
    with contextlib.suppress(OSError):
        text = (folder / PROGRESS_FILE).read_bytes()
        for entry in _entries(text):
            tale.add(entry)
    return tale


def _entries(text: bytes) -> list[dict[str, Any]]:
    """Whole lines only: the last one may be half written."""
    found = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found
