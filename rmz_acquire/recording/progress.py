"""How a training stands, as lines of JSON in its folder: written there, read anywhere.

Whoever watches a training (the window, a script, a person with ``tail -f``) reads
``progress.jsonl``. Each line is one of

- ``{"begin": 40, "steps": 300}``: training begins, or goes on, at this step
- ``{"step": 45, "seconds": 12.5, "loss": 0.8}``: so far, s since it began
- ``{"look": 50, "gain_db": 0.71}``: a look at the validation specimens, dB over wiener
- ``{"scoring": "worm-3 M=5"}``: training is done, the model is being scored
- ``{"model": "mine"}``: released, in this folder of the run's
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire.recording.files import jsonable

if TYPE_CHECKING:
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
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / PROGRESS_FILE

    def write(self, **entry: Any) -> None:
        """Add a line; where that fails the training goes on, unwatched."""
        line = json.dumps(jsonable(entry), allow_nan=False)
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
    try:
        text = (folder / PROGRESS_FILE).read_text("utf-8", errors="replace")
    except OSError:
        return TrainingProgress()
    step = steps = 0
    loss: float | None = None
    looks: list[tuple[int, float]] = []
    paces: list[tuple[int, float]] = []
    scoring = model = None
    for entry in _entries(text):
        if "begin" in entry:
            step, steps = int(entry["begin"]), int(entry["steps"])
            looks = [look for look in looks if look[0] <= step]
            paces, scoring, model = [], None, None
        elif "step" in entry:
            step, loss = int(entry["step"]), entry.get("loss")
            paces.append((step, float(entry["seconds"])))
        elif "look" in entry:
            looks.append((int(entry["look"]), float(entry["gain_db"])))
        elif "scoring" in entry:
            scoring = str(entry["scoring"])
        elif "model" in entry:
            scoring, model = None, str(entry["model"])
    left = None
    if len(paces) > 1:
        (first, begun), (last, now) = paces[0], paces[-1]
        left = (steps - last) * (now - begun) / max(1, last - first)
    return TrainingProgress(step, steps, left, loss, tuple(looks), scoring, model)


def _entries(text: str) -> list[dict[str, Any]]:
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
