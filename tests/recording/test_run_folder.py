"""The folder of a run: the contract's files, as they happen, and nothing else."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import tifffile
from scan_fakes import ArrayMicroscope, LinearEstimator, blobs, plane

from rmz_acquire.errors import InputError
from rmz_acquire.recording import (
    RUN_FILES,
    RunFolder,
    check_folder,
    read_planes,
    write_volume,
)
from rmz_acquire.recording.atomic_io import jsonable, replace_json, replace_text
from rmz_acquire.scanning import Outcome, Scan, ScanPlan, run_scan

Z_UM = np.linspace(3, 15, 25)
STACK = blobs(Z_UM)
PLAN = ScanPlan.from_grid(Z_UM, epsilon=0.12)


def a_run(path, *, plan=PLAN, microscope=None, **kw):
    estimator = LinearEstimator(plan.z_um)
    scan = Scan(plan, estimator)
    folder = RunFolder(
        path,
        plan=plan,
        description=estimator.describe(),
        pixel_size_um=0.25,
        **{"report": False, **kw},
    )
    microscope = microscope or ArrayMicroscope(STACK, Z_UM)
    outcome = run_scan(scan, microscope, folder)
    return folder, scan, outcome


def lines(path):
    text = (path / "decisions.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_leaves_the_contract_s_files_and_no_others(tmp_path):
    a_run(tmp_path / "run", report=True)
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == sorted(RUN_FILES)
    assert (tmp_path / "run" / "report.png").read_bytes().startswith(b"\x89PNG")


def test_planes_and_decisions_are_on_disk_before_the_next_exposure(tmp_path):
    path = tmp_path / "run"
    seen = []

    def look(index):
        if index:
            seen.append((len(read_planes(path / "planes.ome.zarr")), len(lines(path))))

    a_run(path, microscope=ArrayMicroscope(STACK, Z_UM, on_capture=look))
    assert seen == [(i, i) for i in range(1, len(seen) + 1)]
    assert len(seen) >= 3


def test_the_decisions_say_what_the_scan_said(tmp_path):
    _, scan, _ = a_run(tmp_path / "run")
    assert lines(tmp_path / "run") == [d.to_dict() for d in scan.decisions]
    assert lines(tmp_path / "run")[0]["delta"] is None


def test_the_volume_has_its_voxel_size_and_every_z(tmp_path):
    _, scan, _ = a_run(tmp_path / "run")
    with tifffile.TiffFile(tmp_path / "run" / "volume.ome.tif") as tif:
        volume = tif.series[0].asarray()
        assert tif.series[0].axes == "ZYX"
        ome = ET.fromstring(tif.ome_metadata)
    assert volume.dtype == np.float32
    np.testing.assert_array_equal(volume, scan.volume)
    space = {"o": "http://www.openmicroscopy.org/Schemas/OME/2016-06"}
    pixels = ome.find("o:Image/o:Pixels", space)
    sizes = [float(pixels.get(f"PhysicalSize{axis}")) for axis in "XYZ"]
    assert sizes == pytest.approx([0.25, 0.25, 0.5])
    assert pixels.get("PhysicalSizeZUnit") == "µm"
    z = [float(p.get("PositionZ")) for p in pixels.findall("o:Plane", space)]
    assert z == pytest.approx(list(Z_UM))


def test_a_volume_that_does_not_fit_its_grid_is_refused(tmp_path):
    with pytest.raises(ValueError, match="does not fit"):
        write_volume(tmp_path / "v.ome.tif", np.zeros((4, 5, 6)), [0.0, 1.0])
    assert list(tmp_path.iterdir()) == []


def test_the_summary_has_the_contract_s_keys(tmp_path):
    folder, _, outcome = a_run(tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    for key in (
        "stop_reason planes_taken planes_full_scan dose_ms dose_full_scan_ms wall_s "
        "model model_sha256 optics z_um versions psnr_db nrmse ssim baselines"
    ).split():
        assert key in summary
    assert summary["stop_reason"] == "converged"
    assert summary["reason"] == outcome.reason
    assert summary["planes_taken"] == outcome.planes_taken
    assert summary["planes_full_scan"] == 25
    assert summary["dose_ms"] == 10.0 * outcome.planes_taken
    assert summary["dose_full_scan_ms"] == 250.0
    assert summary["z_um"] == pytest.approx(list(Z_UM))
    assert summary["model"] is None and summary["optics"] is None
    assert summary["psnr_db"] is None
    assert summary["plan"]["epsilon"] == 0.12
    assert "numpy" in summary["versions"]
    assert folder.summary.planes_taken == outcome.planes_taken


def test_an_unknown_exposure_is_an_unknown_dose(tmp_path):
    class Unknown(ArrayMicroscope):
        def capture(self, z_um):
            got = super().capture(z_um)
            return plane(got.image, got.z_um, requested=z_um, exposure_ms=None)

    a_run(tmp_path / "run", microscope=Unknown(STACK, Z_UM))
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["dose_ms"] is None and summary["dose_full_scan_ms"] is None
    assert all(line["exposure_ms"] is None for line in lines(tmp_path / "run"))


def test_a_failed_run_keeps_what_was_taken(tmp_path):
    microscope = ArrayMicroscope(STACK, Z_UM, fail_at=2)
    a_run(tmp_path / "run", microscope=microscope, report=True)
    path = tmp_path / "run"
    summary = json.loads((path / "summary.json").read_text())
    assert summary["stop_reason"] == "failed"
    assert summary["error"] == "RuntimeError: the camera is gone"
    assert summary["planes_taken"] == 2
    assert len(read_planes(path / "planes.ome.zarr")) == len(lines(path)) == 2
    assert tifffile.imread(path / "volume.ome.tif").shape == STACK.shape


def test_a_run_that_fails_at_once_leaves_its_summary(tmp_path):
    microscope = ArrayMicroscope(STACK, Z_UM, fail_at=0)
    a_run(tmp_path / "run", microscope=microscope, report=True)
    left = sorted(p.name for p in (tmp_path / "run").iterdir())
    assert left == ["report.png", "summary.json"]


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_run_is_not_written_over(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="overwrite=True") as caught:
        check_folder(tmp_path)
    assert name in str(caught.value)
    with pytest.raises(InputError):
        RunFolder(tmp_path, plan=PLAN)
    assert (tmp_path / name).read_text() == "mine"


def test_overwrite_replaces_the_run_and_nothing_else(tmp_path):
    a_run(tmp_path, report=True)
    (tmp_path / "notes.txt").write_text("mine")
    before = len(lines(tmp_path))
    short = ScanPlan.from_grid(Z_UM, z_exact_um=(4.0, 9.0))
    a_run(tmp_path, plan=short, overwrite=True)
    assert len(lines(tmp_path)) == 2 < before
    assert len(read_planes(tmp_path / "planes.ome.zarr")) == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "report.png").exists()


def test_a_run_refused_before_its_first_plane_costs_no_earlier_one(tmp_path):
    a_run(tmp_path, report=True)
    before = {name: (tmp_path / name).exists() for name in RUN_FILES}
    RunFolder(tmp_path, plan=PLAN, overwrite=True)
    assert all(before.values())
    assert {name: (tmp_path / name).exists() for name in RUN_FILES} == before
    RunFolder(tmp_path / "fresh", plan=PLAN)
    assert not (tmp_path / "fresh").exists()


def test_a_folder_of_other_things_is_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    check_folder(tmp_path)
    check_folder(tmp_path / "not" / "there" / "yet")
    assert not (tmp_path / "not").exists()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(InputError):
            check_folder(path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_closed_to_writing_is_said(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written"):
            check_folder(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


def test_planes_out_of_order_are_refused(tmp_path):
    folder = RunFolder(tmp_path / "run", plan=PLAN)
    with pytest.raises(ValueError, match="plane 1 came where plane 0 was due"):
        folder.write_plane(plane(), 1)


def test_a_report_that_fails_spoils_no_run(tmp_path, monkeypatch, caplog):
    def broken(*args, **kw):
        raise ZeroDivisionError

    monkeypatch.setattr("rmz_acquire.recording.report.write_report", broken)
    _, _, outcome = a_run(tmp_path / "run", report=True)
    assert outcome.status == "converged"
    assert (tmp_path / "run" / "summary.json").exists()
    assert "report could not be drawn" in caplog.text


def test_no_report_before_the_end(tmp_path):
    with pytest.raises(RuntimeError, match="not finished"):
        RunFolder(tmp_path / "run", plan=PLAN).write_report()


def test_nan_is_never_written(tmp_path):
    value = {
        "a": float("nan"),
        "b": [np.float32("inf"), np.float64(1.5), np.int64(3)],
        "c": np.array([1.0, np.nan]),
        "d": (True, None, "µm", tmp_path),
        "e": Outcome("failed", "x", 1).planes_taken,
    }
    assert jsonable(value)["b"] == [None, 1.5, 3]
    replace_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text
    assert json.loads(text)["c"] == [1.0, None]
    with pytest.raises(TypeError):
        jsonable(object())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "x.json"
    replace_text(target, "old")

    def full(handle):
        raise OSError("no space left on device")

    monkeypatch.setattr("rmz_acquire.recording.atomic_io.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        replace_text(target, "new and longer")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
