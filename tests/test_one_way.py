"""Every way to take planes leaves a folder on which every command works."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tifffile
import yaml
from cli_helpers import replay, write_stack_of_discs
from experiment_fakes import sequence

import rmz_acquire
from rmz_acquire.acquisition import close_core, load_simulated
from rmz_acquire.cli import main
from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.experiments.dense_stacks import acquire_stacks
from rmz_acquire.experiments.keeping import as_yaml
from rmz_acquire.recording import draw_report, read_summary
from rmz_acquire.resources import resource_dir

Z_PLAN = {"bottom": -2, "top": 2, "step": 0.5}
BLOCK = {"max_planes": 5, "epsilon": 1e-9}


def by_demo(folder, tmp_path):
    args = ["demo", "--out", str(folder), "--estimator", "linear"]
    assert main([*args, "--max-planes", "5", "--epsilon", "1e-9"]) == 0


def by_replay(folder, tmp_path):
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    assert main(replay(stack, folder, max_planes="5", epsilon="1e-9")) == 0


def small(tmp_path):
    """The simulated microscope, small pictures."""
    config = tmp_path / "scope.cfg"
    text = (resource_dir("configs") / "simulated.cfg").read_text("utf-8")
    config.write_text(f"{text}\nProperty,Camera,SensorSize_px,64\n", "utf-8")
    return str(config)


def by_scan(folder, tmp_path):
    file = tmp_path / "experiment.yaml"
    wanted = sequence(BLOCK, z_plan=Z_PLAN, channels=[])
    file.write_text(as_yaml(wanted), encoding="utf-8")
    args = ["scan", str(file), "--config", small(tmp_path), "--out", str(folder)]
    assert main(args) == 0


def by_script(folder, tmp_path):
    core = load_simulated(SensorSize_px=64, exposure_ms=5)
    try:
        wanted = sequence(BLOCK, z_plan=Z_PLAN, channels=[])
        rmz_acquire.run(core, wanted, folder, config="simulated")
    finally:
        close_core(core)


def by_acquire_stacks(folder, tmp_path):
    args = ["acquire-stacks", "--out", str(folder), "--range", "4", "--step", "0.5"]
    assert main([*args, "--exposure", "5", "--config", small(tmp_path)]) == 0


WAYS = {
    way.__name__.removeprefix("by_").replace("_", "-"): way
    for way in (by_demo, by_replay, by_scan, by_script, by_acquire_stacks)
}
# the demo's pictures are large
QUICK = [pytest.param("demo", marks=pytest.mark.slow), *sorted({*WAYS} - {"demo"})]
COMMON = {
    "decisions.jsonl",
    "experiment.yaml",
    "planes.ome.zarr",
    "run.json",
    "summary.json",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run by each way, made once; not to touch."""
    ready = {}

    def make(way):
        if way not in ready:
            root = tmp_path_factory.mktemp(way)
            WAYS[way](root / "run", root)
            ready[way] = root / "run"
        return ready[way]

    return make


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_folder_is_of_one_kind(made, way):
    folder = made(way)
    assert COMMON <= {path.name for path in folder.iterdir()}
    told = json.loads((folder / "run.json").read_text("utf-8"))
    keys = {"version", "started", "estimator", "optics", "imaging", "sequence"}
    assert keys <= set(told)
    # the same that useq reads
    block = yaml.safe_load((folder / "experiment.yaml").read_text("utf-8"))
    assert block["metadata"]["rmz_acquire"]["version"] == 1
    # of one position: an image at the root, with its journal
    assert (folder / "planes.ome.zarr" / "0" / "zarr.json").is_file()
    assert (folder / "planes.ome.zarr" / "planes.jsonl").is_file()
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["status"] == "completed" and summary["volumes"] == 1
    has_volume = way != "acquire-stacks"
    assert (folder / "volume.ome.tif").exists() is has_volume
    assert (folder / "report.png").exists()
    assert (folder / "position-001.ome.tif").exists() is not has_volume
    # what goes wrong in a report is logged and no more, and here it is not drawn
    if has_volume:
        stored = StoredExperiment(folder)
        (volume,) = stored.begun
        draw_report(
            read_summary(folder),
            stored.decisions_of(volume),
            volume=stored.pixels(volume),
        )


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_it_is_verified(made, way, capsys):
    assert main(["scan", "--verify", str(made(way))]) == 0
    assert "made again from the planes: the same" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_it_is_exported(made, way, tmp_path):
    assert main(["export", str(made(way)), "--out", str(tmp_path / "tif")]) == 0
    raw = tifffile.imread(tmp_path / "tif" / "planes_p000.ome.tif")
    np.testing.assert_array_equal(raw, np.asarray(rmz_acquire.load(made(way)).planes))


@pytest.mark.parametrize("way", QUICK)
def test_it_is_made_again(made, way, tmp_path):
    out = tmp_path / "again.ome.tif"
    args = ["reconstruct", str(made(way)), "--out", str(out), "--estimator", "linear"]
    assert main(args) == 0
    again = tifffile.imread(out)
    if way == "acquire-stacks":
        # every plane was taken
        stack = tifffile.imread(made(way) / "position-001.ome.tif")
        np.testing.assert_allclose(again, stack, rtol=1e-6)
    else:
        before = tifffile.imread(made(way) / "volume.ome.tif")
        np.testing.assert_array_equal(again, before)


@pytest.mark.parametrize("way", QUICK)
def test_it_is_loaded(made, way):
    run = rmz_acquire.load(made(way))
    taken = run.summary.planes_taken
    assert len(run.planes) == len(run.decisions) == taken
    assert (run.volumes is None) is (way == "acquire-stacks")
    assert run.planes.coords["z_requested_um"].values.shape == (taken,)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_one_that_was_killed_goes_on_to_the_same_end(made, way, tmp_path, capsys):
    """As a kill leaves it after three planes: the journals end there."""
    folder = shutil.copytree(made(way), tmp_path / "run")
    whole = StoredExperiment(folder)
    (volume,) = whole.prepared.volumes
    taken = [plane.z_requested_um for plane in whole.planes(volume)]
    for name in ("summary.json", "volume.ome.tif", "report.png", "stacks.yaml"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "volumes.ome.zarr", ignore_errors=True)
    for journal in ("planes.ome.zarr/planes.jsonl", "decisions.jsonl"):
        lines = (folder / journal).read_text("utf-8").splitlines(keepends=True)
        # of the last decision half a line
        kept = lines[:3] if "planes" in journal else [*lines[:2], lines[2][:20]]
        (folder / journal).write_text("".join(kept), encoding="utf-8")
    assert main(["scan", "--resume", str(folder)]) == 0, capsys.readouterr().err
    again = StoredExperiment(folder)
    assert [plane.z_requested_um for plane in again.planes(volume)] == taken
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["status"] == "completed"
    if way in ("demo", "replay"):
        # scored as it was begun
        before = json.loads((made(way) / "summary.json").read_text("utf-8"))
        assert summary["scored_against"] == before["scored_against"]
        assert summary["psnr_db"] == pytest.approx(before["psnr_db"], abs=1.0)
    if way == "acquire-stacks":
        assert (folder / "stacks.yaml").exists()
    else:
        assert (folder / "volume.ome.tif").exists() and (folder / "report.png").exists()


def test_a_dense_stack_is_kept_plane_by_plane(tmp_path):
    """A kill loses no plane: each is on disk before the next is asked for."""
    core, seen = load_simulated(SensorSize_px=64, exposure_ms=1), []

    def look(_stack, _stacks, plane, _planes, image):
        stored = StoredExperiment(tmp_path / "s")
        (volume,) = stored.begun
        planes = stored.planes(volume)
        assert len(planes) == plane
        np.testing.assert_array_equal(planes[-1].image, image)
        seen.append(plane)

    try:
        acquire_stacks(
            core,
            None,
            tmp_path / "s",
            range_um=4,
            step_um=1,
            exposure_ms=1,
            on_plane=look,
        )
    finally:
        close_core(core)
    assert seen == [1, 2, 3, 4, 5]
