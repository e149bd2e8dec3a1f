"""Small experiments on Micro-Manager's own demo microscope."""

from __future__ import annotations

import pytest
import useq
from pymmcore_plus import CMMCorePlus

from rmz_acquire.acquisition import open_core


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
    core.unloadAllDevices()


def sequence(block=None, **given):
    """An experiment with our block, linear and quick."""
    settings = {
        "version": 1,
        "estimator": "linear",
        "epsilon": 1e-9,
        "max_planes": 4,
        **(block or {}),
    }
    given.setdefault("z_plan", {"range": 6, "step": 1})
    given.setdefault("channels", [{"config": "DAPI", "exposure": 1}])
    return useq.MDASequence(metadata={"rmz_acquire": settings}, **given)
