"""``calibrate``: from stacks to a threshold, and to a scan that stops by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from cli_helpers import refused
from scan_fakes import blobs

from rmz_acquire.cli import main
from rmz_acquire.stacks import write_stack

if TYPE_CHECKING:
    from pathlib import Path

GRID = [float(z) for z in range(13)]
_OTHER = ("--immersion", "1", "--wavelength", "0.5")


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dense stacks of 24 specimens, listed as `acquire-stacks` lists them."""
    folder = tmp_path_factory.mktemp("stacks")
    entries = []
    for n in range(24):
        path = folder / f"position-{n:03d}.ome.tif"
        write_stack(path, blobs(GRID, seed=n), z_step_um=1.0, pixel_size_um=0.3)
        entries.append({"path": path.name, "specimen": f"dish {n}"})
    (folder / "stacks.yaml").write_text(yaml.safe_dump({"stacks": entries}))
    return folder


def calibrate(stacks: Path, out: Path, **changes: str) -> list[str]:
    options = {"target-nrmse": "0.6", "estimator": "linear"}
    options |= {key.replace("_", "-"): value for key, value in changes.items()}
    words = [word for k, v in options.items() for word in (f"--{k}", v)]
    return ["calibrate", str(stacks), "--out", str(out), *words]


def replay(stack: Path, out: Path, *more: str) -> list[str]:
    return ["replay", str(stack), "--estimator", "linear", "--out", str(out), *more]


@pytest.fixture(scope="module")
def card(stacks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cards") / "stop.yaml"
    assert main(calibrate(stacks / "stacks.yaml", out)) == 0
    return out


@pytest.mark.slow
def test_a_scan_stops_by_what_was_calibrated(
    stacks: Path, card: Path, tmp_path: Path
) -> None:
    told = yaml.safe_load(card.read_text())
    assert (told["n"], told["failures"]) == (24, 0)
    assert 4 <= told["mean_planes"] < 13
    stack, out = stacks / "position-003.ome.tif", tmp_path / "run"
    aim = ("--target-nrmse", "0.6", "--confidence", "0.9", "--calibration", str(card))
    assert main(replay(stack, out, *aim)) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stop_reason"] == "converged"
    first = summary["stop_terms"][0]
    assert first["name"] == "misprediction" and first["met"]
    assert first["limit"] == told["threshold"]
    assert summary["nrmse"] <= 0.6
    # the run holds its calibration: the file may go
    card.rename(tmp_path / "elsewhere.yaml")
    assert main(["scan", "--verify", str(out)]) == 0
    (tmp_path / "elsewhere.yaml").rename(card)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        (("--max-planes", "9"), "--max-planes was 13, it is 9 now"),
        (("--z-step", "0.5"), "grid.step_um was 1.0, it is 0.5 now"),
        (("--na", "0.7", *_OTHER), "optics.na was None, it is 0.7 now"),
        (("--epsilon", "0.05"), "--epsilon does not go with --calibration"),
        (("--confidence", "1"), "--confidence should be less than 1, not 1.0"),
        (("--target-nrmse", "0.1"), "--target-nrmse 0.1 is below"),
    ],
)
def test_a_scan_refuses_one_that_does_not_fit(
    stacks: Path,
    card: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    key: str,
) -> None:
    args = replay(stacks / "position-003.ome.tif", tmp_path / "run", *more)
    said = refused([*args, "--calibration", str(card)], capsys)
    assert said.startswith("--") and key in said
    assert not (tmp_path / "run").exists()


def test_regions_decide_and_the_promise_is_of_the_whole_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every, out, run = [], tmp_path / "stop.yaml", tmp_path / "run"
    for n in range(3):
        every.append(tmp_path / f"{n}.ome.tif")
        stack = blobs(GRID, seed=n, shape=(40, 72))
        write_stack(every[-1], stack, z_step_um=1.0, pixel_size_um=0.3)
    here = ("--regions", "4,0,32,36", "--estimator", "linear")
    args = ["calibrate", *map(str, every), "--out", str(out), "--alpha", "0.5"]
    promise = ("--target-nrmse", "0.5", "--confidence", "0.8")
    assert main([*args, *promise, *here]) == 0
    told = yaml.safe_load(out.read_text())
    assert told["conditions"]["regions"] == [[4, 0, 32, 36]]
    assert told["failures"] == 0 and 4 <= told["mean_planes"] < 13
    held = ["replay", str(every[2]), "--calibration", str(out), "--out", str(run)]
    assert main([*held, *here]) == 0
    summary = json.loads((run / "summary.json").read_text())
    assert summary["stop_reason"] == "converged"
    assert summary["nrmse"] <= 0.5  # of all 40 × 72 pixels
    capsys.readouterr()
    for other, now in ((("whole",), "whole pictures"), (("0,0,32,36",), "[[0, 0, 32,")):
        again = [*held, *here[2:], "--overwrite", "--regions", *other]
        said = refused(again, capsys)
        assert said.startswith("--regions: what was calibrated is the regions [[4, 0,")
        assert now in said


def test_the_default_estimator_is_calibrated_by_the_name_that_it_comes_to(
    tmp_path: Path,
) -> None:
    """A scan knows it by that name, and would refuse a calibration of "auto"."""
    out = tmp_path / "stop.yaml"
    optics = ("--na", "0.75", "--immersion", "1", "--wavelength", "0.52")
    args = ["calibrate", "--simulate", "1", "--families", "beads", "--alpha", "0.9"]
    size = ("--size", "32", "--planes", "5", "--z-step", "1", "--pixel-size", "0.325")
    promise = ("--target-nrmse", "5", "--out", str(out))
    assert main([*args, *optics, *size, *promise]) == 0
    told = yaml.safe_load(out.read_text())["conditions"]
    assert told["estimator"] in ("recurrent-mz", "richardson-lucy")
    assert (told["estimator"] == "recurrent-mz") == (told["model_sha256"] is not None)


def test_bad_input_is_one_line_that_names_the_key(
    stacks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every, out = stacks / "stacks.yaml", tmp_path / "stop.yaml"
    three = [str(stacks / f"position-00{n}.ome.tif") for n in range(3)]
    args = ["calibrate", *three, "--out", str(out), "--target-nrmse", "0.6"]
    said = refused([*args, "--estimator", "linear"], capsys)
    assert said.startswith("STACKS: 3 specimens are too few") and "22 are" in said
    said = refused(calibrate(every, out, target_nrmse="0.001", max_planes="6"), capsys)
    assert said.startswith("--target-nrmse 0.001 is out of reach")
    for key, value in (("alpha", "0"), ("confidence", "1"), ("target-nrmse", "nan")):
        said = refused(calibrate(every, out, **{key: value}), capsys)
        assert said.startswith(f"--{key} must")
    said = refused([*calibrate(every, out), "--simulate", "3"], capsys)
    assert "give STACKS, or --simulate" in said
    assert not out.exists()
