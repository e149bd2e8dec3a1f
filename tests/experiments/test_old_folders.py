"""What version 0.1.0 left opens, is exported and reconstructed: values of its files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import tifffile

from rmz_acquire import load
from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import resume
from rmz_acquire.gui.models.stored_runs import load_run, sentence
from rmz_acquire.simulation.recorded import RecordedMicroscope

OLD = Path(__file__).parent.parent / "data" / "old"


@pytest.fixture
def volume(tmp_path):
    """A `replay` of a stack, by richardson-lucy."""
    return shutil.copytree(OLD / "volume", tmp_path / "volume")


@pytest.fixture
def experiment(tmp_path):
    """Two time points of two positions, a stacked channel and one of single planes."""
    return shutil.copytree(OLD / "experiment", tmp_path / "experiment")


def pixels(path):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path / "0")}}
    return tensorstore.open(spec, open=True, read=True).result().read().result()


def said(folder):
    return json.loads((folder / "summary.json").read_text("utf-8"))


def test_a_volume_loads_with_the_values_of_its_files(volume):
    before = {p: p.read_bytes() for p in volume.rglob("*") if p.is_file()}
    run, told = load(volume), said(volume)
    np.testing.assert_array_equal(
        np.asarray(run.planes), pixels(volume / "planes.ome.zarr")
    )
    made = tifffile.imread(volume / "volume.ome.tif")
    np.testing.assert_array_equal(np.asarray(run.volumes)[0, 0, 0], made)
    assert run.planes.coords["z_actual_um"].values.tolist() == told["z_taken_um"]
    assert run.volumes.coords["z"].values.tolist() == told["z_um"]
    assert run.summary.stop_reason == told["stop_reason"]
    assert run.summary.status == "completed" and run.summary.psnr_db == told["psnr_db"]
    assert run.optics["camera"].model_dump().items() >= told["optics"].items()
    assert [line["index"] for line in run.decisions] == list(range(6))
    after = {p: p.read_bytes() for p in volume.rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.slow
def test_a_volume_is_exported_and_made_again(volume, tmp_path, capsys):
    assert main(["export", str(volume), "--out", str(tmp_path / "tif")]) == 0
    made = tifffile.imread(tmp_path / "tif" / "volumes_p000.ome.tif")
    kept = tifffile.imread(volume / "volume.ome.tif")
    np.testing.assert_array_equal(made, kept)
    raw = tifffile.imread(tmp_path / "tif" / "planes_p000.ome.tif")
    np.testing.assert_array_equal(raw, pixels(volume / "planes.ome.zarr"))
    out = tmp_path / "again.ome.tif"
    args = ["reconstruct", str(volume), "--out", str(out), "--estimator", "linear"]
    assert main(args) == 0
    assert tifffile.imread(out).shape == kept.shape
    capsys.readouterr()
    # the noise of the Wiener filter, and so the volume, is found otherwise since then
    assert main(["scan", "--verify", str(volume)]) == 1
    told = capsys.readouterr()
    assert "delta is" in told.out + told.err


def test_a_volume_that_was_killed(volume, tmp_path, capsys):
    for name in ("summary.json", "volume.ome.tif"):
        (volume / name).unlink()
    run = load(volume)
    assert run.summary is None and run.volumes is None and len(run.planes) == 6
    out = tmp_path / "again.ome.tif"
    args = ["reconstruct", str(volume), "--out", str(out), "--estimator", "wiener"]
    assert main(args) == 2
    assert "give --z-step" in capsys.readouterr().err
    assert main([*args, "--z-step", "0.8"]) == 0


def test_a_volume_does_not_go_on(volume):
    stack = np.zeros((13, 24, 28), np.uint16)
    with pytest.raises(InputError, match=r"version 0\.1\.0, which did not go on"):
        resume(RecordedMicroscope(stack, [0.8 * n for n in range(13)]), volume)


def test_an_experiment_is_what_it_was(experiment, tmp_path, capsys):
    run, told = load(experiment), said(experiment)
    assert run.summary.planes_taken == told["planes_taken"] == len(run.planes) == 24
    assert run.summary.estimator == told["estimator"]["estimator"] == "linear"
    assert run.volumes.shape == (2, 2, 1, 9, 24, 32)
    for p in (0, 1):
        made = pixels(experiment / "volumes.ome.zarr" / f"p00{p}")
        np.testing.assert_array_equal(np.asarray(run.volumes[:, p, 0]), made[:, 0])
    assert main(["scan", "--verify", str(experiment)]) == 0
    assert main(["export", str(experiment), "--out", str(tmp_path / "tif")]) == 0
    out = tmp_path / "again.ome.tif"
    args = ["reconstruct", str(experiment), "--out", str(out), "--estimator", "linear"]
    assert main(args) == 2
    assert "4 volumes" in capsys.readouterr().err
    assert main([*args, "--time", "1", "--position", "1"]) == 0
    made = pixels(experiment / "volumes.ome.zarr" / "p001")[1, 0]
    np.testing.assert_array_equal(tifffile.imread(out), made)


@pytest.mark.parametrize("kind", ["volume", "experiment"])
def test_the_window_shows_it(kind, request):
    folder = request.getfixturevalue(kind)
    run = load_run(folder)
    head, words = sentence(run)
    assert head.startswith("Done") and "planes" in words
    assert run.shown is not None and run.shown.made
    assert run.experiment is (kind == "experiment")
