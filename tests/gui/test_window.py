"""The window by clicks: real widgets, the simulated microscope, no network."""

from __future__ import annotations

import numpy as np
import pytest
from cli_helpers import write_model
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QAbstractButton, QMessageBox, QPushButton

from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.icons import svg
from rmz_acquire.gui.models.slice_layout import SliceLayout
from rmz_acquire.optics import Optics
from rmz_acquire.recording.folder import CHECKS, OME_TIFF, RUN_FILES

MODEL_OPTICS = Optics(
    na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325
)

# where nothing was checked, and no OME-TIFF asked for
FILES = set(RUN_FILES) - {CHECKS, OME_TIFF}


def stage_button(desk, tip):
    stage = desk.window.microscope.stages["Z"]
    return next(b for b in stage.findChildren(QPushButton) if b.toolTip() == tip)


def click(desk, button):
    assert button.isVisible() and button.isEnabled()
    desk.bot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_first_scan_takes_eight_clicks_and_no_reading(desk, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "rmz_acquire.gui.views.commands.QDesktopServices.openUrl",
        lambda url: opened.append(url.toLocalFile()) or True,
    )
    window, clicks = desk.window, 0

    def press(button):
        nonlocal clicks
        click(desk, button)
        clicks += 1

    press(window.welcome.simulated)
    desk.until(lambda: desk.state is State.ready and window.live.isEnabled())
    # the same microscope, with a picture small enough for a test
    desk.presenter.microscope.core.setProperty("Camera", "SensorSize_px", 64)
    press(window.bar.widgetForAction(window.live))
    desk.until(lambda: window.camera.note.text() == "live")
    press(stage_button(desk, "move by -10.0 µm"))
    desk.until(lambda: window.focus.text().endswith("-10.00 µm"))
    press(window.form.set_bottom)
    press(stage_button(desk, "move by 20.0 µm"))
    desk.until(lambda: window.focus.text().endswith(" 10.00 µm"))
    press(window.form.set_top)
    assert (window.form.bottom.um(), window.form.top.um()) == (-10.0, 10.0)
    # which it reaches soon, as with a coarse specimen
    window.form.epsilon.setValue(50.0)
    desk.until(window.form.start.isEnabled)
    press(window.form.start)
    desk.until(lambda: window.volume.volume is not None)
    desk.finish()
    headline = window.status.headline.text()
    assert headline.startswith(("Done", "Stopped at the largest"))
    assert "epsilon" in window.status.detail.text()
    assert "of the full stack's 41 planes" in window.status.detail.text()
    press(window.status.open)
    assert clicks <= 8
    (folder,) = desk.root.iterdir()
    assert opened == [str(folder)]
    assert {p.name for p in folder.iterdir()} == FILES
    assert window.volume.volume.shape == (41, 64, 64)


def test_start_says_why_it_is_off_and_marks_the_field(desk):
    form = desk.window.form
    assert not form.start.isEnabled()
    desk.connect()
    assert form.reason.text() == "Cannot start: set the bottom of the range."
    desk.fill(5.0, -5.0)
    assert "top must lie above" in form.reason.text()
    assert form.top.property("wrong") and not form.bottom.property("wrong")
    assert "top must lie above" in form.top.toolTip()
    form.top.set_um(900.0)
    assert "outside the stage's -200 to 200" in form.reason.text()
    form.top.set_um(9.0)
    assert form.start.isEnabled() and not form.top.property("wrong")
    assert form.top.toolTip() == ""
    form.max_planes.setValue(2)
    assert "yet at least 4" in form.reason.text()
    form.max_planes.setValue(0)
    form.max_light.setValue(10)
    assert form.max_light.property("wrong")


def test_optics_typed_wrong_are_marked(desk):
    form = desk.window.form
    desk.connect()
    desk.fill(estimator="wiener")
    assert form.start.isEnabled() and "NA 0.75" in form.reconstruction.optics.text()
    form.reconstruction.optics_more.click()
    for text in ("1.2", "abc"):
        form.reconstruction.na.setText(text)
        assert form.reconstruction.na.property("wrong") and not form.start.isEnabled()
    form.reconstruction.na.setText("0.8")
    assert form.start.isEnabled() and "NA 0.8" in form.reconstruction.optics.text()


def test_every_button_in_every_state(desk, monkeypatch):
    """Whatever is clicked whenever: no exception, and the scan ends well."""
    for place in ("commands", "run_view", "scan_form", "model_choice"):
        dialog = f"rmz_acquire.gui.views.{place}.QFileDialog"
        for name, answer in (
            ("getExistingDirectory", ""),
            ("getOpenFileName", ("", "")),
            ("getSaveFileName", ("", "")),
        ):
            monkeypatch.setattr(f"{dialog}.{name}", lambda *_, a=answer: a)
    monkeypatch.setattr(
        "rmz_acquire.gui.views.commands.QDesktopServices.openUrl", lambda _: True
    )
    # sub-sequences of positions have one of their own
    monkeypatch.setattr("PyQt6.QtWidgets.QDialog.exec", lambda _: 0)
    window = desk.window
    status = window.status
    desk.connect()
    desk.fill(max_planes=8)
    # these lead into another state: each is pressed by itself below
    leading = {status.abort, status.keep, status.go_on, status.compare}
    leading.add(window.form.start)

    def press_all():
        inside = (window.centralWidget(), window.form, window.series, window.runs)
        for part in inside:
            for button in part.findChildren(QAbstractButton):
                if button in leading or not button.isVisible():
                    continue
                if button.isEnabled():
                    button.click()
                    desk.bot.wait(2)
        for table in (window.series.channels, window.series.positions):
            table.switch.setChecked(False)
        window.series.times.switch.setChecked(False)

    for dock in window.docks:
        dock.raise_()
        desk.bot.wait(10)
        press_all()
    desk.fill(-4.0, 4.0, max_planes=8)
    window.live.trigger()
    desk.until(lambda: desk.state is State.live)
    press_all()
    desk.fill(-4.0, 4.0, max_planes=8)
    desk.scan()
    press_all()
    desk.until(lambda: desk.state is not State.scanning)
    if desk.state is State.paused:
        press_all()
    if desk.state is State.paused:
        window.status.pause.click()
    desk.finish()
    press_all()
    for button in (status.go_on, status.compare):
        button.click()
        desk.until(lambda: desk.state.busy)
        press_all()
        desk.until_over_pauses()
    assert window.isVisible()


def test_no_icon_is_missing_and_no_network_asked(desk, monkeypatch, caplog):
    asked = []
    monkeypatch.setattr(
        "requests.Session.request", lambda *a, **_: asked.append(a) or 1 / 0
    )
    desk.window.toggle_theme()
    desk.connect()
    icon = svg("mdi:play", color="red", rotate=90, flip="horizontal")
    assert b"red" in icon and b"rotate(90" in icon and b"scale(-1 1)" in icon
    assert not asked and "is not shipped" not in caplog.text
    svg("nobody:has-this")
    assert "is not shipped" in caplog.text


def test_actions_do_nothing_without_a_microscope(desk):
    window = desk.window
    for action in window.actions():
        if action.text().endswith("…") or action in (
            window.close_action,
            window.connect_simulated,
            window.connect_demo,
            window.about_keys,
            window.about,
            window.manual,
        ):
            continue
        action.trigger()
    desk.bot.wait(50)
    assert desk.state is State.empty and window.isVisible()


@pytest.mark.parametrize("state", ["ready", "live", "scanning", "paused"])
def test_closing_in_any_state_ends_safely(desk, state):
    desk.connect()
    core = desk.presenter.microscope.core
    at_end = []
    letting_go = core.unloadAllDevices

    def seen():
        at_end.append((core.getShutterOpen(), core.getPosition()))
        letting_go()

    core.unloadAllDevices = seen
    desk.fill()
    if state == "live":
        desk.window.live.trigger()
        desk.until(lambda: desk.state is State.live)
    if state in ("scanning", "paused"):
        desk.scan()
        desk.until(lambda: desk.window.volume.volume is not None)
    if state == "paused":
        desk.window.status.pause.click()
        desk.until(lambda: desk.state is State.paused)
    desk.close()
    assert at_end == [(False, pytest.approx(0.0))]
    for folder in desk.root.glob("*"):
        assert {p.name for p in folder.iterdir()} == FILES


@pytest.mark.parametrize(("button", "paused"), [("abort", False), ("keep", True)])
def test_ending_early(desk, button, paused):
    desk.connect()
    desk.fill()
    desk.scan()
    desk.until(lambda: desk.window.volume.volume is not None)
    if paused:
        desk.window.status.pause.click()
        desk.until(lambda: desk.state is State.paused)
        assert desk.window.status.pause.text() == "Resume"
    getattr(desk.window.status, button).click()
    desk.finish()
    words = {"abort": "Aborted", "keep": "Stopped by hand, everything kept"}
    assert desk.window.status.headline.text() == words[button]
    listed = desk.window.runs.list.item(0).text()
    assert {"abort": "aborted", "keep": "stopped by hand, kept"}[button] in listed
    assert "by the user" in desk.window.status.detail.text()
    assert desk.window.form.start.isEnabled()


def test_a_plane_where_one_clicks(desk):
    desk.connect()
    desk.fill(max_planes=8)
    assert not desk.window.along_z.ask.isEnabled()
    desk.scan()
    desk.until(lambda: desk.window.volume.volume is not None)
    desk.window.along_z.shown.setPos(-3.7)
    desk.until(desk.window.along_z.ask.isEnabled)
    desk.window.along_z.ask.click()
    desk.finish()
    summary = desk.window.runs.list.item(0)
    assert summary is not None
    (folder,) = desk.root.iterdir()
    taken = (folder / "decisions.jsonl").read_text()
    assert "-3.7" in taken


def test_a_run_is_opened_again_and_compared(desk):
    desk.connect()
    desk.fill(max_planes=4)
    desk.scan()
    desk.finish()
    window = desk.window
    first = window.volume.volume.copy()
    window.compare.setCurrentIndex(window.compare.findData("nearest"))
    window.compare.activated.emit(window.compare.currentIndex())
    desk.until(lambda: not np.array_equal(window.volume.volume, first))
    window.volume.clear()
    window.runs.list.itemActivated.emit(window.runs.list.item(0))
    desk.until(lambda: window.volume.volume is not None)
    np.testing.assert_array_equal(window.volume.volume, first)
    assert window.camera.note.text().startswith("plane 4")


def test_slices_follow_the_click(desk):
    view = desk.window.volume
    volume = np.zeros((5, 8, 10), np.float32)
    volume[3, 2, 7] = 100
    moved = []
    view.z_changed.connect(moved.append)
    view.set_volume(volume, [0.0, 1.0, 2.0, 3.0, 4.0], 1.0)
    view.look_at(7.5, 2.5)
    np.testing.assert_array_equal(view.xz.image[::-1, 7], volume[:, 2, 7])
    np.testing.assert_array_equal(view.yz.image[2], volume[:, 2, 7])
    xz = SliceLayout.of(volume.shape, [0.0, 1.0, 2.0, 3.0, 4.0], 1.0).boxes[1]
    # in xz the top of the picture is the highest z
    view.look_at(7.5, xz.top + xz.height * 0.3)
    assert view.z_um == 3.0 and moved == [3.0]
    assert view.xy.image[2, 7] == 100
    view.set_maximum(True)
    assert view.xy.image.max() == view.xz.image.max() == 100
    view.step_z(-9)
    assert view.z_um == 0.0


def test_the_stock_demo_microscope(desk):
    desk.presenter.connect_microscope("MMConfig_demo.cfg")
    desk.until(lambda: desk.window.status.headline.text() == "Ready")
    core = desk.presenter.microscope.core
    core.setProperty("Camera", "OnCameraCCDXSize", 64)
    core.setProperty("Camera", "OnCameraCCDYSize", 64)
    desk.fill(estimator="wiener")
    form = desk.window.form
    # its labels tell no aperture
    assert not form.start.isEnabled() and "does not give" in form.reason.text()
    assert form.reconstruction.optics_fields.isVisible()
    form.reconstruction.na.setText("0.3")
    form.reconstruction.immersion.setText("1")
    form.reconstruction.wavelength.setText("520")
    assert form.start.isEnabled(), form.reason.text()
    desk.fill(max_planes=4)
    desk.scan()
    desk.finish()
    assert "full stack" in desk.window.status.detail.text()


def test_a_broken_configuration_says_what_is_wrong(desk, tmp_path):
    broken = tmp_path / "broken.cfg"
    broken.write_text("Device,Camera,NoSuchAdapter,Nothing\n")
    desk.presenter.connect_microscope(broken)
    desk.until(lambda: "broken.cfg" in desk.window.welcome.problem.text())
    assert desk.window.welcome.isVisible()
    desk.until(desk.window.welcome.simulated.isEnabled)
    desk.connect()


def test_a_failed_scan_shows_the_traceback_behind_a_button(desk, monkeypatch):
    desk.connect()
    desk.fill()
    core = desk.presenter.microscope.core

    def broken():
        msg = "the camera is gone"
        raise RuntimeError(msg)

    monkeypatch.setattr(core, "snapImage", broken)
    desk.scan()
    desk.finish()
    status = desk.window.status
    assert status.headline.text() == "The scan failed"
    assert "the camera is gone" in status.detail.text()
    status.details.click()
    (box,) = desk.window.findChildren(QMessageBox)
    assert "the camera is gone" in box.detailedText()
    assert "log.txt" in box.informativeText()
    monkeypatch.undo()


def test_a_model_that_does_not_fit_is_said(desk, tmp_path):
    folder = write_model(tmp_path / "tiny", MODEL_OPTICS)
    desk.connect()
    form = desk.window.form
    desk.fill(-2.0, 2.0, estimator="recurrent-mz")
    form.reconstruction.add_model(str(folder))
    desk.presenter.refresh()
    fit = form.reconstruction.fit
    assert fit.text() == "Fits this objective, pixel size and range."
    core = desk.presenter.microscope.core
    core.setConfig("Objective", "63x")
    desk.until(lambda: "Does not fit" in fit.text())
    assert "made for NA 0.75 air; yours is 63x/1.4" in fit.text()
    core.setConfig("Objective", "20x")
    desk.until(lambda: fit.text().startswith("Fits"))
    form.max_planes.setValue(4)
    desk.scan()
    desk.finish()
    assert "full stack" in desk.window.status.detail.text()


def test_dark_and_light_and_what_is_remembered(desk, qtbot, tmp_path):
    window = desk.window
    window.toggle_theme()
    window.colours.setCurrentText("Cividis")
    desk.connect()
    desk.fill()
    desk.close()
    from rmz_acquire.gui.app import make_gui

    again = make_gui(desk.state_dir, desk.root)
    qtbot.addWidget(again.window)
    assert again.window.store.value("theme") == "light"
    assert again.window.colours.currentText() == "Cividis"
    again.window.show()
    again.window.close()
    qtbot.waitUntil(lambda: not again.window.isVisible(), timeout=60_000)
