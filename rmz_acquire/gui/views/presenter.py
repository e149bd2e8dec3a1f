"""Between controllers and views: polls what happened, passes on what is asked.

A timer on the GUI thread drains the queue of events; of the volumes that came since
the last look only the newest is drawn. Nothing here waits for a device.
"""

from __future__ import annotations

import logging
import threading
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
)
from rmz_acquire.gui.controllers.microscope import MicroscopeController
from rmz_acquire.gui.controllers.scans import ScanController
from rmz_acquire.gui.models.runs import new_folder, why
from rmz_acquire.gui.views.commands import Commands
from rmz_acquire.gui.views.shown import ShownRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rmz_acquire.gui.models.runs import RecentRuns
    from rmz_acquire.gui.models.settings import ScopeFacts
    from rmz_acquire.gui.views.main_window import MainWindow

__all__ = ["Presenter"]

logger = logging.getLogger(__name__)

_POLL_MS = 30
_GONE_MS = 30
_BUSY = {
    State.empty: "no microscope is connected",
    State.connecting: "the microscope is being loaded",
    State.scanning: "a scan is running",
    State.collecting: "stacks are being taken",
    State.paused: "a scan is paused",
    State.ending: "a scan is ending",
    State.closed: "the window is closing",
}


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
        self.shown = ShownRun(window, self.scans)
        self.commands = Commands(self)
        self._state = self.microscope.state
        self._traceback = ""
        self._facts: ScopeFacts | None = None
        self._z_um: float | None = None
        self._closing: threading.Thread | None = None
        self.endings: list[Callable[[], None]] = []
        """What else ends, off the GUI thread, before the window closes."""
        self._connect_views()
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

    @property
    def facts(self) -> ScopeFacts | None:
        """What the microscope told of itself last."""
        return self._facts

    @property
    def closing(self) -> bool:
        """Whether the window is ending all that runs."""
        return self._closing is not None

    # ---- what is asked ------------------------------------------------------------

    def connect_microscope(self, config: str | Path) -> None:
        """Load a configuration."""
        if self.state.busy or self.state is State.connecting:
            return
        # the widgets of the old core must be gone before it is
        self.window.microscope.set_core(None)
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
        if self._z_um is None:
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
            self.scans.start(form.settings(), new_folder(form.root()))

    def pause(self) -> None:
        """Pause, or go on."""
        if self.state is State.paused:
            self.scans.resume()
        else:
            self.scans.pause()

    def ask_plane(self, z_um: float | None = None) -> None:
        """Take a plane at a z, µm, by default at the one that is shown."""
        if self.state in (State.scanning, State.paused):
            at = self.window.along_z.shown.value() if z_um is None else z_um
            self.scans.ask_plane(at)
            self.note(f"a plane at {at:.2f} µm comes after the one under way")

    def open_run(self, folder: Path) -> None:
        """Show a run from disk."""
        if not self.state.busy:
            self.scans.open_run(folder)

    def take_full_stack(self) -> None:
        """Take every plane of the run's range, to compare with."""
        run = self.shown
        if run.folder is not None and run.settings is not None:
            self.scans.take_full_stack(run.settings, run.folder)

    def close(self) -> None:
        """End everything safely, then close the window."""
        if self._closing is not None:
            return
        self.window.microscope.set_core(None)
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
                self.microscope.close()
            except Exception:
                logger.exception("the microscope did not end well")

        closing = self._closing = threading.Thread(target=end, name="closing")
        QTimer.singleShot(_GONE_MS, closing.start)

    # ---- what happened ------------------------------------------------------------

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
                self._facts = facts
                self.refresh()
            case Picture(image, live):
                if not self.state.busy:
                    window.camera.set_image(image, "live" if live else "snapped")
            case Focus(z_um):
                self._z_um = z_um
                window.focus.setText(f"Focus  {z_um:.2f} µm")
            case ScanStarted(settings, folder):
                self._traceback = ""
                self.shown.begin(settings, folder, self._pixel_um())
                self._show_state()
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
                self._traceback = ""
                window.show_welcome(False)
                self.shown.open(run)
                window.status.show_done(
                    *why(run.summary), can_compare=False, details=False
                )
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
        self._traceback = event.traceback
        if event.summary is not None:
            self.runs.add(event.folder)
            window.runs.refresh()
        self.shown.end(event.summary)
        if event.error is not None:
            window.status.show_done(
                "The scan failed", event.error, can_compare=False, details=True
            )
        elif event.summary is not None:
            window.status.show_done(
                *why(event.summary),
                can_compare=event.summary.stop_reason != "failed",
                details=False,
            )
        self._show_state()

    def _problem(self, text: str, trace: str) -> None:
        self._traceback = trace
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
        form, facts = self.window.form, self._facts
        if facts is None or self.state.busy or self.state is State.closed:
            form.mark({}, busy=_BUSY.get(self.state))
            return
        form.set_context(facts.exposure_ms, facts.channel)
        settings = form.settings()
        optics, problem = facts.resolve(settings.overrides())
        form.set_optics(optics)
        self.window.camera.pixel_size_um = self._pixel_um()
        form.mark(
            settings.problems(
                stage_um=facts.stage_um,
                optics_problem=problem,
                models=[settings.model] if settings.model else [],
            ),
            busy=_BUSY.get(self.state) or facts.missing,
        )

    def _pixel_um(self) -> float | None:
        typed = self.window.form.settings().pixel_size_um
        told = None if self._facts is None else self._facts.optics.get("pixel_size_um")
        return typed or told

    def _show_state(self) -> None:
        window, state = self.window, self.state
        free = state in (State.ready, State.live)
        window.welcome.show_busy(state is State.connecting)
        window.microscope.setEnabled(free)
        window.form.body.setEnabled(free)
        for action in (window.live, window.snap, window.focus_up, window.focus_down):
            action.setEnabled(free)
        for action in (window.set_top, window.set_bottom, window.start):
            action.setEnabled(free)
        for action in (window.connect_simulated, window.connect_config):
            action.setEnabled(free or state is State.empty)
        running = state in (State.scanning, State.paused)
        for action in (window.pause, window.keep, window.plane_here):
            action.setEnabled(running)
        window.abort.setEnabled(running or state is State.collecting)
        window.load_settings.setEnabled(free)
        window.open_run.setEnabled(not state.busy)
        window.open_folder.setEnabled(self.shown.folder is not None)
        for action in (window.export, window.show_3d):
            action.setEnabled(window.volume.volume is not None)
        window.along_z.ask.setEnabled(running)
        window.live.setChecked(state is State.live)
        if state is State.live:
            window.camera.hint.setText("Waiting for the camera’s first picture…")
        if state is State.collecting:
            window.status.show_stacks()
        elif state.busy:
            window.status.show_scan(
                paused=state is State.paused, ending=state is State.ending
            )
        self.refresh()

    def _connect_views(self) -> None:
        window, status = self.window, self.window.status
        window.welcome.simulated_asked.connect(
            lambda: self.connect_microscope("simulated")
        )
        window.welcome.config_asked.connect(self.commands.choose_config)
        window.connect_simulated.triggered.connect(
            lambda: self.connect_microscope("simulated")
        )
        window.connect_config.triggered.connect(self.commands.choose_config)
        window.live.triggered.connect(self.toggle_live)
        window.snap.triggered.connect(lambda: self.microscope.snap())
        window.set_bottom.triggered.connect(lambda: self.set_end("bottom"))
        window.set_top.triggered.connect(lambda: self.set_end("top"))
        window.form.bottom_asked.connect(lambda: self.set_end("bottom"))
        window.form.top_asked.connect(lambda: self.set_end("top"))
        window.form.changed.connect(self.refresh)
        window.form.start_asked.connect(self.start)
        window.start.triggered.connect(self.start)
        window.focus_up.triggered.connect(lambda: self.move_focus(1))
        window.focus_down.triggered.connect(lambda: self.move_focus(-1))
        window.slice_up.triggered.connect(lambda: window.volume.step_z(1))
        window.slice_down.triggered.connect(lambda: window.volume.step_z(-1))
        for signal in (status.pause_asked, window.pause.triggered):
            signal.connect(lambda *_: self.pause())
        for signal in (status.keep_asked, window.keep.triggered):
            signal.connect(lambda *_: self.scans.stop_and_keep())
        for signal in (status.abort_asked, window.abort.triggered):
            signal.connect(lambda *_: self.scans.abort())
        for signal in (status.open_asked, window.open_folder.triggered):
            signal.connect(lambda *_: self.commands.open_folder())
        status.compare_asked.connect(self.take_full_stack)
        status.details_asked.connect(
            lambda: self.commands.show_details(self._traceback, self.log_file)
        )
        window.along_z.plane_asked.connect(self.ask_plane)
        window.plane_here.triggered.connect(lambda: self.ask_plane())
        window.runs.open_asked.connect(self.open_run)
        window.load_settings.triggered.connect(self.commands.load_settings)
        window.save_settings.triggered.connect(self.commands.save_settings)
        window.open_run.triggered.connect(self.commands.choose_run)
        window.show_3d.triggered.connect(self.commands.show_3d)
        window.export.triggered.connect(self.shown.export)
        window.compare.activated.connect(lambda _: self.shown.choose())
        window.about_keys.triggered.connect(self.commands.show_keys)
        window.close_asked.connect(self.close)
