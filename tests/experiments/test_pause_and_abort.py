"""Abort and pause at once, whatever the experiment is at."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from experiment_fakes import sequence
from patience import PATIENCE_S

from rmz_acquire.acquisition import Control, close_core, load_simulated
from rmz_acquire.experiments import run
from rmz_acquire.reconstruction import make_estimator

START_UM = 1.0
STATES = ("waiting", "thinking", "settling", "travelling", "exposing", "paused")


LONG_S = 10.0
"""What an abort ends would go on for at least so long."""


class Slow:
    """An estimator like a network that needs its time."""

    def __init__(self, inner, thinking, enough):
        self._inner, self._thinking, self._enough = inner, thinking, enough

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def add(self, image, z_um):
        self._thinking.set()
        self._enough.wait(LONG_S)
        return self._inner.add(image, z_um)


@pytest.fixture
def enough():
    """Set at the end: what thinks need not think on."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def scope():
    core = load_simulated(SensorSize_px=64, exposure_ms=2.0, seed=4)
    core.setPosition(START_UM)
    core.waitForSystem()
    yield core
    close_core(core)


def _in_state(core, state, monkeypatch, enough):
    """Bring about a state; gives the experiment, and what is set once it is there."""
    there = threading.Event()
    block, given = {}, {}
    if state == "waiting":
        given["time_plan"] = {"interval": 60, "loops": 2}
        core.mda.events.awaitingEvent.connect(lambda *_: there.set())
    elif state == "thinking":
        monkeypatch.setattr(
            "rmz_acquire.experiments.estimators.make_estimator",
            lambda *args, **options: Slow(
                make_estimator(*args, **options), there, enough
            ),
        )
    elif state == "settling":
        block["stage"] = {"settle_ms": 1000 * LONG_S}
        core.mda.events.eventStarted.connect(lambda _: there.set())
    elif state == "travelling":
        block["overlap"] = "none"  # else it is there before the event begins
        core.setProperty("Z", "Speed_um_per_s", 20000)
        given["z_plan"] = {"range": 60, "step": 10}
        block["z_um"] = [-30, 30]

        def started(event):
            if event.index["z"] == 6:
                core.setProperty("Z", "Speed_um_per_s", 60 / LONG_S)
                there.set()

        core.mda.events.eventStarted.connect(started)
    elif state == "exposing":
        # a camera ends its exposure in its own time: the light see test_long_exposures
        given["channels"] = [{"config": "GFP", "exposure": 600}]
        core.mda.events.eventStarted.connect(lambda _: there.set())
    elif state == "paused":

        def pause(*_):
            core.mda.set_paused(True)
            there.set()

        core.mda.events.frameReady.connect(pause)
    given.setdefault("channels", [{"config": "GFP", "exposure": 2}])
    return sequence(block, **given), there


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_an_abort_waits_for_nothing(scope, state, tmp_path, monkeypatch, enough, pulse):
    """It takes a second; what it ends takes so much longer that no load hides it."""
    wanted, there = _in_state(scope, state, monkeypatch, enough)
    control = Control()
    pressed = []

    def press():
        assert there.wait(PATIENCE_S)
        pulse.rest(0.15)
        if state == "travelling":
            # for the way back; the move that it is at stays slow
            scope.setProperty("Z", "Speed_um_per_s", 20000)
        pressed.append(pulse())
        control.abort("pressed")

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    summary = run(scope, wanted, tmp_path / "run", control=control).summary
    took_s = pulse() - pressed[0]
    thread.join(PATIENCE_S)
    assert summary.status == "aborted" and "pressed" in summary.reason, summary.reason
    assert took_s < LONG_S / 2
    assert not scope.getShutterOpen()
    assert scope.getPosition() == pytest.approx(START_UM, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("state", ["waiting", "thinking", "settling"])
def test_nothing_is_exposed_while_paused(
    scope, state, tmp_path, monkeypatch, enough, pulse
):
    wanted, there = _in_state(scope, state, monkeypatch, enough)
    if state == "settling":
        block = wanted.metadata["rmz_acquire"]
        block["stage"] = {"settle_ms": 400}
    snaps, control, seen = [], Control(), []
    snap = scope.snapImage
    monkeypatch.setattr(
        scope, "snapImage", lambda *a: (snaps.append(time.perf_counter()), snap(*a))[1]
    )

    def press():
        assert there.wait(PATIENCE_S)
        scope.mda.set_paused(True)
        pulse.rest(0.2)
        before = len(snaps)
        pulse.rest(0.6)
        seen.append((before, len(snaps), scope.getShutterOpen()))
        control.abort()

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    summary = run(scope, wanted, tmp_path / "run", control=control).summary
    thread.join(PATIENCE_S)
    (before, after, light) = seen[0]
    assert before == after and not light
    assert summary.status == "aborted"


@pytest.mark.slow
def test_a_paused_experiment_goes_on(scope, tmp_path):
    paused = []

    def pause(*_):
        if not paused:
            paused.append(True)
            scope.mda.set_paused(True)
            threading.Timer(0.4, lambda: scope.mda.set_paused(False)).start()

    scope.mda.events.frameReady.connect(pause)
    summary = run(
        scope,
        sequence(channels=[{"config": "GFP", "exposure": 2}]),
        tmp_path / "run",
    ).summary
    assert summary.status == "completed" and summary.planes_taken == 4


@pytest.mark.slow
def test_time_points_keep_their_schedule(scope, tmp_path, pulse):
    """A scan that stops early does not shift the next; one that is late is told."""
    started = {}

    def note(event):
        started.setdefault(event.index["t"], (time.perf_counter(), pulse()))

    scope.mda.events.eventStarted.connect(note)
    channels = [{"config": "GFP", "exposure": 2}]
    plan = {"interval": 0.6, "loops": 3}
    slow = sequence({"stage": {"settle_ms": 250}}, channels=channels, time_plan=plan)
    summary = run(scope, slow, tmp_path / "late").summary
    assert summary.status == "completed"
    assert [item["t"] for item in summary.late] == [1, 2]
    assert summary.late[0]["late_s"] > 0
    # pictures of these planes are made by now
    started.clear()
    every_s = 1.0
    plan["interval"] = every_s
    summary = run(
        scope, sequence(channels=channels, time_plan=plan), tmp_path / "on-time"
    ).summary
    assert summary.status == "completed"
    wall, fair = np.array([started[t] for t in range(3)]).T
    # never early, and late only by what the machine did not give
    assert np.all(wall[1:] - wall[0] > np.array([1, 2]) * every_s - 0.2)
    assert np.all(fair[1:] - fair[0] < np.array([1, 2]) * every_s + 0.2)
    missed = (wall[2] - wall[0]) - (fair[2] - fair[0])
    assert not [item for item in summary.late if item["late_s"] > 0.2 + missed]
