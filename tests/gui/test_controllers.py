"""The controllers do their work without Qt: real core, simulated microscope."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
from patience import PATIENCE_S

from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.gui.controllers.events import (
    Compared,
    Connected,
    Focus,
    Picture,
    PlaneCame,
    Problem,
    RunOpened,
    ScanEnded,
    ScanStarted,
    State,
    Step,
    VolumeCame,
)
from rmz_acquire.gui.controllers.run_reader import RunReader
from rmz_acquire.recording.folder import CHECKS, OME_TIFF, RUN_FILES


@pytest.fixture(autouse=True)
def _plain_signals(monkeypatch):
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")


def connected(bench):
    events, microscope, _ = bench
    microscope.connect("simulated").result(60)
    microscope.core.setProperty("Camera", "SensorSize_px", 64)
    assert microscope.state is State.ready
    return microscope.core, events.drain()


def gather(events, condition, timeout_s=PATIENCE_S):
    seen, end = [], time.monotonic() + timeout_s
    while not condition(seen):
        seen += events.drain()
        assert time.monotonic() < end, [type(event).__name__ for event in seen]
        time.sleep(0.005)
    return seen


def ended(seen):
    return any(isinstance(event, ScanEnded) for event in seen)


def of(seen, kind):
    return [event for event in seen if isinstance(event, kind)]


def test_no_qt_is_imported():
    code = (
        "import sys\n"
        "import rmz_acquire.gui.controllers.scans\n"
        "import rmz_acquire.gui.models.experiment_form\n"
        "print([m for m in sys.modules if m.startswith(('PyQt6', 'qtpy', 'superqt'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_connect_snap_live(bench):
    core, first = connected(bench)
    events, microscope, _ = bench
    assert of(first, Connected)[0].name == "simulated"
    microscope.snap().result(PATIENCE_S)
    microscope.start_live().result(PATIENCE_S)
    assert microscope.state is State.live
    seen = gather(events, lambda s: any(p.live for p in of(s, Picture)))
    assert of(seen, Picture)[0].image.shape == (64, 64)
    gather(events, lambda s: of(s, Focus))
    microscope.stop_live().result(PATIENCE_S)
    assert microscope.state is State.ready and not core.isSequenceRunning()


def test_of_live_pictures_only_the_latest_waits(bench):
    connected(bench)
    events, microscope, _ = bench
    microscope.start_live().result(PATIENCE_S)
    time.sleep(1.0)
    assert len(of(events.drain(), Picture)) <= 1


def test_a_scan_tells_what_it_does(bench, settings, tmp_path):
    core, _ = connected(bench)
    events, microscope, scans = bench
    core.setPosition(1.5)
    microscope.start_live().result(PATIENCE_S)
    assert scans.start(settings, tmp_path / "run")
    seen = gather(events, ended)
    (end,) = of(seen, ScanEnded)
    assert end.error is None
    assert end.run.endings[0].taken == len(of(seen, PlaneCame)) == 5
    assert len(of(seen, VolumeCame)) == 5 and len(of(seen, ScanStarted)) == 1
    assert of(seen, VolumeCame)[-1].next_z_um is None
    # nothing was checked, and no OME-TIFF asked for
    assert {p.name for p in (tmp_path / "run").iterdir()} == {
        name for name in RUN_FILES if name not in (CHECKS, OME_TIFF)
    }
    assert microscope.state is State.ready
    assert core.getPosition() == pytest.approx(1.5)
    assert not core.getShutterOpen() and not core.isSequenceRunning()
    words = " ".join(step.text for step in of(seen, Step))
    assert "of at most 5" in words


def test_a_second_scan_is_refused_while_one_runs(bench, settings, tmp_path):
    connected(bench)
    events, _, scans = bench
    assert scans.start(settings, tmp_path / "one")
    assert not scans.start(settings, tmp_path / "two")
    seen = gather(events, ended)
    assert "cannot start now" in of(seen, Problem)[0].text
    assert not (tmp_path / "two").exists()


def test_a_plane_by_hand_comes_before_those_of_the_policy(bench, settings, tmp_path):
    connected(bench)
    events, _, scans = bench
    scans.start(settings, tmp_path / "run")
    gather(events, lambda s: of(s, ScanStarted))
    scans.ask_plane(-3.5)
    gather(events, ended)
    z_um = [plane.z_um for plane in planes_of(tmp_path / "run")]
    assert any(z == pytest.approx(-3.5) for z in z_um[:3])


@pytest.mark.parametrize(
    ("how", "status"), [("abort", "aborted"), ("stop_and_keep", "stopped")]
)
def test_ending_early_keeps_everything(bench, settings, tmp_path, how, status):
    core, _ = connected(bench)
    events, microscope, scans = bench
    slow = settings.__class__(**{**as_dict(settings), "max_planes": None})
    scans.start(slow, tmp_path / "run")
    gather(events, lambda s: len(of(s, VolumeCame)) >= 2)
    getattr(scans, how)()
    (end,) = of(gather(events, ended), ScanEnded)
    assert end.error is None and end.run.status == status
    assert end.run.endings[0].status == status and "user" in end.run.reason
    assert end.run.shown.pixels.shape == (17, 64, 64)
    assert microscope.state is State.ready and not core.getShutterOpen()
    assert core.getPosition() == pytest.approx(0.0)


def test_pause_holds_and_resume_goes_on(bench, settings, tmp_path, pulse):
    core, _ = connected(bench)
    events, microscope, scans = bench
    scans.start(settings, tmp_path / "run")
    gather(events, lambda s: of(s, VolumeCame))
    scans.pause()
    assert microscope.state is State.paused
    pulse.rest(0.5)
    events.drain()
    pulse.rest(0.5)
    assert not of(events.drain(), PlaneCame) and not core.getShutterOpen()
    scans.resume()
    (end,) = of(gather(events, ended), ScanEnded)
    assert end.run.endings[0].taken == 5


def test_abort_while_paused(bench, settings, tmp_path):
    connected(bench)
    events, microscope, scans = bench
    scans.start(settings, tmp_path / "run")
    gather(events, lambda s: of(s, VolumeCame))
    scans.pause()
    scans.abort()
    (end,) = of(gather(events, ended), ScanEnded)
    assert end.run.endings[0].status == "aborted"
    assert microscope.state is State.ready


def test_a_scan_that_fails_says_so_and_frees_the_microscope(bench, settings, tmp_path):
    connected(bench)
    events, microscope, scans = bench
    far = settings.__class__(**{**as_dict(settings), "top_um": 900.0, "step_um": 50.0})
    scans.start(far, tmp_path / "run")
    (end,) = of(gather(events, ended), ScanEnded)
    assert "outside the range of stage" in end.error and "\n" not in end.error
    assert microscope.state is State.ready


def test_a_broken_configuration_leaves_no_microscope(bench, tmp_path):
    events, microscope, _ = bench
    broken = tmp_path / "broken.cfg"
    broken.write_text("Device,Camera,NoSuchAdapter,Nothing\n")
    microscope.connect(broken).result(PATIENCE_S)
    (problem,) = of(events.drain(), Problem)
    assert problem.text.startswith("broken.cfg, line 1")
    assert microscope.state is State.empty and microscope.core is None


def test_a_run_is_opened_and_compared(bench, settings, tmp_path):
    connected(bench)
    events, _, scans = bench
    scans.start(settings, tmp_path / "run")
    gather(events, ended)
    reader = RunReader(events)
    reader.open_run(tmp_path / "run")
    (opened,) = of(gather(events, lambda s: of(s, RunOpened)), RunOpened)
    volume = opened.run.shown
    assert volume.pixels.shape == (17, 64, 64)
    assert len(volume.planes) == len(volume.decisions) == 5
    reader.compare(volume, "nearest")
    (other,) = of(gather(events, lambda s: of(s, Compared)), Compared)
    assert other.volume.shape == (17, 64, 64)
    reader.open_run(tmp_path)
    (problem,) = of(gather(events, lambda s: of(s, Problem)), Problem)
    assert "holds no run" in problem.text


def test_the_full_stack_scores_the_run(bench, settings, tmp_path):
    connected(bench)
    events, microscope, scans = bench
    scans.start(settings, tmp_path / "run")
    gather(events, ended)
    assert scans.take_full_stack(tmp_path / "run", (0, 0, 0, 0))
    seen = gather(events, lambda s: of(s, Compared))
    (full,) = of(seen, Compared)
    assert full.name == "full stack" and full.volume.shape == (17, 64, 64)
    assert "dB" in full.text and "linear" in full.text
    saved = json.loads((tmp_path / "run" / "full-stack" / "summary.json").read_text())
    assert saved["planes_taken"] == 17 and saved["status"] == "completed"
    assert not of(seen, ScanEnded)
    gather(events, lambda s: microscope.state is State.ready)


def planes_of(folder):
    stored = StoredExperiment(folder)
    return stored.planes(stored.begun[0])


def as_dict(settings):
    return {name: getattr(settings, name) for name in settings.__slots__}
