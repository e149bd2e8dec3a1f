"""Whole commands: what they print, what they leave, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
import tifffile
from children import started, wait_for_end
from cli_helpers import replay, write_model, write_stack_of_discs
from patience import wait_for

import rmz_acquire
from rmz_acquire.cli import main
from rmz_acquire.cli.options import EstimatorName, Policy, SpecimenName
from rmz_acquire.doctor import Finding, examine
from rmz_acquire.models import list_models
from rmz_acquire.reconstruction import ESTIMATORS
from rmz_acquire.resources import resource_dir
from rmz_acquire.scanning import POLICIES
from rmz_acquire.simulation.specimens import SPECIMENS
from rmz_acquire.stacks import read_stack

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]
COMMANDS = ["demo", "replay", "simulate", "models", "train", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, capsys: Capture) -> None:
    assert main([command, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Usage: rmz-acquire {command}" in said
    assert f"Example: rmz-acquire {command}" in said


def test_help_lists_the_commands(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(command in said for command in COMMANDS)


def test_no_command_is_bad_usage(capsys: Capture) -> None:
    assert main([]) == 2
    assert "Usage" in capsys.readouterr().out


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert rmz_acquire.__version__ in capsys.readouterr().out


def test_choices_are_those_of_the_parts() -> None:
    def choices(option: object) -> set[str]:
        return set(get_args(get_args(option)[0]))

    assert set(get_args(EstimatorName)[0].__args__[0].__args__) == set(ESTIMATORS)
    assert choices(Policy) == set(POLICIES)
    assert choices(SpecimenName) == set(SPECIMENS)


def test_replay_of_an_untrained_model_beside_the_baselines(
    tmp_path: Path, capsys: Capture
) -> None:
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    model = write_model(tmp_path / "untrained")
    out = tmp_path / "run"
    args = replay(stack, out, estimator="recurrent-mz", model=str(model), z="1,3,2")
    assert main(args) == 0
    said = capsys.readouterr().out
    for word in ("list_done", "3 of 9", "PSNR", "untrained", "wiener", "nearest"):
        assert word in said
    summary = json.loads((out / "summary.json").read_text())
    assert summary["z_taken_um"] == [1.0, 3.0, 2.0]
    assert set(summary["baselines"]) == {"wiener", "linear", "nearest"}
    assert summary["optics"]["na"] == 0.75
    assert summary["scored_against"] == "recorded stack"
    assert "against the recorded stack" in said
    volume = read_stack(out / "volume.ome.tif")
    assert volume.data.shape == (9, 40, 40)
    assert volume.z_step_um == pytest.approx(0.5)
    for name in ("planes.ome.zarr", "decisions.jsonl", "report.png"):
        assert (out / name).exists()


def test_replay_without_optics_leaves_wiener_unknown(
    tmp_path: Path, capsys: Capture
) -> None:
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    none = {"na": None, "immersion": None, "wavelength": None, "pixel_size": None}
    out = tmp_path / "run"
    assert main(replay(stack, out, z="0,2,4", **none)) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["optics"] is None
    assert summary["baselines"]["wiener"] is None
    row = next(x for x in capsys.readouterr().out.splitlines() if "wiener" in x)
    assert "dB" not in row


@pytest.mark.slow
def test_simulate_then_replay_against_the_truth(
    tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "sim.ome.tif"
    made = ["simulate", str(path), "--size", "48", "--planes", "9", "--seed", "3"]
    assert main(made) == 0
    truth = path.with_name("sim.truth.ome.tif")
    assert f"--truth {truth}" in capsys.readouterr().out
    stack, clean = read_stack(path), read_stack(truth)
    assert stack.data.shape == clean.data.shape == (9, 48, 48)
    assert (stack.data.dtype, clean.data.dtype) == (np.uint16, np.float32)
    assert stack.pixel_size_um == pytest.approx(0.325)
    assert stack.z_step_um == pytest.approx(0.5)
    # noise about the truth, with neither lost
    difference = stack.data - clean.data
    assert abs(difference.mean()) < 0.5
    assert difference.std() > 1

    again = ["replay", str(path), "--truth", str(truth), "--estimator", "wiener"]
    again += ["--na", "0.75", "--immersion", "1", "--wavelength", "0.52"]
    assert main([*again, "--z", "0,2,4", "--out", str(tmp_path / "run")]) == 0
    told = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert told["scored_against"] == "truth"
    assert told["candidates"] is None
    capsys.readouterr()
    by_default = [each for each in again if each not in ("--estimator", "wiener")]
    out = tmp_path / "by-default"
    assert main([*by_default, "--z", "0,2,4,1", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    told = json.loads((out / "summary.json").read_text())
    assert (told["estimator"], told["model"]) == ("recurrent-mz", "on-layers")
    shares = {name: each["share"] for name, each in told["candidates"].items()}
    assert sum(shares.values()) == pytest.approx(1)
    most = max(shares, key=lambda name: shares[name])
    row = next(line for line in said.splitlines() if line.startswith("volume"))
    assert row.split(None, 1)[1].startswith(f"{100 * shares[most]:.0f} % {most}")
    assert "best at predicting planes before they were taken" in row
    assert main(made) == 2
    assert main([*made, "--overwrite"]) == 0


def test_simulate_is_reproducible(tmp_path: Path) -> None:
    def simulate(name: str, seed: int) -> np.ndarray:
        path = tmp_path / name
        size = ["--size", "32", "--planes", "3"]
        assert main(["simulate", str(path), *size, "--seed", str(seed)]) == 0
        return tifffile.imread(path)

    first = simulate("a.ome.tif", 5)
    np.testing.assert_array_equal(first, simulate("b.ome.tif", 5))
    assert not np.array_equal(first, simulate("c.ome.tif", 6))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The simulated microscope with a small camera: --config."""
    told = (resource_dir("configs") / "simulated.cfg").read_text("utf-8")
    path = tmp_path / "small.cfg"
    path.write_text(f"{told}\nProperty,Camera,SensorSize_px,64\n", "utf-8")
    return path


@pytest.mark.slow
def test_demo_goes_through_micro_manager(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("mm_test_adapters")
    out = tmp_path / "run"
    demo = ["demo", "--estimator", "linear", "--z", "-10,0,10", "--exposure", "5"]
    assert main([*demo, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    for word in ("3 of 61", "15 ms of light instead of 305 ms", "report.png"):
        assert word in said
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stop_reason"] == "list_done"
    assert summary["optics"]["pixel_size_um"] == pytest.approx(0.325)
    assert summary["psnr_db"] is not None


@pytest.mark.slow
def test_demo_on_the_stock_configuration_has_no_truth(
    tmp_path: Path, capsys: Capture
) -> None:
    pytest.importorskip("mm_test_adapters")
    out = tmp_path / "run"
    demo = ["demo", "--config", "MMConfig_demo", "--estimator", "linear", "--z", "0,5"]
    assert main([*demo, "--exposure", "5", "--out", str(out)]) == 0
    assert "PSNR" not in capsys.readouterr().out
    assert json.loads((out / "summary.json").read_text())["psnr_db"] is None


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process on Windows")
def test_ctrl_c_ends_a_demo_with_what_was_taken(tmp_path: Path, small: Path) -> None:
    pytest.importorskip("mm_test_adapters")
    out = tmp_path / "run"
    command = [sys.executable, "-c", "from rmz_acquire.cli import main; exit(main())"]
    # so small a change never comes
    command += ["demo", "--config", str(small), "--estimator", "linear"]
    command += ["--epsilon", "1e-9", "--out", str(out)]
    decisions = out / "decisions.jsonl"

    def two_planes() -> bool:
        assert running.poll() is None, running.communicate()
        return decisions.exists() and decisions.read_text().count("\n") >= 2

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with started(command, **pipes) as running:
        wait_for(two_planes)
        running.send_signal(signal.SIGINT)
        _, said = wait_for_end(running)
    assert running.returncode == 1
    assert "Traceback" not in said
    last = said.splitlines()[-1]
    assert last.startswith("error: stopped")
    assert str(out) in last
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stop_reason"] == "aborted"
    assert summary["planes_taken"] >= 2


def test_models_lists_what_is_released(capsys: Capture) -> None:
    assert main(["models"]) == 0
    said = capsys.readouterr()
    assert all(name in said.out for name in list_models())


def test_models_shows_a_card(tmp_path: Path, capsys: Capture) -> None:
    model = write_model(tmp_path / "untrained")
    assert main(["models", str(model)]) == 0
    said = capsys.readouterr().out
    assert "NA 0.75" in said
    assert "untrained" in said
    assert main(["models", str(tmp_path)]) == 2


def test_doctor_looks_at_every_part(capsys: Capture) -> None:
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    for part in ("python", "torch", "device adapters", "a snap", "models", "qt"):
        assert sum(part in line for line in lines) >= 1
    assert code == (1 if any(line.startswith("wrong") for line in lines) else 0)


def test_doctor_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pymmcore_plus.find_micromanager", lambda: None)
    found: dict[str, Finding] = {finding.part: finding for finding in examine()}
    assert found["device adapters"].status == "wrong"
    assert "pip install 'mm-test-adapters==" in found["device adapters"].remedy
    assert found["python"].status == "ok"
