"""However a scan ends: light off, stage back, old engine in place, planes on record."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest
from engine_run import run_on_core
from patience import PATIENCE_S, wait_for
from scan_fakes import LinearEstimator, MemoryRecorder, ScriptedEstimator

from rmz_acquire.acquisition import FocusDrive, StageError

SHUTTER = "White Light Shutter"
START_UM = 2.5
Z_UM = np.linspace(0, 12, 13)


@pytest.fixture
def safe():
    """Check what must hold of a microscope after every scan."""
    before = {}

    def watch(core):
        core.setPosition(START_UM)
        core.setExposure(3.0)
        before["engine"] = core.mda.engine
        before["core"] = core
        return core

    def check():
        core = before["core"]
        assert core.getPosition() == pytest.approx(START_UM, abs=0.02)
        assert not core.getShutterOpen(SHUTTER)
        assert core.getAutoShutter()
        assert core.getExposure() == 3.0
        assert core.mda.engine is before["engine"]
        assert not core.mda.is_running()

    watch.check = check
    return watch


def test_a_failing_camera(pattern, make_scan, safe, tmp_path):
    core, camera = pattern
    safe(core)

    def fail(n):
        if n == 3:
            assert core.getShutterOpen(SHUTTER)  # in the middle of an exposure
            raise RuntimeError("the camera is gone")

    camera.on_snap = fail
    scan, recorder = make_scan()
    outcome = run_on_core(core, scan, recorder, exposure_ms=1.0)
    assert outcome.status == "failed" and "the camera is gone" in outcome.error
    assert outcome.planes_taken == 2 and camera.snaps == 3
    assert len(recorder.planes) == 2
    safe.check()


def test_a_python_camera_gets_its_light(pattern, make_scan, safe):
    core, camera = pattern
    safe(core)
    open_at = []
    camera.on_snap = lambda n: open_at.append(core.getShutterOpen(SHUTTER))
    closed_at = []
    scan, recorder = make_scan(
        on_decision=lambda *_: closed_at.append(core.getShutterOpen(SHUTTER))
    )
    assert run_on_core(core, scan, recorder, exposure_ms=1.0).ok
    assert open_at == [True] * 6
    assert closed_at == [False] * 6  # dark while the estimator thinks
    safe.check()


def test_auto_shutter_off_is_respected_and_closed_at_the_end(pattern, make_scan):
    core, camera = pattern
    core.setAutoShutter(False)
    core.setShutterOpen(True)
    open_at = []
    camera.on_snap = lambda n: open_at.append(core.getShutterOpen(SHUTTER))
    scan, recorder = make_scan()
    assert run_on_core(core, scan, recorder, exposure_ms=1.0).ok
    assert all(open_at)
    assert not core.getShutterOpen(SHUTTER) and not core.getAutoShutter()


def test_a_missing_frame(demo, make_scan, safe, monkeypatch):
    safe(demo)
    real, calls = demo.getImage, []

    def get_image(*args, **kw):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("Camera image buffer read failed")
        return real(*args, **kw)

    monkeypatch.setattr(demo, "getImage", get_image)
    scan, recorder = make_scan()
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0)
    assert outcome.status == "failed" and "buffer read failed" in outcome.error
    assert len(recorder.planes) == 1 and len(calls) == 2
    safe.check()


def test_a_failing_snap_of_a_real_adapter(demo, make_scan, safe, monkeypatch):
    safe(demo)

    def snap():
        raise RuntimeError('Error in device "Camera": (4)')

    monkeypatch.setattr(demo, "snapImage", snap)
    scan, recorder = make_scan()
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0)
    assert outcome.status == "failed" and outcome.planes_taken == 0
    safe.check()


@pytest.mark.parametrize("wrong", [1.7, np.nan], ids=["elsewhere", "nan"])
def test_a_stage_that_is_not_where_it_was_sent(
    pattern, make_scan, safe, monkeypatch, wrong
):
    core, camera = pattern
    safe(core)
    real = core.getPosition

    def get_position(*args):
        where = real(*args)
        # wrong once the first plane is taken, right again for the way back
        lost = camera.snaps == 1 and abs(where - START_UM) > 0.02
        return where + wrong if lost else where

    monkeypatch.setattr(core, "getPosition", get_position)
    monkeypatch.setattr(
        FocusDrive.__init__,
        "__kwdefaults__",
        {
            **FocusDrive.__init__.__kwdefaults__,
            "timeout_ms": 50.0,
        },
    )
    scan, recorder = make_scan()
    outcome = run_on_core(core, scan, recorder, exposure_ms=1.0)
    assert outcome.status == "failed"
    assert "was sent to" in outcome.error and "tolerance 0.5" in outcome.error
    assert camera.snaps == 1  # no light for a plane that is not where it should be
    safe.check()


def test_what_the_stage_reads_goes_into_the_estimate(demo, make_scan, monkeypatch):
    real = demo.getPosition
    monkeypatch.setattr(demo, "getPosition", lambda *a: real(*a) + 0.3)
    seen = []

    class Spy(LinearEstimator):
        def add(self, image, z_um):
            seen.append(z_um)
            return super().add(image, z_um)

    scan, recorder = make_scan(estimator=Spy(Z_UM))
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0)
    assert outcome.ok
    for plane, z_um in zip(recorder.planes, seen, strict=True):
        assert z_um == plane.z_um
        assert z_um == pytest.approx(plane.z_requested_um + 0.3, abs=0.02)


def test_a_stage_that_refuses_the_move(demo, make_scan, safe):
    safe(demo)
    # DemoCamera's stage ends at 300 µm and tells nobody beforehand
    scan, recorder = make_scan(np.linspace(290, 310, 11))
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0)
    assert outcome.status == "failed" and "out of range" in outcome.error
    safe.check()


def test_a_stage_that_does_not_come_back(demo, make_scan, monkeypatch):
    def home(self):
        raise StageError("jammed")

    monkeypatch.setattr(FocusDrive, "home", home)
    engine = demo.mda.engine
    scan, recorder = make_scan()
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0)
    assert outcome.status == "failed" and "jammed" in outcome.error
    assert "cannot be brought back" in outcome.reason
    assert recorder.outcome == outcome and len(recorder.planes) == 6
    # the other steps were done all the same
    assert not demo.getShutterOpen(SHUTTER) and demo.mda.engine is engine


def test_a_shutter_that_does_not_close(demo, make_scan, monkeypatch):
    monkeypatch.setattr(demo, "getShutterOpen", lambda *_: True)
    scan, recorder = make_scan()
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0)
    assert outcome.status == "failed" and "still open" in outcome.error
    assert demo.getPosition() == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("where", ["estimator", "plane", "decision", "listener"])
def test_an_exception_anywhere(demo, make_scan, safe, where, caplog):
    safe(demo)
    error = ValueError("something broke")

    class Breaking(MemoryRecorder):
        def write_plane(self, plane, index):
            if where == "plane" and index == 2:
                raise error
            super().write_plane(plane, index)

        def write_decision(self, decision):
            if where == "decision" and decision.index == 2:
                raise error
            super().write_decision(decision)

    estimator = None
    if where == "estimator":
        estimator = ScriptedEstimator(Z_UM, [None, 0.5, error])
    if where == "listener":
        # an exception here is raised inside the runner itself

        def listener(*_):
            if len(recorder.planes) == 2:
                raise error

        demo.mda.events.eventStarted.connect(listener)
    scan, _ = make_scan(estimator=estimator)
    recorder = Breaking()
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0)
    assert outcome.status == "failed" and "something broke" in outcome.error
    assert len(recorder.planes) >= 2
    safe.check()


def test_an_abort_from_another_thread_takes_no_further_plane(pattern, make_scan, safe):
    core, camera = pattern
    safe(core)
    exposing = threading.Event()

    def slow(n):
        if n == 2:
            exposing.set()
            time.sleep(0.2)

    camera.on_snap = slow
    scan, recorder = make_scan()

    def abort():
        assert exposing.wait(PATIENCE_S)
        scan.abort("the sample moved")

    thread = threading.Thread(target=abort, daemon=True)
    thread.start()
    outcome = run_on_core(core, scan, recorder, exposure_ms=1.0)
    thread.join(PATIENCE_S)
    assert outcome.status == "aborted" and "the sample moved" in outcome.reason
    # the frame that was being exposed is kept, another is not exposed
    assert camera.snaps == 2 and len(recorder.planes) == 2
    safe.check()


def test_an_abort_while_the_stage_moves_costs_no_light(pattern, make_scan, monkeypatch):
    core, camera = pattern
    scan, recorder = make_scan()
    real = core.deviceBusy

    def busy(label):
        if camera.snaps == 2:
            scan.abort()
        return real(label)

    monkeypatch.setattr(core, "deviceBusy", busy)
    outcome = run_on_core(core, scan, recorder, exposure_ms=1.0)
    assert outcome.status == "aborted"
    assert camera.snaps == 2


@pytest.mark.parametrize("paused", [False, True])
def test_cancelled_through_micro_manager(pattern, make_scan, safe, paused):
    core, camera = pattern
    safe(core)
    camera.on_snap = lambda n: core.mda.set_paused(True) if paused and n == 2 else None

    def ended(decision, _):
        if decision.index == 1 and not paused:
            core.mda.cancel()

    scan, recorder = make_scan(on_decision=ended)

    def cancel_when_paused():
        wait_for(core.mda.is_paused)
        core.mda.cancel()

    thread = (
        threading.Thread(target=cancel_when_paused, daemon=True) if paused else None
    )
    if thread:
        thread.start()
    outcome = run_on_core(core, scan, recorder, exposure_ms=1.0)
    if thread:
        thread.join(PATIENCE_S)
    assert outcome.status == "aborted" and "Micro-Manager" in outcome.reason
    assert camera.snaps == 2
    safe.check()


def test_an_abort_ends_a_paused_scan(pattern, make_scan, safe):
    core, camera = pattern
    safe(core)
    scan, recorder = make_scan()
    camera.on_snap = lambda n: core.mda.set_paused(True)

    def abort():
        wait_for(core.mda.is_paused)
        scan.abort()

    thread = threading.Thread(target=abort, daemon=True)
    thread.start()
    outcome = run_on_core(core, scan, recorder, exposure_ms=1.0)
    thread.join(PATIENCE_S)
    assert outcome.status == "aborted" and camera.snaps == 1
    safe.check()


def test_ctrl_c_ends_cleanly(pattern, make_scan, safe):
    core, camera = pattern
    safe(core)

    def press(n):
        if n == 2:
            signal.raise_signal(signal.SIGINT)  # comes out on the main thread
            time.sleep(0.3)

    camera.on_snap = press
    scan, recorder = make_scan()
    outcome = run_on_core(core, scan, recorder, exposure_ms=1.0)
    assert outcome.status == "aborted" and "ctrl-C" in outcome.reason
    assert camera.snaps == 2 and recorder.outcome == outcome
    safe.check()
