"""The controllers do their work without a window: real core, simulated microscope."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import tifffile
from children import run_to_end
from listening import Told
from patience import PATIENCE_S

from rmz_acquire import load
from rmz_acquire.cli import main
from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.gui.controllers.run_reader import RunReader
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.recording.folder import CHECKS, OME_TIFF, RUN_FILES


@pytest.fixture(autouse=True)
def _plain_signals(monkeypatch):
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")


def connected(bench):
    _, microscope, _ = bench
    microscope.connect("simulated").result(60)
    microscope.core.setProperty("Camera", "SensorSize_px", 64)
    assert microscope.state is State.ready
    return microscope.core


@pytest.mark.slow
def test_no_widget_and_no_training_library_is_imported():
    code = (
        "import pkgutil, sys\n"
        "from importlib import import_module\n"
        "from rmz_acquire.gui import controllers, models\n"
        "for room in (controllers, models):\n"
        "    for file in pkgutil.iter_modules(room.__path__):\n"
        "        import_module(f'{room.__name__}.{file.name}')\n"
        "apart = ('PyQt6.QtWidgets', 'PyQt6.QtGui', 'qtpy', 'superqt', 'pyqtgraph')\n"
        "apart += ('lightning',)\n"
        "print([m for m in sys.modules if m.startswith(apart)])"
    )
    done = run_to_end([sys.executable, "-c", code])
    assert done.stdout.strip() == "[]"


def test_connect_snap_live(bench):
    core = connected(bench)
    told, microscope, _ = bench
    assert told.of("connected") == [("simulated",)]
    microscope.snap().result(PATIENCE_S)
    microscope.start_live().result(PATIENCE_S)
    assert microscope.state is State.live
    told.until("picture", lambda _, note: note == "live")
    image, note = told.of("picture")[0]
    assert note == "snapped" and image.shape == (64, 64)
    focus, stages = told.until("stages_seen")
    assert stages[focus] == pytest.approx((0.0,))
    microscope.stop_live().result(PATIENCE_S)
    assert microscope.state is State.ready and not core.isSequenceRunning()


@pytest.mark.slow
def test_a_scan_tells_what_it_does(bench, settings, tmp_path):
    core = connected(bench)
    told, microscope, scans = bench
    core.setPosition(1.5)
    microscope.start_live().result(PATIENCE_S)
    assert scans.start(settings, tmp_path / "run")
    folder, run, error, _ = told.until("ended")
    assert (folder, error) == (tmp_path / "run", "")
    assert [number for _, number in told.of("plane_taken")] == [1, 2, 3, 4, 5]
    assert run.endings[0].taken == 5
    assert told.of("begun") == [(folder, 1)] and len(told.of("volume_begun")) == 1
    assert [decision.index for decision, _ in told.of("decided")] == [0, 1, 2, 3, 4]
    assert told.of("decided")[-1][1] is None
    assert len(told.of("volume_made")) >= 1
    for (made,) in told.of("volume_made"):
        assert made.volume.shape == (17, 64, 64) and made.levels[0] < made.levels[1]
        assert made.contrast.shape == (17,)
    # nothing was checked, and no OME-TIFF asked for
    assert {p.name for p in (tmp_path / "run").iterdir()} == {
        name for name in RUN_FILES if name not in (CHECKS, OME_TIFF)
    }
    assert microscope.state is State.ready
    assert core.getPosition() == pytest.approx(1.5)
    assert not core.getShutterOpen() and not core.isSequenceRunning()
    words = " ".join(text for (text,) in told.of("step"))
    assert "of at most 5" in words


def test_its_folder_is_one_as_any_other(bench, settings, tmp_path, capsys):
    """What `demo`, `replay`, `scan` and a script leave: every command takes it."""
    connected(bench)
    told, _, scans = bench
    folder, out = tmp_path / "run", tmp_path / "again.ome.tif"
    assert scans.start(settings, folder)
    told.until("ended")
    assert main(["scan", "--verify", str(folder)]) == 0
    assert main(["export", str(folder), "--out", str(tmp_path / "tif")]) == 0
    estimator = StoredExperiment(folder).prepared.settings.estimator
    args = ["reconstruct", str(folder), "--out", str(out), "--estimator", estimator]
    assert main(args) == 0, capsys.readouterr().err
    again, before = tifffile.imread(out), tifffile.imread(folder / "volume.ome.tif")
    np.testing.assert_allclose(again, before, rtol=1e-4, atol=1e-2)
    run = load(folder)
    assert len(run.planes) == run.summary.planes_taken == 5
    np.testing.assert_array_equal(np.asarray(run.volumes)[0, 0, 0], before)


def test_a_second_scan_is_refused_while_one_runs(bench, settings, tmp_path):
    connected(bench)
    told, _, scans = bench
    assert scans.start(settings, tmp_path / "one")
    assert not scans.start(settings, tmp_path / "two")
    told.until("ended")
    assert "cannot start now" in told.of("problem")[0][0]
    assert not (tmp_path / "two").exists()


def test_a_plane_by_hand_comes_before_those_of_the_policy(bench, settings, tmp_path):
    connected(bench)
    told, _, scans = bench
    scans.start(settings, tmp_path / "run")
    told.until("begun")
    scans.ask_plane(-3.5)
    told.until("ended")
    z_um = [plane.z_um for plane in planes_of(tmp_path / "run")]
    assert any(z == pytest.approx(-3.5) for z in z_um[:3])


@pytest.mark.parametrize(
    ("how", "status"), [("abort", "aborted"), ("stop_and_keep", "stopped")]
)
def test_ending_early_keeps_everything(bench, settings, tmp_path, how, status):
    core = connected(bench)
    told, microscope, scans = bench
    slow = settings.__class__(**{**as_dict(settings), "max_planes": None})
    scans.start(slow, tmp_path / "run")
    told.until("decided", times=2)
    getattr(scans, how)()
    _, run, error, _ = told.until("ended")
    assert error == "" and run.status == status
    assert run.endings[0].status == status and "user" in run.reason
    assert run.shown.pixels.shape == (17, 64, 64)
    assert microscope.state is State.ready and not core.getShutterOpen()
    assert core.getPosition() == pytest.approx(0.0)


@pytest.mark.slow
def test_pause_holds_and_resume_goes_on(bench, settings, tmp_path, pulse):
    core = connected(bench)
    told, microscope, scans = bench
    scans.start(settings, tmp_path / "run")
    told.until("decided")
    scans.pause()
    assert microscope.state is State.paused
    pulse.rest(0.2)
    told.clear()
    pulse.rest(0.3)
    assert not told.of("plane_taken") and not core.getShutterOpen()
    scans.resume()
    _, run, _, _ = told.until("ended")
    assert run.endings[0].taken == 5


def test_abort_while_paused(bench, settings, tmp_path):
    connected(bench)
    told, microscope, scans = bench
    scans.start(settings, tmp_path / "run")
    told.until("decided")
    scans.pause()
    scans.abort()
    _, run, _, _ = told.until("ended")
    assert run.endings[0].status == "aborted"
    assert microscope.state is State.ready


def test_a_scan_that_fails_says_so_and_frees_the_microscope(bench, settings, tmp_path):
    connected(bench)
    told, microscope, scans = bench
    far = settings.__class__(**{**as_dict(settings), "top_um": 900.0, "step_um": 50.0})
    scans.start(far, tmp_path / "run")
    _, _, error, _ = told.until("ended")
    assert "outside the range of stage" in error and "\n" not in error
    assert microscope.state is State.ready


def test_a_broken_configuration_leaves_no_microscope(bench, tmp_path):
    told, microscope, _ = bench
    broken = tmp_path / "broken.cfg"
    broken.write_text("Device,Camera,NoSuchAdapter,Nothing\n")
    microscope.connect(broken).result(PATIENCE_S)
    ((text, _),) = told.of("problem")
    assert text.startswith("broken.cfg, line 1")
    assert microscope.state is State.empty and microscope.core is None


def test_a_run_is_opened_and_compared(bench, settings, tmp_path):
    connected(bench)
    told, _, scans = bench
    scans.start(settings, tmp_path / "run")
    told.until("ended")
    reader = RunReader()
    told = Told(reader)
    reader.open_run(tmp_path / "run")
    (run,) = told.until("opened")
    volume = run.shown
    assert volume.pixels.shape == (17, 64, 64)
    assert len(volume.planes) == len(volume.decisions) == 5
    reader.compare(volume, "nearest")
    name, other = told.until("compared")
    assert name == "nearest" and other.shape == (17, 64, 64)
    reader.open_run(tmp_path)
    assert "holds no run" in told.until("problem")[0]


@pytest.mark.slow
def test_the_full_stack_scores_the_run(bench, settings, tmp_path):
    connected(bench)
    told, microscope, scans = bench
    scans.start(settings, tmp_path / "run")
    told.until("ended")
    key = (0, 0, 0, 0)
    assert scans.take_full_stack(tmp_path / "run", key)
    run, of_volume, full, text = told.until("stack_scored")
    assert (run, of_volume) == (tmp_path / "run", key)
    assert full.shape == (17, 64, 64)
    assert "dB" in text and "linear" in text
    saved = json.loads((tmp_path / "run" / "full-stack" / "summary.json").read_text())
    assert saved["planes_taken"] == 17 and saved["status"] == "completed"
    assert len(told.of("ended")) == 1
    assert [number for _, number, _ in told.of("stack_plane")] == list(range(1, 18))
    folder, taken, planes, status, error, _ = told.of("stack_ended")[0]
    assert folder == tmp_path / "run" / "full-stack"
    assert (taken, planes, status, error) == (17, 17, "completed", "")
    assert microscope.state is State.ready


def planes_of(folder):
    stored = StoredExperiment(folder)
    return stored.planes(stored.begun[0])


def as_dict(settings):
    return {name: getattr(settings, name) for name in settings.__slots__}
