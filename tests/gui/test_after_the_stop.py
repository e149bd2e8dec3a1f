"""What can be done with a run that has ended: more of it, and elsewhere."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.experiments.verify import verify
from rmz_acquire.gui import napari_view
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.stored_runs import load_run


def scanned(desk, **numbers):
    """A scan that has come to its end; gives its folder."""
    desk.connect()
    desk.fill(max_planes=4, **numbers)
    desk.scan()
    desk.finish()
    (folder,) = desk.root.iterdir()
    return folder


def taken(folder):
    stored = StoredExperiment(folder)
    return stored.planes(stored.begun[0])


def go_on_and_wait(desk, button):
    button.click()
    desk.until(lambda: desk.state is State.scanning)
    desk.finish()


def test_go_on_takes_so_many_more_planes(desk):
    folder = scanned(desk)
    status = desk.window.status
    assert status.more.isVisible() and status.more.value() == 3
    status.more.setValue(2)
    go_on_and_wait(desk, status.go_on)
    assert len(taken(folder)) == 6
    assert "6 of the full stack's 17 planes" in status.detail.text()
    assert desk.window.camera.note.text().startswith("plane 6")
    assert len(desk.window.along_z.taken.data) == 6
    assert verify(folder).differences == []


def test_one_more_plane_where_the_line_is(desk):
    folder = scanned(desk)
    along_z = desk.window.along_z
    along_z.shown.setPos(-3.7)
    desk.until(along_z.ask.isEnabled)
    go_on_and_wait(desk, along_z.ask)
    assert taken(folder)[-1].z_requested_um == pytest.approx(-3.7)
    assert verify(folder).differences == []


def test_an_aborted_scan_goes_on_where_it_was_left(desk):
    desk.connect()
    desk.fill(max_planes=6)
    desk.scan()
    desk.until(lambda: desk.window.volume.volume is not None)
    desk.window.status.abort.click()
    desk.finish()
    status = desk.window.status
    assert not status.more.isVisible() and "next plane" in status.go_on.toolTip()
    go_on_and_wait(desk, status.go_on)
    (folder,) = desk.root.iterdir()
    assert len(taken(folder)) == 6
    assert status.headline.text() == "Stopped at the largest number of planes allowed"
    assert verify(folder).differences == []


def test_a_run_that_was_opened_goes_on_only_with_a_microscope(desk):
    folder = scanned(desk)
    desk.window.runs.list.itemActivated.emit(desk.window.runs.list.item(0))
    desk.until(lambda: desk.presenter.shown.run is not None)
    desk.until(desk.window.go_on.isEnabled)
    desk.presenter.microscope.set_state(State.empty)
    desk.until(lambda: not desk.window.go_on.isEnabled())
    assert not desk.window.status.go_on.isEnabled()
    desk.window.go_on.trigger()
    desk.presenter.microscope.set_state(State.ready)
    desk.until(desk.window.status.go_on.isEnabled)
    assert len(taken(folder)) == 4


def test_the_volume_is_written_as_tiff(desk, tmp_path, monkeypatch):
    scanned(desk)
    file = tmp_path / "mine.ome.tif"
    monkeypatch.setattr(
        "rmz_acquire.gui.views.run_view.QFileDialog.getSaveFileName",
        lambda *_: (str(file), ""),
    )
    desk.window.status.export.click()
    np.testing.assert_array_equal(tifffile.imread(file), desk.window.volume.volume)


def test_napari_is_offered_where_it_is_installed(desk, monkeypatch):
    folder = scanned(desk)
    status = desk.window.status
    desk.presenter.napari = False
    desk.presenter.show_state()
    assert status.napari.isVisible() and not status.napari.isEnabled()
    assert "pip install" in status.napari.toolTip()
    started = []
    commands = "rmz_acquire.gui.views.commands"
    monkeypatch.setattr(f"{commands}.has_napari", lambda: True)
    monkeypatch.setattr(f"{commands}.open_in_napari", lambda *a: started.append(a))
    desk.presenter.napari = True
    desk.presenter.show_state()
    status.napari.click()
    assert started == [(folder, (0, 0, 0, 0))]


def test_napari_gets_volume_and_planes_in_their_places(desk, monkeypatch):
    folder = scanned(desk)
    layers = {}

    class Viewer:
        def __init__(self, **_):
            pass

        def add_image(self, data, *, name, **where):
            layers[name] = data, where

        def add_shapes(self, data, *, name, **_):
            layers[name] = data, {}

    stand_in = SimpleNamespace(Viewer=Viewer, run=lambda: layers.setdefault("ran", 1))
    monkeypatch.setitem(sys.modules, "napari", stand_in)
    napari_view.main(str(folder), "0,0,0,0")
    volume = load_run(folder).shown
    pixels, where = layers["volume"]
    np.testing.assert_array_equal(pixels, volume.pixels)
    assert where["scale"] == pytest.approx((0.5, 0.325, 0.325))
    assert where["translate"][0] == pytest.approx(-4.0)
    outlines, _ = layers["planes taken"]
    assert [outline[0, 0] for outline in outlines] == pytest.approx(
        [plane.z_um for plane in volume.planes]
    )
    assert layers["ran"]


def test_tau_is_drawn_beside_epsilon(desk):
    scanned(desk, tau=25.0)
    change = desk.window.change
    assert change.tau.isVisible() and change.limit.isVisible()
    assert change.tau.label.format == "τ = 25 %"
    assert 10 ** change.tau.value() == pytest.approx(25.0)


def test_the_full_stack_is_taken_on_demand(desk):
    desk.connect()
    desk.fill(max_planes=4)
    desk.scan()
    desk.finish()
    desk.window.status.compare.click()
    desk.until(lambda: "dB" in desk.window.status.detail.text())
    desk.until(lambda: desk.state is State.ready)
    assert desk.window.compare.findData("full stack") >= 0
