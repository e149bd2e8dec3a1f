"""Scans for the window: each on a thread of its own, told by signals.

A scan is an experiment, of one volume where nothing else is asked for, and runs as
`rmz_acquire.experiments` runs it; here it is steered, and told of.
"""

from __future__ import annotations

import logging
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire import experiments
from rmz_acquire.acquisition import Control, ScanEngine
from rmz_acquire.errors import InputError, message_of
from rmz_acquire.experiments import Further, StoredExperiment
from rmz_acquire.gui.controllers.event_forwarder import EventForwarder
from rmz_acquire.gui.controllers.full_stack import FullStack
from rmz_acquire.gui.controllers.scan_signals import ScanSignals
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.experiment_form import full_stack_of, sequence_of
from rmz_acquire.gui.models.stored_runs import load_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.gui.controllers.microscope_session import MicroscopeController
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.recording import Summary
    from rmz_acquire.recording.experiment_folder import Key

__all__ = ["ScanController"]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    """The scan under way."""

    folder: Path
    control: Control
    telling: EventForwarder
    #: The volume that is read back in the end; None for the last.
    key: Key | None = None
    pause: bool = False


class ScanController(ScanSignals):
    """Starts scans and steers them.

    Parameters
    ----------
    microscope : MicroscopeController
        What the planes are taken with.
    """

    def __init__(self, microscope: MicroscopeController) -> None:
        super().__init__()
        self._microscope = microscope
        self._thread: threading.Thread | None = None
        self._running: _Running | None = None

    @property
    def running(self) -> bool:
        """Whether a scan is under way."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self, settings: ScanSettings, folder: Path) -> bool:
        """Begin a scan; False, with a `problem`, where that cannot be.

        Parameters
        ----------
        settings : ScanSettings
            What to do.
        folder : Path
            Where to; it must not hold a run.

        Returns
        -------
        bool
            Whether it has begun.
        """
        try:
            sequence = sequence_of(settings)
        except InputError as error:
            self.problem.emit(str(error), "")
            return False
        running = _Running(folder, Control(), EventForwarder(self))
        return self._begin(running, lambda core: self._run(running, core, sequence))

    def go_on(
        self, folder: Path, key: Key, *, planes: int = 0, z_um: float | None = None
    ) -> bool:
        """Go on with a scan that has ended.

        Parameters
        ----------
        folder : Path
            Of the experiment.
        key : (int, int, int, int)
            t, p, g, c of the volume that more planes are wanted of.
        planes : int
            How many more; 0 takes up what was cut off, aborted or left out.
        z_um : float, optional
            One more plane, exactly here.
        """
        further = None
        if planes or z_um is not None:
            at = () if z_um is None else (float(z_um),)
            further = Further(key, planes, at)
        running = _Running(folder, Control(), EventForwarder(self))
        return self._begin(running, lambda core: self._resumed(running, core, further))

    def render(self, folder: Path, key: Key) -> bool:
        """Render what a run of which all planes are taken has left to be rendered.

        Parameters
        ----------
        folder : Path
            Of the experiment.
        key : (int, int, int, int)
            The volume that is shown, then and afterwards.
        """
        running = _Running(folder, Control(), EventForwarder(self, beside=True), key)
        return self._begin(running, lambda core: self._resumed(running, core))

    def take_full_stack(self, run: Path, key: Key) -> bool:
        """Take every plane of a volume's grid, and score the volume against them.

        `stack_plane` come, `stack_ended`, and behind a stack that is whole
        `stack_scored`.

        Parameters
        ----------
        run : Path
            Folder of the experiment; the stack goes into ``full-stack…`` in it.
        key : (int, int, int, int)
            Which volume.

        Returns
        -------
        bool
            Whether it has begun.
        """
        stack = FullStack.beside(run, key)
        telling = EventForwarder(self, beside=True)
        running = _Running(stack.folder, Control(), telling)

        def work(core: CMMCorePlus) -> Summary:
            stored = StoredExperiment(run)
            volume = next(v for v in stored.prepared.volumes if v.key == key)
            sequence = full_stack_of(volume, stored.sequence)
            stack.planes = len(volume.z_um)
            return self._run(running, core, sequence)

        return self._begin(running, work, stack)

    def pause(self) -> None:
        """Hold before the next plane; the light is off meanwhile."""
        core = self._microscope.core
        if core is None or self._microscope.state is not State.scanning:
            return
        running = self._running
        if running is None:
            return
        self._hold(running, core)

    @property
    def held(self) -> bool:
        """Whether a pause has begun: nothing moves, and the light is off."""
        core = self._microscope.core
        if core is None:
            return False
        # before an exposure it is the engine that holds, and the runner goes on
        engine = core.mda.engine
        holding = isinstance(engine, ScanEngine) and engine.holding
        return holding or core.mda.is_paused()

    def resume(self) -> None:
        """Go on after a pause."""
        core = self._microscope.core
        if core is None or self._microscope.state is not State.paused:
            return
        # first, or a plane that comes between the two finds its pause lost
        self._microscope.set_state(State.scanning)
        # the engine may hold before the exposure, where the runner is not paused yet
        core.mda.set_paused(False)

    def stop_and_keep(self) -> None:
        """End with the plane under way, which still counts."""
        running = self._running
        if running is not None:
            running.control.wind_up("stopped by the user, the volume is kept,")
            self.step.emit("stopping after this plane")
            self._microscope.set_state(State.ending)

    def abort(self, reason: str = "aborted by the user") -> None:
        """End now: light off, stage back; what was taken stays on disk."""
        running = self._running
        if running is not None:
            running.control.abort(reason)
            self._microscope.set_state(State.ending)

    def ask_plane(self, z_um: float) -> None:
        """Take one more plane here, after the one that is under way."""
        running = self._running
        if running is not None:
            running.telling.ask(float(z_um))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the scan; True when it is over."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.running

    # ---- on the scan's thread -----------------------------------------------------

    def _begin(
        self,
        running: _Running,
        work: Callable[[CMMCorePlus], Summary],
        stack: FullStack | None = None,
    ) -> bool:
        if not self._microscope.claim():
            said = f"the microscope is {self._microscope.state.value}"
            self.problem.emit(f"a scan cannot start now: {said}", "")
            return False
        self._running = running
        self._thread = threading.Thread(
            target=self._live, args=(running, work, stack), name="scan for the window"
        )
        self._thread.start()
        return True

    def _live(
        self,
        running: _Running,
        work: Callable[[CMMCorePlus], Summary],
        stack: FullStack | None,
    ) -> None:
        """Be the scan's thread: whatever happens, the microscope is free at the end."""
        error = trace = ""
        summary: Summary | None = None
        try:
            self._microscope.stop_live().result()
            core = self._microscope.core
            if core is None:
                msg = "no microscope is connected: choose one first"
                raise InputError(msg)
            summary = work(core)
            if summary.status == "failed":
                error = f"{summary.reason}; what was taken is in {running.folder}"
                scan = running.telling.scan
                if scan is not None and scan.error is not None:
                    trace = "".join(traceback.format_exception(scan.error))
        except Exception as problem:
            if not isinstance(problem, InputError):
                logger.exception("the scan raised")
            error = message_of(problem)
            trace = traceback.format_exc()
        finally:
            self._running = None
            # a pause that came with the last plane must not hold the next scan
            core = self._microscope.core
            if core is not None and core.mda.status.pause_requested:
                core.mda.set_paused(False)
        if stack is None:
            self._end(running, error, trace)
            return
        status = "failed" if summary is None else summary.status
        self._microscope.set_state(State.ready)
        taken = running.telling.planes
        self.stack_ended.emit(stack.folder, taken, stack.planes, status, error, trace)
        if status == "completed":
            stack.score(self)

    def _end(self, running: _Running, error: str, trace: str) -> None:
        """Read back what lies on disk now: that is what the window shows."""
        run, folder = None, running.folder
        if (folder / "run.json").is_file():
            try:
                run = load_run(folder, running.key)
            except Exception as problem:
                logger.exception("the run could not be read back")
                error = error or " ".join(str(problem).split())
        # first, so that what can be done next can be offered with the words
        self._microscope.set_state(State.ready)
        self.ended.emit(folder, run, error, trace)

    def _run(
        self,
        running: _Running,
        core: CMMCorePlus,
        sequence: useq.MDASequence,
    ) -> Summary:
        return self._watched(
            running,
            core,
            lambda telling: (
                experiments.run(
                    core,
                    sequence,
                    running.folder,
                    config=self._microscope.config,
                    control=running.control,
                    watcher=telling,
                ).summary
            ),
        )

    def _resumed(
        self, running: _Running, core: CMMCorePlus, further: Further | None = None
    ) -> Summary:
        return self._watched(
            running,
            core,
            lambda telling: (
                experiments.resume(
                    core,
                    running.folder,
                    control=running.control,
                    watcher=telling,
                    further=further,
                ).summary
            ),
        )

    def _watched(
        self,
        running: _Running,
        core: Any,
        work: Callable[[EventForwarder], Summary],
    ) -> Summary:
        self.step.emit("loading the reconstruction")
        telling = running.telling
        telling.on_plane = lambda _: self._pause_if_asked(running, core)
        telling.on_rendering = lambda: self._microscope.set_state(State.rendering)
        telling.listen(core)
        try:
            return work(telling)
        finally:
            core.on_move = core.on_expose = None
            self._microscope.set_state(State.ending)

    def _pause_if_asked(self, running: _Running, core: CMMCorePlus) -> None:
        # the runner forgets a pause that comes just as it turns to an event
        paused = self._microscope.state is State.paused
        if running.pause or (paused and not _will_pause(core)):
            self._hold(running, core)

    def _hold(self, running: _Running, core: CMMCorePlus) -> None:
        """Let the runner pause; where it is not ready for that, with the next plane."""
        # first, so that a plane that comes meanwhile finds it
        running.pause = True
        core.mda.set_paused(True)
        if _will_pause(core):
            running.pause = False
            self._microscope.set_state(State.paused)
            self.step.emit("pausing after the current step")
        else:
            # the network is being loaded, or the first event is being made
            self.step.emit("pausing before the next plane")


def _will_pause(core: CMMCorePlus) -> bool:
    """Whether the runner knows of a pause: it is paused, or will be with its event."""
    return core.mda.is_paused() or core.mda.status.pause_requested
