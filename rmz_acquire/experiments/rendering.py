"""Makes whole volumes where regions decided, while the next ones are scanned.

Everything that it needs is on disk: the planes, and in the journal of the volumes which
of them a volume is made of, and that it is not made yet. So whatever ends a run costs
nothing but time: taken up again, it makes what is missing.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import torch

from rmz_acquire.errors import message_of
from rmz_acquire.experiments.callbacks import Rendered
from rmz_acquire.experiments.whole_volumes import parts_of
from rmz_acquire.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rmz_acquire.acquisition import Control
    from rmz_acquire.experiments.callbacks import Watcher
    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import ExperimentFolder, Key
    from rmz_acquire.workers import Task

__all__ = ["Rendering"]

logger = logging.getLogger(__name__)

_LOOK_S = 0.1
_NICE = 10


class Rendering:
    """Makes the volumes of one experiment, one after the other, behind its back.

    Parameters
    ----------
    prepared : Prepared
        The experiment.
    folder : ExperimentFolder
        Its record.
    watcher : Watcher
        Is told how far it is.
    """

    def __init__(
        self, prepared: Prepared, folder: ExperimentFolder, watcher: Watcher
    ) -> None:
        self._prepared, self._folder, self._watcher = prepared, folder, watcher
        self._worker: Worker | None = None
        self._tasks: list[Task[None]] = []
        self._asked = self._done = 0
        self._spent_s = 0.0
        self._threads = 1
        #: What each volume is made of, by the candidates' names.
        self.shares: dict[Key, Mapping[str, float]] = {}
        #: What went wrong, one line a volume.
        self.problems: list[str] = []

    @property
    def left(self) -> int:
        """How many volumes are not made yet."""
        return self._asked - self._done

    def take_up(self) -> None:
        """Make what an earlier part of the run has left."""
        for volume in self._prepared.volumes:
            if self._folder.to_render(volume.key):
                self.add(volume, self._folder.volumes_before[volume.key])

    def add(self, volume: Volume, line: Mapping[str, Any]) -> None:
        """Make a volume whose scan has ended.

        Parameters
        ----------
        volume : Volume
            Which one.
        line : mapping
            Of it, in the journal of the volumes.
        """
        when = line.get("render")
        if when not in ("after", "during"):
            return
        self._asked += 1
        if self._worker is None:
            self._worker = Worker("volumes")
            # while a decision is computed, a new thread would be told of fewer
            self._threads = torch.get_num_threads()
        task = self._worker.submit(lambda: self._make(volume, line))
        self._tasks.append(task)
        if when == "during":
            self._wait(task)

    def finish(self, control: Control) -> None:
        """Wait until all are made, or nobody wants to wait any more.

        Parameters
        ----------
        control : Control
            Its abort ends the wait: what is not made by then stays to be made.
        """
        try:
            for task in self._tasks:
                self._wait(task, lambda: control.reason is not None)
        except KeyboardInterrupt:
            logger.warning("the volumes that are not made yet are left")
        finally:
            self.close()

    def _wait(
        self, task: Task[None], enough: Callable[[], bool] = lambda: False
    ) -> None:
        # a worker that was ended does nothing more, and need not say so
        while not (enough() or task.done.wait(_LOOK_S)):
            if self._worker is None or not self._worker.alive:
                return

    def close(self) -> None:
        """End in the middle of what it does."""
        if self._worker is not None:
            self._worker.end()

    def _make(self, volume: Volume, line: Mapping[str, Any]) -> None:
        _step_back()
        torch.set_num_threads(self._threads)
        begun = time.perf_counter()
        try:
            self._write(volume, line, begun)
        except Exception as error:
            # its planes are there, and it may be made later
            logger.debug("a volume was not made", exc_info=error)
            self.problems.append(f"{volume.name} was not made: {message_of(error)}")
            return
        self._spent_s += time.perf_counter() - begun
        self._done += 1
        self._tell(0.0, None)

    def _write(self, volume: Volume, line: Mapping[str, Any], begun: float) -> None:
        folder, estimators = self._folder, self._prepared.estimators
        _, p, g, c = volume.key
        made_of = [(int(t), int(order), float(z)) for t, order, z in line["made_of"]]
        images = [folder.plane_pixels((t, p, g, c), order) for t, order, _ in made_of]
        z_um = [z for _, _, z in made_of]
        told: list[Mapping[str, Any]] = []
        for part in parts_of(
            estimators,
            volume,
            images,
            z_um,
            lambda share: self._tell(share, time.perf_counter() - begun),
            told.append,
        ):
            corner = part.region.y, part.region.x
            deep, whole = len(volume.z_um), images[0].shape
            for number, made in enumerate((part.volume[:deep], part.volume[deep:])):
                if len(made):
                    spread = number == 1
                    folder.write_part(volume.key, corner, made, whole, spread=spread)
        shares = told[-1].get("shares") if told else None
        folder.rendered(line, shares)
        if shares is not None:
            self.shares[volume.key] = shares

    def _tell(self, part: float, spent_s: float | None) -> None:
        """Say how far it is, and how long the rest takes."""
        made = self._done + part
        spent = self._spent_s + (spent_s or 0.0)
        rest = self._asked - made
        left_s = spent / made * rest if made > 0 else None
        self._watcher.rendered(Rendered(self._done, self._asked, part, left_s))


def _step_back() -> None:
    """Let whatever scans go first, where the system can tell threads apart."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
