"""A window that is driven to a state and quit there, in a process of its own.

``python quitter.py STATE DELAY_S FOLDER``: how light and stages stood when the
microscope was let go is written to ``FOLDER/end.json``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

_TICK_MS = 10
_REACHED_S = 120.0
"""A state comes within, or never will."""
_MIDDLE_UM = 3.0
SIGNALS = {"terminated": signal.SIGTERM, "interrupted": signal.SIGINT}


def main(state: str, delay_s: float, folder: Path) -> int:
    """Run the command ``gui``, and quit it in a state, so many seconds later."""
    os.environ["XDG_DATA_HOME"] = str(folder / "state")
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    from rmz_acquire.cli.app import main as command
    from rmz_acquire.gui import app as window_app
    from rmz_acquire.gui.controllers import ending, microscope_session
    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.gui.views.presenter import Presenter

    app = QApplication(["rmz-acquire"])

    class NotedCore(microscope_session.WatchedCore):
        def unloadAllDevices(self) -> None:
            if self.getFocusDevice():
                told = {
                    "light": bool(self.getShutterOpen()),
                    "z_um": float(self.getPosition()),
                    "xy_um": [float(v) for v in self.getXYPosition()],
                }
                (folder / "end.json").write_text(json.dumps(told))
            super().unloadAllDevices()

        def snapImage(self) -> None:
            if state == "hung":
                self.on_expose()
                time.sleep(3600)
            super().snapImage()

    microscope_session.WatchedCore = NotedCore
    if state not in ("idle", "live"):
        # what it measures while nothing else is done takes a process of its own
        window_app.make_gui = partial(window_app.make_gui, measure=False)
    if state == "hung":
        ending._SCAN_S = 2.0
    driver, end = None, time.monotonic() + _REACHED_S

    def drive() -> None:
        nonlocal driver
        if driver is None:
            windows = [w for w in app.topLevelWidgets() if isinstance(w, MainWindow)]
            if not windows:
                return
            presenter = windows[0].findChild(Presenter)
            driver = _steps(state, windows[0], presenter)
        late = time.monotonic() > end
        if late:
            sys.stderr.write(f"terminate: never {state}\n")
        if late or next(driver, None) is None:
            timer.stop()
            QTimer.singleShot(round(1000 * delay_s), leave)

    def leave() -> None:
        (folder / "quit.json").write_text(json.dumps(time.time()))
        if state in SIGNALS:
            os.kill(os.getpid(), SIGNALS[state])
            return
        next(w for w in app.topLevelWidgets() if isinstance(w, MainWindow)).close()

    timer = QTimer()
    timer.timeout.connect(drive)
    timer.start(_TICK_MS)
    config = [] if state == "empty" else ["--config", "simulated"]
    return command(["gui", *config, "--out", str(folder / "runs")])


def _steps(state: str, window, presenter):
    """Yield until the window is in the state."""
    status, form = window.status, window.form
    heard = []
    presenter.scans.step.connect(heard.append)

    def until(condition):
        while not condition():
            yield True

    def says(word: str):
        # a headline may be gone again before anybody looks
        before = len(heard)
        return until(
            lambda: (
                word in status.headline.text()
                or any(word in step for step in heard[before:])
            )
        )

    if state in ("empty", "connecting"):
        return
    yield from says("Ready")
    core = presenter.microscope.core
    core.setPosition(_MIDDLE_UM)
    core.setExposure(400.0 if state == "exposing" else 20.0)
    core.setProperty("Camera", "SensorSize_px", 128)
    if state == "idle":
        return
    if state == "live":
        window.live.trigger()
        yield from until(lambda: window.camera.note.text() == "live")
        return
    form.bottom.set_um(-6.0)
    form.top.set_um(6.0)
    if state == "stacks":
        presenter.refresh()
        setup = window.training.setup
        yield from until(setup.take.isEnabled)
        setup.take.click()
        yield from until(lambda: "plane 3 of" in status.headline.text())
        return
    box = form.reconstruction.estimator
    if state in ("stack", "opened", "comparing"):
        box.setCurrentIndex(box.findData("linear"))
        form.max_planes.setValue(4)
    presenter.refresh()
    yield from until(form.start.isEnabled)
    form.start.click()
    yield from until(lambda: presenter.state.busy)
    if state == "loading":
        return
    if state == "hung":
        yield from says("exposing")
        return
    if state in ("stack", "opened", "comparing"):
        yield from until(lambda: status.compare.isVisible())
        yield from until(status.compare.isEnabled)
        if state == "stack":
            status.compare.click()
            yield from until(lambda: presenter.state.busy)
            yield from until(lambda: "plane" in status.headline.text())
        if state == "comparing":
            window.compare.setCurrentIndex(window.compare.findData("wiener"))
            window.compare.activated.emit(window.compare.currentIndex())
        return
    if state == "exposing":
        yield from says("exposing")
        return
    yield from says("reconstructing")
    if state in ("computing", *SIGNALS):
        return
    if state == "second":
        yield from says("lane 2 of")
        yield from says("reconstructing")
        return
    if state == "paused":
        status.pause.click()
        yield from until(lambda: "paused" in status.headline.text().lower())
        return
    if state == "keeping":
        status.keep.click()
        return
    status.abort.click()
    if state == "aborting":
        return
    if state == "aborted":
        yield from until(lambda: not presenter.state.busy)
        return
    raise ValueError(state)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])))
