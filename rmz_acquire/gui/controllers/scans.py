"""Scans for the window: each on a thread of its own, told by events. No Qt.

The scan itself is that of `rmz_acquire.session.run_volume`; here it is given its
microscope, watched, and asked to pause, to end, or to take a plane somewhere.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition import run_on_core
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.evaluation import planes_not_taken, score
from rmz_acquire.gui.controllers.events import (
    Compared,
    EventQueue,
    PlaneCame,
    Problem,
    RunOpened,
    ScanEnded,
    ScanStarted,
    State,
    Step,
    VolumeCame,
)
from rmz_acquire.gui.controllers.microscope import MicroscopeController, WatchedCore
from rmz_acquire.gui.models.looks import contrast_along_z, levels_of
from rmz_acquire.gui.models.runs import StoredRun
from rmz_acquire.gui.models.settings import ScopeFacts
from rmz_acquire.models import DEFAULT_MODEL, load_model
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import make_policy
from rmz_acquire.session import run_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.gui.models.settings import ScanSettings
    from rmz_acquire.scanning import (
        Decision,
        Estimate,
        Estimator,
        Observation,
        Outcome,
        Plane,
        Policy,
        Recorder,
        Scan,
        ScanPlan,
    )

__all__ = ["AskedPolicy", "ScanController"]

logger = logging.getLogger(__name__)

_STEPS = {
    "score": "scoring the volume",
    "report": "drawing the report",
}


class AskedPolicy:
    """A policy that first takes what somebody asked for by hand.

    Parameters
    ----------
    policy : Policy
        Decides when nobody asks.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._asked: deque[float] = deque()
        self.last_z_um: float | None = None

    def ask(self, z_um: float) -> None:
        """Ask for a plane; from any thread."""
        self._asked.append(z_um)

    def next_z(self, taken: Sequence[Observation]) -> float | None:
        """Give what was asked for first, else what the policy says."""
        try:
            self.last_z_um = self._asked.popleft()
        except IndexError:
            self.last_z_um = self._policy.next_z(taken)
        return self.last_z_um


class _Watched:
    """A recorder that tells of every plane once it is on disk."""

    def __init__(self, recorder: Recorder, tell: Callable[[Plane, int], None]) -> None:
        self._recorder = recorder
        self._tell = tell

    def write_plane(self, plane: Plane, index: int) -> None:
        self._recorder.write_plane(plane, index)
        self._tell(plane, index + 1)

    def write_decision(self, decision: Decision) -> None:
        self._recorder.write_decision(decision)

    def finish(self, outcome: Outcome, volume: NDArray[np.float32] | None) -> None:
        self._recorder.finish(outcome, volume)


@dataclass(slots=True)
class _Running:
    """The scan under way."""

    settings: ScanSettings
    folder: Path
    plan: ScanPlan
    policy: AskedPolicy
    full_stack: bool = False
    scan: Scan | None = None
    abort: str | None = None
    keep: bool = False
    pause: bool = False
    planes: int = 0


class ScanController:
    """Starts scans, steers them, opens and compares runs.

    Parameters
    ----------
    microscope : MicroscopeController
        What the planes are taken with.
    events : EventQueue
        Where the window hears of it.
    """

    def __init__(self, microscope: MicroscopeController, events: EventQueue) -> None:
        self._microscope = microscope
        self._events = events
        self._thread: threading.Thread | None = None
        self._helpers: list[threading.Thread] = []
        self._running: _Running | None = None

    @property
    def running(self) -> bool:
        """Whether a scan is under way."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self, settings: ScanSettings, folder: Path) -> bool:
        """Begin a scan; False, with a `Problem`, where that cannot be.

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
        return self._start(settings, folder, full_stack=False)

    def take_full_stack(self, settings: ScanSettings, run: Path) -> bool:
        """Take every plane of the grid and score a run against them.

        Parameters
        ----------
        settings : ScanSettings
            Those of the run.
        run : Path
            Its folder; the stack goes into ``full-stack`` in it.

        Returns
        -------
        bool
            Whether it has begun.
        """
        try:
            full = settings.full_stack()
        except InputError as error:
            self._events.put(Problem(str(error)))
            return False
        return self._start(full, run / "full-stack", full_stack=True)

    def pause(self) -> None:
        """Hold before the next plane; the light is off meanwhile."""
        core = self._microscope.core
        if core is None or self._microscope.state is not State.scanning:
            return
        running = self._running
        if running is None:
            return
        if core.mda.is_running():
            self._hold(core)
        else:
            # the network is still being loaded: hold before the second plane
            running.pause = True
            self._events.put(Step("pausing with the first plane"))

    def resume(self) -> None:
        """Go on after a pause."""
        core = self._microscope.core
        if core is None or self._microscope.state is not State.paused:
            return
        # the engine may hold before the exposure, where the runner is not paused yet
        core.mda.set_paused(False)
        self._microscope.set_state(State.scanning)

    def stop_and_keep(self) -> None:
        """End with the plane under way, which still counts."""
        running = self._running
        if running is None:
            return
        if self._microscope.state is State.paused:
            self.abort("stopped by the user, the volume is kept,")
            return
        running.keep = True
        self._events.put(Step("stopping with this plane"))

    def abort(self, reason: str = "aborted by the user") -> None:
        """End now: light off, stage back; what was taken stays on disk."""
        running = self._running
        if running is None:
            return
        running.abort = reason
        if running.scan is not None:
            running.scan.abort(reason)
        self._microscope.set_state(State.ending)

    def ask_plane(self, z_um: float) -> None:
        """Take one more plane here, after the one that is under way."""
        running = self._running
        if running is not None:
            running.policy.ask(float(z_um))

    def open_run(self, folder: Path) -> None:
        """Read a run from disk for looking at."""

        def work() -> None:
            self._events.put(RunOpened(StoredRun.load(folder)))

        self._help(work)

    def compare(self, run: Path, name: str) -> None:
        """Make the volume that another estimator gives from the planes of a run.

        Parameters
        ----------
        run : Path
            Folder of the run.
        name : str
            ``linear``, ``nearest`` or ``wiener``.
        """

        def work() -> None:
            stored = StoredRun.load(run)
            optics = None
            if stored.summary.optics is not None:
                from rmz_acquire.optics import Optics

                optics = Optics.model_validate(stored.summary.optics)
            made = make_estimator(name, stored.summary.z_um, optics)
            for plane in stored.planes:
                made.add(plane.image, plane.z_um)
            if made.volume is not None:
                self._events.put(Compared(name, made.volume))

        self._help(work)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the scan and what else is at work; True when all is done."""
        for thread in (self._thread, *self._helpers):
            if thread is not None:
                thread.join(timeout_s)
        return not self.running

    # ---- on the scan's thread -----------------------------------------------------

    def _start(self, settings: ScanSettings, folder: Path, *, full_stack: bool) -> bool:
        try:
            plan = settings.plan()
        except InputError as error:
            self._events.put(Problem(str(error)))
            return False
        if not self._microscope.claim():
            said = f"the microscope is {self._microscope.state.value}"
            self._events.put(Problem(f"a scan cannot start now: {said}"))
            return False
        policy = AskedPolicy(make_policy(plan))
        running = _Running(settings, folder, plan, policy, full_stack)
        self._running = running
        if not full_stack:
            self._events.put(ScanStarted(settings, folder))
        self._thread = threading.Thread(
            target=self._work, args=(running,), name="scan for the window"
        )
        self._thread.start()
        return True

    def _work(self, running: _Running) -> None:
        ended: ScanEnded
        try:
            ended = self._scan(running)
            if running.full_stack and ended.error is None:
                self._score_full(running)
        except Exception as error:
            if not isinstance(error, (InputError, ScanFailed)):
                logger.exception("the scan raised")
            text = " ".join(str(error).split()) or type(error).__name__
            trace = traceback.format_exc()
            summary = None
            if (running.folder / "summary.json").is_file():
                try:
                    summary = StoredRun.load(running.folder).summary
                except Exception:
                    logger.exception("the summary cannot be read")
            ended = ScanEnded(running.folder, summary, text, trace)
        finally:
            self._running = None
            # a pause that came with the last plane must not hold the next scan
            core = self._microscope.core
            if core is not None and core.mda.status.pause_requested:
                core.mda.set_paused(False)
            self._microscope.set_state(State.ready)
        if running.full_stack and ended.error is None:
            return
        self._events.put(ended)

    def _scan(self, running: _Running) -> ScanEnded:
        self._microscope.stop_live().result()
        core = self._microscope.core
        if core is None:
            msg = "no microscope is connected: choose one first"
            raise InputError(msg)
        self._events.put(Step("loading the reconstruction"))
        settings = running.settings
        optics, _ = ScopeFacts.of(core).resolve(settings.overrides())
        estimator = self._estimator(running, optics)
        pixel = optics.pixel_size_um if optics else float(core.getPixelSizeUm()) or None

        def runner(scan: Scan, recorder: Recorder) -> Outcome:
            watched = _Watched(recorder, lambda p, n: self._on_plane(running, p, n))
            if isinstance(core, WatchedCore):
                core.on_move = lambda z: self._on_move(running, z)
                core.on_expose = lambda: self._on_expose(running)
            try:
                return run_on_core(
                    core,
                    scan,
                    watched,
                    exposure_ms=settings.exposure_ms,
                    channel=settings.channel,
                )
            finally:
                if isinstance(core, WatchedCore):
                    core.on_move = core.on_expose = None
                self._microscope.set_state(State.ending)

        summary = run_volume(
            runner,
            running.plan,
            estimator,
            running.folder,
            optics=optics,
            pixel_size_um=pixel,
            policy=running.policy,
            on_start=lambda scan: self._on_start(running, scan),
            on_decision=lambda d, e: self._on_decision(running, d, e),
            on_step=self._on_step,
        )
        return ScanEnded(running.folder, summary)

    def _estimator(self, running: _Running, optics: Any) -> Estimator:
        settings = running.settings
        model = None
        if settings.estimator == "recurrent-mz":
            model = load_model(settings.model or DEFAULT_MODEL)
        return make_estimator(
            settings.estimator, running.plan.z_um, optics, model=model
        )

    def _score_full(self, running: _Running) -> None:
        """Score the run beside which the full stack was taken."""
        stack = StoredRun.load(running.folder)
        run = StoredRun.load(running.folder.parent)
        truth, volume = stack.volume, run.volume
        if truth is None or volume is None or truth.shape != volume.shape:
            self._events.put(Problem("the full stack does not fit the run's volume"))
            return
        unseen = planes_not_taken(run.summary.z_um, run.summary.z_taken_um)
        linear = make_estimator("linear", run.summary.z_um)
        for plane in run.planes:
            linear.add(plane.image, plane.z_um)
        assert linear.volume is not None
        own = score(truth, volume, unseen).psnr_db
        other = score(truth, linear.volume, unseen).psnr_db
        text = (
            f"Against the full stack, over the {int(unseen.sum())} planes not taken: "
            f"{run.summary.estimator} {_db(own)}, linear interpolation {_db(other)} "
            "(the stack's own noise counts as error)."
        )
        self._events.put(Compared("full stack", truth, text))

    def _on_start(self, running: _Running, scan: Scan) -> None:
        running.scan = scan
        if running.abort is not None:
            scan.abort(running.abort)

    def _hold(self, core: CMMCorePlus) -> None:
        if not core.mda.status.pause_requested:
            core.mda.set_paused(True)
            self._microscope.set_state(State.paused)
            self._events.put(Step("paused: the light is off"))

    def _on_move(self, running: _Running, z_um: float) -> None:
        if running.scan is not None and running.scan.outcome is not None:
            self._events.put(Step(f"bringing the focus back to {z_um:.4g} µm"))
            return
        self._events.put(Step(f"{self._which(running)}: moving to {z_um:.4g} µm"))

    def _on_expose(self, running: _Running) -> None:
        exposure = running.settings.exposure_ms
        self._events.put(Step(f"{self._which(running)}: exposing {exposure:g} ms"))

    def _on_plane(self, running: _Running, plane: Plane, number: int) -> None:
        running.planes = number
        self._events.put(PlaneCame(plane, number))
        core = self._microscope.core
        if running.pause and core is not None:
            running.pause = False
            self._hold(core)
        most = self._most(running)
        self._events.put(Step(f"plane {number} of at most {most}: reconstructing"))

    def _on_decision(
        self, running: _Running, decision: Decision, estimate: Estimate | None
    ) -> None:
        volume = None if estimate is None else estimate.volume
        next_z = running.policy.last_z_um if decision.decision == "continue" else None
        levels = None if volume is None else levels_of(volume)
        contrast = None if volume is None else contrast_along_z(volume)
        self._events.put(VolumeCame(decision, volume, next_z, levels, contrast))
        if running.keep and running.scan is not None:
            running.scan.abort("stopped by the user, the volume is kept,")

    def _on_step(self, step: str) -> None:
        if step in _STEPS:
            self._events.put(Step(_STEPS[step]))

    def _which(self, running: _Running) -> str:
        return f"plane {running.planes + 1} of at most {self._most(running)}"

    def _most(self, running: _Running) -> int:
        exact = running.plan.z_exact_um
        return len(exact) if exact is not None else running.plan.max_planes

    def _help(self, work: Callable[[], None]) -> None:
        """Do something that takes time, tell what goes wrong."""

        def guarded() -> None:
            try:
                work()
            except InputError as error:
                self._events.put(Problem(str(error)))
            except Exception as error:
                logger.exception("a helper raised")
                text = " ".join(str(error).split()) or type(error).__name__
                self._events.put(Problem(text, traceback.format_exc()))

        self._helpers = [thread for thread in self._helpers if thread.is_alive()]
        thread = threading.Thread(target=guarded, name="helper", daemon=True)
        self._helpers.append(thread)
        thread.start()


def _db(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f} dB"
