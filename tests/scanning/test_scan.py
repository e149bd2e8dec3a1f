"""The scan as a state machine, and the loop around it, without any hardware."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from children import run_to_end
from scan_fakes import (
    STACK,
    Z_UM,
    ArrayMicroscope,
    LinearEstimator,
    MemoryRecorder,
    ScriptedEstimator,
    a_scan,
    plane,
    run_scan,
    shown,
)

from rmz_acquire.scanning import Estimator, Microscope, Recorder, Scan, ScanPlan

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
    "used",
    "wanted",
    "predictions",
    "shares",
    "z_scale",
    "winner",
    "winner_gain_db",
    "regions",
    "innovation_raw",
    "chosen_by",
    "terms",
    "warning",
]


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
    done = run_to_end([sys.executable, "-c", code])
    assert done.stdout.strip() == "[]"
