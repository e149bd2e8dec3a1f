"""A pause that is asked for at an awkward moment of a scan, with the order forced."""

from __future__ import annotations

import threading

import pytest
from patience import PATIENCE_S

from rmz_acquire.acquisition import FocusDrive
from rmz_acquire.gui.controllers.state import State

PAUSED = "Paused: the light is off"


class Gate:
    """Holds another thread at a place until it may go on."""

    def __init__(self):
        self.reached, self.open = threading.Event(), threading.Event()

    def hold(self):
        self.reached.set()
        self.open.wait(PATIENCE_S)


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.open.set()


def pause_at(desk, gate):
    """Begin a scan, click Pause where the gate holds it, let it go on; wait."""
    status = desk.window.status
    desk.scan()
    desk.until(gate.reached.is_set)
    status.pause.click()
    gate.open.set()
    desk.until(lambda: status.headline.text() == PAUSED, 20000)
    assert desk.state is State.paused and status.pause.text() == "Resume"


def go_on(desk, planes):
    desk.window.status.pause.click()
    desk.finish()
    assert len(desk.window.along_z.taken.data) == planes


def test_while_the_stage_goes_to_the_first_plane(desk, gate, monkeypatch):
    """The engine holds before the exposure, where the runner has not paused yet."""
    move = FocusDrive.move

    def slow(drive, *args, **given):
        arrival = move(drive, *args, **given)
        gate.hold()
        return arrival

    monkeypatch.setattr(FocusDrive, "move", slow)
    desk.connect()
    desk.fill(max_planes=4)
    pause_at(desk, gate)
    core = desk.presenter.microscope.core
    for _ in range(4):
        desk.bot.wait(50)
        assert not core.getShutterOpen()
        assert len(desk.window.along_z.taken.data) == 0
    go_on(desk, 4)


def test_just_as_the_runner_turns_to_the_first_plane(desk, gate, monkeypatch):
    """The runner then forgets it: the pause comes behind the plane."""
    desk.connect()
    desk.fill(max_planes=4)
    runner, plot = desk.presenter.microscope.core.mda, desk.window.along_z
    wait = runner._wait_until_event

    def slow(event):
        ended = wait(event)
        gate.hold()
        return ended

    monkeypatch.setattr(runner, "_wait_until_event", slow)
    pause_at(desk, gate)
    desk.until(lambda: len(plot.taken.data) > 0)
    for _ in range(8):
        desk.bot.wait(50)
        assert desk.state is State.paused and len(plot.taken.data) == 1
    assert runner.is_paused()
    go_on(desk, 4)
