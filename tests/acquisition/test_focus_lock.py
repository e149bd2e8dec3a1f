"""A focus lock that is on: off while the focus is moved, on again in every ending."""

from __future__ import annotations

import json

import pytest
from engine_run import run_on_core
from experiment_fakes import sequence
from pymmcore_plus import CMMCorePlus

from rmz_acquire.acquisition import Control, open_core
from rmz_acquire.acquisition.stage_check import check_stage_moves
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.experiments import resume, run
from rmz_acquire.experiments.dense_stacks import Position, acquire_stacks
from rmz_acquire.simulation.autofocus import FocusingCore

HELD = "the focus lock 'Autofocus' was off for the scan, and is on again"


class Held(CMMCorePlus):
    """The stock demo microscope with a lock that refuses to let the focus go."""

    def __init__(self):
        super().__init__()
        self.fought = 0
        self.moves = 0
        self.broken = None

    def setPosition(self, *where):
        self.moves += 1
        self.fought += self.isContinuousFocusEnabled()
        super().setPosition(*where)

    def enableContinuousFocus(self, state):
        if self.broken is not None and state == self.broken:
            msg = "the lock does not answer"
            raise RuntimeError(msg)
        super().enableContinuousFocus(state)


@pytest.fixture
def held(closing):
    core = closing(open_core("MMConfig_demo", Held()))
    core.setProperty("Camera", "OnCameraCCDXSize", 32)
    core.setProperty("Camera", "OnCameraCCDYSize", 32)
    core.setExposure(1)
    core.setShutterOpen(False)
    core.setPosition(4.0)
    core.waitForSystem()
    core.enableContinuousFocus(True)
    core.moves = 0
    return core


def after(core):
    assert not core.fought
    assert core.isContinuousFocusEnabled()
    assert core.getPosition() == pytest.approx(4.0, abs=0.01)


def told(folder):
    return (
        json.loads((folder / "run.json").read_text("utf-8")),
        json.loads((folder / "summary.json").read_text("utf-8")),
    )


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["done", "abort", "stop and keep", "failure"])
@pytest.mark.parametrize("autofocus", [False, True])
def test_every_ending(held, tmp_path, ending, autofocus, monkeypatch):
    control, folder = Control(), tmp_path / "run"
    given = {"autofocus_plan": {"axes": ["p"]}} if autofocus else {}

    def decided(volume, decision, estimate):
        assert not held.isContinuousFocusEnabled()
        if decision.index != 1:
            return
        if ending == "abort":
            control.abort("enough")
        elif ending == "stop and keep":
            control.wind_up("enough")
        elif ending == "failure":
            monkeypatch.setattr(held, "snapImage", lambda: 1 / 0)

    summary = run(
        held,
        sequence(stage_positions=[{"x": 0, "y": 0, "z": 5}], **given),
        folder,
        control=control,
        on_decision=decided,
    ).summary
    expected = {"done": "completed", "abort": "aborted", "failure": "failed"}
    assert summary.status == expected.get(ending, "stopped")
    after(held)
    begun, ended = told(folder)
    assert begun["focus_lock"] == "Autofocus"
    assert ended["focus_lock"] == summary.focus_lock == HELD
    monkeypatch.undo()

    if ending in ("abort", "failure"):
        assert resume(held, folder).summary.status == "completed"
        after(held)
        # a kill leaves it off: it is on again after the experiment all the same
        (folder / "volumes.ome.zarr" / "volumes.jsonl").unlink()
        held.enableContinuousFocus(False)
        assert resume(held, folder).summary.focus_lock == HELD
        after(held)


def test_one_that_is_off_stays_off_and_nothing_is_said(held, tmp_path):
    held.enableContinuousFocus(False)
    summary = run(held, sequence(), tmp_path / "run").summary
    assert summary.status == "completed" and summary.focus_lock is None
    assert not held.isContinuousFocusEnabled()
    assert told(tmp_path / "run")[0]["focus_lock"] is None


def test_an_experiment_may_refuse_it(held, tmp_path):
    said = r"metadata\.rmz_acquire\.focus_lock: .*'Autofocus' is on .* switch it off"
    with pytest.raises(InputError, match=said):
        run(held, sequence({"focus_lock": "refuse"}), tmp_path / "run")
    assert held.isContinuousFocusEnabled() and not held.moves
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match=r"rmz_acquire\.focus_lock .*'pause'"):
        run(held, sequence({"focus_lock": "off"}), tmp_path / "run")


def test_one_that_stays_on_is_a_failure_before_anything_moves(held, tmp_path):
    held.broken = False
    summary = run(held, sequence(), tmp_path / "run").summary
    assert summary.status == "failed" and summary.planes_taken == 0
    assert "cannot be switched off (the lock does not answer)" in summary.error
    assert "by hand" in summary.error
    assert not held.moves and held.isContinuousFocusEnabled()


@pytest.mark.slow
def test_one_that_does_not_come_on_again_is_told(held, tmp_path):
    held.broken = True
    summary = run(held, sequence(), tmp_path / "run").summary
    assert summary.status == "failed" and summary.volumes_done == 1
    assert "cannot be switched on (the lock does not answer)" in summary.error


def test_one_that_only_tells_that_it_holds_counts_too(held, tmp_path, monkeypatch):
    monkeypatch.setattr(held, "isContinuousFocusLocked", held.isContinuousFocusEnabled)
    monkeypatch.setattr(held, "isContinuousFocusEnabled", lambda: False)
    assert run(held, sequence(), tmp_path / "run").summary.focus_lock == HELD
    assert held.isContinuousFocusLocked() and held.moves


def test_the_offset_of_a_lock_is_moved_while_it_is_on(held, tmp_path, monkeypatch):
    monkeypatch.setattr(held, "isContinuousFocusDrive", lambda label: label == "Z")
    summary = run(held, sequence({"focus_lock": "refuse"}), tmp_path / "run").summary
    assert summary.status == "completed" and summary.focus_lock is None
    assert held.fought == held.moves > 0


def test_an_autofocus_that_leaves_its_lock_on(held, tmp_path, monkeypatch):
    focus = held.fullFocus

    def full_focus():
        focus()
        held.enableContinuousFocus(True)

    monkeypatch.setattr(held, "fullFocus", full_focus)
    plan = sequence(
        stage_positions=[{"x": 0, "y": 0, "z": 5}], autofocus_plan={"axes": ["p"]}
    )
    assert run(held, plan, tmp_path / "run").summary.status == "completed"
    after(held)


def test_an_autofocus_that_cannot_tell(held, tmp_path, monkeypatch):
    def fail():
        msg = "no answer"
        raise RuntimeError(msg)

    monkeypatch.setattr(held, "isContinuousFocusEnabled", fail)
    with pytest.raises(InputError, match=r"does not tell .*no answer.*Core-AutoFocus"):
        run(held, sequence(), tmp_path / "run")
    assert not held.moves


def test_a_plain_scan_and_its_abort_from_outside(held, make_scan):
    scan, recorder = make_scan(on_decision=lambda *_: scan.abort("enough"))
    outcome = run_on_core(held, scan, recorder, exposure_ms=1.0)
    assert outcome.status == "aborted"
    assert outcome.reason == f"enough after 1 plane; {HELD}"
    assert recorder.outcome == outcome
    after(held)


def test_stacks(held, tmp_path, caplog):
    said = []
    places = [Position(0, 0, 5.0), Position(10, 0, 6.0)]
    good = {"range_um": 2, "step_um": 1, "exposure_ms": 1.0}
    files = acquire_stacks(held, places, tmp_path / "a", on_step=said.append, **good)
    assert len(files) == 2
    assert said == ["stack 1 of 2", "stack 2 of 2"]
    assert "the focus lock 'Autofocus'" in caplog.text
    after(held)
    with pytest.raises(ScanFailed, match="enough"):
        acquire_stacks(
            held,
            places,
            tmp_path / "b",
            on_start=lambda scan: scan.abort("enough"),
            **good,
        )
    after(held)


def test_the_stage_check(held, monkeypatch):
    said = []
    with pytest.raises(InputError, match="nothing that changes with the focus"):
        held.setProperty("Camera", "Mode", "Color Test Pattern")
        check_stage_moves(held, range_um=6, exposure_ms=1.0, on_step=said.append)
    assert said[0] == "the focus lock 'Autofocus' is off for the scan"
    after(held)


def test_the_simulated_lock_holds_its_stage(closing):
    core = closing(open_core("simulated"))
    assert isinstance(core, FocusingCore)
    core.setPosition(3.0)
    core.waitForSystem()
    core.enableContinuousFocus(True)
    core.setPosition(9.0)
    core.waitForSystem()
    assert core.getPosition() == pytest.approx(3.0)
