"""Each term of the stop rule as a light with its number, live and in opened runs."""

from __future__ import annotations

import json
from itertools import chain

import pytest
from PyQt6.QtWidgets import QWidget

from rmz_acquire.gui.theme import LIGHT
from rmz_acquire.gui.views.rule_lights import RuleLights

TERMS = [
    {"name": "change", "value": 0.0321, "limit": 0.05, "met": True},
    {"name": "planes", "value": 3, "limit": 4, "met": False},
    {"name": "frame", "value": None, "limit": None, "met": True},
    {"name": "audit innovation", "value": None, "limit": 0.2, "met": False},
    {"name": "largest gap, µm", "value": 6.25, "limit": 5.5, "met": False},
]


@pytest.fixture
def lights(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    made = RuleLights()
    made.setParent(parent)
    parent.show()
    yield made


def colours(widget, hexes):
    picture = widget.grab().toImage()
    every = {
        picture.pixelColor(x, y).name()
        for x in range(picture.width())
        for y in range(picture.height())
    }
    return [hex_ in every for hex_ in hexes]


def test_every_light_keeps_its_name_and_number_at_any_width(lights):
    assert not lights.isVisible() and lights.rows(1000) == []
    lights.show_terms(TERMS)
    assert lights.isVisible()
    whole = [
        "change 0.0321 ≤ 0.05",
        "planes 3 < 4",
        "frame",
        "audit innovation – ≤ 0.2",
        "largest gap 6.25 > 5.5 µm",
    ]
    lights.resize(2000, 20)
    assert lights.rows(2000) == [whole]
    one_line = lights.sizeHint().height()
    assert all(line in lights.toolTip() for line in whole)
    least = ["δ 0.0321", "planes 3", "frame", "audit", "gap 6.25"]
    seen = set()
    for width in range(1200, 60, -4):
        lights.resize(width, 20)
        rows = lights.rows(width)
        seen.add(len(rows))
        for said, short in zip(chain(*rows), least, strict=True):
            name, _, number = short.partition(" ")
            assert number in said and (name in said or said in whole)
    assert seen == {1, 2, 3, 4, 5}
    assert lights.sizeHint().height() > 4 * one_line - 30
    # what is said shorter does not take its row away while a run goes on
    lights.resize(200, 20)
    high = lights.sizeHint().height()
    lights.show_terms(TERMS[:1])
    assert lights.sizeHint().height() == high > one_line
    lights.clear()
    assert not lights.isVisible() and lights.toolTip() == ""
    assert lights.sizeHint().height() == one_line


def test_a_light_that_is_on_is_full_and_green_in_both_themes(lights):
    lights.dress(LIGHT)
    lights.resize(900, lights.sizeHint().height())
    lights.show_terms(TERMS[:1])
    assert colours(lights, [LIGHT.good, LIGHT.warn]) == [True, False]
    lights.show_terms(TERMS[1:2])
    assert colours(lights, [LIGHT.good]) == [False]


def test_they_follow_a_scan_and_the_runs_that_are_opened(desk):
    desk.connect()
    desk.fill(max_planes=6)
    window, live = desk.window, set()
    timer = desk.look_often(lambda: live.add(window.rule.told))
    desk.scan()
    desk.finish()
    timer.stop()
    (folder,) = desk.root.iterdir()
    lines = (folder / "decisions.jsonl").read_text("utf-8").splitlines()
    names = [term["name"] for term in json.loads(lines[-1])["terms"]]
    shown = window.rule.told
    assert [told.name for told in shown] == [n.partition(", ")[0] for n in names]
    assert {"change", "planes", "audit innovation", "largest gap"} <= set(names) | {
        told.name for told in shown
    }
    assert len(live) > 2
    # what is asked for by default stands in the curves, too
    assert window.change.tau.label.format == "τ = 20 %"
    window.resize(window.minimumSize())
    desk.bot.wait(50)
    middle = window.middle
    corner = window.rule.mapTo(middle, window.rule.rect().bottomRight())
    assert middle.rect().contains(corner)
    window.rule.clear()
    desk.presenter.open_run(folder)
    desk.until(window.rule.isVisible)
    assert window.rule.told == shown
