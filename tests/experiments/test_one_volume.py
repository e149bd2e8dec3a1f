"""A run of one volume, over a stack: record, score, report, with real estimators."""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import tifffile
from PIL import Image
from stack_runs import (
    OPTICS,
    PIXEL_UM,
    STACK,
    Z_UM,
    FailingStack,
    a_run,
    a_sequence,
    a_stack,
    lines,
    saved,
)

from rmz_acquire import load
from rmz_acquire.acquisition import Control
from rmz_acquire.errors import InputError
from rmz_acquire.evaluation import planes_not_taken, score
from rmz_acquire.experiments import StoredExperiment, Truth, Watcher, run
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.recording import RUN_FILES

SCORES = ("psnr_db", "nrmse", "ssim")
LEFT = {
    "decisions.jsonl",
    "experiment.yaml",
    "planes.ome.zarr",
    "report.png",
    "run.json",
    "summary.json",
    "volume.ome.tif",
    "volumes.ome.zarr",
}


class Steps(Watcher):
    def __init__(self):
        self.steps = []

    def step(self, what):
        self.steps.append(what)


def planes_of(folder):
    stored = StoredExperiment(folder)
    (volume,) = stored.prepared.volumes
    return stored.planes(volume)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_a_run_is_scored_beside_the_baselines(tmp_path):
    watcher = Steps()
    summary = a_run(tmp_path / "run", optics=OPTICS, truth=STACK, watcher=watcher)
    assert {p.name for p in (tmp_path / "run").iterdir()} == LEFT <= set(RUN_FILES)
    assert (summary.status, summary.stop_reason) == ("completed", "converged")
    assert watcher.steps == ["scan", "score", "wiener", "linear", "nearest", "report"]
    assert list(summary.baselines) == ["wiener", "linear", "nearest"]
    # the same planes, so the estimator is its own baseline
    assert summary.baselines["linear"] == {key: getattr(summary, key) for key in SCORES}
    better, worse = (
        summary.baselines[name]["psnr_db"] for name in ("linear", "nearest")
    )
    assert better > worse
    assert summary.pixel_size_um == PIXEL_UM
    assert summary.optics["na"] == 0.75
    data = saved(tmp_path / "run")
    assert data["baselines"] == summary.baselines
    assert data["psnr_db"] == summary.psnr_db
    with Image.open(tmp_path / "run" / "report.png") as picture:
        assert picture.width > 1000


def test_the_summary_has_the_contract_s_keys(tmp_path):
    summary = a_run(tmp_path / "run")
    data = saved(tmp_path / "run")
    for key in (
        "stop_reason planes_taken planes_full_scan dose_ms dose_full_scan_ms wall_s "
        "model model_sha256 optics z_um versions psnr_db nrmse ssim baselines"
    ).split():
        assert key in data
    assert data["reason"] == summary.reason == lines(tmp_path / "run")[-1]["reason"]
    assert data["planes_taken"] == len(lines(tmp_path / "run"))
    assert data["planes_full_scan"] == 25
    # nobody knows how long a recorded plane was exposed: unknown, never 0
    assert data["dose_ms"] is None and data["dose_full_scan_ms"] is None
    assert data["z_um"] == pytest.approx(list(Z_UM))
    assert data["estimator"] == "linear"
    assert data["model"] is None and data["optics"] is None
    assert [data[key] for key in (*SCORES, "baselines")] == [None] * 4
    assert data["plan"]["epsilon"] == 0.12
    assert "numpy" in data["versions"]


@pytest.mark.slow
def test_the_scores_are_those_of_the_volume_over_the_planes_not_taken(tmp_path):
    summary = a_run(tmp_path, estimator="nearest", truth=STACK)
    unseen = planes_not_taken(Z_UM, summary.z_taken_um)
    assert unseen.sum() == 25 - summary.planes_taken
    volume = tifffile.imread(tmp_path / "volume.ome.tif")
    assert summary.psnr_db == score(STACK, volume, unseen).psnr_db
    # nearest is right where it was measured: with those planes it would look better
    assert score(STACK, volume).psnr_db > summary.psnr_db


def test_the_baselines_see_what_is_on_disk(tmp_path):
    z_exact = (5.0, 12.0, 8.5)
    summary = a_run(tmp_path, z_um=z_exact, truth=STACK)
    other = make_estimator("nearest", Z_UM)
    for plane in planes_of(tmp_path):
        other.add(plane.image, plane.z_um)
    unseen = planes_not_taken(Z_UM, z_exact)
    assert summary.baselines["nearest"] == score(STACK, other.volume, unseen).to_dict()


def test_no_optics_no_wiener(tmp_path):
    summary = a_run(tmp_path, truth=STACK)
    assert summary.baselines["wiener"] is None
    assert summary.baselines["linear"]["psnr_db"] is not None


@pytest.mark.slow
def test_the_optics_are_those_that_the_block_gives(tmp_path):
    summary = a_run(tmp_path, estimator="wiener", optics=OPTICS, truth=STACK)
    told = Optics(**OPTICS, pixel_size_um=PIXEL_UM)
    assert Optics.model_validate(summary.optics) == told
    assert summary.baselines["wiener"]["psnr_db"] == summary.psnr_db


@pytest.mark.slow
def test_baselines_can_be_left_out(tmp_path):
    summary = a_run(tmp_path, truth=Truth(STACK, baselines=False))
    assert summary.psnr_db is not None and summary.baselines is None


def test_the_volume_has_its_voxel_size_and_every_z(tmp_path):
    a_run(tmp_path / "run")
    with tifffile.TiffFile(tmp_path / "run" / "volume.ome.tif") as tif:
        volume = tif.series[0].asarray()
        assert tif.series[0].axes == "ZYX"
        ome = ET.fromstring(tif.ome_metadata)
    assert volume.dtype == np.float32
    loaded = load(tmp_path / "run").volumes
    np.testing.assert_array_equal(volume, np.asarray(loaded)[0, 0, 0])
    space = {"o": "http://www.openmicroscopy.org/Schemas/OME/2016-06"}
    pixels = ome.find("o:Image/o:Pixels", space)
    sizes = [float(pixels.get(f"PhysicalSize{axis}")) for axis in "XYZ"]
    assert sizes == pytest.approx([PIXEL_UM, PIXEL_UM, 0.5])
    z = [float(p.get("PositionZ")) for p in pixels.findall("o:Plane", space)]
    assert z == pytest.approx(list(Z_UM))


def test_somebody_can_watch_and_abort(tmp_path):
    control, seen = Control(), []

    def watch(_volume, decision, _estimate):
        seen.append(decision.index)
        if len(seen) == 3:
            control.abort("enough")

    summary = a_run(tmp_path, truth=STACK, on_decision=watch, control=control)
    assert seen == [0, 1, 2]
    assert (summary.status, summary.stop_reason) == ("aborted", "aborted")
    assert summary.planes_taken == 3
    assert summary.psnr_db is not None
    assert "enough" in summary.reason


def test_a_failure_leaves_what_was_taken(tmp_path):
    summary = a_run(tmp_path / "run", FailingStack(2), truth=STACK)
    assert (summary.status, summary.stop_reason) == ("failed", "failed")
    assert summary.error == "RuntimeError: the camera is gone"
    assert len(planes_of(tmp_path / "run")) == len(lines(tmp_path / "run")) == 2
    assert saved(tmp_path / "run")["planes_taken"] == 2
    assert tifffile.imread(tmp_path / "run" / "volume.ome.tif").shape == STACK.shape
    assert (tmp_path / "run" / "report.png").exists()


def test_a_run_that_fails_at_once_leaves_its_summary(tmp_path):
    summary = a_run(tmp_path / "run", FailingStack(0))
    assert summary.stop_reason == "failed" and summary.planes_taken == 0
    left = {p.name for p in (tmp_path / "run").iterdir()}
    assert left == {"experiment.yaml", "report.png", "run.json", "summary.json"}


@pytest.mark.parametrize("name", RUN_FILES)
def test_nothing_is_read_where_the_folder_holds_a_run(tmp_path, name):
    microscope = FailingStack(99)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="overwrite=True") as caught:
        a_run(tmp_path, microscope)
    assert name in str(caught.value) and microscope.captures == []
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.slow
def test_overwrite_replaces_the_run_and_nothing_else(tmp_path):
    before = a_run(tmp_path).planes_taken
    (tmp_path / "notes.txt").write_text("mine")
    after = a_run(tmp_path, max_planes=2, overwrite=True)
    assert len(lines(tmp_path)) == len(planes_of(tmp_path)) == 2 < before
    assert after.planes_taken == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_refused_before_its_first_plane_costs_no_earlier_one(tmp_path):
    a_run(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    for wrong in ({"max_planes": 1, "min_planes": 3}, {"estimator": "wiener"}):
        with pytest.raises(InputError):
            a_run(tmp_path, overwrite=True, **wrong)
    with pytest.raises(InputError, match="does not fit"):
        a_run(tmp_path, overwrite=True, truth=STACK[:-1])
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("truth", [STACK[:-1], STACK[0]])
def test_a_truth_that_does_not_fit_leaves_nothing(tmp_path, truth):
    with pytest.raises(InputError, match="does not fit"):
        a_run(tmp_path / "run", truth=truth)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channels": [{"config": "a"}, {"config": "b"}]}, "channels"),
        ({"stage_positions": [(0, 0, 5)]}, "stage_positions"),
        ({"z_plan": {"absolute": [3.0, 9.0, 40.0]}}, "z_plan: z 40 µm is outside"),
        ({"setup": {"exposure": 5}}, "setup"),
    ],
)
def test_what_a_stack_cannot_give_is_refused(tmp_path, change, said):
    sequence = a_sequence().replace(**change)
    with pytest.raises(InputError, match=said):
        run(a_stack(), sequence, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_baseline_that_breaks_does_not_cost_the_run(tmp_path, monkeypatch, caplog):
    def broken(name, *args, **kw):
        if name == "linear":
            raise MemoryError
        return make_estimator(name, *args, **kw)

    monkeypatch.setattr("rmz_acquire.experiments.volume_scores.make_estimator", broken)
    with caplog.at_level(logging.ERROR):
        summary = a_run(tmp_path, estimator="nearest", truth=STACK)
    assert summary.baselines["linear"] is None
    assert summary.baselines["nearest"]["psnr_db"] is not None
    assert "linear could not be made" in caplog.text


def test_a_report_that_fails_spoils_no_run(tmp_path, monkeypatch, caplog):
    def broken(*args, **kw):
        raise ZeroDivisionError

    target = "rmz_acquire.experiments.volume_results.write_report"
    monkeypatch.setattr(target, broken)
    assert a_run(tmp_path / "run").status == "completed"
    assert saved(tmp_path / "run")["stop_reason"] == "converged"
    assert "report could not be drawn" in caplog.text


def test_planes_and_decisions_are_on_disk_before_the_next_plane(tmp_path):
    seen = []

    class Looking(FailingStack):
        def capture(self, z_um):
            if self.captures:
                journal = tmp_path / "run" / "planes.ome.zarr" / "planes.jsonl"
                taken = len(journal.read_text("utf-8").splitlines())
                seen.append((taken, len(lines(tmp_path / "run"))))
            return super().capture(z_um)

    a_run(tmp_path / "run", Looking(99))
    assert seen == [(i, i) for i in range(1, len(seen) + 1)]
    assert len(seen) >= 3
