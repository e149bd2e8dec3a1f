"""The engine that feeds scans: one event, one move, one frame, one decision.

Why an engine and not signals: with a Qt application alive, what is connected to
`frameReady` runs on the main thread, output handlers run on a third one behind an
unbounded queue, and exceptions in either are only logged. In `exec_event` the frame is
seen on the acquisition thread under any backend, before the next event is pulled.

The stock engine logs a warning where a stage, a channel, an exposure or a snap fails,
and goes on. Here each of them ends the scan as failed. Nothing raises out of this
engine: the scan's outcome tells, and the run ends because there is no further event.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from pymmcore_plus.mda import MDAEngine, SkipEvent
from useq import HardwareAutofocus

from rmz_acquire.acquisition.event_settings import EventSettings
from rmz_acquire.acquisition.focus_stage import Interrupted, StageError
from rmz_acquire.acquisition.look_ahead import LookAhead
from rmz_acquire.acquisition.plane_taker import PlaneTaker
from rmz_acquire.acquisition.volume_task import Control
from rmz_acquire.acquisition.worker import CancellableWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition.focus_stage import Arrival, FocusDrive
    from rmz_acquire.acquisition.hardware_autofocus import Autofocus
    from rmz_acquire.acquisition.shutter import ShutterGuard
    from rmz_acquire.acquisition.volume_task import Check, RepeatPlane, VolumeTask
    from rmz_acquire.defaults import Overlap
    from rmz_acquire.scanning import Decision, Plane, Scan

__all__ = ["ScanEngine"]

logger = logging.getLogger(__name__)

_LOOK_S = 0.05


class ScanEngine(MDAEngine):
    """Runs the events that scans ask for and hands them every frame.

    Use it for one acquisition: it holds the acquisition's parts.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    tasks : iterable of VolumeTask
        The volumes; the next is asked for when the last one has come to its end.
    drive : FocusDrive
        The focus stage.
    light : ShutterGuard
        The shutter.
    autofocus : Autofocus, optional
        The hardware autofocus, with its corrections.
    control : Control, optional
        Stops everything, beside `Scan.abort` and ``core.mda.cancel``.
    on_end : callable, optional
        Is handed each task when its scan has ended well, before the next one; on the
        acquisition thread. What it raises ends the acquisition.
    resumed : bool
        Whether an acquisition that had ended goes on.
    overlap : {"none", "stage", "exposure"}
        What is done for the next plane while the estimator computes the last.
    """

    def __init__(
        self,
        core: CMMCorePlus,
        tasks: Iterable[VolumeTask],
        *,
        drive: FocusDrive,
        light: ShutterGuard,
        autofocus: Autofocus | None = None,
        control: Control | None = None,
        on_end: Callable[[VolumeTask], None] | None = None,
        resumed: bool = False,
        overlap: Overlap = "stage",
    ) -> None:
        # The state is brought back by `acquire`, in an order that is safe.
        super().__init__(
            core, use_hardware_sequencing=False, restore_initial_state=False
        )
        self.control = control or Control()
        self._tasks = tasks
        self._task: VolumeTask | None = None
        self._autofocus = autofocus
        self._on_end = on_end
        self._settings = EventSettings(core, self.stopped)
        self._thinker = CancellableWorker()
        self._arrival: Arrival | None = None
        self._taker = PlaneTaker(
            core, drive, light, autofocus, self.stopped, resumed=resumed
        )
        self._ahead = LookAhead(overlap, self._taker, self._held, self._describe)
        self._again: RepeatPlane | None = None
        self._numbered = 0
        #: Whether a plane is under way, from the first setting to the decision.
        self.at_work = False
        #: Whether it holds before an exposure, as a pause wants it.
        self.holding = False
        #: What went wrong outside of any scan, or after the scan had ended.
        self.errors: list[Exception] = []

    @property
    def task(self) -> VolumeTask | None:
        """The volume that it is at, or was at last."""
        return self._task

    def events(self) -> Iterator[useq.MDAEvent]:
        """Give the events one by one, each when the scan has seen the last frame.

        Yields
        ------
        useq.MDAEvent
            One z each, in the order taken.
        """
        try:
            for task in self._tasks:
                self._task = task
                self._taker.after_resume |= task.after_old
                if task.autofocus is not None:
                    yield task.autofocus
                while (z_um := self._next_z(task)) is not None:
                    yield task.event(z_um, task.scan.planes_taken)
                self.end_volume()
                if task.scan.outcome is None or not task.scan.outcome.ok:
                    return
                if self._on_end is not None:
                    self._on_end(task)
                if self.stopped() or self.control.winding_up is not None:
                    return
                if task.check is not None:
                    yield from self._look_again(task.scan, task.check)
                if self.stopped() or self.errors:
                    return
        except Exception as error:
            self._fail(error)

    def _look_again(self, scan: Scan, check: Check) -> Iterator[useq.MDAEvent]:
        """Give the events of a check; what fails in it does not undo the scan."""
        for number, again in enumerate(check.asks(scan)):
            self._again = again
            self._numbered = number
            yield check.event(again, number)
            self._again = None
            if self.stopped() or self.errors or self.control.winding_up is not None:
                return
        self._thinker.run(check.conclude, self.stopped)

    def event_iterator(self, events: Iterable[useq.MDAEvent]) -> Iterator[Any]:
        """Give our events in place of the sequence's, which the runner only names."""
        yield from self.events()

    def setup_sequence(self, sequence: useq.MDASequence) -> Any:
        """Set what the sequence wants to be set before its first event."""
        try:
            meta = super().setup_sequence(sequence.replace(setup=None))
            if sequence.setup is not None:
                self._settings.apply(sequence.setup)
                meta = self.get_summary_metadata(mda_sequence=sequence)
        except Exception as error:
            self._fail(error)
            return None
        return meta

    def setup_event(self, event: useq.MDAEvent) -> None:
        """Set what the event wants and go to its z.

        Raises
        ------
        SkipEvent
            Where no frame shall be taken: the scan was ended meanwhile, or the stage
            is not where it was sent (then the scan has failed).
        """
        self.at_work = True
        self._go_on_or_skip()
        if self._ahead.exposed is not None:
            return
        try:
            self._settings.apply(event)
            self._arrival = self._arrive(event.z_pos)
        except Interrupted:
            self._go_on_or_skip()
        except Exception as error:
            self._fail(error)
            raise SkipEvent(0, "the microscope failed") from error
        # light is dose: look once more before the exposure
        self._hold_while_paused()
        self._go_on_or_skip()

    def _arrive(self, z_um: float | None) -> Arrival:
        """Go there, where the stage did not do so while the estimator computed."""
        if z_um is None:
            msg = "an event without a z came to the scan's engine"
            raise StageError(msg)
        place = None if self._task is None else self._task.place
        if self._again is not None:
            return self._taker.arrive_again(z_um, place, self._again)
        return self._ahead.arrival(z_um, place) or self._taker.arrive(z_um, place)

    def exec_event(self, event: useq.MDAEvent) -> Iterator[Any]:
        """Take the plane, put it on disk, pass the frame on, let the scan decide.

        Yields
        ------
        ImagePayload
            Image, event and metadata, for whoever listens to `frameReady`.
        """
        try:
            yield from self._exec(event)
        finally:
            self.at_work = False

    def _exec(self, event: useq.MDAEvent) -> Iterator[Any]:
        task = self._task
        assert task is not None
        try:
            if isinstance(event.action, HardwareAutofocus):
                if self._autofocus is not None:
                    self._autofocus.focus(event.action, task.place)
                return
            if (exposed := self._ahead.take_up()) is not None:
                plane, meta = exposed.plane, exposed.meta
            else:
                plane, meta = self._take(event, task)
        except Interrupted:
            return
        except Exception as error:
            self._fail(error)
            return
        # before the thinking: whoever looks on sees it at once
        yield plane.image, event, meta
        if self._again is not None:
            return
        try:
            decision = self._think(task, plane)
            if decision is None:
                return
            task.recorder.write_decision(decision)
            passed = self._ahead.pass_over(task)
            self._ahead.raise_error()
        except Exception as error:
            self._fail(error)
            return
        if passed is not None:
            yield passed.plane.image, passed.event, passed.meta

    def end_volume(self) -> None:
        """Take note of a plane exposed ahead that the scan, ended since, wants not."""
        if self._task is not None:
            self._ahead.end(self._task)

    def teardown_event(self, event: useq.MDAEvent) -> None:
        """Leave all as it is: nothing was set for one event alone."""

    def teardown_sequence(self, sequence: useq.MDASequence) -> None:
        """Leave all as it is: `acquire` brings the state back."""

    def close(self) -> None:
        """Let go of the thread that thinks."""
        self._thinker.close()

    def stopped(self) -> bool:
        """Whether anybody wants it all to end."""
        scan = self._task.scan if self._task is not None else None
        winding_up = self.control.winding_up
        if winding_up is not None and scan is not None:
            scan.stop(winding_up)
        if self.mmcore.mda.status.cancel_requested and winding_up is None:
            self.control.abort("cancelled through Micro-Manager")
        if scan is not None and scan.abort_requested:
            return True
        if (reason := self.control.reason) is not None:
            if scan is not None:
                scan.abort(reason)
            return True
        return False

    def _fail(self, error: Exception) -> None:
        logger.debug("the scan failed", exc_info=error)
        scan = self._task.scan if self._task is not None else None
        if scan is None or scan.outcome is not None:
            self.errors.append(error)
        if scan is not None:
            scan.fail(error)

    def _go_on_or_skip(self) -> None:
        scan = None if self._task is None else self._task.scan
        stopped = self.stopped()  # hands on to the scan what was asked meanwhile
        if self._again is not None:
            ended = self.control.winding_up is not None
        else:
            ended = scan is None or scan.outcome is not None or scan.ending
        if stopped or ended or self.errors:
            self.at_work = False
            raise SkipEvent(0, "the scan was ended")

    def _hold_while_paused(self) -> None:
        """Hold before the exposure: the runner itself pauses behind it only."""
        try:
            while self._paused() and not self.stopped():
                if self.control.winding_up is not None:
                    return
                self.holding = True
                time.sleep(_LOOK_S)
        finally:
            self.holding = False

    def _held(self) -> bool:
        return self.stopped() or self._paused()

    def _paused(self) -> bool:
        return self.mmcore.mda.status.pause_requested

    def _next_z(self, task: VolumeTask) -> float | None:
        self.stopped()  # hands on to the scan what was asked meanwhile
        return task.scan.next_z(ahead=self._ahead.exposed is not None)

    def _think(self, task: VolumeTask, plane: Plane) -> Decision | None:
        """Let the scan decide; None where it was stopped before it had."""
        meanwhile = self._ahead.work_for(task, plane)
        decision = self._thinker.run(
            lambda: task.scan.observe(plane), self.stopped, meanwhile
        )
        if decision is None:
            task.scan.abandon()
        return decision

    def _take(self, event: useq.MDAEvent, task: VolumeTask) -> tuple[Plane, Any]:
        """Take a plane and put it on disk; gives it with what is told of its frame."""
        arrival, self._arrival = self._arrival, None
        if arrival is None:  # pragma: no cover  # the runner calls setup_event first
            msg = "a frame was asked for before the stage was set"
            raise StageError(msg)
        again, scan, z_um = self._again, task.scan, float(event.z_pos or 0.0)
        chosen_by = "policy" if again else scan.chosen_by
        plane = self._taker.take(z_um, arrival, task.place, chosen_by)
        if again is None:
            task.recorder.write_plane(plane, scan.planes_taken)
        else:
            assert task.check is not None
            task.check.observe(plane, self._numbered)
        self._taker.make_sure_of_the_light()
        return plane, self._describe(event)

    def _describe(self, event: useq.MDAEvent) -> Any:
        return self.get_frame_metadata(
            event,
            runner_time_ms=self.mmcore.mda.seconds_elapsed() * 1000,
            include_position=True,
        )
