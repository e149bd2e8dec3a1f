"""What a calibration found, in the window: shown, kept, dropped."""

from __future__ import annotations

import pytest
import useq

from rmz_acquire.experiments import read_experiment
from rmz_acquire.gui.models.calibration import Calibration
from rmz_acquire.gui.models.experiment import read_settings, write_settings

BLOCK = {"version": 1, "estimator": "wiener", "strict": False}


def experiment_file(folder, name="scan.yaml", **optics):
    sequence = useq.MDASequence(
        z_plan={"bottom": -2, "top": 2, "step": 0.5},
        metadata={"rmz_acquire": {**BLOCK, "optics": optics}},
    )
    (folder / name).write_text(sequence.yaml(exclude={"uid"}), "utf-8")
    return folder / name


def box_of(desk):
    return desk.window.form.reconstruction.optics_box


def line_of(desk):
    return box_of(desk).calibration


# ---- what is shown, and dropped ------------------------------------------------------


def test_an_experiment_with_the_keys_shows_them_and_forget_removes_them(desk, tmp_path):
    told = {"na": 0.7, "z_scale": 0.9, "wavelength_um": 0.6}
    desk.connect()
    desk.presenter.commands.use_settings(experiment_file(tmp_path, **told))
    line = line_of(desk)
    assert line.isVisible() and line.line.text() == "z scale 0.90 (calibrated)"
    line.forget.click()
    assert not line.isVisible()
    write_settings(tmp_path / "again.yaml", desk.presenter.settings())
    again = read_experiment(tmp_path / "again.yaml").metadata["rmz_acquire"]
    assert again["optics"] == {"na": 0.7, "wavelength_um": 0.6}


# ---- files, without a window ---------------------------------------------------------


@pytest.mark.parametrize(
    "optics",
    [
        {"z_scale": 0.8, "spherical_waves": -0.05, "sample_index": 1.38, "na": 0.7},
        {"z_scale": 1.0, "spherical_waves": 0.0},
        {"sample_index": 1.38},
        {},
    ],
)
def test_a_round_trip_keeps_the_keys(tmp_path, optics):
    first = experiment_file(tmp_path, **optics)
    write_settings(tmp_path / "second.yaml", read_settings(first))
    again = read_experiment(tmp_path / "second.yaml").metadata["rmz_acquire"]
    assert again.get("optics", {}) == optics


@pytest.mark.parametrize(
    ("calibration", "said"),
    [
        (Calibration(), ""),
        (Calibration(z_scale=1.0, spherical_waves=0.0, na=0.7), ""),
        (Calibration(z_scale=0.8), "z scale 0.80 (calibrated)"),
        (Calibration(spherical_waves=0.1), "spherical 0.10 waves (calibrated)"),
        (Calibration(sample_index=1.38, na=0.7), "sample index 1.38"),
        (
            Calibration(z_scale=0.8, na=0.7, immersion_index=1.0),
            "z scale 0.80 (calibrated at NA 0.7, not 0.75; n 1, not 1.33)",
        ),
    ],
)
def test_the_line_says_what_is_not_nominal(calibration, said):
    assert calibration.words(0.75, 1.33) == said
    assert calibration.nominal is not bool(said)
