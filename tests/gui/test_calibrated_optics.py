"""The window takes the optics that ``calibrate-optics`` wrote."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import useq
import yaml
from PyQt6.QtWidgets import QApplication, QFileDialog

from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import ExperimentSettings, read_experiment, read_optics
from rmz_acquire.gui import app
from rmz_acquire.gui.models.calibrated_settings import with_calibrated
from rmz_acquire.gui.models.experiment_form import (
    read_settings,
    sequence_of,
    write_settings,
)
from rmz_acquire.gui.models.fitted_optics import Calibration
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.optics import Optics

FOUND = Optics(
    na=0.7234567891,
    immersion_index=1.0,
    wavelength_um=0.5234567891,
    pixel_size_um=0.325,
    sample_index=1.2,
    z_scale=0.8,
    spherical_waves=-0.05,
)
SAID = "z scale 0.80, spherical -0.05 waves, sample index 1.2 (calibrated)"
TYPED = ("na", "immersion_index", "wavelength_um", "pixel_size_um")
BLOCK = {"version": 1, "estimator": "wiener", "strict": False}


def optics_file(folder, optics=FOUND):
    file = folder / "optics.yaml"
    file.write_text(yaml.safe_dump(optics.model_dump(exclude_none=True)), "utf-8")
    return file


def experiment_file(folder, name="scan.yaml", **optics):
    sequence = useq.MDASequence(
        z_plan={"bottom": -2, "top": 2, "step": 0.5},
        metadata={"rmz_acquire": {**BLOCK, "optics": optics}},
    )
    (folder / name).write_text(sequence.yaml(exclude={"uid"}), "utf-8")
    return folder / name


def choose(monkeypatch, file):
    """Have the file chosen, whatever dialog asks."""
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: (str(file), ""))


def box_of(desk):
    return desk.window.form.reconstruction.optics_box


def line_of(desk):
    return box_of(desk).calibration


def noted(desk):
    return desk.window.statusBar().currentMessage()


# ---- loaded from the menu ------------------------------------------------------------


def test_loaded_optics_are_those_of_the_scan_that_is_started(
    desk, tmp_path, monkeypatch
):
    desk.connect()
    desk.fill(-1.0, 1.0, estimator="wiener", min_planes=2, max_planes=2)
    choose(monkeypatch, optics_file(tmp_path))
    assert desk.window.load_optics in desk.window.menus["&Scan"].actions()
    desk.window.load_optics.trigger()
    settings = desk.window.form.settings()
    assert {n: getattr(settings, n) for n in TYPED} == FOUND.model_dump(
        include={*TYPED}
    )
    assert noted(desk) == "optics of optics.yaml"
    assert line_of(desk).isVisible() and line_of(desk).line.text() == SAID
    desk.scan()
    desk.finish()
    (folder,) = (f for f in desk.root.iterdir() if f.is_dir())
    kept = json.loads((folder / "run.json").read_text("utf-8"))
    assert list(kept["optics"].values()) == [FOUND.model_dump()]


def test_fit_and_pace_are_those_of_the_loaded_optics(desk, tmp_path, monkeypatch):
    desk.connect()
    desk.fill(estimator="wiener")
    asked, sites = [], []
    monkeypatch.setattr(desk.presenter.pace, "want", lambda tasks: asked.append(tasks))
    reconstruction = desk.window.form.reconstruction
    monkeypatch.setattr(reconstruction, "set_site", sites.append)
    desk.commands.use_optics(optics_file(tmp_path))
    assert asked[-1][0].optics == FOUND
    assert sites[-1].optics == (FOUND,)
    line_of(desk).forget.click()
    assert asked[-1][0].optics.z_scale == 1.0


@pytest.mark.parametrize(
    "text",
    [
        None,
        "[1",
        "- 1",
        "na: 0.7",
        "{na: 1.7, immersion_index: 1, wavelength_um: 0.5, pixel_size_um: 0.1}",
        "{na: 0.7, immersion_index: 1, wavelength_um: 0.5, pixel_size_um: 0.1, z: 1}",
    ],
)
def test_a_bad_file_is_one_line_and_changes_nothing(desk, tmp_path, text):
    file = tmp_path / "bad.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError) as refused:
        read_optics(file)
    desk.connect()
    desk.commands.use_optics(optics_file(tmp_path))
    before = desk.presenter.settings()
    desk.commands.use_optics(file)
    assert desk.window.status.detail.text() == str(refused.value)
    assert "\n" not in str(refused.value) and "bad.yaml" in str(refused.value)
    assert desk.presenter.settings() == before
    assert line_of(desk).line.text() == SAID


def test_what_was_typed_is_said_where_it_is_replaced(desk, tmp_path):
    desk.connect()
    box_of(desk).inputs["na"].setText("0.75")
    box_of(desk).inputs["wavelength_um"].setText("600")
    box_of(desk).inputs["pixel_size_um"].setText("0.325")
    desk.commands.use_optics(optics_file(tmp_path))
    assert noted(desk) == "optics of optics.yaml, in place of NA 0.75, 600 nm"
    other = optics_file(tmp_path, FOUND.model_copy(update={"z_scale": 0.9}))
    desk.commands.use_optics(other)
    assert noted(desk).endswith(f"in place of {SAID}")


def test_wavelengths_by_channel_stay(desk, tmp_path):
    desk.connect()
    by_channel = {"DAPI": 0.46, "GFP": 0.52}
    told = experiment_file(tmp_path, wavelength_um=by_channel)
    desk.commands.use_settings(told)
    desk.commands.use_optics(optics_file(tmp_path))
    assert noted(desk) == "optics of optics.yaml; wavelengths by channel stay"
    assert box_of(desk).inputs["wavelength_um"].text() == ""
    sequence = sequence_of(desk.presenter.settings())
    optics = ExperimentSettings.of(sequence.metadata).optics
    assert (optics.wavelength_um, optics.z_scale) == (by_channel, 0.8)


def test_the_command_loads_them_at_start(desk, tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(app, "run", lambda *given: begun.append(given) or 0)
    file = optics_file(tmp_path)
    assert main(["gui", "--optics", str(file)]) == 0
    ((config, out, told),) = begun
    assert (config, out, told) == (None, None, (FOUND, file.name))
    # before there is a microscope
    desk.commands.take_optics(*told)
    desk.connect()
    assert line_of(desk).isVisible() and line_of(desk).line.text() == SAID
    assert desk.presenter.settings().na == FOUND.na


# ---- what is shown, and dropped ------------------------------------------------------


def test_another_na_by_hand_keeps_the_z_scale_and_is_said(desk, tmp_path, monkeypatch):
    desk.connect()
    desk.commands.use_optics(optics_file(tmp_path))
    na = box_of(desk).inputs["na"]
    shown, line = na.text(), line_of(desk).line
    na.setText("0.75")
    assert line.text().endswith("(calibrated at NA 0.7235, not 0.75)")
    assert line.objectName() == "warn"
    assert desk.presenter.settings().calibration.z_scale == 0.8
    choose(monkeypatch, tmp_path / "again.yaml")
    desk.fill()
    desk.window.save_settings.trigger()
    assert "calibrated at NA 0.7235, not 0.75" in noted(desk)
    # the microscope's own
    na.clear()
    assert "not 0.75" in line.text()
    na.setText("no number")
    assert line.text() == SAID
    na.setText(shown)
    assert (line.text(), line.objectName()) == (SAID, "muted")
    assert desk.presenter.settings().na == FOUND.na
    box_of(desk).inputs["immersion_index"].setText("1.33")
    assert line.text().endswith("(calibrated at n 1, not 1.33)")


def test_an_experiment_with_the_keys_shows_them_and_forget_removes_them(desk, tmp_path):
    told = {"na": 0.7, "z_scale": 0.9, "wavelength_um": 0.6}
    desk.connect()
    desk.commands.use_settings(experiment_file(tmp_path, **told))
    line = line_of(desk)
    assert line.isVisible() and line.line.text() == "z scale 0.90 (calibrated)"
    line.forget.click()
    assert not line.isVisible()
    write_settings(tmp_path / "again.yaml", desk.presenter.settings())
    again = read_experiment(tmp_path / "again.yaml").metadata["rmz_acquire"]
    assert again["optics"] == {"na": 0.7, "wavelength_um": 0.6}


def test_an_experiment_without_them_does_not_drop_them_in_silence(desk, tmp_path):
    desk.connect()
    desk.commands.use_optics(optics_file(tmp_path))
    desk.commands.use_settings(experiment_file(tmp_path))
    assert not line_of(desk).isVisible()
    assert noted(desk).startswith(f"settings of scan.yaml, without {SAID}: load")


@pytest.mark.parametrize("size", [(900, 480), (960, 540)])
def test_nothing_is_cut_off_in_a_small_window(desk, tmp_path, size):
    desk.connect()
    desk.fill(estimator="wiener")
    desk.commands.use_optics(optics_file(tmp_path))
    box_of(desk).inputs["na"].setText("0.75")
    desk.window.resize(*size)
    desk.window.right.raise_()
    for _ in range(3):
        QApplication.processEvents()
    form, held = desk.window.form, line_of(desk)
    assert (desk.window.width(), desk.window.height()) == size
    assert form.body.width() <= form.area.viewport().width()
    assert held.line.height() >= held.line.heightForWidth(held.line.width())
    assert held.forget.width() >= held.forget.sizeHint().width()
    right = held.forget.mapTo(form.body, held.forget.rect().bottomRight())
    assert form.body.rect().contains(right)


# ---- files, without a window ---------------------------------------------------------


@pytest.mark.parametrize(
    "optics",
    [
        {"z_scale": 0.8, "spherical_waves": -0.05, "sample_index": 1.38, "na": 0.7},
        {"z_scale": 1.0, "spherical_waves": 0.0},
        {"secondary_spherical_waves": 0.03, "apodisation": 0.4},
        {"sample_index": 1.38},
        {},
    ],
)
def test_a_round_trip_keeps_the_keys(tmp_path, optics):
    first = experiment_file(tmp_path, **optics)
    write_settings(tmp_path / "second.yaml", read_settings(first))
    again = read_experiment(tmp_path / "second.yaml").metadata["rmz_acquire"]
    assert again.get("optics", {}) == optics


def test_settings_with_calibrated_optics_are_written_with_them(tmp_path):
    settings = ScanSettings(bottom_um=-2.0, top_um=2.0, estimator="wiener")
    calibrated = with_calibrated(settings, FOUND)
    write_settings(tmp_path / "scan.yaml", calibrated)
    back = read_settings(tmp_path / "scan.yaml")
    assert replace(back, base=None) == calibrated
    optics = ExperimentSettings.of(back.base.metadata).optics
    assert optics.model_dump() == FOUND.model_dump()


@pytest.mark.parametrize(
    ("calibration", "said"),
    [
        (Calibration(), ""),
        (Calibration(z_scale=1.0, spherical_waves=0.0, na=0.7), ""),
        (Calibration(z_scale=0.8), "z scale 0.80 (calibrated)"),
        (Calibration(spherical_waves=0.1), "spherical 0.10 waves (calibrated)"),
        (
            Calibration(secondary_spherical_waves=-0.03, apodisation=0.4),
            "secondary spherical -0.03 waves, apodisation 0.40 (calibrated)",
        ),
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
