"""A full stack beside a run: seen, counted, ended in every way, and compared."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from rmz_acquire.evaluation import planes_not_taken, psnr_db
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.stored_runs import load_run
from rmz_acquire.reconstruction import make_estimator


@pytest.fixture
def scanned(desk):
    desk.connect()
    desk.presenter.microscope.core.setPosition(1.5)
    desk.fill(max_planes=4, estimator="wiener")
    desk.scan()
    desk.finish()
    (folder,) = desk.root.iterdir()
    return desk, folder


def _begin(desk):
    desk.bot.mouseClick(desk.window.status.compare, Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.state is State.scanning)


@pytest.mark.slow
def test_it_is_seen_while_it_is_taken_and_scored_behind(scanned):
    desk, folder = scanned
    window, status = desk.window, desk.window.status
    before = len(window.along_z.taken.data)
    notes, bars, details = set(), set(), []
    desk.look_often(
        lambda: (
            notes.add(window.camera.note.text()),
            bars.add(status.progress.value()),
            details.append(status.detail.text()),
        )
    )
    _begin(desk)
    assert not window.along_z.ask.isEnabled() and not window.plane_here.isEnabled()
    desk.until(lambda: "wiener" in status.detail.text())
    assert sum(note.startswith("full stack, plane") for note in notes) > 3
    assert len(bars) > 3
    assert any("of light" in text and "about" in text for text in details)
    # the run is the one that is shown, with all that can be done with it
    assert desk.state is State.ready and not status.abort.isVisible()
    for button in (status.open, status.compare, status.go_on, window.form.start):
        assert button.isVisible() and button.isEnabled()
    assert not status.progress.isVisible()
    assert len(window.along_z.taken.data) == before
    assert desk.presenter.shown.run.folder == folder
    core = desk.presenter.microscope.core
    assert core.getPosition() == pytest.approx(1.5) and not core.getShutterOpen()
    # the scores, counted apart
    stack, own = load_run(folder / "full-stack").shown, load_run(folder).shown
    truth = stack.pixels
    np.testing.assert_array_equal(
        truth, [p.image for p in sorted(stack.planes, key=lambda p: p.z_um)]
    )
    unseen = planes_not_taken(own.z_um, [p.z_um for p in own.planes])
    linear = make_estimator("linear", own.z_um, own.optics)
    made = linear.add_all([p.image for p in own.planes], [p.z_um for p in own.planes])
    said = status.detail.text()
    assert f"{unseen.sum()} planes not taken" in said
    assert f"wiener {psnr_db(truth, own.pixels, unseen):.1f} dB" in said
    assert f"linear {psnr_db(truth, made, unseen):.1f} dB" in said


@pytest.mark.slow
@pytest.mark.parametrize("how", ["abort", "keep", "fail"])
def test_one_that_is_cut_short_gives_the_run_back(scanned, how, monkeypatch):
    desk, folder = scanned
    status, core = desk.window.status, desk.presenter.microscope.core
    _begin(desk)
    note = desk.window.camera.note
    # the third plane or, where the window had no time for it, one soon after
    desk.until(lambda: re.search(r"stack, plane ([3-9])\b", note.text()))
    if how == "fail":
        monkeypatch.setattr(core, "snapImage", lambda: 1 / 0)
    else:
        getattr(status, how).click()
    desk.until(lambda: desk.state is State.ready)
    head = {"abort": "Full stack aborted", "keep": "Full stack stopped"}
    desk.until(lambda: status.headline.text().startswith(("Full", "The full")))
    assert status.headline.text() == head.get(how, "The full stack failed")
    saved = json.loads((folder / "full-stack" / "summary.json").read_text())
    if how != "fail":
        assert f"{saved['planes_taken']} of 17 planes" in status.detail.text()
    monkeypatch.undo()
    if how == "keep":
        return
    # and it can be taken again: what was there stays
    _begin(desk)
    desk.until(lambda: "dB" in status.detail.text())
    again = json.loads((folder / "full-stack_2" / "summary.json").read_text())
    assert again["planes_taken"] == 17 and saved["planes_taken"] < 17


def test_scores_of_a_run_that_is_not_shown_any_more_are_not_shown(scanned):
    desk, folder = scanned
    other = np.zeros((17, 64, 64), np.float32)
    before = desk.window.status.detail.text()
    desk.presenter.scans.stack_scored.emit(
        folder.parent / "other", (0, 0, 0, 0), other, "12 dB"
    )
    desk.bot.wait(150)
    assert desk.window.status.detail.text() == before
    assert desk.window.compare.findData("full stack") < 0


def test_a_scan_says_how_long_it_takes_at_most(desk):
    desk.connect()
    desk.fill(max_planes=8)
    said = []
    desk.look_often(lambda: said.append(desk.window.status.detail.text()))
    desk.scan()
    desk.finish()
    told = [text for text in said if "at most" in text and text.endswith("left")]
    assert told and all("of the full stack's 17 planes" in text for text in told)


@pytest.mark.parametrize("wait_ms", [0, 120])
def test_a_pause_at_any_moment_is_one(desk, wait_ms):
    """Also before the first plane: what says that it is paused takes none."""
    desk.connect()
    desk.fill(max_planes=6)
    core, status = desk.presenter.microscope.core, desk.window.status
    desk.scan()
    desk.bot.wait(wait_ms)
    status.pause.click()
    desk.until(lambda: status.headline.text() == "Paused: the light is off")
    assert desk.state is State.paused and status.pause.text() == "Resume"
    taken = len(desk.window.along_z.taken.data)
    for _ in range(3):
        desk.bot.wait(100)
        assert not core.getShutterOpen()
    assert len(desk.window.along_z.taken.data) == taken < 6
    status.pause.click()
    desk.finish()
    assert len(desk.window.along_z.taken.data) == 6


def test_an_abort_before_the_first_volume_says_what_is_on_disk(desk, monkeypatch):
    """In words of its own, now and when it is opened again."""
    import threading

    from rmz_acquire.reconstruction.base import VolumeEstimator

    thinking = threading.Event()

    def slow(*_):
        thinking.set()
        while True:
            threading.Event().wait(0.02)

    monkeypatch.setattr(VolumeEstimator, "add", slow)
    desk.connect()
    desk.fill(estimator="wiener")
    desk.scan()
    desk.until(thinking.is_set)
    desk.window.status.abort.click()
    desk.finish()
    status = desk.window.status
    for _ in range(2):
        assert status.headline.text() == "Aborted"
        assert "1 plane, no volume yet" in status.detail.text()
        for word in ("zarr", "tensorstore", "OUT_OF", "Error", "{"):
            assert word not in status.detail.text()
        desk.window.runs.list.itemActivated.emit(desk.window.runs.list.item(0))
        desk.bot.wait(300)
    monkeypatch.undo()
    status.go_on.click()
    desk.until(lambda: desk.state is State.scanning)
    desk.until(lambda: desk.window.volume.volume is not None)
    status.abort.click()
    desk.finish()
    assert "and the volume made of them" in status.detail.text()
