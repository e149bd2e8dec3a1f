"""Buttons, menu entries and keys are on and off together, in every state."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from rmz_acquire.gui.controllers.allowed import ALLOWED, Situation
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.views.enabled_actions import controls

FREE = ("ready", "live")
RUNNING = ("scanning", "paused")
BUSY = (*RUNNING, "collecting", "rendering", "ending")
#: By hand, apart from the table: where each can be asked for, with all that it needs.
ON = {
    "connect": ("empty", *FREE),
    "live": FREE,
    "snap": FREE,
    "focus": FREE,
    "set_end": FREE,
    "start": FREE,
    "load_settings": FREE,
    "load_optics": FREE,
    "save_settings": (*FREE, *BUSY),
    "pause": RUNNING,
    "keep": RUNNING,
    "abort": BUSY,
    "plane_here": (*FREE, *RUNNING),
    "go_on": FREE,
    "full_stack": FREE,
    "render": FREE,
    "open_run": ("empty", *FREE),
    "open_folder": (*FREE, *BUSY, "empty", "connecting"),
}


@pytest.mark.parametrize("action", list(ALLOWED))
def test_every_action_in_every_state(action):
    as_a_run = ON.get(action, ON["open_folder"] if action != "train" else None)
    on = as_a_run or (*FREE, *BUSY)
    for state in State:
        full = Situation(state, *[True] * 9, stack=False, napari=True)
        assert full.allows(action) == (state.value in on), state
        # nothing that needs something is on without it
        bare = Situation(state, absolute=False)
        if ALLOWED[action][1] and action != "plane_here":
            assert not bare.allows(action), state


def test_nobody_asks_for_planes_of_a_full_stack():
    assert not Situation(State.scanning, stack=True).allows("plane_here")
    assert Situation(State.scanning, stack=True).allows("pause")


def _together(desk):
    """What the window offers: by action whether it is on; all of its controls agree."""
    offered = {}
    for action, asking in controls(desk.window).items():
        states = {control.isEnabled() for control in asking}
        assert len(states) == 1, (action, desk.state, states)
        offered[action] = states.pop()
    return offered


def test_the_window_follows_the_table(desk):
    desk.connect()
    desk.fill(max_planes=4)
    started = []
    desk.presenter.scans.start = lambda *a: started.append(a)

    def go(state):
        desk.presenter.microscope.set_state(state)
        desk.until(lambda: desk.state is state)

    for state in (s for s in State if s is not State.closed):
        go(State.empty)
        go(state)
        offered = _together(desk)
        for action in ("live", "start", "pause", "keep", "abort", "focus", "connect"):
            assert offered[action] == (state.value in ON[action]), (action, state)
        # the keys do what the buttons may
        started.clear()
        QTest.keyClick(desk.window, Qt.Key.Key_F5)
        desk.bot.wait(20)
        assert bool(started) == (state.value in FREE), state
    go(State.ready)


def test_f5_is_off_where_start_is(desk):
    """A range that makes no sense, in the form, in the menu and by the key."""
    desk.connect()
    for bottom, top, on in ((None, 4.0, False), (4.0, -4.0, False), (-4.0, 4.0, True)):
        desk.window.form.bottom.set_um(bottom)
        desk.window.form.top.set_um(top)
        desk.presenter.refresh()
        assert desk.window.form.start.isEnabled() is on
        assert desk.window.start.isEnabled() is on
    desk.window.form.top.set_um(-9.0)
    QTest.keyClick(desk.window, Qt.Key.Key_F5)
    desk.bot.wait(50)
    assert desk.state is State.ready and not desk.root.exists()
