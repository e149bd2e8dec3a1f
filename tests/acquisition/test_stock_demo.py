"""The whole loop on Micro-Manager's own demo configuration, nothing replaced."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from engine_run import run_on_core
from patience import wait_for
from pymmcore_plus import CMMCorePlus
from scan_fakes import LinearEstimator

from rmz_acquire.acquisition import open_core

SHUTTER = "White Light Shutter"
BACKENDS = ["psygnal", "qt"]


def test_a_scan_of_the_stock_demo_camera(demo, make_scan):
    scan, recorder = make_scan()
    demo.setPosition(3.0)
    demo.setExposure(7.0)
    engine = demo.mda.engine

    outcome = run_on_core(demo, scan, recorder, exposure_ms=5.0)

    assert outcome.status == "max_planes" and outcome.planes_taken == 6
    assert recorder.outcome == outcome
    # every plane on record before its decision, and both before the next plane
    pairs = [(kind, i) for i in range(6) for kind in ("plane", "decision")]
    assert recorder.log == [*pairs, ("finish", "max_planes")]
    for plane in recorder.planes:
        assert plane.image.shape == (128, 128) and plane.image.dtype == np.uint16
        assert abs(plane.z_um - plane.z_requested_um) < 0.02
        assert plane.exposure_ms == 5.0
        assert plane.camera_ms >= 5.0 and plane.stage_ms >= 0
        assert plane.time.utcoffset().total_seconds() == 0
    asked = [plane.z_requested_um for plane in recorder.planes]
    assert len(set(asked)) == 6
    # all as before
    assert demo.getPosition() == pytest.approx(3.0, abs=0.02)
    assert not demo.getShutterOpen(SHUTTER) and demo.getAutoShutter()
    assert demo.getExposure() == 7.0
    assert demo.mda.engine is engine and not demo.mda.is_running()


def test_the_picture_follows_the_stage(demo, make_scan):
    z_um = np.linspace(0, 20, 11)
    scan, recorder = make_scan(z_um, z_exact_um=(0.0, 20.0, 0.0))
    outcome = run_on_core(demo, scan, recorder, exposure_ms=5.0)
    assert outcome.status == "list_done"
    sharp, blurred, again = (plane.image.astype(float) for plane in recorder.planes)

    def likeness(a, b):
        return np.corrcoef(a.ravel(), b.ravel())[0, 1]

    # the beads of DemoCamera all lie at z = 0
    assert likeness(sharp, again) > 0.9
    assert likeness(sharp, blurred) < 0.8


def test_the_scan_stops_by_itself(demo, make_scan):
    # a change that is allowed to be anything: the first plane after the minimum
    scan, recorder = make_scan(epsilon=1e9, min_planes=4, max_planes=12)
    outcome = run_on_core(demo, scan, recorder, exposure_ms=5.0)
    assert outcome.status == "converged" and outcome.planes_taken == 4
    assert recorder.decisions[-1].decision == "stop"


def test_the_channel_is_set_and_set_back(demo, make_scan):
    demo.setConfig("Channel", "Rhodamine")
    seen = []
    scan, recorder = make_scan(
        on_decision=lambda *_: seen.append(demo.getCurrentConfig("Channel"))
    )
    run_on_core(
        demo, scan, recorder, exposure_ms=5.0, channel=("Channel-Multiband", "FITC")
    )
    assert recorder.outcome.ok
    scan, recorder = make_scan(
        on_decision=lambda *_: seen.append(demo.getCurrentConfig("Channel"))
    )
    run_on_core(demo, scan, recorder, exposure_ms=5.0, channel=("Channel", "DAPI"))
    assert seen[-1] == "DAPI"
    assert demo.getCurrentConfig("Channel") == "Rhodamine"
    # the other channel works another shutter, and both are closed
    for shutter in (SHUTTER, "LED Shutter"):
        assert not demo.getShutterOpen(shutter)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("caller", ["main", "worker"])
def test_no_deadlock_with_a_qt_application(
    backend, caller, qapp, monkeypatch, closing, make_scan
):
    if backend == "qt":
        pytest.importorskip("qtpy", reason="pymmcore-plus has its Qt signals by qtpy")
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", backend)
    core = closing(open_core("MMConfig_demo.cfg", CMMCorePlus()))
    assert (backend == "qt") == ("qsignals" in type(core.mda.events).__module__)
    core.setProperty("Camera", "Mode", "Fluorescent Beads")
    frames, threads = [], set()
    core.mda.events.frameReady.connect(lambda image, *_: frames.append(image.shape))
    scan, recorder = make_scan(
        on_decision=lambda *_: threads.add(threading.current_thread().name)
    )

    def run():
        run_on_core(core, scan, recorder, exposure_ms=2.0)

    if caller == "main":
        run()
    else:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        wait_for(lambda: qapp.processEvents() or not thread.is_alive())
    wait_for(lambda: qapp.processEvents() or len(frames) >= 6)
    assert recorder.outcome.status == "max_planes"
    assert len(frames) == 6
    # the estimator never ran on the thread of the windows
    assert threads == {"rmz-acquire estimator"}


@pytest.mark.slow
def test_a_listener_that_raises_does_not_lose_planes(demo, make_scan, caplog):
    def listener(*_):
        raise ValueError("a bad listener")

    demo.mda.events.frameReady.connect(listener)
    scan, recorder = make_scan()
    outcome = run_on_core(demo, scan, recorder, exposure_ms=2.0)
    assert outcome.ok and len(recorder.planes) == 6


def test_two_scans_one_after_the_other(demo, make_scan):
    for _ in range(2):
        scan, recorder = make_scan(estimator=None)
        assert isinstance(scan.estimator, LinearEstimator)
        assert run_on_core(demo, scan, recorder, exposure_ms=2.0).ok
