"""Between controllers and views: polls what happened, passes on what is asked.

A timer on the GUI thread drains the queue of events; of the volumes that came since
the last look only the newest is drawn. Nothing here waits for a device.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer

from rmz_acquire.gui.controllers.events import (
    Compared,
    Connected,
    Event,
    EventQueue,
    Focus,
    Looked,
    Picture,
    PlaneCame,
    Problem,
    RunOpened,
    ScanEnded,
    ScanStarted,
    State,
    StateChanged,
    Step,
    VolumeCame,
    VolumeStarted,
)
from rmz_acquire.gui.controllers.looking import RunReader
from rmz_acquire.gui.controllers.microscope import MicroscopeController
from rmz_acquire.gui.controllers.scans import ScanController
from rmz_acquire.gui.models.runs import new_folder
from rmz_acquire.gui.models.stored import sentence
from rmz_acquire.gui.napari_view import has_napari
from rmz_acquire.gui.views.allowing import BUSY, allow, show_busy
from rmz_acquire.gui.views.commands import Commands
from rmz_acquire.gui.views.live_picture import show_picture
from rmz_acquire.gui.views.shown import ShownRun
from rmz_acquire.gui.views.wiring import connect_views

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rmz_acquire.gui.models.runs import RecentRuns
    from rmz_acquire.gui.models.scope import ScopeFacts
    from rmz_acquire.gui.models.settings import ScanSettings
    from rmz_acquire.gui.models.stored import StoredRun
    from rmz_acquire.gui.views.main_window import MainWindow

__all__ = ["Presenter"]

logger = logging.getLogger(__name__)

_POLL_MS = 30
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
    """

    def __init__(
        self, window: MainWindow, runs: RecentRuns, log_file: Path | None = None
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
        self.commands = Commands(self)
        self._state = self.microscope.state
        self.traceback = ""
        self._napari = has_napari()
        self.facts: ScopeFacts | None = None
        self._z_um: float | None = None
        self._closing: threading.Thread | None = None
        self.endings: list[Callable[[], None]] = []  # before the window closes
        connect_views(self)
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

    def toggle_live(self) -> None:
        """Live view on or off."""
        if self.state is State.live:
            self.microscope.stop_live()
        elif self.state is State.ready:
            self.microscope.start_live()
        self._show_state()

    def set_end(self, which: str) -> None:
        """Take the focus now as the top or the bottom of the range."""
        if self._z_um is None or self.window.form.counts.currentData():
            return
        field = self.window.form.top if which == "top" else self.window.form.bottom
        field.set_um(self._z_um)

    def move_focus(self, steps: int) -> None:
        """Move the focus by steps of the z grid."""
        if self.state in (State.ready, State.live):
            self.microscope.move_focus(steps * self.window.form.step.value())

    def start(self) -> None:
        """Start a scan, if all that is typed makes sense."""
        form = self.window.form
        self.refresh()
        if form.start.isEnabled():
            self.scans.start(self.settings(), new_folder(form.root()))

    def pause(self) -> None:
        """Pause, or go on."""
        if self.state is State.paused:
            self.scans.resume()
        else:
            self.scans.pause()

    def ask_plane(self, z_um: float | None = None) -> None:
        """Take a plane at a z, µm, by default at the one that is shown."""
        at = self.window.along_z.shown.value() if z_um is None else z_um
        if self.state in (State.scanning, State.paused):
            self.scans.ask_plane(at)
            self.note(f"a plane at {at:.2f} µm comes after the one under way")
        elif self._can_go_on():
            self.go_on(z_um=at)

    def go_on(self, z_um: float | None = None) -> None:
        """Go on with the scan that is shown: its rest, more planes, or one here."""
        run, key = self.shown.run, self.shown.key
        if run is None or key is None or not self._can_go_on():
            return
        planes = 0
        if run.complete and z_um is None:
            planes = self.window.status.more.value()
        self.scans.go_on(run.folder, key, planes=planes, z_um=z_um)

    def settings(self) -> ScanSettings:
        """Give all that is typed."""
        return replace(self.window.form.settings(), **self.window.series.values())

    def open_run(self, folder: Path) -> None:
        """Show a run from disk."""
        if not self.state.busy:
            self.reader.open_run(folder)

    def take_full_stack(self) -> None:
        """Take every plane of the run's range, to compare with."""
        run, key = self.shown.run, self.shown.key
        if run is not None and key is not None and self._can_go_on():
            self.scans.take_full_stack(run.folder, key)

    def close(self) -> None:
        """End everything safely, then close the window."""
        if self._closing is not None:
            return
        self._let_go_of_core()
        self.window.status.show_idle(
            "Ending safely",
            "Light off, focus back, files closed; a training stops at its checkpoint.",
        )
        self.window.setEnabled(False)

        def end() -> None:
            try:
                for ending in self.endings:
                    ending()
                self.scans.abort("the window was closed")
                self.scans.wait()
                self.reader.close()
                self.microscope.close()
            except Exception:
                logger.exception("the microscope did not end well")

        closing = self._closing = threading.Thread(target=end, name="closing")
        QTimer.singleShot(_GONE_MS, closing.start)

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
        closing = self._closing
        if closing is not None and closing.ident and not closing.is_alive():
            self.timer.stop()
            self._closing = None
            self.window.may_close = True
            self.window.close()

    def _handle(self, event: Event, *, draw: bool) -> None:
        window = self.window
        match event:
            case StateChanged(state):
                self._state = state
                self._show_state()
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
            case Focus(z_um):
                self._z_um = z_um
                window.focus.setText(f"Focus  {z_um:.2f} µm")
            case ScanStarted(folder, volumes):
                self.traceback = ""
                self.shown.begin(folder, volumes)
                self._show_state()
            case VolumeStarted():
                self.shown.begin_volume(event)
            case Step(text):
                window.status.say(text[:1].upper() + text[1:], self.shown.cost())
            case PlaneCame(plane, number):
                self.shown.add_plane(plane, number)
            case VolumeCame():
                self.shown.add_volume(event, draw=draw)
                window.show_3d.setEnabled(window.volume.volume is not None)
            case ScanEnded():
                self._ended(event)
            case RunOpened(run):
                self.traceback = ""
                window.show_welcome(False)
                self.shown.open(run)
                self._show_done(run)
                self._show_state()
            case Compared(name, volume, text):
                self.shown.compared(name, volume)
                if text:
                    window.status.say(window.status.headline.text(), text)
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
        if self._closing is None:
            self._refresh_soon.start()

    def _ended(self, event: ScanEnded) -> None:
        window = self.window
        self.traceback = event.traceback
        if event.run is not None:
            self.runs.add(event.folder)
            window.runs.refresh()
        self.shown.end(event.run)
        self._show_done(event.run, event.error)
        self._show_state()

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
        form, facts = self.window.form, self.facts
        if facts is None or self.state.busy or self.state is State.closed:
            form.mark({}, form.settings(), busy=BUSY.get(self.state))
            return
        form.set_context(facts.exposure_ms, facts.channel)
        settings = self.settings()
        optics, problem = facts.resolve(settings.overrides())
        form.set_optics(optics)
        problems = settings.problems(
            stage_um=facts.stage_um,
            optics_problem=problem,
            models=[settings.model] if settings.model else [],
        )
        form.mark(problems, settings, busy=BUSY.get(self.state) or facts.missing)
        self.window.series.mark(problems)

    def _let_go_of_core(self) -> None:
        """Take down the widgets that hold on to the core."""
        self.window.microscope.set_core(None)
        self.window.series.set_core(None)

    def _can_go_on(self) -> bool:
        run = self.shown.run
        free = self.state in (State.ready, State.live)
        return (
            free and run is not None and run.experiment and self.shown.key is not None
        )

    def _show_state(self) -> None:
        state, window = self.state, self.window
        window.live.setChecked(state is State.live)
        if state is State.live:
            window.camera.hint.setText("Waiting for the camera’s first picture…")
        show_busy(window.status, state)
        shown = self.shown
        allow(
            window,
            state,
            can_go_on=self._can_go_on(),
            folder=shown.folder is not None,
            napari=self._napari and shown.key is not None,
        )
        if not state.busy:
            window.status.allow(
                free=self._can_go_on(), why=BUSY.get(state, ""), napari=self._napari
            )
        self.refresh()
