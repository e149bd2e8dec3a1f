"""The form: simple first, the model follows the optics, the cost is said."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints

import pytest
import useq
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QMessageBox,
    QSpinBox,
)

from rmz_acquire import plugins
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.experiment_form import read_settings, write_settings
from rmz_acquire.gui.models.quality import QUALITIES, quality_of, with_quality
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.gui.views.reconstruction_box import ReconstructionBox
from rmz_acquire.gui.views.scan_form import ScanForm
from rmz_acquire.gui.views.stop_box import StopBox
from rmz_acquire.models import DEFAULT_MODEL, WIDE_MODEL

GOOD = ScanSettings(bottom_um=-10.0, top_um=10.0, estimator="wiener")

# ---- simple first --------------------------------------------------------------------


def test_range_channels_quality_and_start_are_all_that_is_seen(desk):
    desk.connect()
    form = desk.window.form
    for widget in (form.top, form.bottom, form.channels, form.quality, form.start):
        assert widget.isVisible()
    for widget in (form.reconstruction, form.stop, form.counts, form.folder):
        assert not widget.isVisible()
    form.more.click()
    assert form.reconstruction.isVisible() and form.folder.isVisible()


def test_a_quality_sets_the_rule_and_a_rule_of_its_own_is_custom(desk):
    desk.connect()
    form = desk.window.form
    desk.fill()
    assert form.quality.buttons["balanced"].isChecked()
    assert not form.quality.buttons["custom"].isVisible()
    form.quality.buttons["careful"].click()
    careful = QUALITIES["careful"]
    assert form.settings().epsilon == pytest.approx(careful.epsilon)
    assert form.settings().min_planes == careful.min_planes
    form.epsilon.setValue(3.0)
    assert form.quality.buttons["custom"].isChecked()
    assert form.quality.buttons["custom"].isVisible()
    form.quality.buttons["fast"].click()
    assert form.epsilon.value() == pytest.approx(10.0)
    assert not form.quality.buttons["custom"].isVisible()


def test_each_quality_says_what_it_asks_for(desk):
    desk.connect()
    desk.fill(-15.0, 15.0)
    notes = {n: label.text() for n, label in desk.window.form.quality.notes.items()}
    # three, and one that is drawn at random
    assert notes["fast"].startswith("ε 10%, from 4 planes")
    assert notes["careful"].startswith("ε 2%, from 6 planes")
    # a network leaves no gap larger than it reaches over: 1.5 µm on its card
    desk.fill(-15.0, 15.0, estimator="recurrent-mz")
    assert (
        desk.window.form.quality.notes["fast"]
        .text()
        .startswith("ε 10%, from 13 planes")
    )


@pytest.mark.parametrize(
    "block",
    [
        {"epsilon": 0.07},
        {"tau": 0.2},
        {"min_planes": 9},
        {"policy": "uniform"},
        {"max_gap_um": 2.0},
        {"first_planes": 5},
        {"z_um": [1.0, 2.0]},
        {"estimator": "their_lab.scans:Smooth", "policy": "their_lab.scans:Down"},
    ],
)
def test_a_file_with_other_values_is_custom_and_loses_nothing(desk, tmp_path, block):
    told = {"version": 1, "estimator": "linear", "seed": 3, "checks": {"repeat": True}}
    sequence = useq.MDASequence(
        z_plan={"bottom": -4, "top": 4, "step": 0.5},
        metadata={"rmz_acquire": {**told, **block}, "lab": {"mouse": 7}},
    )
    file = tmp_path / "scan.yaml"
    file.write_text(sequence.yaml(exclude={"uid"}))
    desk.connect()
    desk.commands.use_settings(file)
    for box in desk.window.findChildren(QMessageBox):
        next(b for b in box.buttons() if b.text() == "Use it").click()
    assert desk.window.form.quality.buttons["custom"].isChecked()
    write_settings(tmp_path / "again.yaml", desk.presenter.settings())
    again = read_settings(tmp_path / "again.yaml").base.metadata
    assert again == sequence.metadata


def test_estimators_of_installed_packages_are_offered(qtbot, monkeypatch):
    point = EntryPoint("smooth", "their_lab.scans:Smooth", plugins.ESTIMATOR.group)
    points = EntryPoints([point])
    monkeypatch.setattr(plugins, "entry_points", lambda **by: points.select(**by))
    box = ReconstructionBox()
    qtbot.addWidget(box)
    place = box.estimator.findData("smooth")
    assert box.estimator.itemText(place) == "smooth (installed)"
    box.estimator.setCurrentIndex(place)
    assert box.values()["estimator"] == "smooth"
    assert "their_lab" not in sys.modules


def test_code_of_somebody_else_is_named_and_asked_about_once(desk, tmp_path):
    block = {"version": 1, "estimator": "their_lab.scans:Smooth", "epsilon": 0.031}
    sequence = useq.MDASequence(
        z_plan={"bottom": -4, "top": 4, "step": 0.5}, metadata={"rmz_acquire": block}
    )
    file = tmp_path / "theirs.yaml"
    file.write_text(sequence.yaml(exclude={"uid"}))
    desk.connect()
    before = desk.window.form.settings()

    def answer(text):
        (box,) = desk.window.findChildren(QMessageBox)
        assert "theirs.yaml names code" in box.text()
        assert "their_lab.scans:Smooth" in box.informativeText()
        next(b for b in box.buttons() if text in b.text()).click()
        desk.until(lambda: not desk.window.findChildren(QMessageBox))

    desk.commands.use_settings(file)
    # nothing of it is in the form before somebody has agreed
    assert desk.window.form.settings() == before
    answer("Cancel")
    assert desk.window.form.settings() == before
    desk.commands.use_settings(file)
    answer("Use it")
    assert desk.window.form.settings().estimator == "their_lab.scans:Smooth"
    assert "their_lab" not in sys.modules
    # once
    desk.commands.use_settings(file)
    assert not desk.window.findChildren(QMessageBox)


def test_a_quality_that_is_chosen_takes_the_rules_of_a_file_off():
    block = {"version": 1, "estimator": "wiener", "max_gap_um": 2.0, "seed": 3}
    base = useq.MDASequence(metadata={"rmz_acquire": block})
    loaded = replace(GOOD, base=base, tau=0.1)
    assert quality_of(loaded) == "custom"
    fast = with_quality(loaded, "fast")
    assert quality_of(fast) == "fast"
    assert fast.base.metadata["rmz_acquire"] == {
        "version": 1,
        "estimator": "wiener",
        "seed": 3,
    }


def test_channels_are_ticked_and_stand_in_the_series(desk):
    desk.connect()
    picker, series = desk.window.form.channels, desk.window.series
    assert "None selected" in picker.note.text()
    picker.buttons["DAPI"].click()
    picker.buttons["Cy5"].click()
    names = [c.config for c in series.values()["channels"]]
    assert sorted(names) == ["Cy5", "DAPI"]
    assert "DAPI 5 ms" in picker.note.text()
    series.channels.set_value((useq.Channel(config="GFP", exposure=7),))
    series.changed.emit()
    assert picker.buttons["GFP"].isChecked()
    assert not picker.buttons["DAPI"].isChecked()
    # what a row has of its own stays
    picker.buttons["RFP"].click()
    kept = {c.config: c.exposure for c in series.values()["channels"]}
    assert kept["GFP"] == 7
    picker.buttons["GFP"].click()
    picker.buttons["RFP"].click()
    assert not series.values()["channels"]


# ---- the model follows the optics ----------------------------------------------------


def test_the_model_follows_objective_and_range(desk):
    desk.connect()
    form = desk.window.form
    desk.fill(-15.0, 15.0, estimator="recurrent-mz")
    box = form.reconstruction.model
    assert box.currentText() == f"Automatic: {DEFAULT_MODEL}"
    assert form.settings().model is None
    desk.fill(-20.0, 20.0, estimator="recurrent-mz")
    assert box.currentText() == f"Automatic: {WIDE_MODEL}"
    desk.fill(-2.0, 2.0, estimator="recurrent-mz")
    desk.presenter.microscope.core.setConfig("Objective", "40x")
    desk.until(lambda: box.currentText() == f"Automatic: {WIDE_MODEL}")
    assert form.reconstruction.fit.text().startswith("widefield fits")
    # fine-tuning starts from the same one
    assert desk.window.training.setup.chosen_model() == WIDE_MODEL


def test_the_list_marks_what_fits_and_a_misfit_says_what_to_choose(desk):
    desk.connect()
    box = desk.window.form.reconstruction
    desk.fill(-2.0, 2.0, estimator="recurrent-mz")
    desk.presenter.microscope.core.setConfig("Objective", "40x")
    box.choice.choose(DEFAULT_MODEL)
    box.changed.emit()
    desk.until(lambda: "Does not fit" in box.fit.text())
    assert "made for 20x/0.75; yours is 40x/1.2" in box.fit.text()
    texts = [box.model.itemText(i) for i in range(box.model.count())]
    assert f"{WIDE_MODEL}  ✓ fits" in texts
    assert f"{DEFAULT_MODEL}  – does not fit" in texts
    box.fit.linkActivated.emit(f"use:{WIDE_MODEL}")
    assert desk.presenter.settings().model == WIDE_MODEL
    assert box.fit.text() == "Fits this objective, pixel size and range."
    # deeper than any model knows: the filter needs none
    desk.fill(-40.0, 40.0, estimator="recurrent-mz")
    assert "ranges up to" in box.fit.text() and "Wiener filter" in box.fit.text()
    box.fit.linkActivated.emit("without:")
    assert desk.presenter.settings().estimator == "wiener"


def test_a_channel_that_the_model_does_not_fit_is_named(desk):
    desk.connect()
    desk.fill(-2.0, 2.0, estimator="recurrent-mz")
    facts = desk.presenter.facts
    desk.presenter.facts = replace(facts, emission_um={"GFP": 0.52, "Cy5": 0.8})
    for name in ("GFP", "Cy5"):
        desk.window.form.channels.buttons[name].click()
    series = desk.window.series
    series.channels.set_value(
        (
            useq.Channel(config="GFP", exposure=5),
            useq.Channel(config="Cy5", exposure=5),
        )
    )
    series.changed.emit()
    fit = desk.window.form.reconstruction.fit.text()
    assert fit.startswith(f"{DEFAULT_MODEL} does not fit Cy5: made for pixels of 0.5")


# ---- what is wrong -------------------------------------------------------------------


def wrong_fields(desk):
    box = desk.window.form.reconstruction.optics_box
    return {name for name, field in box.inputs.items() if field.property("wrong")}


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("wavelength_um", "5200", "5200 nm is outside 100 to 3000 nm"),
        ("wavelength_um", "0.52", "0.52 nm is outside 100 to 3000 nm"),
        ("wavelength_um", "-1", "wavelength must be above 0 nm"),
        ("pixel_size_um", "0", "pixel size must be above 0 µm"),
        ("na", "abc", "NA is not a number"),
        ("na", "1.2", "NA of 1.2 is not below the immersion index, 1"),
        ("immersion_index", "0.5", "not below the immersion index, 0.5"),
    ],
)
def test_the_wrong_field_alone_is_marked_in_its_own_unit(desk, field, text, said):
    desk.connect()
    desk.fill(estimator="wiener")
    box = desk.window.form.reconstruction.optics_box
    box.inputs[field].setText(text)
    assert said in desk.window.form.reason.text()
    assert wrong_fields(desk) == {field}
    # and it can be seen
    assert desk.window.form.folded.isVisible() or box.fields.isVisible()
    box.inputs[field].clear()
    assert not wrong_fields(desk) and desk.window.form.start.isEnabled()


def test_what_micro_manager_knows_is_filled_in(desk):
    """Also where it does not know the rest: the stock demo has a pixel size, no NA."""
    desk.presenter.connect_microscope("MMConfig_demo.cfg")
    desk.until(lambda: desk.window.status.headline.text() == "Ready")
    core = desk.presenter.microscope.core
    desk.fill(estimator="wiener")
    box = desk.window.form.reconstruction.optics_box
    assert core.getPixelSizeUm() > 0
    assert float(box.inputs["pixel_size_um"].placeholderText()) == pytest.approx(
        core.getPixelSizeUm(), rel=1e-3
    )
    assert box.inputs["pixel_size_um"].isVisible()
    assert "pixel_size_um" not in wrong_fields(desk)
    assert "na" in wrong_fields(desk)
    core.setProperty("Camera", "Binning", "2")
    desk.until(
        lambda: (
            box.inputs["pixel_size_um"].placeholderText()
            == f"{core.getPixelSizeUm():.4g}"
        )
    )


# ---- the wheel -----------------------------------------------------------------------


def turn(widget, by=-120):
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, by),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def value_of(widget):
    if isinstance(widget, QComboBox):
        return widget.currentIndex()
    if isinstance(widget, QSpinBox | QDoubleSpinBox):
        return widget.value()
    return widget.text()


def test_the_wheel_changes_nothing_that_has_no_focus(desk):
    """Every field there is, those of pymmcore-widgets and of the tables too."""
    desk.connect()
    window = desk.window
    window.form.more.setChecked(True)
    for table in (window.series.channels, window.series.positions, window.series.times):
        table.switch.setChecked(True)
        table.table.act_add_row.trigger()
    window.form.setFocus()
    fields = window.findChildren(QAbstractSpinBox) + window.findChildren(QComboBox)
    assert len(fields) > 25
    before = [value_of(field) for field in fields]
    for field in fields:
        assert field.focusPolicy() is not Qt.FocusPolicy.WheelFocus or not (
            field.isVisible()
        )
        turn(field)
        turn(field, 120)
        turn(field, 120)
    assert [value_of(field) for field in fields] == before


def test_the_wheel_scrolls_the_form_and_turns_a_field_that_has_the_focus(desk):
    desk.connect()
    form = desk.window.form
    form.more.setChecked(True)
    desk.window.resize(1280, 720)
    QApplication.processEvents()
    bar = form.area.verticalScrollBar()
    assert bar.maximum() > 0
    turn(form.step)
    assert form.step.value() == 0.5
    desk.window.activateWindow()
    form.step.setFocus()
    desk.until(form.step.hasFocus)
    turn(form.step)
    assert form.step.value() < 0.5


# ---- room ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(960, 540), (1280, 720)])
def test_the_window_fits_a_small_screen(desk, size):
    """960 × 540 is a full HD screen at twice the scale."""
    desk.connect()
    window = desk.window
    window.form.more.setChecked(True)
    window.resize(*size)
    QApplication.processEvents()
    assert (window.width(), window.height()) == size
    for dock in window.docks:
        if dock is not window.left:
            dock.raise_()
            QApplication.processEvents()
        inside = window.rect().contains(dock.geometry())
        assert inside, f"{dock.windowTitle()} at {dock.geometry()}"
    window.right.raise_()
    QApplication.processEvents()
    start = window.form.start
    assert start.isVisible()
    at = start.mapTo(window, start.rect().bottomRight())
    assert window.rect().contains(at)
    # all of it can be seen by scrolling down
    assert window.form.body.width() <= window.form.area.viewport().width()
    assert desk.state is State.ready


def test_the_innovation_that_a_scan_asks_for_is_shown(qtbot):
    """Also where nobody typed one: planes are drawn at random, but in equal spacing."""
    box = StopBox()
    qtbot.addWidget(box)
    assert box.tau.text() == "as usual, 20 %" and box.values()["tau"] is None
    box.policy.setCurrentIndex(box.policy.findData("uniform"))
    assert box.tau.text() == "not asked"
    box.tau.setValue(10)
    assert box.tau.text() == "10.0 %" and box.values()["tau"] == 0.1


def test_what_follows_a_misfit_is_kept_and_off_where_nothing_tells_one(qtbot, tmp_path):
    """Saved, loaded, and gone with an estimator that tells none: never refused."""
    form = ScanForm(tmp_path)
    qtbot.addWidget(form)
    write_settings(tmp_path / "scan.yaml", replace(GOOD, misfit="stop"))
    loaded = read_settings(tmp_path / "scan.yaml")
    assert loaded.misfit == "stop" and loaded.plan().misfit == "stop"
    form.set_settings(GOOD)
    assert form.settings().misfit == "warn"
    form.set_settings(loaded)
    assert form.stop.misfit.currentText() == "Stop" and not form.stop.untold.text()
    form.reconstruction.use("linear")
    assert not form.stop.misfit.isEnabled()
    assert form.stop.untold.text().startswith("Linear interpolation cannot tell")
    assert form.settings().misfit == "warn"
    write_settings(tmp_path / "linear.yaml", form.settings())
    form.reconstruction.use("recurrent-mz")
    form.reconstruction.add_model(DEFAULT_MODEL)
    assert DEFAULT_MODEL in form.stop.untold.text()
    form.reconstruction.use("wiener")
    assert form.settings().misfit == "stop" and not form.stop.untold.text()
    block = {**loaded.base.metadata["rmz_acquire"], "z_um": [0.0], "misfit": "warn"}
    exact = loaded.base.replace(metadata={"rmz_acquire": block})
    form.set_settings(replace(loaded, base=exact))
    assert "exactly the planes of a list" in form.stop.untold.text()
    assert form.settings().misfit == "warn"
