"""The line that says what the volume is made of and what predicted planes best."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from PyQt6.QtWidgets import QWidget

from rmz_acquire.gui.views.made_of_line import MadeOfLine
from rmz_acquire.recording import best_of, made_of
from rmz_acquire.scanning import Decision


def decision(index, **kw):
    names = "exposure_ms delta delta_relative innovation gap_um"
    unknown = dict.fromkeys([*names.split(), "stage_ms", "camera_ms", "inference_ms"])
    told = {"decision": "continue", "reason": "", "time": datetime.now(UTC), **kw}
    return Decision(index=index, z_requested_um=0, z_actual_um=0, **unknown, **told)


COMPARED = {
    "predictions": {"richardson-lucy": 0.172, "wiener": 0.2, "linear": 0.5},
    "shares": {"richardson-lucy": 0.72, "wiener": 0.28, "linear": 0.0},
    "winner": "richardson-lucy",
    "z_scale": 0.9,
}
PARTS = [
    "Volume: 72 % richardson-lucy, 28 % wiener",
    "best at predicting planes: richardson-lucy, 1.3 dB over wiener",
    "z scale 0.90",
]


pytestmark = pytest.mark.usefixtures("few_steps")


@pytest.fixture
def line(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    made = MadeOfLine()
    made.setParent(parent)
    parent.show()
    yield made


def test_nothing_is_shown_before_anything_is_compared(line):
    line.add(decision(0, shares={"richardson-lucy": 1.0}, z_scale=1.0))
    line.add(decision(1))
    assert not line.isVisible() and line.text() == ""


def test_one_line_says_all_and_is_cleared(line):
    line.add(decision(0))
    line.add(decision(1, **COMPARED))
    assert line.isVisible() and line.text() == " · ".join(PARTS)
    assert line.toolTip().split("\n") == PARTS
    line.clear()
    assert not line.isVisible() and line.text() == line.toolTip() == ""
    # the planes before do not count any more
    line.add(decision(0, **COMPARED | {"z_scale": 1.0, "shares": {"linear": 1.0}}))
    assert line.text().startswith("Volume: 100 % linear · ")
    assert "z scale" not in line.text()


def test_what_does_not_fit_is_left_out(line):
    line.add(decision(0, **COMPARED))
    whole = line.fontMetrics().horizontalAdvance(line.text())
    right = {}
    for width in (whole + 60, whole // 2):
        line.resize(width, line.sizeHint().height())
        picture = line.grab().toImage()
        ground = picture.pixel(0, 0)
        right[width] = max(
            x
            for x in range(picture.width())
            for y in range(picture.height())
            if picture.pixel(x, y) != ground
        )
    assert right[whole + 60] == pytest.approx(10 + whole, abs=6)
    assert right[whole // 2] < whole // 2 - 9


def test_it_asks_for_no_width(desk):
    window, middle = desk.window, desk.window.middle
    window.show_welcome(False)
    desk.bot.wait(50)
    before = middle.minimumSizeHint()
    window.made_of.add(decision(0, **COMPARED))
    desk.bot.wait(50)
    assert window.made_of.isVisible()
    assert middle.minimumSizeHint().width() == before.width()


def test_a_picture_that_fills_the_middle_hides_it_and_gives_it_back(desk):
    window = desk.window
    window.show_welcome(False)
    window.made_of.add(decision(0, **COMPARED))
    window.middle.enlarge(window.camera)
    assert not window.made_of.isVisible() and not window.change.isVisible()
    window.middle.enlarge(None)
    assert window.made_of.isVisible() and window.change.isVisible()


def test_it_follows_a_scan_and_the_runs_that_are_opened(desk):
    desk.connect()
    desk.fill(estimator="richardson-lucy", max_planes=4)
    desk.scan()
    desk.finish()
    window, (first,) = desk.window, desk.root.iterdir()
    told = json.loads((first / "summary.json").read_text("utf-8"))
    candidates = told["compared"][0]["candidates"]
    said = window.made_of.text()
    assert said.startswith(f"Volume: {made_of(candidates)} · ")
    assert f"best at predicting planes: {best_of(candidates)}" in said
    # it fits into the smallest window, too
    middle = window.middle
    window.resize(window.minimumSize())
    desk.bot.wait(100)
    assert window.size() == window.minimumSize()
    assert middle.minimumSizeHint().height() <= middle.height()
    corner = window.made_of.mapTo(middle, window.made_of.rect().bottomRight())
    assert middle.rect().contains(corner)
    desk.fill(estimator="linear", max_planes=4)
    desk.scan()
    desk.finish()
    assert not window.made_of.isVisible() and window.made_of.text() == ""
    desk.presenter.open_run(first)
    desk.until(window.made_of.isVisible)
    assert window.made_of.text() == said
