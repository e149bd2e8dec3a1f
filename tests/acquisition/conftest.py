"""Real Micro-Manager cores for the tests, closed again however a test ends."""

from __future__ import annotations

import numpy as np
import pytest
from pymmcore_plus import CMMCorePlus
from pymmcore_plus.experimental.unicore import SimpleCameraDevice, UniMMCore
from scan_fakes import LinearEstimator, MemoryRecorder

from rmz_acquire.acquisition import close_core, load_simulated, open_core
from rmz_acquire.scanning import Scan, ScanPlan

SHUTTER = "White Light Shutter"


class PatternCamera(SimpleCameraDevice):
    """A small camera in Python whose picture is told from outside."""

    def __init__(self):
        super().__init__()
        self._exposure = 1.0
        self.snaps = 0
        self.on_snap = None

    def sensor_shape(self):
        return (32, 32)

    def dtype(self):
        return np.uint16

    def get_exposure(self):
        return self._exposure

    def set_exposure(self, exposure):
        self._exposure = float(exposure)

    def snap(self, buffer):
        self.snaps += 1
        yy, xx = np.mgrid[:32, :32]
        buffer[:] = 100 + 50 * ((yy + xx + self.snaps) % 7)
        if self.on_snap is not None:
            self.on_snap(self.snaps)
        return {}


@pytest.fixture(autouse=True)
def _plain_signals(monkeypatch):
    """No Qt signals because an earlier test made a QApplication."""
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")


@pytest.fixture
def closing():
    """Unload every core that was given to it."""
    cores = []

    def keep(core):
        cores.append(core)
        return core

    yield keep
    for core in cores:
        close_core(core)


@pytest.fixture
def demo(closing):
    """The stock demo microscope, nothing replaced, small pictures."""
    core = closing(open_core("MMConfig_demo.cfg", CMMCorePlus()))
    core.setProperty("Camera", "Mode", "Fluorescent Beads")
    core.setProperty("Camera", "OnCameraCCDXSize", 128)
    core.setProperty("Camera", "OnCameraCCDYSize", 128)
    core.setExposure(5)
    core.setShutterOpen(False)
    return core


@pytest.fixture
def pattern(closing):
    """The stock demo microscope with a camera in Python in its place."""
    core = closing(open_core("MMConfig_demo.cfg", UniMMCore()))
    camera = PatternCamera()
    core.loadPyDevice("Pattern", camera)
    core.initializeDevice("Pattern")
    core.setCameraDevice("Pattern")
    core.setShutterOpen(False)
    return core, camera


@pytest.fixture
def simulated(closing):
    """The simulated microscope, small and quick."""
    return closing(load_simulated(SensorSize_px=64, exposure_ms=5.0, seed=4))


@pytest.fixture
def make_scan():
    """A plain scan over 0 to 12 µm and what records it."""

    def make(z_um=None, *, on_decision=None, estimator=None, **plan):
        grid = np.linspace(0, 12, 13) if z_um is None else z_um
        plan.setdefault("max_planes", 6)
        plan.setdefault("epsilon", 1e-9)
        wanted = ScanPlan.from_grid(grid, **plan)
        scan = Scan(
            wanted, estimator or LinearEstimator(wanted.z_um), on_decision=on_decision
        )
        return scan, MemoryRecorder()

    return make
