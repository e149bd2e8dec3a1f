"""A scan that decides on regions, as the window shows it: marks, drawing, rendering."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from grabbing import pixels_of
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtTest import QTest

from rmz_acquire.experiments import whole_volumes
from rmz_acquire.experiments.callbacks import Rendered
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.composite import Composite
from rmz_acquire.gui.models.experiment_form import (
    read_settings,
    sequence_of,
    write_settings,
)
from rmz_acquire.gui.models.rendering_words import HowFar
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.scanning import Plane, Region, RegionVolume

Z_UM = tuple(float(z) for z in range(9))
SHAPE = (48, 64)
REGIONS = (Region(8, 16, 16, 24), Region(32, 0, 16, 16))
MAIN = threading.main_thread()


def a_plane(z_um, image):
    return Plane(image, z_um, z_um, 5.0, 1.0, 6.0, datetime.now(UTC))


def a_composite(seed=0):
    """Three planes, and two regions, one of them binned and on a coarser grid."""
    rng = np.random.default_rng(seed)
    planes = [
        a_plane(z, rng.integers(100, 200, SHAPE).astype(np.uint16))
        for z in (7.0, 1.0, 4.0)
    ]
    fine = rng.random((len(Z_UM), 16, 24)).astype(np.float32)
    coarse = rng.random((5, 8, 8)).astype(np.float32)
    volumes = [
        RegionVolume(REGIONS[0], np.array(Z_UM), fine),
        RegionVolume(REGIONS[1], np.linspace(0, 8, 5), coarse),
    ]
    return planes, volumes, Composite(planes, Z_UM, volumes)


def test_cuts_are_those_of_regions_in_the_interpolation():
    planes, volumes, composite = a_composite()
    by_z = sorted(planes, key=lambda plane: plane.z_um)
    at = [plane.z_um for plane in by_z]
    stack = np.stack([plane.image for plane in by_z]).reshape(3, -1)
    flat = [np.interp(Z_UM, at, column) for column in stack.T]
    whole = np.array(flat, np.float32).T.reshape(len(Z_UM), *SHAPE)
    for one in volumes:
        whole[:, *one.region.slices] = one.on(Z_UM)
    for z, y, x in ((2, 10, 20), (5, 40, 3), (0, 0, 63), (8, 47, 30)):
        cuts = composite.cuts(z, y, x)
        for made, wanted in zip(
            cuts, (whole[z], whole[:, y], whole[:, :, x]), strict=True
        ):
            np.testing.assert_allclose(made, wanted, rtol=1e-5)
        assert composite.value(z, y, x) == pytest.approx(whole[z, y, x], rel=1e-5)
    for axis, made in enumerate(composite.maxima()):
        np.testing.assert_allclose(made, whole.max(axis=axis), rtol=1e-5)
    # all of it, where it is as small as this
    np.testing.assert_allclose(composite.sample, whole, rtol=1e-5)


def test_what_is_interpolated_is_hatched_and_the_whole_volume_takes_its_place(
    desk, monkeypatch
):
    """In the pixels of the window; cut elsewhere, with z, zoom and contrast kept."""
    desk.window.show_welcome(False)
    view, threads = desk.window.volume, []
    desk.window.colours.setCurrentText("Grey")
    cut = Composite.cuts
    monkeypatch.setattr(
        Composite,
        "cuts",
        lambda *at: threads.append(threading.current_thread()) or cut(*at),
    )
    bright = [a_plane(z, np.full(SHAPE, 100, np.uint16)) for z in (0.0, 8.0)]
    full = np.full((len(Z_UM), *SHAPE), 100, np.float32)
    tile = RegionVolume(REGIONS[0], np.array(Z_UM), full[:, *REGIONS[0].slices])
    view.set_volume(Composite(bright, Z_UM, [tile]), Z_UM, 0.5, (0.0, 100.0))
    view.set_z(6.0)
    desk.until(lambda: view.xy.image is not None and len(threads) >= 1)
    view.contrast.histogram.region.setRegion((0.0, 110.0))
    view.box.setRange(xRange=(2, 30), yRange=(1, 20), padding=0)
    zoom = view.box.viewRange()

    def grey(x, y):
        """Mean and spread of the picture around a pixel of it."""
        scene = view.box.mapViewToScene(QPointF(0.5 * x, 0.5 * y))
        at = view.canvas.mapFromScene(scene)
        seen = pixels_of(view.canvas)[at.y() - 7 : at.y() + 8, at.x() - 7 : at.x() + 8]
        return seen.mean(), seen.std()

    desk.until(lambda: grey(20, 12)[0] > 200)
    (inside, smooth), (outside, hatched) = grey(20, 12), grey(48, 12)
    assert inside > 225 and smooth < 2
    assert outside < 0.75 * inside and hatched > 5
    orange = np.abs(pixels_of(view.canvas).astype(int) - (230, 159, 0)).sum(2) < 60
    assert orange.sum() > 100
    assert MAIN not in threads and view.volume is None
    assert "counts" in view.value_at(10.0, 6.0)
    view.set_volume(full, Z_UM, 0.5)
    assert (view.z_um, view.box.viewRange()) == (6.0, zoom)
    assert view.contrast.levels == (0.0, 110.0)
    assert grey(48, 12) == pytest.approx((inside, smooth), abs=1)


def drag(camera, *pixels):
    """Press at a pixel of the camera's picture, move to others, let go at the last."""
    viewport, left = camera.canvas.viewport(), Qt.MouseButton.LeftButton
    at = []
    for x, y in pixels:
        frame = camera.item.mapRectToScene(camera.item.boundingRect())
        part = QPointF(
            frame.left() + x / camera.item.image.shape[1] * frame.width(),
            frame.top() + y / camera.item.image.shape[0] * frame.height(),
        )
        at.append(camera.canvas.mapFromScene(part))
    QTest.mousePress(viewport, left, Qt.KeyboardModifier.NoModifier, at[0])
    for point in at[1:]:
        QTest.mouseMove(viewport, point - QPoint(1, 1))
        QTest.mouseMove(viewport, point)
    QTest.mouseRelease(viewport, left, Qt.KeyboardModifier.NoModifier, at[-1])


def test_regions_are_drawn_in_the_picture_refused_deleted_and_kept(desk, tmp_path):
    desk.connect()
    core, window = desk.presenter.microscope.core, desk.window
    core.setProperty("Camera", "SensorSize_px", 128)
    desk.fill(-1.0, 1.0, estimator="wiener")
    form, box, camera = window.form, window.form.deciding, window.camera
    form.more.click()
    box.draw.click()
    assert not box.draw.isChecked()
    assert "press Live or Snap" in window.statusBar().currentMessage()
    window.snap.trigger()
    desk.until(lambda: camera.has_picture and camera.item.image.shape == (128, 128))
    desk.presenter.microscope.look()
    desk.until(lambda: desk.presenter.facts.picture_px == (128, 128))
    box.draw.click()
    before = camera.box.viewRange()
    drag(camera, (10, 10), (20, 20))
    said = window.statusBar().currentMessage()
    assert (
        said.startswith("not taken: the region of ") and "smaller than the blur" in said
    )
    drag(camera, (10, 20), (40, 60), (70, 84))
    drag(camera, (60, 60), (300, 300))
    # nothing was moved, and what lay outside the picture was cut off
    assert camera.box.viewRange() == before
    first, second = form.settings().regions
    assert first == pytest.approx((20, 10, 64, 60), abs=2)
    assert second[0] + second[2] == 128 == second[1] + second[3]
    assert box.list.count() == 2 and form.start.isEnabled()
    write_settings(tmp_path / "scan.yaml", desk.presenter.settings())
    box.list.setCurrentRow(0)
    box.delete.click()
    assert form.settings().regions == (second,)
    # the camera is another one: Start says what is wrong
    core.setProperty("Camera", "SensorSize_px", 64)
    desk.presenter.microscope.look()
    desk.until(lambda: "is not within the picture" in form.reason.text())
    assert not form.start.isEnabled() and box.list.property("wrong")
    box.auto.click()
    assert form.settings().regions == "auto" and not box.draw.isChecked()
    form.set_settings(read_settings(tmp_path / "scan.yaml"))
    assert form.settings().regions == (first, second) and box.list.count() == 2


def test_settings_of_speed_are_written_where_they_are_not_those_that_hold_anyhow():
    plain = ScanSettings(bottom_um=-4.0, top_um=4.0, estimator="linear")
    keys = {"regions", "volumes", "overlap"}
    assert not keys & set(sequence_of(plain).metadata["rmz_acquire"])
    given = replace(plain, regions="whole", volumes="during", overlap="exposure")
    block = sequence_of(given).metadata["rmz_acquire"]
    assert [block[key] for key in sorted(keys)] == ["exposure", "whole", "during"]
    drawn = replace(plain, regions=((0, 0, 64, 64),))
    assert sequence_of(drawn).metadata["rmz_acquire"]["regions"] == [[0, 0, 64, 64]]
    assert plain.problems(regions="too small")["regions"] == "too small"
    assert "draw a region" in replace(plain, regions=()).problems()["regions"]


def test_the_time_left_of_rendering_counts_down():
    now = [0.0]
    how_far = HowFar(clock=lambda: now[0])
    assert (how_far.beside, how_far.part) == ("", 0.0)
    how_far.take(Rendered(1, 3, 0.5, 40.0))
    now[0] = 10.0
    said = "rendering volume 2 of 3 behind it, about 30 s left"
    assert (how_far.beside, how_far.part) == (said, 0.5)
    assert how_far.headline == "Rendering volume 2 of 3"
    assert how_far.detail.startswith("50% rendered · about 30 s left. All planes are")
    how_far.take(Rendered(3, 3, 0.0, None))
    assert how_far.beside == ""


def test_a_volume_is_left_for_later_and_rendered_now(desk, monkeypatch):
    """By clicks: a scan on regions, its rendering left, and taken up."""
    desk.connect()
    window = desk.window
    desk.presenter.microscope.core.setProperty("Camera", "SensorSize_px", 128)
    desk.fill(-4.0, 4.0, max_planes=4)
    window.form.deciding.add(Region(16, 32, 64, 72))
    go, threads, made = threading.Event(), [], whole_volumes.make_in_tiles

    def patient(*args):
        threads.append(threading.current_thread())
        while not go.wait(0.02):
            pass
        yield from made(*args)

    monkeypatch.setattr(whole_volumes, "make_in_tiles", patient)
    desk.presenter.microscope.look()
    desk.until(lambda: desk.presenter.facts.picture_px == (128, 128))
    desk.scan()
    desk.until(lambda: bool(window.volume.state.text()))
    said = "Decided on 1 region; elsewhere interpolated until the volume is rendered"
    assert window.volume.state.text() == said
    assert not desk.presenter.allows("export") and desk.presenter.allows("slice")
    desk.until(lambda: desk.state is State.rendering)
    desk.until(lambda: window.status.headline.text() == "Rendering the whole volume")
    assert "All planes are on disk" in window.status.detail.text()
    window.volume.set_z(2.0)
    assert window.status.abort.text() == "Render later"
    window.status.abort.click()
    desk.finish()
    assert "Its volume is not rendered yet." in window.status.detail.text()
    assert window.runs.list.item(0).text().endswith("not rendered yet")
    assert window.volume.shown is not None and window.volume.volume is None
    # opened again, there is no more of it than its planes
    window.runs.list.itemActivated.emit(window.runs.list.item(0))
    desk.until(lambda: "not rendered yet: all of it" in window.volume.state.text())
    window.volume.set_z(2.0)
    go.set()
    window.status.render_now.click()
    desk.until(lambda: window.volume.volume is not None)
    desk.finish()
    assert window.volume.volume.shape == (17, 128, 128) and window.volume.z_um == 2.0
    assert window.volume.state.text().endswith("the whole volume is rendered")
    assert not window.status.render_now.isVisible() and MAIN not in threads
    assert "not rendered" not in window.runs.list.item(0).text()


def test_the_window_goes_on_while_a_volume_is_rendered(desk, pulse):
    """No stall over 100 ms of its own work; how far it is, is told meanwhile."""
    desk.connect()
    window = desk.window
    desk.fill(-4.0, 4.0, estimator="richardson-lucy", max_planes=4)
    window.form.deciding.add(Region(8, 8, 48, 48))
    beats, said = [], set()

    def look():
        if desk.state is State.rendering:
            beats.append((pulse(), time.thread_time()))
            said.add(window.status.detail.text().partition("%")[0])

    timer = desk.look_often(look)
    desk.scan()
    desk.finish()
    timer.stop()
    wall, work = np.diff(beats, axis=0).max(0)
    assert len(beats) > 5 and work < 0.1 and wall < 1.0
    assert said & {"25", "50", "75"}
