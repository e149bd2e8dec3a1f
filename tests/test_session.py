"""A whole run: scan, record, score, report, with real estimators on small stacks."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from PIL import Image
from scan_fakes import ArrayMicroscope, LinearEstimator, blobs

from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.evaluation import planes_not_taken, score
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.recording import RUN_FILES, read_planes
from rmz_acquire.scanning import ScanPlan, run_scan
from rmz_acquire.session import run_volume

Z_UM = np.linspace(0, 12, 25)
STACK = blobs(Z_UM, shape=(40, 44))
PLAN = ScanPlan.from_grid(Z_UM, epsilon=0.12)
OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
SCORES = ("psnr_db", "nrmse", "ssim")


def saved(path):
    return json.loads((path / "summary.json").read_text(encoding="utf-8"))


def test_a_run_is_scored_beside_the_baselines(tmp_path):
    estimator = make_estimator("linear", Z_UM)
    steps = []
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM),
        PLAN,
        estimator,
        tmp_path / "run",
        optics=OPTICS,
        truth=STACK,
        on_step=steps.append,
    )
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == sorted(RUN_FILES)
    assert summary.stop_reason == "converged"
    assert steps == ["scan", "score", "wiener", "linear", "nearest", "report"]
    assert list(summary.baselines) == ["wiener", "linear", "nearest"]
    # the same planes, so the estimator is its own baseline
    assert summary.baselines["linear"] == {key: getattr(summary, key) for key in SCORES}
    assert (
        summary.baselines["linear"]["psnr_db"] > summary.baselines["nearest"]["psnr_db"]
    )
    assert summary.pixel_size_um == 0.325
    assert summary.optics["na"] == 0.75
    data = saved(tmp_path / "run")
    assert data["baselines"] == summary.baselines
    assert data["psnr_db"] == summary.psnr_db
    with Image.open(tmp_path / "run" / "report.png") as picture:
        assert picture.width > 1000


def test_the_scores_are_those_of_the_volume_over_the_planes_not_taken(tmp_path):
    estimator = make_estimator("nearest", Z_UM)
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM), PLAN, estimator, tmp_path, truth=STACK
    )
    unseen = planes_not_taken(Z_UM, summary.z_taken_um)
    assert unseen.sum() == 25 - summary.planes_taken
    expected = score(STACK, estimator.volume, unseen)
    assert summary.psnr_db == expected.psnr_db
    # nearest is right where it was measured: with those planes it would look better
    assert score(STACK, estimator.volume).psnr_db > summary.psnr_db


def test_the_baselines_see_what_is_on_disk(tmp_path):
    z_exact = (2.0, 9.0, 5.5)
    plan = ScanPlan.from_grid(Z_UM, z_exact_um=z_exact)
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM),
        plan,
        LinearEstimator(Z_UM),
        tmp_path,
        truth=STACK,
    )
    other = make_estimator("nearest", Z_UM)
    for plane in read_planes(tmp_path / "planes.ome.zarr"):
        other.add(plane.image, plane.z_um)
    unseen = planes_not_taken(Z_UM, z_exact)
    assert summary.baselines["nearest"] == score(STACK, other.volume, unseen).to_dict()


def test_no_optics_no_wiener(tmp_path):
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM), PLAN, LinearEstimator(Z_UM), tmp_path, truth=STACK
    )
    assert summary.baselines["wiener"] is None
    assert summary.baselines["linear"]["psnr_db"] is not None
    assert saved(tmp_path)["optics"] is None


def test_the_optics_are_those_the_estimator_describes(tmp_path):
    plan = ScanPlan.from_grid(Z_UM, z_exact_um=(3.0, 9.0))
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM),
        plan,
        make_estimator("wiener", Z_UM, OPTICS),
        tmp_path,
        truth=STACK,
    )
    assert Optics.model_validate(summary.optics) == OPTICS
    assert summary.pixel_size_um == OPTICS.pixel_size_um
    assert summary.baselines["wiener"]["psnr_db"] == summary.psnr_db


def test_without_truth_there_are_no_scores(tmp_path):
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM), PLAN, LinearEstimator(Z_UM), tmp_path
    )
    data = saved(tmp_path)
    assert summary.baselines is None
    assert [data[key] for key in (*SCORES, "baselines")] == [None] * 4
    assert (tmp_path / "report.png").exists()


def test_baselines_can_be_left_out(tmp_path):
    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM),
        PLAN,
        LinearEstimator(Z_UM),
        tmp_path,
        truth=STACK,
        baselines=False,
    )
    assert summary.psnr_db is not None
    assert summary.baselines is None


def test_a_runner_can_be_handed_in(tmp_path):
    microscope = ArrayMicroscope(STACK, Z_UM)

    def runner(scan, recorder):
        return run_scan(scan, microscope, recorder)

    summary = run_volume(runner, PLAN, LinearEstimator(Z_UM), tmp_path)
    assert summary.stop_reason == "converged"
    assert len(microscope.captures) == summary.planes_taken


def test_somebody_can_watch_and_abort(tmp_path):
    scans, seen = [], []

    def watch(decision, estimate):
        seen.append(decision.index)
        if len(seen) == 3:
            scans[0].abort("enough")

    summary = run_volume(
        ArrayMicroscope(STACK, Z_UM),
        PLAN,
        LinearEstimator(Z_UM),
        tmp_path,
        truth=STACK,
        on_start=scans.append,
        on_decision=watch,
    )
    assert seen == [0, 1, 2]
    assert summary.stop_reason == "aborted"
    assert summary.planes_taken == 3
    assert summary.psnr_db is not None


def test_a_failure_names_the_folder_and_leaves_what_was_taken(tmp_path):
    microscope = ArrayMicroscope(STACK, Z_UM, fail_at=2)
    with pytest.raises(ScanFailed) as caught:
        run_volume(
            microscope, PLAN, LinearEstimator(Z_UM), tmp_path / "run", truth=STACK
        )
    message = str(caught.value)
    assert message.startswith("the scan failed after 2 planes")
    assert "the camera is gone" in message and str(tmp_path / "run") in message
    assert "\n" not in message
    assert len(read_planes(tmp_path / "run" / "planes.ome.zarr")) == 2
    assert saved(tmp_path / "run")["stop_reason"] == "failed"
    assert (tmp_path / "run" / "report.png").exists()
    assert microscope.left == 1


def test_nothing_moves_where_the_folder_holds_a_run(tmp_path):
    microscope = ArrayMicroscope(STACK, Z_UM)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(InputError, match="overwrite=True"):
        run_volume(microscope, PLAN, LinearEstimator(Z_UM), tmp_path)
    assert microscope.captures == []
    summary = run_volume(
        microscope, PLAN, LinearEstimator(Z_UM), tmp_path, overwrite=True
    )
    assert summary.stop_reason == "converged"


@pytest.mark.parametrize("truth", [STACK[:-1], STACK[0]])
def test_a_truth_that_does_not_fit_leaves_nothing(tmp_path, truth):
    with pytest.raises(InputError, match="does not fit"):
        run_volume(
            ArrayMicroscope(STACK, Z_UM),
            PLAN,
            LinearEstimator(Z_UM),
            tmp_path / "run",
            truth=truth,
        )
    assert not (tmp_path / "run").exists()


def test_a_baseline_that_breaks_does_not_cost_the_run(tmp_path, monkeypatch, caplog):
    def broken(name, *args, **kw):
        if name == "linear":
            raise MemoryError
        return make_estimator(name, *args, **kw)

    monkeypatch.setattr("rmz_acquire.session.make_estimator", broken)
    with caplog.at_level(logging.ERROR):
        summary = run_volume(
            ArrayMicroscope(STACK, Z_UM),
            PLAN,
            LinearEstimator(Z_UM),
            tmp_path,
            truth=STACK,
        )
    assert summary.baselines["linear"] is None
    assert summary.baselines["nearest"]["psnr_db"] is not None
    assert "linear could not be made" in caplog.text
