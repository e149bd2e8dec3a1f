"""Between controllers and views: polls what happened, passes on what is asked.

A timer on the GUI thread drains the queue of events; of the volumes that came since
the last look only the newest is drawn. Nothing here waits for a device.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QApplication

from rmz_acquire.gui.controllers.allowed import BUSY, Situation
from rmz_acquire.gui.controllers.ending import Ending
from rmz_acquire.gui.controllers.events import (
    Compared,
    Connected,
    Event,
    EventQueue,
    Focus,
    Looked,
    Paced,
    Picture,
    PlaneCame,
    Problem,
    RunOpened,
    ScanEnded,
    ScanStarted,
    StackEnded,
    StackPlane,
    State,
    StateChanged,
    Step,
    VolumeCame,
    VolumeStarted,
)
from rmz_acquire.gui.controllers.microscope_session import MicroscopeController
from rmz_acquire.gui.controllers.pace_measurement import PaceController
from rmz_acquire.gui.controllers.run_reader import RunReader
from rmz_acquire.gui.controllers.scans import ScanController
from rmz_acquire.gui.models.stored_runs import fault_in_words, sentence
from rmz_acquire.gui.napari_view import has_napari
from rmz_acquire.gui.views.enabled_actions import allow, show_busy
from rmz_acquire.gui.views.form_presenter import FormPresenter
from rmz_acquire.gui.views.live_picture import show_picture
from rmz_acquire.gui.views.run_view import ShownRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rmz_acquire.gui.models.microscope_facts import ScopeFacts
    from rmz_acquire.gui.models.pace import PaceBook
    from rmz_acquire.gui.models.runs import RecentRuns
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.gui.models.stored_runs import StoredRun
    from rmz_acquire.gui.views.main_window import MainWindow

__all__ = ["Presenter"]

logger = logging.getLogger(__name__)

_POLL_MS = 30
_SECOND_S = 0.5
_GONE_MS = 30


class Presenter(QObject):
    """Runs the window.

    Parameters
    ----------
    window : MainWindow
        What is filled.
    runs : RecentRuns
        The last runs.
    log_file : Path, optional
        Named where an error is shown.
    times : PaceBook, optional
        How long planes took here before; without it nothing is measured.
    """

    def __init__(
        self,
        window: MainWindow,
        runs: RecentRuns,
        log_file: Path | None = None,
        times: PaceBook | None = None,
    ) -> None:
        super().__init__(window)
        self.window = window
        self.runs = runs
        self.log_file = log_file
        self.events = EventQueue()
        self.microscope = MicroscopeController(self.events)
        self.scans = ScanController(self.microscope, self.events)
        self.reader = RunReader(self.events)
        self.shown = ShownRun(window, self.reader)
        self.pace = PaceController(self.events, times)
        self.form = FormPresenter(window, self.pace)
        self._state = self.microscope.state
        self.traceback = ""
        self._napari = has_napari()
        self.facts: ScopeFacts | None = None
        self._said_at = 0.0
        self._startable = False
        self.ending: Ending | None = None
        self.endings: list[Callable[[], None]] = []  # before the window closes
        self._refresh_soon = QTimer(self)
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.setInterval(60)
        self._refresh_soon.timeout.connect(self.microscope.look)
        self.timer = QTimer(self)
        self.timer.setInterval(_POLL_MS)
        self.timer.timeout.connect(self.poll)
        self.timer.start()
        self.refresh()

    @property
    def state(self) -> State:
        """What the microscope is doing, as far as the window has heard."""
        return self._state

    def connect_microscope(self, config: str | Path) -> None:
        """Load a configuration."""
        if self.state.busy or self.state is State.connecting:
            return
        # the widgets of the old core must be gone before it is
        self._let_go_of_core()
        self.window.welcome.show_busy(True)
        QTimer.singleShot(_GONE_MS, lambda: self.microscope.connect(config))

    def settings(self) -> ScanSettings:
        """Give all that is typed."""
        return self.form.settings()

    def open_run(self, folder: Path) -> None:
        """Show a run from disk."""
        if not self.state.busy:
            self.reader.open_run(folder)

    def close(self) -> None:
        """End everything safely, then close the window."""
        if self.ending is not None:
            return
        self._let_go_of_core()
        self.window.status.show_idle("Ending safely")
        self.window.setEnabled(False)
        ending = self.ending = Ending(
            self.events,
            self.microscope,
            self.scans,
            [self.pace.close, *self.endings, self.reader.close],
        )
        QTimer.singleShot(_GONE_MS, ending.begin)

    def poll(self) -> None:
        """Take what came since the last look, and draw it."""
        events = self.events.drain()
        last = max(
            (i for i, event in enumerate(events) if isinstance(event, VolumeCame)),
            default=-1,
        )
        for i, event in enumerate(events):
            try:
                self._handle(event, draw=i == last)
            except Exception:
                logger.exception("the window could not show %s", type(event).__name__)
        if self.state.busy and self.ending is None:
            self._count_down()
        if self.ending is not None and self.ending.over:
            self.timer.stop()
            self.window.may_close = True
            # a dialog that is open would hold the application
            QApplication.closeAllWindows()

    def _count_down(self) -> None:
        """Say anew how long it takes, while nothing else is heard of the scan."""
        now = time.monotonic()
        if now - self._said_at > _SECOND_S:
            self._said_at = now
            status, cost = self.window.status, self.shown.cost()
            if self.state is State.paused and self.scans.held:
                status.say("Paused: the light is off", cost)
            elif self.state is not State.collecting and cost:
                status.say(status.headline.text(), cost)

    def _handle(self, event: Event, *, draw: bool) -> None:
        window = self.window
        if self.ending is not None:
            # the views of the microscope are gone: only words are shown
            if isinstance(event, Step):
                window.status.say("Ending safely", f"Now: {event.text}.")
            elif isinstance(event, ScanEnded) and event.run is not None:
                self.runs.add(event.folder)
            return
        match event:
            case StateChanged(state):
                self._state = state
                self.show_state()
            case Connected(core, name):
                self._connected(core, name)
            case Looked(facts):
                self.facts = facts
                window.colouring.know(facts.channels)
                self.refresh()
            case Picture(image, live):
                if not self.state.busy:
                    note = "live" if live else "snapped"
                    show_picture(window, self.facts, image, note)
            case Focus():
                window.microscope.show_stages(event)
            case Paced():
                self.refresh()
            case ScanStarted(folder, volumes):
                self.traceback = ""
                self.shown.begin(folder, volumes, self.form.expected_s)
                self.show_state()
            case VolumeStarted():
                self.shown.begin_volume(event)
            case Step(text):
                window.status.say(text[:1].upper() + text[1:], self.shown.cost())
            case PlaneCame(plane, number):
                self.shown.add_plane(plane, number)
            case VolumeCame():
                self.form.learn(event.decision)
                self.shown.add_volume(event, draw=draw)
                if event.decision.frame is not None:
                    self.note(fault_in_words(event.decision))
                self.show_allowed()
            case ScanEnded():
                self._ended(event)
            case StackPlane():
                self.shown.add_stack_plane(event)
            case StackEnded():
                self._stack_ended(event)
            case RunOpened(run):
                self.traceback = ""
                window.show_welcome(False)
                self.shown.open(run)
                self._show_done(run)
            case Compared():
                self._compared(event)
            case Problem(text, trace):
                self._problem(text, trace)

    def _connected(self, core: object, name: str) -> None:
        window = self.window
        core = self.microscope.core
        if core is None:
            return
        title = "Simulated microscope" if name == "simulated" else name
        window.microscope_name.setText(title)
        window.microscope.set_core(core)
        window.series.set_core(core)
        window.show_welcome(False)
        window.status.show_idle(
            "Ready", "Find the sample with Live, set top and bottom, then Start."
        )
        for signal in (
            core.events.exposureChanged,
            core.events.propertyChanged,
            core.events.configSet,
            core.events.pixelSizeChanged,
        ):
            signal.connect(self._core_changed)
        self.refresh()

    def _core_changed(self, *_: object) -> None:
        if self.ending is None:
            self._refresh_soon.start()

    def _ended(self, event: ScanEnded) -> None:
        window = self.window
        self.traceback = event.traceback
        self.form.end()
        if event.run is not None:
            self.runs.add(event.folder)
            window.runs.refresh()
        self.shown.end(event.run)
        self._show_done(event.run, event.error)

    def _stack_ended(self, event: StackEnded) -> None:
        """Say how a full stack ended; the run beside which it was taken is back."""
        self.traceback = event.traceback
        self.shown.end_stack()
        self._show_done(self.shown.run)
        kept = f"{event.taken} of {event.planes} planes are in {event.folder.name}"
        head, said = f"Full stack {event.status}", f"{kept}. It was not compared."
        if event.error is not None:
            head, said = "The full stack failed", event.error
        elif event.status == "completed":
            head, said = "Full stack taken", f"{kept}. Comparing the volume with it…"
        self.window.status.say(head, said)

    def _compared(self, event: Compared) -> None:
        if event.run is not None and event.key is not None:
            if not self.shown.is_shown(event.run, event.key):
                return
        self.shown.compared(event.name, event.volume)
        if event.text and not self.state.busy:
            self.window.status.say("Full stack taken", event.text)

    def _show_done(self, run: StoredRun | None, error: str | None = None) -> None:
        """Say how a run ended, and what can be done with it."""
        words = ("", "") if run is None else sentence(run)
        if error is not None:
            words = ("The scan failed", error)
        shown = None if run is None else run.shown
        self.window.status.show_done(
            *words,
            volume=shown is not None and shown.pixels is not None,
            experiment=shown is not None and run is not None and run.experiment,
            complete=run is not None and run.complete,
            details=bool(self.traceback),
        )
        self.show_state()

    def _problem(self, text: str, trace: str) -> None:
        self.traceback = trace
        if self.window.pages.currentIndex() == 0:
            self.window.welcome.show_problem(text)
        elif self.state.busy:
            self.note(text)
        else:
            self.window.status.show_problem(text, details=bool(trace))

    def note(self, text: str) -> None:
        """Say something in the status bar for a while."""
        bar = self.window.statusBar()
        assert bar is not None
        bar.showMessage(text, 8000)

    # ---- what is allowed ----------------------------------------------------------

    def refresh(self) -> None:
        """Look at the microscope and the form again; mark what is wrong."""
        busy = self.state.busy or self.state is State.closed
        self.pace.hold(self.state not in (State.ready, State.live))
        self.form.refresh(None if busy else self.facts, BUSY.get(self.state))
        self._startable = self.window.form.start.isEnabled()
        self.show_allowed()

    def _let_go_of_core(self) -> None:
        """Take down the widgets that hold on to the core."""
        self.window.microscope.set_core(None)
        self.window.series.set_core(None)

    def allows(self, action: str) -> bool:
        """Whether something can be asked for now."""
        return self._situation().allows(action)

    def show_allowed(self) -> None:
        """Switch on what can be asked for now, and the rest off."""
        allow(self.window, self._situation())

    def show_state(self) -> None:
        """Show what the microscope is doing, and what can be asked of it."""
        state, window = self.state, self.window
        window.live.setChecked(state is State.live)
        if state is State.live:
            window.camera.hint.setText("Waiting for the camera’s first picture…")
        show_busy(window.status, state)
        self.refresh()

    def _situation(self) -> Situation:
        shown, form = self.shown, self.window.form
        run, free = shown.run, self.state in (State.ready, State.live)
        return Situation(
            self.state,
            startable=free and self._startable,
            absolute=not form.counts.currentData(),
            folder=shown.folder is not None,
            experiment=run is not None and run.experiment and shown.key is not None,
            left=run is not None and (not run.complete or shown.z_left),
            volume=self.window.volume.volume is not None,
            made=shown.made,
            stack=shown.in_stack,
            napari=self._napari,
        )
