"""The full stack that is taken beside a run, to compare its volume with."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.errors import message_of
from rmz_acquire.gui.controllers.events import (
    Compared,
    EventQueue,
    Problem,
    StackEnded,
)
from rmz_acquire.gui.controllers.run_reader import score_against
from rmz_acquire.gui.models.stored_runs import load_run
from rmz_acquire.workers import Worker

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.recording import Summary
    from rmz_acquire.recording.experiment_folder import Key

__all__ = ["FullStack"]

logger = logging.getLogger(__name__)

_NAME = "full-stack"


@dataclass(slots=True)
class FullStack:
    """A full stack of one volume.

    Parameters
    ----------
    run : Path
        Folder of the experiment beside whose volume it is taken.
    key : (int, int, int, int)
        Which volume.
    folder : Path
        Where it goes.
    planes : int
        How many it has, once that is known.
    """

    run: Path
    key: Key
    folder: Path
    planes: int = 0

    @classmethod
    def beside(cls, run: Path, key: Key) -> FullStack:
        """Name a folder for it in the run; a stack that is there is kept."""
        name = _NAME if not any(key) else f"{_NAME}-" + "-".join(map(str, key))
        folder, count = run / name, 1
        while folder.exists():
            count += 1
            folder = run / f"{name}_{count}"
        return cls(run, key, folder)

    def ended(
        self,
        taken: int,
        summary: Summary | None,
        error: str | None,
        trace: str,
    ) -> StackEnded:
        """Say how it ended, with so many planes on disk."""
        status = "failed" if summary is None else summary.status
        reason = (error or "") if summary is None else summary.reason
        return StackEnded(
            self.run,
            self.key,
            self.folder,
            taken,
            self.planes,
            status,
            reason,
            error,
            trace,
        )

    def score(self, events: EventQueue) -> None:
        """Score the volume against it, on a thread of its own; a `Compared` comes."""
        worker = Worker("score")
        worker.submit(lambda: self._score(events))
        worker.close()

    def _score(self, events: EventQueue) -> None:
        try:
            full, own = load_run(self.folder).shown, load_run(self.run, self.key).shown
            truth = None if full is None else full.pixels
            text = None
            if truth is not None and own is not None:
                text = score_against(truth, own)
        except Exception as problem:
            logger.exception("the volume could not be scored")
            said = f"the volume could not be scored: {message_of(problem)}"
            events.put(Problem(said, traceback.format_exc()))
            return
        if truth is None or text is None:
            events.put(Problem("the full stack does not fit the run's volume"))
        else:
            events.put(Compared("full stack", truth, text, self.run, self.key))
