"""The full stack that is taken beside a run, to compare its volume with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.gui.controllers.run_reader import score_against
from rmz_acquire.gui.models.stored_runs import load_run
from rmz_acquire.workers import Worker

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.gui.controllers.scan_signals import ScanSignals
    from rmz_acquire.recording.experiment_folder import Key

__all__ = ["FullStack"]

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

    def score(self, told: ScanSignals) -> None:
        """Score the volume against it, on a thread of its own; `stack_scored` comes."""
        worker = Worker("score")
        wrong = "the volume could not be scored: "
        worker.submit(lambda: told.guarded(lambda: self._score(told), wrong))
        worker.close()

    def _score(self, told: ScanSignals) -> None:
        full, own = load_run(self.folder).shown, load_run(self.run, self.key).shown
        truth = None if full is None else full.pixels
        text = None
        if truth is not None and own is not None:
            text = score_against(truth, own)
        if truth is None or text is None:
            msg = "the full stack does not fit the run's volume"
            raise InputError(msg)
        told.stack_scored.emit(self.run, self.key, truth, text)
