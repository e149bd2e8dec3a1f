"""The end of a process whose main thread does not wait for the window's own end."""

from __future__ import annotations

import sys

import pytest
from children import run_to_end

LEAVES = """
import sys, threading
from pathlib import Path
from PyQt6.QtCore import Qt
from rmz_acquire.gui.controllers import microscope_session
from rmz_acquire.gui.controllers.ending import Ending
from rmz_acquire.gui.controllers.scans import ScanController
from rmz_acquire.gui.models.scan_settings import ScanSettings

class Noted(microscope_session.WatchedCore):
    def unloadAllDevices(self):
        if self.getFocusDevice():
            print("let go, light", self.getShutterOpen(), flush=True)
        super().unloadAllDevices()

microscope_session.WatchedCore = Noted
microscope = microscope_session.MicroscopeController()
microscope.connect("simulated").result(60)
microscope.core.setProperty("Camera", "SensorSize_px", 64)
scans, exposing = ScanController(microscope), threading.Event()

def told(text):
    if "exposing" in text:
        exposing.set()

scans.step.connect(told, Qt.ConnectionType.DirectConnection)
settings = ScanSettings(-4.0, 4.0, exposure_ms=1000.0, estimator="linear")
assert scans.start(settings, Path(sys.argv[1]))
assert exposing.wait(60)
print("light", microscope.core.getShutterOpen(), flush=True)
Ending(microscope, scans, []).begin()
"""


@pytest.mark.slow
def test_a_process_that_is_left_while_it_ends_lets_go_of_the_microscope(tmp_path):
    """Its pools take nothing more from then on, which the end must not need."""
    done = run_to_end([sys.executable, "-c", LEAVES, str(tmp_path / "run")])
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "let go, light False", done.stderr[-2000:]
    assert "not ended well" not in done.stderr
    assert (tmp_path / "run" / "summary.json").is_file()
