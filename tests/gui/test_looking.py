"""Looking at pictures with the mouse: contrast, readout, marks, zoom, the middle."""

from __future__ import annotations

import re

import numpy as np
import pytest
from grabbing import pixels_of
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent

Z_UM = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]


@pytest.fixture(autouse=True)
def _page(request):
    if "desk" in request.fixturenames:
        desk = request.getfixturevalue("desk")
        desk.window.resize(1280, 800)
        desk.window.show_welcome(False)
        desk.bot.wait(50)


def on_screen(pane, x, y):
    """Where a point of the drawing is in the viewport."""
    scene = pane.box.mapViewToScene(QPointF(x, y))
    return pane.canvas.mapFromScene(scene)


def point_at(desk, pane, x, y):
    viewport = pane.canvas.viewport()
    # a move to where the mouse is already would not be one
    desk.bot.mouseMove(viewport, QPoint(1, 1))
    desk.bot.wait(20)
    desk.bot.mouseMove(viewport, on_screen(pane, x, y))
    desk.bot.wait(20)


def zoom(pane, x, y):
    at = QPointF(on_screen(pane, x, y))
    wheel = QWheelEvent(
        at,
        pane.canvas.viewport().mapToGlobal(at),
        QPoint(),
        QPoint(0, 480),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    pane.canvas.wheelEvent(wheel)


def ramp(shape=(40, 90), dtype=np.uint16):
    return (100 + np.arange(np.prod(shape)).reshape(shape)).astype(dtype)


def test_value_and_position_are_told_with_units(desk):
    window = desk.window
    camera, image = window.camera, ramp()
    camera.pixel_size_um = 0.5
    camera.set_image(image, "")
    point_at(desk, camera, 30.3, 10.3)
    told = re.fullmatch(r"x (\S+)  y (\S+) µm   (\d+) counts", camera.readout.text())
    assert told
    assert float(told[1]) == pytest.approx(30.3, abs=0.25)
    assert float(told[2]) == pytest.approx(10.3, abs=0.25)
    assert int(told[3]) == image[20, 60]
    # what is there changes with a new picture under a mouse that stands still
    camera.set_image(image + np.uint16(7), "")
    assert camera.readout.text().endswith(f"{image[20, 60] + 7} counts")
    point_at(desk, camera, -3.0, 10.0)
    assert camera.readout.text() == "" and not camera.readout.isVisible()
    camera.pixel_size_um = None
    camera.set_image(image, "")
    point_at(desk, camera, 60.5, 20.5)
    assert camera.readout.text() == f"x 60  y 20 px   {image[20, 60]} counts"


def test_the_volume_tells_the_voxel_in_each_slice(desk):
    window = desk.window
    view = window.volume
    volume = np.arange(6 * 40 * 90, dtype=np.float32).reshape(6, 40, 90)
    view.set_volume(volume, Z_UM, 0.5)
    view.look_at(30.25, 10.25)
    view.set_z(1.0)
    layout = view._layout
    for (x, y), voxel in (
        ((12.25, 7.25), (2, 14, 24)),
        ((12.25, layout.boxes[1].top + layout.depth * (1 - 4.5 / 6)), (4, 20, 24)),
        ((layout.boxes[2].left + layout.depth * 1.5 / 6, 7.25), (1, 14, 60)),
    ):
        point_at(desk, view, x, y)
        z, row, column = voxel
        assert view.readout.text() == (
            f"x {(column + 0.5) / 2:.1f}  y {(row + 0.5) / 2:.1f}  z {Z_UM[z]:.2f} µm"
            f"   {volume[voxel]:.4g} counts"
        )
    view.set_maximum(True)
    point_at(desk, view, 12.25, 7.25)
    assert " z " not in view.readout.text()
    assert view.readout.text().endswith(f"{volume[:, 14, 24].max():.4g} counts")


def test_black_and_white_points_are_dragged(desk):
    window = desk.window
    camera, image = window.camera, ramp()
    camera.set_image(image, "")
    bar = camera.contrast
    assert bar.isVisible() and bar.auto.isChecked()
    histogram = bar.histogram
    low, high = histogram.region.getRegion()
    assert low == pytest.approx(np.percentile(image, 0.5), abs=60)
    assert tuple(camera.item.levels) == (low, high)
    # with the mouse: from the white line to the middle
    viewport = bar.canvas.viewport()
    desk.bot.wait(50)

    def at(value):
        middle = histogram.vb.viewRange()[1][1] / 2
        scene = histogram.vb.mapViewToScene(QPointF(value, middle))
        return bar.canvas.mapFromScene(scene)

    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    desk.bot.mouseMove(viewport, at(high))
    desk.bot.mousePress(viewport, left, none, at(high))
    for part in (0.9, 0.7, 0.5):
        desk.bot.mouseMove(viewport, at(low + part * (high - low)))
        desk.bot.wait(30)
    desk.bot.mouseRelease(viewport, left, none, at((low + high) / 2))
    dragged = camera.item.levels[1]
    assert dragged == pytest.approx((low + high) / 2, rel=0.05)
    assert not bar.auto.isChecked()
    # they hold for the next picture, and Auto lets go of them
    camera.set_image(image + np.uint16(3000), "")
    assert camera.item.levels[1] == dragged
    bar.auto.click()
    assert camera.item.levels[1] > 6000


def test_levels_of_the_volume_apply_to_all_slices(desk):
    window = desk.window
    view = window.volume
    view.set_volume(np.random.default_rng(1).random((6, 40, 90), np.float32), Z_UM, 0.5)
    view.contrast.histogram.region.setRegion((0.25, 0.5))
    for item in view.items:
        assert tuple(item.levels) == (0.25, 0.5)
    view.set_z(2.5)
    assert tuple(view.xy.levels) == (0.25, 0.5)


def test_saturated_pixels_are_marked_where_they_are(desk):
    window = desk.window
    camera = window.camera
    window.colours.setCurrentText("Grey")
    image = 100 + ramp((200, 300)) % np.uint16(800)
    camera.bit_depth = 12
    camera.set_image(image, "")
    assert not camera.alarm.isVisible() and not camera.marks.item.isVisible()
    # a single one, of a picture that has fewer pixels on the screen than it has
    image[150, 40] = 4095
    camera.set_image(image, "")
    desk.bot.wait(30)
    assert camera.alarm.text() == "1 px saturated" and camera.alarm.isVisible()
    red = pixels_of(camera.canvas).astype(int)
    red = (red[..., 0] > 200) & (red[..., 1] < 90) & (red[..., 2] < 90)
    # not the words that say it
    plate = camera.alarm.geometry()
    red[plate.top() : plate.bottom() + 1, plate.left() : plate.right() + 1] = False
    rows, columns = np.nonzero(red)
    place = on_screen(camera, 40.5, 150.5)
    assert rows.size and abs(rows.mean() - place.y()) < 3
    assert abs(columns.mean() - place.x()) < 3


@pytest.mark.parametrize(
    ("name", "apart"), [("Magma", 100), ("By channel", 100), ("Grey", 100)]
)
def test_the_mark_is_like_no_colour_of_the_picture(name, apart):
    from PyQt6.QtGui import QColor

    from rmz_acquire.gui.models.channels import PALETTE
    from rmz_acquire.gui.views.images.colour_maps import lookup, mark_colour

    for colour in PALETTE.values():
        table = lookup(name, colour)
        mark = QColor(mark_colour(table))
        rgb = np.array([mark.red(), mark.green(), mark.blue()], float)
        assert np.linalg.norm(table - rgb, axis=1).min() > apart


def test_a_double_click_fits_the_view_again(desk):
    window = desk.window
    for pane, x, y in ((window.camera, 20, 10), (window.volume, 12, 7)):
        window.camera.set_image(ramp(), "")
        window.volume.set_volume(np.ones((6, 40, 90), np.float32), Z_UM, 0.5)
        desk.bot.wait(30)
        whole = pane.box.viewRect()
        zoom(pane, x, y)
        assert pane.box.viewRect().width() < 0.8 * whole.width()
        # another picture of the same size leaves the zoom alone
        window.camera.set_image(ramp() + np.uint16(1), "")
        assert pane.box.viewRect().width() < 0.8 * whole.width()
        viewport = pane.canvas.viewport()
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        desk.bot.mouseDClick(viewport, left, none, viewport.rect().center())
        desk.bot.wait(30)
        assert pane.box.viewRect().width() == pytest.approx(whole.width(), rel=0.01)
        assert pane.box.viewRect().left() == pytest.approx(whole.left(), abs=0.5)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_scale_bar_is_read_on_a_bright_picture(desk, theme):
    window = desk.window
    if theme == "light":
        window.toggle_theme()
    window.colours.setCurrentText("Grey")
    camera = window.camera
    camera.pixel_size_um = 0.5
    # nothing but the brightest white
    camera.set_image(np.full((200, 200), 50_000, np.uint16), "")
    camera.contrast.histogram.region.setRegion((0.0, 1.0))
    desk.bot.wait(30)
    pixels = pixels_of(camera.canvas).astype(int).min(axis=2)
    bar = camera.bar.bar.sceneBoundingRect()
    middle = camera.canvas.mapFromScene(bar.center())
    assert pixels[middle.y(), middle.x()] > 230
    # beside and under it the plate is dark enough: contrast of 3 : 1 and more
    under = pixels[middle.y() + 4, middle.x()]
    assert under < 130
    words = camera.bar.text.sceneBoundingRect()
    top, bottom = (
        camera.canvas.mapFromScene(p) for p in (words.topLeft(), words.bottomRight())
    )
    letters = pixels[top.y() : bottom.y(), top.x() : bottom.x()]
    assert letters.max() > 230 and np.median(letters) < 130


def test_the_scale_bar_is_as_long_as_it_says_at_any_zoom(desk):
    window = desk.window
    camera = window.camera
    camera.pixel_size_um = 0.5
    camera.set_image(ramp((200, 200)), "")
    seen = set()
    for _ in range(3):
        desk.bot.wait(20)
        bar = camera.bar.bar.sceneBoundingRect()
        ends = [camera.box.mapSceneToView(p) for p in (bar.topLeft(), bar.topRight())]
        length = float(camera.bar.said.removesuffix(" µm"))
        assert ends[1].x() - ends[0].x() == pytest.approx(length, rel=0.02)
        assert camera.canvas.sceneRect().contains(bar)
        seen.add(length)
        zoom(camera, 50, 50)
    assert len(seen) > 1


def test_a_picture_takes_the_whole_middle_and_gives_it_back(desk):
    window = desk.window
    window.camera.set_image(ramp(), "")
    middle = window.middle
    before = {
        pane: pane.size() for pane in (*middle.panes, middle.along_z, middle.change)
    }
    for pane, action in (
        (window.camera, window.enlarge_camera),
        (window.volume, window.enlarge_volume),
    ):
        pane.enlarge.click()
        desk.bot.wait(50)
        others = [p for p in before if p is not pane]
        assert not any(p.isVisible() for p in others)
        assert pane.width() > middle.width() - 20
        assert pane.height() > middle.height() - middle.status.height() - 30
        action.trigger()
        desk.bot.wait(50)
        assert all(p.isVisible() and p.size() == size for p, size in before.items())
    # from one to the other, and what is remembered is the usual layout
    window.enlarge_camera.trigger()
    window.enlarge_volume.trigger()
    desk.bot.wait(50)
    assert window.volume.isVisible() and not window.camera.isVisible()
    window.remember()
    desk.bot.wait(50)
    assert all(pane.isVisible() for pane in before)


def test_histograms_can_be_put_away(desk):
    window = desk.window
    window.camera.set_image(ramp(), "")
    window.histograms.trigger()
    assert not window.camera.contrast.isVisible()
    window.camera.set_image(ramp(), "")
    assert not window.camera.contrast.isVisible()
    window.histograms.trigger()
    assert window.camera.contrast.isVisible()


def test_odd_volumes_can_be_looked_at(desk):
    window = desk.window
    view = window.volume
    for shape in ((1, 8, 8), (2, 3, 200), (40, 5, 2)):
        for pixel in (0.3, None):
            z_um = [0.5 * k for k in range(shape[0])]
            view.set_volume(np.ones(shape, np.float32), z_um, pixel)
            view.look_at(0.1, 0.1)
            assert view.note.text()
