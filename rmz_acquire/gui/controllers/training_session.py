"""Stacks to train on, and the training, for the window.

Stacks are taken on a thread of this process, as a scan is. The training is another
process: it cannot hold the window up, and ends when this one does, whatever happens
to it, because its standard input ends then.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import pyqtSignal

from rmz_acquire.acquisition import FocusLock
from rmz_acquire.errors import InputError, ScanFailed, message_of
from rmz_acquire.experiments.dense_stacks import Position, acquire_stacks
from rmz_acquire.gui.controllers.controller import Controller
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.training_form import TrainedModel
from rmz_acquire.recording.progress import (
    PROGRESS_FILE,
    TrainingProgress,
    read_progress,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.gui.controllers.microscope_session import MicroscopeController
    from rmz_acquire.gui.models.training_form import StackSettings, TrainingSettings
    from rmz_acquire.scanning import Scan

__all__ = ["TrainingController"]

logger = logging.getLogger(__name__)

_LOOK_S = 0.2
_PATIENCE_S = 20.0
"""How long a training that was asked to stop may take before it is killed."""
_CANCELLED = "cancelled by the user"


class TrainingController(Controller):
    """Takes stacks, and runs one training at a time.

    Parameters
    ----------
    microscope : MicroscopeController
        What the stacks are taken with.
    """

    #: Where the stage stands, for the list of places.
    place_found = pyqtSignal(Position)
    #: A plane of a stack was taken: stack, stacks, plane, planes, all from 1; (Y, X)
    #: counts.
    stacks_step = pyqtSignal(int, int, int, int, np.ndarray)
    #: No more stacks are taken: the files on disk, what went wrong in a line or "",
    #: whether somebody ended it.
    stacks_ended = pyqtSignal(tuple, str, bool)
    #: A training is so far.
    training_step = pyqtSignal(Path, TrainingProgress)
    #: A training is over: its folder, `TrainedModel` or None, what went wrong in a line
    #: or "", all that it said. With neither model nor error somebody stopped it.
    training_ended = pyqtSignal(Path, object, str, str)

    def __init__(self, microscope: MicroscopeController) -> None:
        super().__init__()
        self._microscope = microscope
        self._taker: threading.Thread | None = None
        self._trainer: threading.Thread | None = None
        self._training = False
        self._scan: Scan | None = None
        self._cancel = threading.Event()
        self._stop = threading.Event()

    @property
    def taking(self) -> bool:
        """Whether stacks are being taken."""
        return self._taker is not None and self._taker.is_alive()

    @property
    def training(self) -> bool:
        """Whether a training runs."""
        return self._training

    # ---- stacks -------------------------------------------------------------------

    def find_place(self, settings: StackSettings) -> None:
        """Ask where the stage stands; `place_found` will come, for a stack there."""

        def work(core: CMMCorePlus) -> None:
            if not core.getXYStageDevice():
                msg = (
                    "the configuration has no XY stage: leave the list of places empty "
                    "and take one stack after the other"
                )
                raise InputError(msg)
            for stage in (core.getXYStageDevice(), core.getFocusDevice()):
                core.waitForDevice(stage)
            x, y = core.getXYPosition()
            middle = settings.middle_um(core.getPosition())
            self.place_found.emit(Position(float(x), float(y), middle))

        self._microscope.use(work)

    def take_stacks(self, settings: StackSettings) -> bool:
        """Begin to take stacks; False, with a `problem`, where that cannot be."""
        problem = settings.problem()
        if problem is None and not self._microscope.claim(State.collecting):
            problem = "the microscope is busy"
        if problem is not None:
            self.problem.emit(problem, "")
            return False
        self._cancel.clear()
        self._taker = threading.Thread(
            target=self._take, args=(settings,), name="stacks"
        )
        self._taker.start()
        return True

    def cancel_stacks(self) -> None:
        """End now: light off, stages back; the stacks that are whole stay."""
        self._cancel.set()
        scan = self._scan
        if scan is not None:
            scan.abort(_CANCELLED)

    def _take(self, settings: StackSettings) -> None:
        error = ""
        try:
            self._microscope.stop_live().result()
            self._acquire(settings)
        except Exception as raised:
            if not isinstance(raised, (InputError, ScanFailed)):
                logger.exception("the stacks raised")
            error = message_of(raised)
        finally:
            self._scan = None
            self._microscope.set_state(State.ready)
        files = tuple(sorted(settings.folder.glob("position-*.ome.tif")))
        self.stacks_ended.emit(files, error, self._cancel.is_set())

    def _acquire(self, settings: StackSettings) -> None:
        core = self._microscope.core
        if core is None:
            msg = "no microscope is connected: choose one first"
            raise InputError(msg)
        scan = settings.scan
        assert scan.bottom_um is not None and scan.top_um is not None
        places: Sequence[Position] | None = settings.places
        by_hand = not core.getXYStageDevice()
        here = core.getPosition()
        middle = settings.middle_um(here)
        with FocusLock(core, core.getFocusDevice()):
            if by_hand:
                # the middle of the stack is where the focus stands
                places = None
                core.setPosition(middle)
                core.waitForDevice(core.getFocusDevice())
            elif not places:
                x, y = core.getXYPosition()
                places = [Position(float(x), float(y), middle)]
            try:
                acquire_stacks(
                    core,
                    places,
                    settings.folder,
                    range_um=scan.top_um - scan.bottom_um,
                    step_um=scan.step_um,
                    exposure_ms=scan.exposure_ms,
                    channel=scan.channel,
                    pixel_size_um=settings.pixel_size_um,
                    on_start=self._on_start,
                    on_plane=self.stacks_step.emit,
                )
            finally:
                if by_hand:
                    core.setPosition(here)
                    core.waitForDevice(core.getFocusDevice())

    def _on_start(self, scan: Scan) -> None:
        self._scan = scan
        if self._cancel.is_set():
            scan.abort(_CANCELLED)

    # ---- training -----------------------------------------------------------------

    def train(self, settings: TrainingSettings) -> bool:
        """Start a training; False, with a `problem`, where that cannot be."""
        try:
            command = settings.command()
        except InputError as error:
            self.problem.emit(str(error), "")
            return False
        return self._start(command, settings.folder)

    def go_on(self, folder: Path) -> bool:
        """Go on with a training that was stopped, from its last checkpoint."""
        config = str(folder / "finetune.yaml")
        return self._start(["train", config, "--out", str(folder)], folder)

    def stop_training(self) -> None:
        """End the training; its last checkpoint stays, to go on from."""
        self._stop.set()

    def close(self) -> None:
        """End everything safely; waits until it is done.

        Raises
        ------
        TimeoutError
            If something does not end.
        """
        self.cancel_stacks()
        self.stop_training()
        for thread in (self._taker, self._trainer):
            if thread is not None:
                thread.join(timeout=2 * _PATIENCE_S)
                if thread.is_alive():
                    msg = f"{thread.name}: no answer for {2 * _PATIENCE_S:.0f} s"
                    raise TimeoutError(msg)

    def _start(self, command: list[str], folder: Path) -> bool:
        if self.training:
            self.problem.emit("a training runs already: stop it first", "")
            return False
        self._stop.clear()
        # a core stays free for the microscope
        threads = max(1, (os.cpu_count() or 2) - 1)
        command = [*command, "--threads", str(threads), "--stop-with-input"]
        self._trainer = threading.Thread(
            target=self._train, args=(command, folder), name="training"
        )
        self._training = True
        self._trainer.start()
        return True

    def _train(self, command: list[str], folder: Path) -> None:
        model: TrainedModel | None = None
        error = ""
        try:
            code, log = self._run(command, folder)
            progress = read_progress(folder)
            # one that loses to the optics is not released, but judged all the same
            if progress.model is not None:
                model = TrainedModel.load(folder / progress.model)
            elif not self._stop.is_set():
                error = _error(log, code)
        except Exception as raised:
            logger.exception("the training could not be watched")
            error, log = message_of(raised), traceback.format_exc()
        # first: whoever hears of the end may start another one
        self._training = False
        self.training_ended.emit(folder, model, error, log)

    def _run(self, command: list[str], folder: Path) -> tuple[int, str]:
        """Run it to its end; gives its exit code and all that it said."""
        words = [sys.executable, "-m", "rmz_acquire", *command]
        logger.info("training: %s", subprocess.list2cmdline(words))
        quiet: dict[str, Any] = {}
        if sys.platform == "win32":  # pragma: no cover
            quiet["creationflags"] = subprocess.CREATE_NO_WINDOW
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                **quiet,
            )
            try:
                self._watch(child, folder)
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
            said.seek(0)
            log = said.read().decode("utf-8", errors="replace")
        return child.returncode, log

    def _watch(self, child: subprocess.Popen[bytes], folder: Path) -> None:
        """Tell how far it is until it ends, or has been asked to long enough."""
        assert child.stdin is not None
        seen, asked = -1, None
        while child.poll() is None:
            if asked is None and self._stop.wait(_LOOK_S):
                child.stdin.close()
                asked = time.monotonic()
            elif asked is not None:
                if time.monotonic() - asked > _PATIENCE_S:
                    logger.warning("the training did not stop: it is killed")
                    return
                time.sleep(_LOOK_S)
            file = folder / PROGRESS_FILE
            size = file.stat().st_size if file.is_file() else 0
            if size != seen:
                seen = size
                self.training_step.emit(folder, read_progress(folder))
        if asked is None:
            child.stdin.close()


def _error(log: str, code: int) -> str:
    """Find the one line that the command said; a crash says none."""
    lines = [line.strip() for line in log.splitlines()]
    told = [line for line in lines if line.startswith("error: ")]
    if told:
        return told[-1].removeprefix("error: ")
    return f"the training ended without a message (code {code}): see the details"
