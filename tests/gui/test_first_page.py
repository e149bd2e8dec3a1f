"""The first page, and what stands around the pictures: runs, help, icons, colours."""

from __future__ import annotations

import numpy as np
import pytest
from grabbing import pixels_of
from PyQt6.QtCore import QPoint, QRect
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)
from scipy import stats
from superqt import QElidingLabel

import rmz_acquire
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.icons import svg
from rmz_acquire.gui.models.thumbnails import kept_thumbnail
from rmz_acquire.gui.theme import DARK, LIGHT
from rmz_acquire.gui.views.specimen_box import SpecimenBox


def test_the_stock_demo_configuration_is_one_click_away(desk):
    window = desk.window
    assert window.welcome.demo.isVisible()
    window.welcome.demo.click()
    desk.until(lambda: desk.state is State.ready)
    core = desk.presenter.microscope.core
    assert core.getDeviceLibrary(core.getCameraDevice()) == "DemoCamera"
    # it has no specimen to choose
    assert not window.microscope.findChildren(SpecimenBox)


def test_a_specimen_is_chosen_before_and_after_connecting(desk):
    window, (row, name, seed) = desk.window, (2, "nuclei", 7)
    box = window.welcome.specimen
    box.name.setCurrentIndex(row)
    box.name.activated.emit(row)
    box.seed.setValue(seed)
    desk.connect(small=False)
    core = desk.presenter.microscope.core
    assert core.getProperty("Camera", "Specimen") == name
    assert int(core.getProperty("Camera", "Seed")) == seed
    # and another one, in the live view that goes on
    core.setProperty("Camera", "SensorSize_px", 64)
    window.live.trigger()
    desk.until(lambda: window.camera.note.text() == "live")
    (shown,) = window.microscope.findChildren(SpecimenBox)
    assert (shown.name.currentData(), shown.seed.value()) == (name, seed)
    shown.name.setCurrentIndex(0)
    shown.name.activated.emit(0)
    desk.until(lambda: core.getProperty("Camera", "Specimen") == "beads")
    desk.until(lambda: desk.state is State.live)


def test_about_says_version_licences_and_where_the_manual_is(desk):
    desk.window.about.trigger()
    (dialog,) = desk.window.findChildren(QDialog)
    words = dialog.words.text()
    for said in (rmz_acquire.__version__, "BSD-3-Clause", "PyQt6", "GPL", "README.md"):
        assert said in words
    dialog.words.linkActivated.emit("manual")
    (manual,) = dialog.findChildren(QDialog)
    assert "Two commands" in manual.text.toPlainText()
    manual.close()
    dialog.close()


def test_window_and_dialogs_have_an_icon(desk):
    icon = desk.window.windowIcon()
    image = icon.pixmap(48).toImage()
    assert not image.isNull()
    colours = {image.pixel(x, y) for x in range(48) for y in range(48)}
    assert len(colours) > 3


def test_runs_are_listed_with_a_picture_of_their_planes(desk):
    desk.connect()
    desk.fill(max_planes=4)
    desk.scan()
    desk.finish()
    runs = desk.window.runs
    desk.until(lambda: not runs.thumbnails.busy)
    item = runs.list.item(0)

    def picture():
        image = item.icon().pixmap(48).toImage()
        return np.array(
            [
                [image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())]
                for y in range(image.height())
            ]
        )

    desk.until(lambda: picture().max() > 150)
    # green, as GFP is, and like the brightest of the planes
    assert picture()[..., 1].sum() > 2 * picture()[..., 0].sum()
    (folder,) = desk.root.iterdir()
    made = kept_thumbnail(folder, desk.state_dir / "thumbnails")
    assert made.channel == "GFP" and made.pixels.shape == (64, 64)
    planes = desk.presenter.shown.run.shown.planes
    brightest = np.max([plane.image for plane in planes], axis=0)
    # the brightest are cut off, their order is kept
    likeness = stats.spearmanr(brightest.ravel(), made.pixels.ravel()).statistic
    turned = stats.spearmanr(brightest.T.ravel(), made.pixels.ravel()).statistic
    assert likeness > 0.95 > 0.5 > turned
    assert len(list((desk.state_dir / "thumbnails").iterdir())) == 1


def test_what_is_off_is_dim_in_both_themes(desk):
    desk.connect()
    window = desk.window
    stage = window.microscope.stages["Z"]
    buttons = stage.findChildren(QPushButton)
    assert len(buttons) == 5
    for theme in (DARK, LIGHT):
        window.set_theme(theme)
        ground = np.array(pixel(theme.panel))
        far = {}
        for on in (True, False):
            stage.setEnabled(on)
            desk.bot.wait(30)
            drawn = pixels_of(window)
            for button in buttons:
                at = QRect(button.mapTo(window, QPoint(0, 0)), button.size())
                pixels = drawn[at.top() : at.bottom(), at.left() : at.right()]
                pixels = pixels.reshape(-1, 3).astype(int)
                far[button, on] = np.linalg.norm(pixels - ground, axis=1).max()
                # neither lime nor the red of another program
                assert np.abs(pixels - (0, 255, 0)).sum(axis=1).min() > 120
                if not on:
                    assert np.ptp(pixels, axis=1).max() < 60
        for button in buttons:
            assert far[button, False] < 0.75 * far[button, True]


def pixel(colour):
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def cut_off(root):
    """Words that have less room than they need, as text and sizes."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or isinstance(widget, QElidingLabel):
            continue
        width, height = widget.width(), widget.height()
        if isinstance(widget, QLabel) and widget.text():
            need = widget.sizeHint()
            if widget.wordWrap():
                ok = height >= widget.heightForWidth(width) - 1
            else:
                ok = width >= need.width() - 1
            text = widget.text()
        elif isinstance(widget, QAbstractButton) and widget.text():
            ok = width >= widget.minimumSizeHint().width() - 1
            ok = ok and height >= widget.fontMetrics().height()
            text = widget.text()
        elif isinstance(widget, QComboBox):
            option = QStyleOptionComboBox()
            widget.initStyleOption(option)
            room = widget.style().subControlRect(
                QStyle.ComplexControl.CC_ComboBox,
                option,
                QStyle.SubControl.SC_ComboBoxEditField,
                widget,
            )
            text = widget.currentText()
            ok = room.width() >= widget.fontMetrics().horizontalAdvance(text)
        elif isinstance(widget, QAbstractSpinBox):
            line = widget.findChild(QLineEdit)
            text = line.text()
            ok = line.width() >= line.fontMetrics().horizontalAdvance(text)
        else:
            continue
        if not ok:
            found.append((type(widget).__name__, text, width, height))
    return found


def overlapping(root):
    """Pairs of widgets with words that lie on each other."""
    kinds = QLabel, QAbstractButton, QComboBox, QAbstractSpinBox
    shown = [
        widget
        for widget in root.findChildren(QWidget)
        if isinstance(widget, kinds)
        and widget.isVisible()
        and not widget.visibleRegion().isEmpty()
        and not widget.objectName().startswith("plate")
    ]

    def place(widget):
        corner = widget.mapTo(root, widget.rect().topLeft())
        return QRect(corner, widget.size()).intersected(
            widget.visibleRegion().boundingRect().translated(corner)
        )

    found = []
    for k, one in enumerate(shown):
        for other in shown[k + 1 :]:
            if one.isAncestorOf(other) or other.isAncestorOf(one):
                continue
            both = place(one).intersected(place(other))
            if both.width() > 1 and both.height() > 1:
                found.append((one, other, both))
    return found


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_words_are_cut_off_or_overlap_at_1280x720(desk, theme):
    window = desk.window
    window.resize(1280, 720)
    if theme == "light":
        window.toggle_theme()

    def check():
        desk.bot.wait(50)
        assert (window.width(), window.height()) == (1280, 720)
        assert not cut_off(window)
        assert not overlapping(window)

    check()
    desk.connect()
    for dock in window.docks[1:]:
        dock.raise_()
        check()
    window.docks[1].raise_()
    window.live.trigger()
    desk.until(lambda: window.camera.note.text() == "live")
    check()
    window.live.trigger()
    desk.until(lambda: desk.state is State.ready)
    desk.fill(max_planes=4)
    desk.scan()
    desk.until(lambda: window.volume.volume is not None)
    check()
    desk.finish()
    check()


def test_icons_that_ndv_asks_for_are_shipped(caplog):
    for key in (
        "foundation:graph-bar",
        "fluent:full-screen-maximize-24-filled",
        "mdi:math-log",
        "mdi:content-save",
        "mdi:vector-rectangle",
        "f7:view-2d",
        "f7:view-3d",
        "bi:play-fill",
        "bi:pause-fill",
        "bi:chevron-up",
        "bi:chevron-down",
    ):
        assert b"<path" in svg(key)
    assert "is not shipped" not in caplog.text
