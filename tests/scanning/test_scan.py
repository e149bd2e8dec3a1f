"""The scan as a state machine, and the loop around it, without any hardware."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from scan_fakes import (
    ArrayMicroscope,
    LinearEstimator,
    MemoryRecorder,
    ScriptedEstimator,
    blobs,
    plane,
)

from rmz_acquire.scanning import (
    Estimator,
    Microscope,
    Recorder,
    Scan,
    ScanPlan,
    ScanState,
    run_scan,
)

Z_UM = np.linspace(0, 12, 25)
STACK = blobs(Z_UM)
KEYS = [
    "index",
    "z_requested_um",
    "z_actual_um",
    "exposure_ms",
    "delta",
    "delta_relative",
    "innovation",
    "gap_um",
    "decision",
    "reason",
    "stage_ms",
    "camera_ms",
    "inference_ms",
    "time",
    "frame",
]


def a_scan(changes=(None, 0.5, 0.4, 0.3, 0.2), *, plan=None, **kw):
    plan = plan or ScanPlan.from_grid(Z_UM, epsilon=0.05, max_planes=8)
    return Scan(plan, ScriptedEstimator(plan.z_um, changes), **kw)


def shown(scan, z_um=None):
    """The plane that the scan asks for."""
    z_um = scan.next_z() if z_um is None else z_um
    i = int(np.argmin(np.abs(Z_UM - z_um)))
    return plane(STACK[i], z_um, index=scan.planes_taken)


def test_the_fakes_fit_the_protocols():
    assert isinstance(LinearEstimator(Z_UM), Estimator)
    assert isinstance(ArrayMicroscope(STACK, Z_UM), Microscope)
    assert isinstance(MemoryRecorder(), Recorder)


def test_the_states_in_their_order():
    states = []

    class Watching(ScriptedEstimator):
        def add(self, image, z_um):
            states.append(scan.state)
            return super().add(image, z_um)

    plan = ScanPlan.from_grid(Z_UM, max_planes=2)
    scan = Scan(plan, Watching(Z_UM, [None, 0.5]))
    states.append(scan.state)
    first = scan.next_z()
    states.append(scan.state)
    scan.observe(shown(scan, first))
    states.append(scan.state)
    scan.observe(shown(scan))
    states.append(scan.state)
    assert states == ["idle", "aiming", "thinking", "idle", "thinking", "finished"]
    assert scan.next_z() is None
    assert scan.outcome.status == "max_planes"


def test_a_plane_must_be_asked_for_and_must_come():
    scan = a_scan()
    with pytest.raises(RuntimeError, match="next_z"):
        scan.observe(plane())
    scan.next_z()
    with pytest.raises(RuntimeError, match="observe"):
        scan.next_z()


def test_the_grids_must_agree():
    plan = ScanPlan.from_grid(Z_UM)
    with pytest.raises(ValueError, match="grid"):
        Scan(plan, ScriptedEstimator(Z_UM + 1, [None]))
    with pytest.raises(ValueError, match="grid"):
        Scan(plan, ScriptedEstimator(Z_UM[:-1], [None]))


def test_the_estimator_must_be_fresh():
    used = LinearEstimator(Z_UM)
    used.add(STACK[0], 0.0)
    with pytest.raises(ValueError, match="already"):
        Scan(ScanPlan.from_grid(Z_UM), used)


def test_convergence_stops_the_scan():
    scan = a_scan((None, 0.5, 0.01, 0.01))
    recorder = MemoryRecorder()
    outcome = run_scan(scan, ArrayMicroscope(STACK, Z_UM), recorder)
    assert outcome.status == "converged"
    assert outcome.ok
    # the small change at M = 3 came before the fewest planes
    assert outcome.planes_taken == 4
    assert "at least 4" in scan.decisions[2].reason
    assert [d.decision for d in scan.decisions] == ["continue"] * 3 + ["stop"]
    assert outcome.reason == scan.decisions[-1].reason
    assert recorder.outcome == outcome


def test_the_planes_run_out():
    outcome = run_scan(a_scan(), ArrayMicroscope(STACK, Z_UM), MemoryRecorder())
    assert outcome.status == "max_planes"
    assert outcome.planes_taken == 8
    assert "0.2" in outcome.reason and "8" in outcome.reason


def test_the_grid_runs_out():
    plan = ScanPlan.from_grid(Z_UM[:5], max_planes=99)
    outcome = run_scan(
        a_scan(plan=plan), ArrayMicroscope(STACK, Z_UM), MemoryRecorder()
    )
    assert outcome.status == "max_planes"
    assert outcome.planes_taken == 5
    assert "no z is left" in outcome.reason


def test_a_list_is_taken_exactly():
    z_exact = (9.0, 0.5, 4.0, 4.0, 2.0)
    plan = ScanPlan.from_grid(Z_UM, z_exact_um=z_exact, epsilon=1e6, max_planes=4)
    microscope = ArrayMicroscope(STACK, Z_UM)
    outcome = run_scan(a_scan((None, 0.0), plan=plan), microscope, MemoryRecorder())
    assert tuple(microscope.captures) == z_exact
    assert outcome.status == "list_done"
    assert outcome.planes_taken == 5


def test_each_plane_is_safe_before_it_is_judged_and_judged_before_the_next():
    plan = ScanPlan.from_grid(Z_UM, max_planes=3)
    log = []

    class Judge(ScriptedEstimator):
        def add(self, image, z_um):
            log.append(("estimate", self.planes_taken))
            return super().add(image, z_um)

    recorder = MemoryRecorder()
    recorder.log = log
    microscope = ArrayMicroscope(
        STACK, Z_UM, on_capture=lambda i: log.append(("capture", i))
    )
    run_scan(Scan(plan, Judge(Z_UM, [None, 0.5])), microscope, recorder)
    expected = [
        (step, i)
        for i in range(3)
        for step in ("capture", "plane", "estimate", "decision")
    ]
    assert log == [*expected, ("finish", "max_planes")]


def test_the_line_of_a_plane_has_the_contract_s_keys_and_units():
    scan = a_scan()
    first = scan.observe(shown(scan)).to_dict()
    second = scan.observe(shown(scan)).to_dict()
    assert list(first) == KEYS
    assert first["delta"] is None and first["delta_relative"] is None
    assert first["innovation"] is None
    assert second["delta"] == 500.0
    assert second["delta_relative"] == 0.5
    assert second["inference_ms"] == pytest.approx(1.0)
    assert second["time"] == "2026-01-02T03:04:06+00:00"
    json.dumps(second, allow_nan=False)


def test_what_is_unknown_stays_unknown():
    scan = a_scan()
    asked = scan.next_z()
    unknown = plane(STACK[0], asked, exposure_ms=None)
    assert scan.observe(unknown).exposure_ms is None


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
                assert go_on.wait(10)
            return super().add(image, z_um)

    plan = ScanPlan.from_grid(Z_UM, max_planes=8)
    scan = Scan(plan, Slow(Z_UM, [None, 0.5]))
    recorder = MemoryRecorder()
    microscope = ArrayMicroscope(STACK, Z_UM)
    thread = threading.Thread(target=run_scan, args=(scan, microscope, recorder))
    thread.start()
    assert thinking.wait(10)
    scan.abort("stop button")
    assert scan.abort_requested
    assert scan.state is ScanState.thinking
    go_on.set()
    thread.join(10)
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


def test_a_watcher_sees_every_decision_and_cannot_break_the_scan(caplog):
    seen = []

    def watch(decision, estimate):
        seen.append((decision.index, estimate is not None))
        raise ZeroDivisionError

    outcome = run_scan(
        a_scan(on_decision=watch), ArrayMicroscope(STACK, Z_UM), MemoryRecorder()
    )
    assert outcome.status == "max_planes"
    assert seen == [(i, True) for i in range(8)]
    assert "watches" in caplog.text


def test_a_real_loop_converges_and_the_volume_is_good():
    plan = ScanPlan.from_grid(Z_UM, epsilon=0.12)
    scan = Scan(plan, LinearEstimator(Z_UM))
    recorder = MemoryRecorder()
    outcome = run_scan(scan, ArrayMicroscope(STACK, Z_UM), recorder)
    assert outcome.status == "converged"
    assert 4 <= outcome.planes_taken < len(Z_UM) // 2
    error = np.sqrt(np.mean((recorder.volume - STACK.astype(float)) ** 2))
    assert error < 0.35 * STACK.std()


def test_a_stage_that_does_not_move_never_converges():
    """The classic failure: the same plane again and again, so nothing changes."""
    plan = ScanPlan.from_grid(Z_UM, epsilon=0.05, max_planes=10)
    microscope = ArrayMicroscope(STACK[:1], Z_UM[:1])
    scan = Scan(plan, LinearEstimator(Z_UM))
    outcome = run_scan(scan, microscope, MemoryRecorder())
    assert outcome.status == "max_planes"
    for decision in scan.decisions[1:]:
        assert decision.delta == 0
        assert "seen before" in decision.reason


def test_a_lamp_that_is_off_never_converges(rng):
    noise = (100 + rng.normal(0, 3, STACK.shape)).astype(np.uint16)
    plan = ScanPlan.from_grid(Z_UM, epsilon=1e3, max_planes=6)
    scan = Scan(plan, LinearEstimator(Z_UM))
    outcome = run_scan(scan, ArrayMicroscope(noise, Z_UM), MemoryRecorder())
    assert outcome.status == "max_planes"
    assert "blank" in outcome.reason


def test_the_room_stands_alone():
    """No torch, no Qt, no Micro-Manager comes with it."""
    code = (
        "import sys, rmz_acquire.scanning;"
        "bad = {'torch', 'PyQt6', 'qtpy', 'pymmcore', 'pymmcore_plus', 'useq'};"
        "print(sorted(bad & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


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
