"""Positions, time points and channels from the window, as `scan` runs them."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
import useq

from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.experiments.verify import verify
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.experiment_form import read_settings

PLACES = (
    useq.Position(x=-3.123456, y=0, z=0, name="left"),
    useq.Position(x=3, y=0, z=1, name="right"),
)
CHANNELS = (
    useq.Channel(config="GFP", exposure=2),
    useq.Channel(config="RFP", exposure=3, z_offset=0.25),
)
TIMES = useq.TIntervalLoops(interval=timedelta(milliseconds=200), loops=2)


@pytest.fixture
def series(desk):
    """A small series in the form: 2 times, 2 places, 2 channels."""
    desk.connect()
    desk.fill(-4.0, 4.0, max_planes=4)
    window = desk.window
    window.form.counts.setCurrentIndex(window.form.counts.findData(True))
    settings = window.form.settings()
    values = {"positions": PLACES, "channels": CHANNELS, "time_plan": TIMES}
    window.series.set_settings(settings.__class__(**{**as_dict(settings), **values}))
    return desk


def as_dict(settings):
    return {name: getattr(settings, name) for name in settings.__slots__}


@pytest.mark.slow
def test_a_series_runs_with_progress_for_each_volume(series):
    window = series.window
    assert "8 volumes" in window.form.reason.text()
    said = set()
    series.scan()
    series.until(
        lambda: (
            said.add(window.status.headline.text().partition(", plane")[0])
            or series.state is State.ready
        ),
    )
    series.finish()
    assert window.status.headline.text() == "Done: every volume was taken"
    assert "32 of the full stacks' 136 planes" in window.status.detail.text()
    named = {words for words in said if words.startswith("Time")}
    assert named <= {
        f"Time {t} · {p} · {c}"
        for t in (1, 2)
        for p in ("left", "right")
        for c in ("GFP", "RFP")
    }
    assert len(named) >= 4
    (folder,) = series.root.iterdir()
    assert verify(folder).differences == []
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["volumes_done"] == 8
    # every volume can be looked at
    assert window.which.count() == 8 and window.which.currentIndex() == 7
    last = window.volume.volume.copy()
    window.which.setCurrentIndex(2)
    window.which.activated.emit(2)
    series.until(lambda: not np.array_equal(window.volume.volume, last))
    assert window.which.currentText() == "time 1 · right · GFP"
    stored = StoredExperiment(folder)
    np.testing.assert_array_equal(window.volume.volume, stored.pixels(stored.begun[2]))
    # relative to the z of that position
    assert window.along_z.shown.bounds()[0] == pytest.approx(-3.0)


def test_stop_and_keep_ends_a_series(series):
    series.scan()
    series.until(lambda: series.window.volume.volume is not None)
    series.window.status.keep.click()
    series.finish()
    assert series.window.status.headline.text() == "Stopped by hand, everything kept"
    assert "stopped by hand" in series.window.runs.list.item(0).text()


def test_a_series_is_saved_and_loaded_again(series, tmp_path, monkeypatch):
    file = tmp_path / "series.yaml"
    dialog = "rmz_acquire.gui.views.commands.QFileDialog"
    monkeypatch.setattr(f"{dialog}.getSaveFileName", lambda *_: (str(file), ""))
    series.window.save_settings.trigger()
    settings = read_settings(file)
    assert (settings.positions, settings.channels) == (PLACES, CHANNELS)
    window = series.window
    for table in (window.series.positions, window.series.channels, window.series.times):
        table.switch.setChecked(False)
    assert "At most 4 planes" in window.form.reason.text()
    assert "volume" not in window.form.reason.text()
    series.commands.use_settings(file)
    assert series.presenter.settings().positions == PLACES
    assert series.presenter.settings().time_plan == TIMES
    assert "8 volumes" in window.form.reason.text()


def test_positions_are_taken_from_the_stages(desk):
    desk.connect()
    panel = desk.window.series
    core = desk.presenter.microscope.core
    panel.positions.switch.setChecked(True)
    core.setXYPosition(12.0, -7.0)
    core.setPosition(3.0)
    core.waitForSystem()
    panel.add_place.click()
    (place,) = panel.values()["positions"]
    assert (place.x, place.y, place.z) == pytest.approx((12.0, -7.0, 3.0), abs=0.1)
    core.setPosition(0.0)
    core.waitForSystem()
    panel.positions.table.table().selectRow(0)
    panel.go_there.click()
    desk.until(lambda: abs(core.getPosition() - 3.0) < 0.1)


def test_a_position_that_is_out_of_reach_is_marked(series):
    far = (useq.Position(x=0, y=0, z=199.0),)
    panel = series.window.series
    panel.positions.set_value(far)
    panel.changed.emit()
    assert "outside the stage's" in series.window.form.reason.text()
    panel.positions.set_value((useq.Position(x=0, y=0),))
    panel.changed.emit()
    assert panel.positions.switch.property("wrong")


def test_tables_give_back_what_they_cannot_show(series):
    values = series.window.series.values()
    assert values["positions"][0].x == -3.123456
    table = series.window.series.positions.table.table()
    table.item(0, table.indexOf("Name")).setText("west")
    changed = series.window.series.values()["positions"]
    assert changed[0].name == "west" and changed[1] == PLACES[1]


def test_settings_are_saved_and_loaded(desk, tmp_path, monkeypatch):
    desk.connect()
    desk.fill(-7.0, 3.0, max_planes=9)
    file = tmp_path / "scan.yaml"
    dialog = "rmz_acquire.gui.views.commands.QFileDialog"
    monkeypatch.setattr(f"{dialog}.getSaveFileName", lambda *_: (str(file), ""))
    desk.window.save_settings.trigger()
    desk.fill(0.0, 1.0, max_planes=5)
    monkeypatch.setattr(f"{dialog}.getOpenFileName", lambda *_: (str(file), ""))
    desk.window.load_settings.trigger()
    settings = desk.window.form.settings()
    assert (settings.bottom_um, settings.top_um, settings.max_planes) == (-7.0, 3.0, 9)
    file.write_text("z_plan: {range: 3, step: 1}")
    desk.window.load_settings.trigger()
    assert "no metadata.rmz_acquire" in desk.window.status.detail.text()
