"""Volumes made again of planes on disk."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from cli_helpers import refused, replay, write_stack_of_discs
from stack_runs import STACK, Z_UM, a_run, lines

from rmz_acquire.cli import main
from rmz_acquire.simulation.recorded import RecordedMicroscope
from rmz_acquire.stacks import read_stack

if TYPE_CHECKING:
    from rmz_acquire.scanning import Plane


@pytest.fixture
def run(tmp_path, capsys):
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    assert main(replay(stack, tmp_path / "run")) == 0
    capsys.readouterr()
    return tmp_path / "run"


def test_the_same_estimator_makes_the_same_volume(run, tmp_path, capsys):
    out = tmp_path / "again.ome.tif"
    args = ["reconstruct", str(run), "--estimator", "linear", "--out", str(out)]
    assert main(args) == 0
    assert "9 planes of 40 × 40 pixels from" in capsys.readouterr().out
    np.testing.assert_array_equal(
        tifffile.imread(out), tifffile.imread(run / "volume.ome.tif")
    )
    assert read_stack(out).pixel_size_um == pytest.approx(0.325)
    assert "--overwrite" in refused(args, capsys)
    assert main([*args, "--overwrite"]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("few_steps")
def test_what_the_volume_is_made_of_is_told_as_replay_tells_it(tmp_path, capsys):
    """One plane after the other, in the order taken: the same predictions."""
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    folder, out = tmp_path / "run", tmp_path / "again.ome.tif"
    estimator = "richardson-lucy"
    assert main(replay(stack, folder, estimator=estimator, z="0,4,2,1")) == 0
    replayed = capsys.readouterr().out.splitlines()
    args = ["reconstruct", str(folder), "--estimator", estimator, "--out", str(out)]
    assert main(args) == 0
    said = capsys.readouterr().out.splitlines()
    (row,) = [line for line in said if line.startswith("volume ")]
    assert row in replayed
    assert ("z scale" in "".join(said)) == ("z scale" in "".join(replayed))
    beside = tmp_path / "again.ome.tif.json"
    told = json.loads(beside.read_text("utf-8"))
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert sum(each["share"] for each in told["candidates"].values()) > 0.99
    for key in ("candidates", "z_scale", "estimator", "optics", "z_um", "z_taken_um"):
        assert told[key] == summary[key], key
    lines = (folder / "decisions.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(told["planes"]) == 4
    for line, plane in zip(lines, told["planes"], strict=True):
        assert plane.items() <= json.loads(line).items()
    assert told["planes"][2]["winner"] in told["candidates"]
    # no more than the volume is it replaced without a word
    out.unlink()
    assert "again.ome.tif.json exists" in refused(args, capsys)


def test_an_estimator_without_candidates_says_nothing_of_them(run, tmp_path, capsys):
    out = tmp_path / "again.ome.tif"
    args = ["reconstruct", str(run), "--estimator", "linear", "--out", str(out)]
    assert main(args) == 0
    assert "predicted" not in capsys.readouterr().out
    told = json.loads((tmp_path / "again.ome.tif.json").read_text("utf-8"))
    assert told["candidates"] is told["z_scale"] is None
    assert told["planes"][0]["predictions"] is None


def test_another_estimator_and_another_grid(run, tmp_path):
    out = tmp_path / "fine.ome.tif"
    args = ["reconstruct", str(run), "--estimator", "wiener", "--out", str(out)]
    assert main([*args, "--bottom", "1", "--top", "3", "--z-step", "0.25"]) == 0
    found = read_stack(out)
    assert found.data.shape == (9, 40, 40)
    assert found.z_step_um == pytest.approx(0.25)


@pytest.mark.slow
def test_the_spread_of_the_candidates_lies_beside_the_volume(run, tmp_path, capsys):
    out, beside = tmp_path / "v.ome.tif", tmp_path / "v.spread.ome.tif"
    args = ["reconstruct", str(run), "--out", str(out), "--spread"]
    said = refused([*args, "--estimator", "wiener"], capsys)
    assert said.startswith("--spread: wiener has no candidates")
    beside.touch()
    args += ["--estimator", "richardson-lucy"]
    assert "v.spread.ome.tif exists" in refused(args, capsys)
    assert main([*args, "--overwrite"]) == 0
    assert "v.spread.ome.tif" in capsys.readouterr().out
    volume, spread = tifffile.imread(out), tifffile.imread(beside)
    assert spread.shape == volume.shape and spread.dtype == np.float32
    assert 0 < np.median(spread) < np.ptp(volume)
    assert read_stack(beside).pixel_size_um == pytest.approx(0.325)
    # the volume is as it is without, and no spread of another stays beside it
    assert main([*args[:-3], *args[-2:], "--overwrite"]) == 0
    np.testing.assert_array_equal(tifffile.imread(out), volume)
    assert not beside.exists()


@pytest.mark.slow
def test_a_run_that_was_killed_has_its_grid(run, tmp_path):
    before = tifffile.imread(run / "volume.ome.tif")
    for name in ("summary.json", "volume.ome.tif", "report.png"):
        (run / name).unlink()
    shutil.rmtree(run / "volumes.ome.zarr")
    out = tmp_path / "v.ome.tif"
    args = ["reconstruct", str(run), "--estimator", "linear", "--out", str(out)]
    assert main(args) == 0
    np.testing.assert_array_equal(tifffile.imread(out), before)


def test_planes_that_somebody_else_took(tmp_path, capsys):
    stack = write_stack_of_discs(tmp_path / "three.tif", planes=5)
    out = tmp_path / "v.ome.tif"
    args = ["reconstruct", str(stack), "--estimator", "linear", "--out", str(out)]
    assert "5 planes, --z no positions" in refused(args, capsys)
    args += ["--z", "8,0,4,2,6"]
    assert "give --z-step" in refused(args, capsys)
    assert main([*args, "--z-step", "1"]) == 0
    volume, planes = tifffile.imread(out), tifffile.imread(stack)
    np.testing.assert_allclose(volume[[8, 0, 4, 2, 6]], planes)
    np.testing.assert_allclose(volume[1], (volume[0] + volume[2]) / 2, rtol=1e-5)
    capsys.readouterr()
    empty = ["reconstruct", str(tmp_path), "--out", str(tmp_path / "x.tif")]
    assert "holds no run" in refused(empty, capsys)
    assert "is a TIFF" in refused([*empty[:-1], "x.png"], capsys)


def test_a_frame_that_came_twice_is_no_plane_of_it(tmp_path):
    class Stale(RecordedMicroscope):
        """Gives the second frame again as the third."""

        last: list[Plane] = []  # noqa: RUF012

        def capture(self, z_um):
            taken = replace(super().capture(z_um), noise_free=False)
            if len(self.last) == 2:
                taken = replace(taken, image=self.last[-1].image)
            self.last.append(taken)
            return taken

    folder = tmp_path / "run"
    summary = a_run(folder, Stale(STACK, Z_UM), max_planes=6, epsilon=1e-9)
    assert summary.planes_taken == 6
    assert [line["used"] for line in lines(folder)].count(False) == 1
    out = tmp_path / "again.ome.tif"
    args = ["reconstruct", str(folder), "--estimator", "linear", "--out", str(out)]
    assert main([*args, "--pixel-size", "0.3"]) == 0
    again = tifffile.imread(out)
    np.testing.assert_array_equal(again, tifffile.imread(folder / "volume.ome.tif"))
