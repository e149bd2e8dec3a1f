"""``calibrate-optics``: what it finds, what it refuses, what it leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from cli_helpers import GOOD, OPTICS, refused, words, write_stack_of_discs

from rmz_acquire.cli import main
from rmz_acquire.cli.calibrate_optics import check_shows
from rmz_acquire.experiments import read_optics
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import bead_calibration
from rmz_acquire.reconstruction.asked_planes import AskedPlanes
from rmz_acquire.reconstruction.bead_calibration import BeadCalibration
from rmz_acquire.reconstruction.optics_calibration import calibrate_optics
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import CameraModel, WideField
from rmz_acquire.stacks import read_stack, write_stack

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Z_UM = np.arange(-6, 6.01, 0.5)


def nuclei(z_scale: float) -> NDArray[np.uint16]:
    """A stack whose focus moves by a share of what the stage says."""
    specimen = make_specimen("nuclei", 21, extent_um=(16, 60, 60), number=60, haze=0.05)
    light = WideField(
        specimen,
        OPTICS,
        shape=(48, 48),
        z_range_um=(-8, 8),
        layer_um=0.5,
        margin_px=40,
    ).stack(list(Z_UM * z_scale))
    camera = CameraModel(photons=200.0, gain=0.5, offset=100.0, read_noise_e=1.6)
    light = light / np.percentile(light, 99.9)
    return camera.expose(light, 10.0, np.random.default_rng(3)).astype(np.uint16)


def calibrate(stack: Path, out: Path, **changes: str) -> list[str]:
    options = {**GOOD, **{f"--{k.replace('_', '-')}": v for k, v in changes.items()}}
    return ["calibrate-optics", str(stack), "--out", str(out), *words(options)]


@pytest.mark.slow
def test_a_scaled_stack_is_found_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack, out = tmp_path / "stack.tif", tmp_path / "optics.yaml"
    write_stack(stack, nuclei(0.7), z_step_um=0.5, pixel_size_um=0.325)
    assert main(calibrate(stack, out)) == 0
    said = capsys.readouterr().out
    assert "dB" in said and str(out) in said
    optics = Optics.model_validate(yaml.safe_load(out.read_text("utf-8")))
    assert optics.z_scale == pytest.approx(0.7, rel=0.05)
    assert optics.na == pytest.approx(0.75, rel=0.06)
    assert "--overwrite" in refused(calibrate(stack, out), capsys)

    run = tmp_path / "run"
    take = ["replay", str(stack), "--out", str(run), "--optics", str(out)]
    take += ["--estimator", "wiener", "--max-planes", "3"]
    assert "--immersion" in refused([*take, "--immersion", "1.33"], capsys)
    assert not run.exists()
    assert main(take) == 0
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    assert summary["optics"]["z_scale"] == optics.z_scale
    again = tmp_path / "again.ome.tif"
    anew = ["reconstruct", str(run), "--estimator", "wiener", "--out", str(again)]
    assert main(anew) == 0
    made, first = (read_stack(p).data for p in (again, run / "volume.ome.tif"))
    assert np.abs(made - first).max() < 0.5


@pytest.mark.slow
def test_what_gains_nothing_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack, out = tmp_path / "stack.tif", tmp_path / "optics.yaml"
    write_stack(stack, nuclei(1.0), z_step_um=0.5, pixel_size_um=0.325)
    assert main(calibrate(stack, out)) == 0
    assert "nothing written" in capsys.readouterr().out
    assert not out.exists()


def test_beads_are_said_and_what_they_tell_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, out = tmp_path / "stack.tif", tmp_path / "optics.yaml"
    terms = {"secondary_spherical_waves": -0.02, "apodisation": 0.5, "z_scale": 0.9}
    fitted = OPTICS.model_copy(update=terms)
    seen: list[float] = []

    def fit(data, z_um, optics, *, on_step):  # type: ignore[no-untyped-def]
        seen.append(len(data))
        assert optics == OPTICS
        return BeadCalibration(fitted, gain, 0.2, 6, 3, fitted)

    monkeypatch.setattr(bead_calibration, "calibrate_on_beads", fit)
    write_stack(stack, nuclei(1.0), z_step_um=0.5, pixel_size_um=0.325)
    gain = 0.09
    assert main([*calibrate(stack, out), "--beads"]) == 0
    assert "nothing written" in capsys.readouterr().out and not out.exists()
    gain = 0.5
    assert main([*calibrate(stack, out), "--beads"]) == 0
    said = capsys.readouterr().out
    assert "beads averaged   3" in said and "+0.50 dB on 6 planes" in said
    assert "apodisation  0 -> 0.5" in said
    assert read_optics(out) == fitted
    assert seen == [len(Z_UM)] * 2

    run = tmp_path / "run"
    take = ["replay", str(stack), "--out", str(run), "--optics", str(out)]
    assert main([*take, "--estimator", "wiener", "--max-planes", "3"]) == 0
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    assert summary["optics"] == fitted.model_dump()


def test_nuclei_are_no_beads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack, out = tmp_path / "stack.tif", tmp_path / "optics.yaml"
    write_stack(stack, nuclei(1.0), z_step_um=0.5, pixel_size_um=0.325)
    said = refused([*calibrate(stack, out), "--beads"], capsys)
    assert "bead" in said and not out.exists()


@pytest.mark.parametrize(
    ("planes", "side", "changes", "named"),
    [
        (9, 40, {"na": "1.2"}, "--na 1.2 is not below"),
        (8, 40, {}, "8 planes are too few"),
        (9, 31, {}, "31 × 31 pixels are too small"),
        (9, 40, {"z_step": "-1"}, "--z-step"),
    ],
)
def test_what_cannot_be_is_one_line(
    planes: int,
    side: int,
    changes: dict[str, str],
    named: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack, out = tmp_path / "stack.tif", tmp_path / "optics.yaml"
    write_stack_of_discs(stack, planes, side)
    assert named in refused(calibrate(stack, out, **changes), capsys)
    assert not out.exists()


def test_uniform_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to calibrate on"):
        calibrate_optics(np.full((9, 40, 40), 7), np.arange(9), OPTICS)


def test_no_plane_judges_that_the_fit_has_seen() -> None:
    planes = np.random.default_rng(1).normal(100, 2, (61, 32, 32)).astype(np.float32)
    for n in range(9, 62):
        fit, judge = AskedPlanes(planes[:n], np.arange(n, dtype=np.float64)).split()
        seen = {plane for given, asked in fit for plane in (*given, asked)}
        assert len(fit) >= 2 and len(judge) >= 3, n
        assert not seen & {plane for _, plane in judge}, n


def test_a_stack_that_shows_nothing_is_refused_one_that_shows_little_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planes = np.random.default_rng(0).poisson(100, (9, 40, 40)).astype(np.uint16)
    rows, columns = np.mgrid[:40, :40]
    disc = (200 * (np.hypot(rows - 20, columns - 20) < 9)).astype(np.uint16)
    planes[4] += disc
    stack, out = tmp_path / "blank.tif", tmp_path / "optics.yaml"
    write_stack(stack, planes, z_step_um=0.5, pixel_size_um=0.325)
    said = refused(calibrate(stack, out), capsys)
    assert said.startswith("STACK: nothing above noise in 8 of 9 planes")
    planes[3] += disc
    planes[5] += disc
    check_shows(planes)
    assert "nothing above noise in 6 of 9 planes" in capsys.readouterr().err
