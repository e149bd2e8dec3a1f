"""Small experiments on Micro-Manager's own demo microscope."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from pymmcore_plus import CMMCorePlus

from rmz_acquire.acquisition import close_core, open_core


@pytest.fixture(scope="module", autouse=True)
def _plain_signals():
    """No Qt signals because an earlier test made a QApplication."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")
        yield


@contextmanager
def _small_demo():
    core = open_core("MMConfig_demo.cfg", CMMCorePlus())
    try:
        core.setProperty("Camera", "OnCameraCCDXSize", 32)
        core.setProperty("Camera", "OnCameraCCDYSize", 32)
        core.setExposure(1)
        core.setShutterOpen(False)
        yield core
    finally:
        close_core(core)


@pytest.fixture
def demo():
    """The stock demo microscope, small pictures, a shutter that starts closed."""
    with _small_demo() as core:
        yield core


@pytest.fixture(scope="session")
def small_demo():
    """The same, to open for a run that tests share."""
    return _small_demo
