"""Small experiments on Micro-Manager's own demo microscope."""

from __future__ import annotations

import pytest
from pymmcore_plus import CMMCorePlus

from rmz_acquire.acquisition import close_core, open_core


@pytest.fixture(autouse=True)
def _plain_signals(monkeypatch):
    """No Qt signals because an earlier test made a QApplication."""
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")


@pytest.fixture
def demo():
    """The stock demo microscope, small pictures, a shutter that starts closed."""
    core = open_core("MMConfig_demo.cfg", CMMCorePlus())
    core.setProperty("Camera", "OnCameraCCDXSize", 32)
    core.setProperty("Camera", "OnCameraCCDYSize", 32)
    core.setExposure(1)
    core.setShutterOpen(False)
    yield core
    close_core(core)
