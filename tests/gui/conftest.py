"""The window with real widgets, and a check that none of them is left behind."""

from __future__ import annotations

import gc
import time

import pytest
from listening import Told
from patience import PATIENCE_S

pytest.importorskip("PyQt6.QtWidgets", exc_type=ImportError)
pytest.importorskip("pymmcore_widgets", exc_type=ImportError)
pytest.importorskip("mm_test_adapters")

# before anything of Qt
from rmz_acquire.gui.app import make_gui

from PyQt6.QtCore import QEvent, QTimer  # isort: skip
from PyQt6.QtWidgets import QApplication, QMessageBox  # isort: skip

from rmz_acquire.gui.controllers.microscope_session import MicroscopeController
from rmz_acquire.gui.controllers.scans import ScanController
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.simulation.scene import RenderedScene

SMALL = {"Camera": {"SensorSize_px": 64}}


def pytest_collection_modifyitems(items):
    for item in items:
        # a whole window, made and let go of
        if "desk" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


class Desk:
    """A window, and the words to use it by clicks."""

    def __init__(self, qtbot, tmp_path, *, measure=False):
        self.bot = qtbot
        self.root = tmp_path / "runs"
        self.state_dir = tmp_path / "state"
        gui = make_gui(self.state_dir, self.root, tmp_path / "log.txt", measure=measure)
        self.window, self.presenter = gui.window, gui.presenter
        self.commands, self.training = gui.commands, gui.training
        self.window.show()

    @property
    def state(self):
        return self.presenter.state

    def until(self, condition, timeout=1000 * PATIENCE_S):
        self.bot.waitUntil(condition, timeout=int(timeout))

    def look_often(self, look):
        """Do something again and again, until the timer that this gives is stopped."""
        timer = QTimer(self.window)
        timer.timeout.connect(look)
        timer.start(10)
        return timer

    def connect(self, *, small=True):
        self.window.welcome.simulated.click()
        self.until(lambda: self.state is State.ready)
        core = self.presenter.microscope.core
        if small:
            core.setProperty("Camera", "SensorSize_px", 64)
            core.setExposure(5)
        self.until(lambda: self.window.status.headline.text() == "Ready")

    def fill(self, bottom=-4.0, top=4.0, *, estimator="linear", **numbers):
        form = self.window.form
        form.bottom.set_um(bottom)
        form.top.set_um(top)
        form.reconstruction.estimator.setCurrentIndex(
            form.reconstruction.estimator.findData(estimator)
        )
        for name, value in numbers.items():
            getattr(form, name).setValue(value)
        self.presenter.refresh()

    def scan(self):
        assert self.window.form.start.isEnabled(), self.window.form.reason.text()
        self.window.form.start.click()
        self.until(lambda: self.state is State.scanning)

    def finish(self):
        self.until(lambda: self.state is State.ready)
        self.until(lambda: self.window.status.open.isVisible())

    def until_over_pauses(self):
        """Wait for the end; a pause that was asked for may come late."""

        def over():
            if self.state is State.paused:
                self.window.status.pause.click()
            return self.state in (State.ready, State.live)

        self.until(over)

    def close(self):
        self.window.close()
        self.until(lambda: not self.window.isVisible())


@pytest.fixture(autouse=True)
def _pictures_take_their_time():
    """As rendering them would: no scan is over before anybody has looked."""
    light = RenderedScene.light

    def slowly(self, z_um):
        time.sleep(0.04)
        return light(self, z_um)

    # a test's own monkeypatch has to let go before its window does
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RenderedScene, "light", slowly)
        yield


@pytest.fixture
def desk(qtbot, tmp_path, qapp):
    before = set(QApplication.topLevelWidgets())
    made = Desk(qtbot, tmp_path)
    yield made
    for box in made.window.findChildren(QMessageBox):
        box.close()
    if made.window.isVisible():
        made.close()
    made.window.deleteLater()
    made.window = made.presenter = made.commands = made.training = None
    for _ in range(3):
        gc.collect()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.processEvents()
    left = {w for w in QApplication.topLevelWidgets() if w not in before}
    names = [f"{type(w).__name__} {w.objectName()}" for w in left]
    assert not names, f"left behind: {names}"


@pytest.fixture
def bench():
    """The controllers without a window: what they tell, microscope, scans."""
    microscope = MicroscopeController()
    scans = ScanController(microscope)
    yield Told(microscope, scans), microscope, scans
    scans.abort()
    scans.wait(PATIENCE_S)
    microscope.close()


@pytest.fixture
def settings():
    return ScanSettings(
        bottom_um=-4.0,
        top_um=4.0,
        exposure_ms=5.0,
        estimator="linear",
        max_planes=5,
    )
