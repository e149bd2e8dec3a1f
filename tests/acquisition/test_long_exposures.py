"""An exposure of seconds that is stopped: dark within one, and no half-lit frame."""

from __future__ import annotations

import threading
import time

import pytest
from engine_run import run_on_core
from patience import PATIENCE_S


@pytest.mark.slow
def test_an_abort_in_it_puts_the_light_out_at_once(
    simulated, make_scan, monkeypatch, pulse
):
    core = simulated
    opened, closed = threading.Event(), []
    real = core.setShutterOpen

    def set_shutter(*args):
        real(*args)
        if args[-1]:
            opened.set()
        elif opened.is_set():
            closed.append(pulse())

    monkeypatch.setattr(core, "setShutterOpen", set_shutter)
    scan, recorder = make_scan()
    asked = []

    def stop():
        assert opened.wait(PATIENCE_S)
        time.sleep(0.2)
        asked.append(pulse())
        scan.abort("enough")

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    outcome = run_on_core(core, scan, recorder, exposure_ms=4000.0)
    thread.join(PATIENCE_S)
    assert outcome.status == "aborted" and "enough" in outcome.reason
    # the exposure would have gone on for more than three seconds
    assert closed[0] < asked[0] + 1
    assert recorder.planes == [] and outcome.planes_taken == 0
    assert not core.getShutterOpen(core.getShutterDevice())
    assert not [t for t in threading.enumerate() if "exposure" in t.name]


def test_one_that_is_not_stopped_is_as_any_other(simulated, make_scan):
    scan, recorder = make_scan(z_exact_um=(3.0,))
    assert run_on_core(simulated, scan, recorder, exposure_ms=600.0).ok
    assert recorder.planes[0].exposure_ms == 600.0
    assert recorder.planes[0].camera_ms >= 600


def test_a_camera_that_fails_in_it(simulated, make_scan):
    simulated.setProperty("Camera", "Throw_probability", 1)
    scan, recorder = make_scan()
    outcome = run_on_core(simulated, scan, recorder, exposure_ms=600.0)
    assert outcome.status == "failed"
    assert "the camera reports an error" in outcome.reason
    assert not simulated.getShutterOpen(simulated.getShutterDevice())
