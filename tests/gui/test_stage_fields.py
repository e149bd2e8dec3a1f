"""Stage fields and status bar agree with each other, and with what the stages say."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QCheckBox, QDoubleSpinBox, QPushButton

from rmz_acquire.gui.controllers.state import State


def field(desk, label, axis):
    stage = desk.window.microscope.stages[label]
    tip = f"Set {axis} in µm"
    return next(b for b in stage.findChildren(QDoubleSpinBox) if b.toolTip() == tip)


def bar(desk):
    return desk.window.focus.text().removeprefix("Focus").strip()


@pytest.fixture
def ready(desk):
    """The window; wherever it is looked at, field and status bar must agree."""
    desk.connect()
    box, unlike = field(desk, "Z", "Y"), []

    def look():
        if bar(desk) and bar(desk) != box.text() and not box.hasFocus():
            unlike.append((bar(desk), box.text()))

    looking = desk.look_often(look)
    box.valueChanged.connect(look)
    yield desk
    looking.stop()
    assert not unlike


def settled(desk, z_um):
    core = desk.presenter.microscope.core
    desk.until(lambda: bar(desk) == f"{z_um:.2f} µm")
    assert core.getPosition() == pytest.approx(z_um, abs=0.006)
    assert field(desk, "Z", "Y").value() == pytest.approx(z_um, abs=0.006)


def test_moves_from_everywhere_are_seen_in_both(ready):
    desk, core = ready, ready.presenter.microscope.core
    core.setPosition(12.34)  # another program
    settled(desk, 12.34)
    QTest.keyClick(desk.window, Qt.Key.Key_PageUp)
    settled(desk, 22.34)
    stage = desk.window.microscope.stages["Z"]
    tip = "move by -20.0 µm"
    down = next(b for b in stage.findChildren(QPushButton) if b.toolTip() == tip)
    down.click()
    settled(desk, 2.34)
    core.setXYPosition(-7.25, 3.5)
    desk.until(lambda: field(desk, "XY", "X").value() == pytest.approx(-7.25, abs=0.02))
    assert field(desk, "XY", "Y").value() == pytest.approx(3.5, abs=0.02)
    # typed: the field is the user's until Enter, and then the stage's again
    box = field(desk, "Z", "Y")
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "5.5")
    desk.bot.wait(400)
    assert box.text().startswith("5.5") and core.getPosition() == pytest.approx(2.34)
    assert bar(desk) == "2.34 µm"
    # shown together again from here
    QTest.keyClick(box, Qt.Key.Key_Return)
    settled(desk, 5.5)
    core.setPosition(-1.25)
    settled(desk, -1.25)


def test_page_up_moves_by_the_step_of_the_panel(ready):
    desk, core = ready, ready.presenter.microscope.core
    stage = desk.window.microscope.stages["Z"]
    desk.window.form.step.setValue(0.7)
    stage.setStep(3.0)
    for _ in range(3):
        QTest.keyClick(desk.window, Qt.Key.Key_PageUp)
    settled(desk, 9.0)
    QTest.keyClick(desk.window, Qt.Key.Key_PageDown)
    settled(desk, 6.0)
    invert = next(b for b in stage.findChildren(QCheckBox) if "Invert Z" in b.text())
    invert.setChecked(True)
    QTest.keyClick(desk.window, Qt.Key.Key_PageUp)
    settled(desk, 3.0)
    # what is shown is what is taken over
    core.setPosition(4.567)
    settled(desk, 4.567)
    QTest.keyClicks(desk.window, "]")
    assert desk.window.form.top.um() == pytest.approx(4.567, abs=0.006)


@pytest.mark.parametrize("end", ["done", "abort", "stack"])
def test_after_a_scan_both_show_where_the_stage_is(ready, end):
    desk, core = ready, ready.presenter.microscope.core
    core.setPosition(2.25)
    settled(desk, 2.25)
    desk.fill(max_planes=5)
    seen = set()
    desk.look_often(lambda: seen.add(bar(desk)))
    desk.scan()
    if end == "abort":
        desk.until(lambda: desk.window.volume.volume is not None)
        desk.window.status.abort.click()
    desk.finish()
    if end == "stack":
        desk.window.status.compare.click()
        desk.until(lambda: desk.state is State.scanning)
        desk.until(lambda: desk.state is State.ready)
    settled(desk, 2.25)
    assert len(seen) > 1
