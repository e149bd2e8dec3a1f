"""Between controllers and views: shows what is told, and what may be asked.

Controllers tell by signals, which are queued for the thread of the window; of pictures
only the latest is drawn (`Latest`). Nothing here waits for a device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication

from rmz_acquire.gui.controllers.allowed import BUSY
from rmz_acquire.gui.controllers.ending import Ending
from rmz_acquire.gui.controllers.microscope_session import MicroscopeController
from rmz_acquire.gui.controllers.pace_measurement import PaceController
from rmz_acquire.gui.controllers.run_reader import RunReader
from rmz_acquire.gui.controllers.scans import ScanController
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.stored_runs import fault_in_words, sentence
from rmz_acquire.gui.napari_view import has_napari
from rmz_acquire.gui.views.enabled_actions import allow, show_busy
from rmz_acquire.gui.views.form_presenter import FormPresenter
from rmz_acquire.gui.views.live_picture import show_picture
from rmz_acquire.gui.views.redraw import Latest, hear
from rmz_acquire.gui.views.run_view import ShownRun
from rmz_acquire.gui.views.situation import situation_of, until_closing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.experiments.callbacks import Rendered
    from rmz_acquire.gui.controllers.allowed import Situation
    from rmz_acquire.gui.models.microscope_facts import ScopeFacts
    from rmz_acquire.gui.models.pace import PaceBook
    from rmz_acquire.gui.models.runs import RecentRuns
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.gui.models.stored_runs import StoredRun
    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.recording.experiment_folder import Key
    from rmz_acquire.scanning import Decision

__all__ = ["Presenter"]

_COUNT_DOWN_MS = 500
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

    #: What the microscope is doing, or what is known of it, may be another now.
    refreshed = pyqtSignal()

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
        self.microscope = MicroscopeController()
        self.scans = ScanController(self.microscope)
        self.reader = RunReader()
        self.shown = ShownRun(window, self.reader)
        self.pace = PaceController(times)
        self.form = FormPresenter(window, self.pace)
        self._state = self.microscope.state
        self.traceback = ""
        self.napari = has_napari()
        self.facts: ScopeFacts | None = None
        self.startable = False
        self.ending: Ending | None = None
        self.endings: list[Callable[[], None]] = []  # before the window closes
        self._refresh_soon = QTimer(self)
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.setInterval(60)
        self._refresh_soon.timeout.connect(self.microscope.look)
        self._rendered = Latest(self._show_rendered, self)
        self._clock = QTimer(self)
        self._clock.setInterval(_COUNT_DOWN_MS)
        self._clock.timeout.connect(self._count_down)
        self._clock.start()
        self._hear()
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
        others = [self.pace.close, *self.endings, self.reader.close]
        ending = self.ending = Ending(self.microscope, self.scans, others)
        hear(ending.step, self._say_step)
        hear(ending.over, self._close_now)
        QTimer.singleShot(_GONE_MS, ending.begin)

    def _close_now(self) -> None:
        assert self.ending is not None
        self.ending.join()
        self.window.may_close = True
        # a dialog that is open would hold the application
        QApplication.closeAllWindows()

    # ---- what is told -------------------------------------------------------------

    def _hear(self) -> None:
        """Hear of everything on this thread, in the order in which it happened."""
        microscope, scans, reader = self.microscope, self.scans, self.reader
        for signal, slot in (
            (microscope.state_changed, self._state_changed),
            (microscope.connected, self._connected),
            (microscope.looked, self._looked),
            (microscope.stages_seen, self.window.microscope.show_stages),
            (microscope.problem, self._problem),
            (scans.begun, self._begun),
            (scans.volume_begun, self.shown.begin_volume),
            (scans.step, self._say_step),
            (scans.plane_taken, self.shown.add_plane),
            (scans.volume_made, self.shown.add_volume),
            (scans.decided, self._decided),
            (scans.ended, self._ended),
            (scans.stack_plane, self.shown.add_stack_plane),
            (scans.stack_ended, self._stack_ended),
            (scans.stack_scored, self._stack_scored),
            (scans.problem, self._problem),
            (reader.opened, self._opened),
            (reader.compared, self.shown.compared),
            (reader.problem, self._problem),
        ):
            hear(signal, slot)
        # of these only the latest is worth a look
        Latest(self._show_picture, self).hear(microscope.picture)
        Latest(self.refresh, self).hear(self.pace.learned)
        self._rendered.hear(scans.rendered)
        self.shown.drawn.connect(self.show_allowed)

    @until_closing
    def _state_changed(self, state: State) -> None:
        self._state = state
        self.show_state()

    @until_closing
    def _connected(self, name: str) -> None:
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

    @until_closing
    def _core_changed(self, *_: object) -> None:
        self._refresh_soon.start()

    @until_closing
    def _looked(self, facts: ScopeFacts) -> None:
        self.facts = facts
        self.window.colouring.know(facts.channels)
        self.refresh()

    def _show_picture(self, image: NDArray[Any], note: str) -> None:
        if not self.state.busy:
            show_picture(self.window, self.facts, image, note)

    @until_closing
    def _begun(self, folder: Path, volumes: int) -> None:
        self.traceback = ""
        self.shown.begin(folder, volumes, self.form.expected_s)
        self.show_state()

    def _say_step(self, text: str) -> None:
        status = self.window.status
        if self.ending is not None:
            status.say("Ending safely", f"Now: {text}.")
        elif self.state is not State.rendering:
            status.say(text[:1].upper() + text[1:], self.shown.cost())

    @until_closing
    def _count_down(self) -> None:
        """Say anew how long it takes, while nothing else is heard of the scan."""
        status, cost = self.window.status, self.shown.cost()
        if self.state is State.rendering and self.ending is None:
            how_far = self.shown.rendering
            status.say(how_far.headline, how_far.detail)
            status.set_progress(how_far.part)
        elif self.state is State.paused and self.scans.held:
            status.say("Paused: the light is off", cost)
        elif self.state.busy and self.state is not State.collecting and cost:
            status.say(status.headline.text(), cost)

    def _show_rendered(self, how_far: Rendered) -> None:
        """Say how far the volumes are that are rendered behind the scans."""
        self.shown.rendering.take(how_far)
        self._count_down()

    def _decided(self, decision: Decision, next_z_um: float | None) -> None:
        self.form.learn(decision)
        self.shown.add_decision(decision, next_z_um)
        if decision.frame is not None:
            self.note(fault_in_words(decision))
        if decision.warning is not None:
            self.note(decision.warning)

    def _ended(
        self, folder: Path, run: StoredRun | None, error: str, trace: str
    ) -> None:
        if run is not None:
            self.runs.add(folder)
        if self.ending is not None:
            return
        self.traceback = trace
        self.form.end()
        if run is not None:
            self.window.runs.refresh()
        self.shown.end(run)
        self._show_done(run, error)

    @until_closing
    def _stack_ended(
        self, folder: Path, taken: int, planes: int, status: str, error: str, trace: str
    ) -> None:
        """Say how a full stack ended; the run beside which it was taken is back."""
        self.traceback = trace
        self.shown.end_stack()
        self._show_done(self.shown.run)
        kept = f"{taken} of {planes} planes are in {folder.name}"
        head, said = f"Full stack {status}", f"{kept}. It was not compared."
        if error:
            head, said = "The full stack failed", error
        elif status == "completed":
            head, said = "Full stack taken", f"{kept}. Comparing the volume with it…"
        self.window.status.say(head, said)

    @until_closing
    def _stack_scored(
        self, run: Path, key: Key, stack: NDArray[np.float32], text: str
    ) -> None:
        if self.shown.is_shown(run, key):
            self.shown.compared("full stack", stack)
            if not self.state.busy:
                self.window.status.say("Full stack taken", text)

    @until_closing
    def _opened(self, run: StoredRun) -> None:
        self.traceback = ""
        self.window.show_welcome(False)
        self.shown.open(run)
        self._show_done(run)

    def _show_done(self, run: StoredRun | None, error: str = "") -> None:
        """Say how a run ended, and what can be done with it."""
        words = ("", "") if run is None else sentence(run)
        if error:
            words = ("The scan failed", error)
        shown = None if run is None else run.shown
        self.window.status.show_done(
            *words,
            volume=shown is not None and shown.made,
            render=run is not None and run.experiment and run.renders,
            experiment=shown is not None and run is not None and run.experiment,
            complete=run is not None and run.complete,
            details=bool(self.traceback),
        )
        self.show_state()

    @until_closing
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
        self.startable = self.window.form.start.isEnabled()
        self.show_allowed()
        self.refreshed.emit()

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

    def _situation(self) -> Situation:
        return situation_of(
            self.window,
            self.shown,
            self.state,
            startable=self.startable,
            napari=self.napari,
        )

    def show_state(self) -> None:
        """Show what the microscope is doing, and what can be asked of it."""
        state, window = self.state, self.window
        window.live.setChecked(state is State.live)
        if state is State.live:
            window.camera.hint.setText("Waiting for the camera’s first picture…")
        show_busy(window.status, state)
        self.refresh()
