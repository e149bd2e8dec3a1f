"""How a scan ends before its time: aborts, faults, ctrl-C."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest
from patience import PATIENCE_S
from scan_fakes import (
    STACK,
    Z_UM,
    ArrayMicroscope,
    MemoryRecorder,
    ScriptedEstimator,
    a_scan,
    plane,
    run_scan,
    shown,
)

from rmz_acquire.scanning import Scan, ScanPlan, ScanState


def test_an_abort_before_the_first_plane():
    scan = a_scan()
    scan.abort("not today")
    assert scan.state is ScanState.finished
    microscope = ArrayMicroscope(STACK, Z_UM)
    recorder = MemoryRecorder()
    outcome = run_scan(scan, microscope, recorder)
    assert outcome.status == "aborted"
    assert not outcome.ok
    assert "not today after 0 planes" in outcome.reason
    assert microscope.captures == []
    assert recorder.volume is None


def test_an_abort_while_the_plane_is_on_its_way():
    scan = a_scan()
    coming = shown(scan)
    scan.abort()
    assert scan.state is ScanState.aiming
    decision = scan.observe(coming)
    assert decision.decision == "stop"
    assert "aborted by the user after 1 plane" in decision.reason
    assert scan.outcome.planes_taken == 1
    assert scan.next_z() is None


def test_an_abort_where_the_plane_never_comes():
    scan = a_scan()
    scan.next_z()
    scan.abort()
    assert scan.outcome is None
    assert scan.next_z() is None
    assert scan.outcome.status == "aborted"


def test_an_abort_from_another_thread_while_thinking():
    thinking, go_on = threading.Event(), threading.Event()

    class Slow(ScriptedEstimator):
        def add(self, image, z_um):
            if self.planes_taken == 1:
                thinking.set()
                assert go_on.wait(PATIENCE_S)
            return super().add(image, z_um)

    plan = ScanPlan.from_grid(Z_UM, max_planes=8)
    scan = Scan(plan, Slow(Z_UM, [None, 0.5]))
    recorder = MemoryRecorder()
    microscope = ArrayMicroscope(STACK, Z_UM)
    thread = threading.Thread(
        target=run_scan, args=(scan, microscope, recorder), daemon=True
    )
    thread.start()
    assert thinking.wait(PATIENCE_S)
    scan.abort("stop button")
    assert scan.abort_requested
    assert scan.state is ScanState.thinking
    go_on.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert recorder.outcome.status == "aborted"
    # the plane that was taken is in the record, and none after it
    assert len(recorder.planes) == len(recorder.decisions) == 2
    assert recorder.decisions[-1].reason == "stop button after 2 planes"
    assert microscope.left == 1


def test_convergence_stands_against_a_late_abort():
    scan = a_scan((None, 0.5, 0.4, 0.01))
    run_scan(scan, ArrayMicroscope(STACK, Z_UM), MemoryRecorder())
    scan.abort()
    scan.fail(RuntimeError("late"))
    assert scan.outcome.status == "converged"
    assert scan.error is None


def test_a_camera_that_fails_ends_the_run_as_failed():
    scan = a_scan()
    recorder = MemoryRecorder()
    microscope = ArrayMicroscope(STACK, Z_UM, fail_at=2)
    outcome = run_scan(scan, microscope, recorder)
    assert outcome.status == "failed"
    assert outcome.error == "RuntimeError: the camera is gone"
    assert outcome.planes_taken == len(recorder.planes) == 2
    assert recorder.log[-1] == ("finish", "failed")
    assert microscope.left == 1


def test_an_estimator_that_fails_leaves_a_line_for_its_plane():
    scan = a_scan((None, 0.5, MemoryError("no room")))
    recorder = MemoryRecorder()
    outcome = run_scan(scan, ArrayMicroscope(STACK, Z_UM), recorder)
    assert outcome.status == "failed"
    assert isinstance(scan.error, MemoryError)
    assert outcome.planes_taken == len(recorder.planes) == len(recorder.decisions) == 3
    last = recorder.decisions[-1]
    assert last.decision == "stop"
    assert "no room" in last.reason
    assert last.delta is None and last.gap_um is None
    assert last.z_actual_um == recorder.planes[-1].z_um


def test_a_change_that_is_no_number_is_a_failure():
    scan = a_scan((None, float("nan")))
    outcome = run_scan(scan, ArrayMicroscope(STACK, Z_UM), MemoryRecorder())
    assert outcome.status == "failed"
    assert "nan" in outcome.error


def test_a_frame_of_nan_is_a_failure_and_not_fed():
    scan = a_scan()
    scan.next_z()
    scan.observe(plane(np.full((8, 8), np.nan), 3.0))
    assert scan.outcome.status == "failed"
    assert scan.estimator.planes_taken == 0


def test_a_recorder_that_fails_fails_the_run():
    class Full(MemoryRecorder):
        def write_plane(self, plane, index):
            if index == 1:
                raise OSError("no space left on device")
            super().write_plane(plane, index)

    recorder = Full()
    outcome = run_scan(a_scan(), ArrayMicroscope(STACK, Z_UM), recorder)
    assert outcome.status == "failed"
    # a plane that is not safe is not used
    assert outcome.planes_taken == 1
    assert "no space left" in recorder.outcome.error


@pytest.mark.parametrize("where", ["camera", "estimator"])
def test_ctrl_c_ends_cleanly(where):
    changes = (None, KeyboardInterrupt()) if where == "estimator" else (None, 0.5)
    scan = a_scan(changes)
    recorder = MemoryRecorder()
    microscope = ArrayMicroscope(
        STACK,
        Z_UM,
        fail_at=2 if where == "camera" else None,
        error=KeyboardInterrupt(),
    )
    outcome = run_scan(scan, microscope, recorder)
    assert outcome.status == "aborted"
    assert scan.state is ScanState.finished
    assert recorder.outcome == outcome
    assert microscope.left == 1
    assert len(recorder.planes) == outcome.planes_taken == 2


@pytest.mark.skipif(os.name != "posix", reason="needs to send itself a signal")
def test_a_real_ctrl_c_lets_the_plane_at_hand_be_finished():
    """A signal in the middle of thinking: the plane still gets its line."""

    class Interrupted(ScriptedEstimator):
        def add(self, image, z_um):
            if self.planes_taken == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return super().add(image, z_um)

    plan = ScanPlan.from_grid(Z_UM, max_planes=8)
    recorder = MemoryRecorder()
    before = signal.getsignal(signal.SIGINT)
    outcome = run_scan(
        Scan(plan, Interrupted(Z_UM, [None, 0.5])),
        ArrayMicroscope(STACK, Z_UM),
        recorder,
    )
    assert outcome.status == "aborted"
    assert outcome.reason == "interrupted with ctrl-C after 2 planes"
    assert len(recorder.decisions) == len(recorder.planes) == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_an_abort_does_not_wait_for_the_lock():
    """A signal may come while the interrupted thread holds it."""
    scan = a_scan()
    with scan._lock:
        scan.abort("now")
    assert scan.abort_requested
    assert scan.next_z() is None
    assert scan.outcome.reason == "now after 0 planes"
