"""The dock for training by clicks: real widgets, simulated microscope, real process."""

from __future__ import annotations

import pytest
from cli_helpers import OPTICS, write_model
from PyQt6.QtWidgets import QLabel, QMessageBox, QPushButton

from rmz_acquire.gui.controllers.state import State
from rmz_acquire.simulation.stack import simulate_stack
from rmz_acquire.stacks import write_stack


@pytest.fixture
def train(desk, tmp_path):
    """The dock, with a small model to start from and few steps to take."""
    desk.connect()
    desk.fill(-2.0, 2.0)
    desk.window.train.trigger()
    setup = desk.window.training.setup
    setup.use_model(str(write_model(tmp_path / "base")))
    setup.length.addItem("Tiny", 4)
    setup.length.addItem("Endless", 5000)
    choose(setup, 4)
    return Train(desk)


def choose(setup, steps):
    setup.length.setCurrentIndex(setup.length.findData(steps))


class Train:
    """Words to use the dock by; whatever it held on to would outlive the window."""

    def __init__(self, desk):
        self.desk = desk

    @property
    def panel(self):
        return self.desk.window.training

    @property
    def setup(self):
        return self.panel.setup

    def add_places(self, number=3):
        core = self.desk.presenter.microscope.core
        for i in range(number):
            core.setXYPosition(30.0 * i, 0.0)
            core.waitForDevice(core.getXYStageDevice())
            self.setup.add_place.click()
            self.desk.until(lambda n=i: self.setup.places.count() == n + 1)

    def add_recorded(self, folder, number=3, side=48):
        folder.mkdir()
        for seed in range(number):
            made = simulate_stack(
                "beads",
                seed,
                OPTICS,
                planes=9,
                z_step_um=0.5,
                shape=(side, side),
                exposure_ms=50,
            )
            path = folder / f"s{seed}.ome.tif"
            write_stack(path, made.counts, z_step_um=0.5, pixel_size_um=0.325)
            self.setup.add_stacks([path])

    def start(self):
        assert self.setup.train.isEnabled(), self.setup.reason.text()
        self.setup.train.click()
        assert not self.setup.isVisible()

    def until_step(self):
        self.desk.until(lambda: self.panel.detail.text().startswith("Step "))

    def finish(self):
        self.desk.until(lambda: self.panel.again.isVisible())


def test_from_places_to_a_model_that_is_used(desk, train):
    window, setup, panel = desk.window, train.setup, train.panel
    assert "0 of 3 stacks" in setup.reason.text() and not setup.train.isEnabled()
    assert "9 planes over 4 µm" in setup.words.text()
    train.add_places()
    assert setup.take.text() == "Take 3 stacks"
    setup.take.click()
    desk.until(lambda: desk.state is State.collecting)
    desk.until(lambda: not setup.take.isEnabled())
    assert not window.form.start.isEnabled()
    desk.until(lambda: window.status.headline.text().startswith("Stack 2 of 3"))
    assert window.status.abort.isVisible() and not window.status.pause.isVisible()
    desk.until(lambda: window.status.headline.text() == "3 stacks taken")
    desk.until(lambda: desk.state is State.ready)
    assert len(setup.chosen_stacks()) == 3 and not setup.places.count()
    train.start()
    train.finish()
    # four steps make no model better, and that is said
    assert panel.headline.text() == "Not better: do not use it"
    assert "against base, which it started from" in panel.detail.text()
    assert panel.curve.gain.getData()[0][0] == 0
    cells = [label.text() for label in panel.table.findChildren(QLabel)]
    assert {"new model", "base", "wiener", "linear", "3"} <= set(cells)
    assert panel.use.text() == "Use it anyway"
    panel.use.click()
    settings = window.form.settings()
    assert settings.estimator == "recurrent-mz"
    assert settings.model.endswith("mine") and "training" in settings.model
    desk.fill(estimator="recurrent-mz", max_planes=4)
    desk.scan()
    desk.until(lambda: desk.state is State.ready)
    panel.again.click()
    assert setup.isVisible() and setup.train.isEnabled()


def test_taking_stacks_is_cancelled(desk, train):
    train.add_places(2)
    train.setup.take.click()
    desk.until(lambda: "Stack 1" in desk.window.status.headline.text())
    desk.window.status.abort.click()
    desk.until(lambda: desk.state is State.ready)
    desk.until(lambda: "Stopped after" in desk.window.status.headline.text())
    # what was asked for is still there to be taken
    assert train.setup.places.count() == 2
    desk.until(train.setup.take.isEnabled)


def test_a_training_is_stopped_and_gone_on_with(desk, train, tmp_path):
    train.add_recorded(tmp_path / "recorded")
    choose(train.setup, 5000)
    train.start()
    train.until_step()
    folder = next((desk.root / "training").iterdir())
    desk.until(lambda: (folder / "last.ckpt").exists())
    train.panel.stop.click()
    train.finish()
    assert train.panel.headline.text() == "Training stopped"
    assert train.panel.go_on.isVisible()
    train.panel.again.click()
    assert train.setup.go_on.isVisible() and folder.name in train.setup.go_on.text()
    train.setup.go_on.click()
    train.until_step()
    train.panel.stop.click()
    train.finish()


@pytest.mark.parametrize("state", ["collecting", "training"])
def test_closing_meanwhile_ends_safely(desk, train, tmp_path, state):
    core = desk.presenter.microscope.core
    at_end = []
    letting_go = core.unloadAllDevices

    def seen():
        at_end.append((core.getShutterOpen(), core.getPosition()))
        letting_go()

    core.unloadAllDevices = seen
    if state == "collecting":
        train.add_places(2)
        train.setup.take.click()
        desk.until(lambda: "Stack 1" in desk.window.status.headline.text())
    else:
        train.add_recorded(tmp_path / "recorded")
        choose(train.setup, 5000)
        train.start()
        train.until_step()
    controller = train.desk.training.controller
    desk.close()
    assert not controller.training and not controller.taking
    assert at_end == [(False, pytest.approx(0.0))]


def test_what_went_wrong_is_said_in_one_line(desk, train, tmp_path):
    train.add_recorded(tmp_path / "small", side=20)
    train.start()
    train.finish()
    assert train.panel.headline.text() == "Training failed"
    assert "too small to train on" in train.panel.detail.text()
    assert "\n" not in train.panel.detail.text()
    assert not train.panel.go_on.isVisible()
    train.panel.details.click()
    (box,) = desk.window.findChildren(QMessageBox)
    assert "too small" in box.detailedText()


def test_why_not_is_said_where_one_looks(desk, train, tmp_path):
    setup = train.setup
    desk.window.form.top.set_um(None)
    desk.until(lambda: "set the top" in setup.take_reason.text())
    assert not setup.take.isEnabled() and not setup.add_place.isEnabled()
    assert "Scan first" in setup.words.text()
    desk.fill(-2.0, 2.0)
    desk.until(setup.take.isEnabled)
    train.add_recorded(tmp_path / "recorded")
    assert setup.train.isEnabled()
    assert "2 stacks to train on, 1 held out" in setup.reason.text()
    setup.name.setText("My model")
    assert "hyphens only" in setup.reason.text()
    setup.name.setText("mine")
    setup.stacks.item(0).setCheckState(setup.stacks.item(0).checkState().Unchecked)
    assert "2 of 3 stacks" in setup.reason.text()
    setup.drop_stack.click()
    assert setup.stacks.count() == 2


def test_stacks_are_remembered(desk, train, qtbot, tmp_path):
    from rmz_acquire.gui.app import make_gui

    train.add_recorded(tmp_path / "recorded")
    desk.close()
    again = make_gui(desk.state_dir, desk.root)
    qtbot.addWidget(again.window)
    assert len(again.window.training.setup.all_stacks()) == 3
    again.window.show()
    again.window.close()
    qtbot.waitUntil(lambda: not again.window.isVisible(), timeout=60_000)


def test_nothing_is_clipped_in_the_dock(desk, train, tmp_path):
    train.add_places(1)
    train.add_recorded(tmp_path / "recorded")
    cut = []
    for button in train.panel.findChildren(QPushButton):
        if button.isVisible() and button.text():
            words = button.fontMetrics().horizontalAdvance(button.text())
            if words > button.width():
                cut.append(button.text())
    bar = train.panel.area.horizontalScrollBar()
    assert not cut and bar.maximum() == 0
