"""Bad input: one clear line on stderr, exit 2, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from cli_helpers import refused, replay, write_model, write_stack_of_discs

from rmz_acquire.cli import main
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stack_of_discs(tmp_path_factory.mktemp("stack") / "stack.tif")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


def _flat(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((40, 40), np.uint16))


def _one_plane(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((1, 40, 40), np.uint16), metadata={"axes": "ZYX"})


def _rgb(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((5, 40, 40, 3), np.uint8), photometric="rgb")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path) -> None:
    whole = write_stack_of_discs(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _not_a_number(path: Path) -> None:
    data = np.ones((5, 40, 40), np.float32)
    data[2, 5, 5] = np.nan
    tifffile.imwrite(path, data)


def _infinite(path: Path) -> None:
    data = np.ones((5, 40, 40), np.float32)
    data[2, 5, 5] = np.inf
    tifffile.imwrite(path, data)


def _absent(path: Path) -> None:
    """Write nothing."""


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (_flat, "2D"),
        (_one_plane, "two planes"),
        (_rgb, "RGB"),
        (_empty, "empty"),
        (_truncated, "truncated"),
        (_not_a_number, "NaN"),
        (_infinite, "infinite"),
        (_absent, "no such file"),
    ],
)
def test_a_stack_that_is_none(
    write: Callable[[Path], None], says: str, tmp_path: Path, out: Path, capsys: Capture
) -> None:
    path = tmp_path / "bad.tif"
    write(path)
    assert says in refused(replay(path, out), capsys)
    assert not out.exists()


@pytest.mark.parametrize("option", ["z_step", "na", "wavelength", "pixel_size"])
@pytest.mark.parametrize("value", ["0", "-0.5", "nan", "inf"])
def test_a_number_that_must_be_positive(
    option: str, value: str, stack: Path, out: Path, capsys: Capture
) -> None:
    said = refused(replay(stack, out, **{option: value}), capsys)
    assert f"--{option.replace('_', '-')}" in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"na": "1.0"}, "immersion"),
        ({"na": "1.4"}, "immersion"),
        ({"wavelength": "520"}, "µm"),
        ({"na": None}, "--na"),
        ({"immersion": None, "wavelength": None}, "--immersion, --wavelength"),
        ({"z_step": None}, "--z-step"),
        (
            {"max_planes": "3", "min_planes": "5"},
            "--max-planes 3 is below --min-",
        ),
        ({"max_planes": "0"}, "--max-planes"),
        ({"epsilon": "0"}, "--epsilon"),
        ({"epsilon": "-0.1"}, "--epsilon"),
        ({"epsilon": "nan"}, "--epsilon"),
        ({"z": ""}, "--z"),
        ({"z": "1,two,3"}, "--z"),
        ({"z": "1,nan"}, "--z"),
        ({"z": "1,99"}, "--z: 99"),
        ({"seed": "-1"}, "--seed"),
        ({"estimator": "best"}, "--estimator"),
        ({"policy": "best"}, "--policy"),
        ({"estimator": "wiener", "model": "x"}, "--model"),
        ({"estimator": "recurrent-mz", "model": "no-such"}, "--model: "),
        ({"estimator": "recurrent-mz", "device": "warp"}, "--device"),
        ({"truth": "no-such.tif"}, "--truth no-such.tif"),
        ({"frobnicate": "1"}, "--frobnicate"),
    ],
)
def test_options_that_make_no_sense(
    changes: dict[str, str | None], says: str, stack: Path, out: Path, capsys: Capture
) -> None:
    args = replay(stack, out, **changes)
    if changes == {"z": ""}:
        args += [""]
    assert says in refused(args, capsys)
    assert not out.exists()


@pytest.mark.parametrize("name", ["recurrent-mz", "wiener"])
def test_an_estimator_without_the_optics_it_needs(
    name: str, stack: Path, out: Path, capsys: Capture
) -> None:
    none = {"na": None, "immersion": None, "wavelength": None}
    said = refused(replay(stack, out, estimator=name, **none), capsys)
    assert "--na" in said
    assert not out.exists()


@pytest.mark.slow
def test_a_folder_that_holds_a_run(stack: Path, out: Path, capsys: Capture) -> None:
    args = replay(stack, out, z="0,2,4")
    assert main(args) == 0
    capsys.readouterr()
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    assert "--overwrite" in refused(args, capsys)
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before
    assert main([*args, "--overwrite"]) == 0


def test_a_folder_that_is_a_file(stack: Path, out: Path, capsys: Capture) -> None:
    out.write_text("mine")
    refused(replay(stack, out), capsys)
    assert out.read_text() == "mine"


def test_a_card_whose_hash_is_not_that_of_its_weights(
    stack: Path, out: Path, tmp_path: Path, capsys: Capture
) -> None:
    model = write_model(tmp_path / "model")
    weights = bytearray((model / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (model / "model.safetensors").write_bytes(weights)
    args = replay(stack, out, estimator="recurrent-mz", model=str(model))
    assert "sha256" in refused(args, capsys)
    assert not out.exists()


def test_a_model_far_from_its_optics(
    stack: Path, out: Path, tmp_path: Path, capsys: Capture
) -> None:
    oil = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.6, pixel_size_um=0.1)
    model = str(write_model(tmp_path / "oil", oil))
    args = replay(stack, out, estimator="recurrent-mz", model=model, z="0,2,4")
    said = refused([*args, "--strict"], capsys)
    assert "made for NA 1.4 oil; yours is NA 0.75 air" in said
    assert "choose the model air-20x075, which fits" in said
    assert not out.exists()
    assert main(args) == 0
    warned = capsys.readouterr().err.splitlines()
    assert all(line.startswith("warning: ") for line in warned)
    assert "made for NA 1.4 oil" in warned[0] and "which fits" in warned[-1]


@pytest.mark.parametrize(
    "line", ["Device,Camera,DemoCamera,NoSuch", "Device,Camera,NoSuch,NoSuch"]
)
def test_a_configuration_that_names_a_missing_device(
    line: str, tmp_path: Path, out: Path, capsys: Capture
) -> None:
    pytest.importorskip("mm_test_adapters")
    path = tmp_path / "bad.cfg"
    path.write_text(f"{line}\nProperty,Core,Initialize,1\n")
    said = refused(["demo", "--config", str(path), "--out", str(out)], capsys)
    assert "NoSuch" in said
    assert not out.exists()


@pytest.mark.parametrize("role", ["Camera", "Focus"])
def test_a_configuration_without_camera_or_stage_costs_no_earlier_run(
    role: str, tmp_path: Path, out: Path, stack: Path, capsys: Capture
) -> None:
    pytest.importorskip("mm_test_adapters")
    assert main(replay(stack, out, z="0,2,4")) == 0
    capsys.readouterr()
    device = {"Camera": "DStage", "Focus": "DCam"}[role]
    other = {"Camera": "Focus", "Focus": "Camera"}[role]
    path = tmp_path / "half.cfg"
    path.write_text(
        f"Device,It,DemoCamera,{device}\nProperty,Core,Initialize,1\n"
        f"Property,Core,{other},It\n"
    )
    args = ["demo", "--config", str(path), "--estimator", "linear", "--overwrite"]
    assert role in refused([*args, "--out", str(out)], capsys)
    assert (out / "summary.json").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "STACK"),
        (["x.tif"], "--out"),
        (["x.tif", "y.tif", "--out", "run"], "y.tif"),
    ],
)
def test_usage(args: list[str], says: str, capsys: Capture) -> None:
    said = refused(["replay", *args], capsys)
    assert says in said
    assert "rmz-acquire replay --help" in said


def test_a_command_that_does_not_exist(capsys: Capture) -> None:
    assert "replay" in refused(["repaly"], capsys)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["sim.png"], "*.ome.tif"),
        (["sim.ome.tif", "--planes", "1"], "--planes"),
        (["sim.ome.tif", "--z-step", "0"], "--z-step"),
        (["sim.ome.tif", "--exposure", "-5"], "--exposure"),
        (["sim.ome.tif", "--na", "1.2"], "immersion"),
        (["sim.ome.tif", "--size", "3"], "--size"),
        (["sim.ome.tif", "--specimen", "cats"], "--specimen"),
        (["nowhere/sim.ome.tif"], "nowhere"),
    ],
)
def test_simulate(
    args: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in refused(["simulate", *args], capsys)
    assert not list(tmp_path.iterdir())


def test_train(tmp_path: Path, out: Path, capsys: Capture) -> None:
    pytest.importorskip("lightning")
    assert "no-such" in refused(["train", "no-such", "--out", str(out)], capsys)
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\nspeed: high\n")
    assert "bad.yaml" in refused(["train", str(path), "--out", str(out)], capsys)
    assert not out.exists()
