"""While the estimator computes: the stage moves on, and perhaps a plane is exposed."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from engine_run import run_on_core
from patience import PATIENCE_S, wait_for
from scan_fakes import LinearEstimator, MemoryRecorder

from rmz_acquire.scanning import Bisect, Scan, ScanPlan

START_UM = 2.5
GRID_UM = np.linspace(0, 12, 13)


class Thinking(LinearEstimator):
    """Computes until what is waited for has happened on the acquisition's thread."""

    def __init__(self, log, until=()):
        super().__init__(GRID_UM)
        self.log, self.until = log, dict(until)

    def add(self, image, z_um):
        number = self.planes_taken
        self.log.append(("computes", number))
        if number in self.until:
            assert self.until[number].wait(PATIENCE_S)
        made = super().add(image, z_um)
        self.log.append(("computed", number))
        return made


class Noting(MemoryRecorder):
    """Keeps planes and decisions in the one log, and tells of the second plane."""

    def __init__(self, log):
        super().__init__()
        self.log, self.second = log, threading.Event()

    def write_plane(self, plane, index):
        super().write_plane(plane, index)
        if index == 1:
            self.second.set()


class Blind:
    """Somebody's policy, which knows of no look ahead."""

    def __init__(self, plan):
        self._inner = Bisect(plan)

    def next_z(self, taken):
        return self._inner.next_z(taken)


def watched(core, monkeypatch):
    """Log the moves and exposures of a microscope, and the threads they come from."""
    core.setPosition(START_UM)
    core.waitForSystem()
    core.log, core.threads = [], set()
    _log(core, monkeypatch, "setPosition", "moves")
    _log(core, monkeypatch, "snapImage", "exposes")
    return core


@pytest.fixture
def stock(demo, monkeypatch):
    """Micro-Manager's own demo devices."""
    return watched(demo, monkeypatch)


@pytest.fixture(params=["demo", "simulated"])
def scope(request, monkeypatch):
    """These, and the simulated microscope."""
    core = request.getfixturevalue(request.param)
    if request.param == "simulated":
        core.setProperty("Camera", "Photons_per_ms", 2000)
    return watched(core, monkeypatch)


def _log(core, monkeypatch, name, what):
    call = getattr(core, name)

    def noted(*args):
        core.threads.add(threading.current_thread().name)
        core.log.append((what, *args[1:]))
        return call(*args)

    monkeypatch.setattr(core, name, noted)


def scanned(core, overlap, *, until=None, policy=None, on_decision=None, **plan):
    """Scan with four planes or so; gives what was kept, and how it ended."""
    plan = ScanPlan.from_grid(GRID_UM, **{"max_planes": 4, "epsilon": 1e-9, **plan})
    recorder = Noting(core.log)
    if until is None and overlap == "exposure":
        until = {0: recorder.second}
    scan = Scan(
        plan,
        Thinking(core.log, until or {}),
        policy=None if policy is None else policy(plan),
        on_decision=on_decision,
    )
    outcome = run_on_core(core, scan, recorder, exposure_ms=2.0, overlap=overlap)
    assert core.getPosition() == pytest.approx(START_UM, abs=0.1)
    assert not core.getShutterOpen()
    assert core.threads == {"rmz-acquire scan"}, "devices of one thread alone"
    return recorder, outcome, scan


def once(core, name, monkeypatch, number):
    """Set when a call was made for the so-many-th time."""
    there, left, call = threading.Event(), [number], getattr(core, name)

    def counted(*args):
        made = call(*args)
        left[0] -= 1
        if left[0] == 0:
            there.set()
        return made

    monkeypatch.setattr(core, name, counted)
    return there


@pytest.mark.slow
def test_the_stage_moves_before_the_decision(scope, monkeypatch):
    """The estimator waits until the stage was sent on: else it would for ever."""
    moved = once(scope, "setPosition", monkeypatch, 2)
    recorder, outcome, _ = scanned(scope, "stage", until={0: moved})
    assert outcome.status == "max_planes" and len(recorder.planes) == 4
    log = scope.log
    z_um = [p.z_requested_um for p in recorder.planes]
    assert log.index(("moves", z_um[1])) < log.index(("computed", 0))
    # each target once, then home; none beyond the last plane that the plan allows
    assert [e[1] for e in log if e[0] == "moves"] == [*z_um, START_UM]
    # no light before the decision, and each plane on disk before it is computed
    for number in range(4):
        assert log.index(("plane", number)) < log.index(("computes", number))
    exposed = [n for n, entry in enumerate(log) if entry[0] == "exposes"]
    for number, at in enumerate(exposed[1:]):
        assert log.index(("decision", number)) < at


@pytest.mark.parametrize("how", ["none", "a policy that does not look ahead"])
def test_nothing_moves_before_the_decision(stock, how):
    policy = None if how == "none" else Blind
    recorder, _, _ = scanned(stock, "none" if how == "none" else "stage", policy=policy)
    log = stock.log
    for number, plane in enumerate(recorder.planes[1:]):
        moved = log.index(("moves", plane.z_requested_um))
        assert log.index(("decision", number)) < moved


def test_a_plane_is_exposed_ahead_and_one_is_paid_for_at_the_stop(scope):
    recorder, outcome, scan = scanned(
        scope, "exposure", epsilon=100.0, max_planes=9, tau=100.0, audit=0
    )
    assert outcome.status == "converged" and outcome.planes_taken == 5
    assert "one more was exposed ahead and is not used" in outcome.reason
    log = scope.log
    assert log.index(("plane", 1)) < log.index(("computed", 0))
    for number in range(4):
        assert log.index(("plane", number)) < log.index(("computes", number))
    assert [p.ahead for p in recorder.planes] == [False, True, True, True, True]
    *used, last = recorder.decisions
    assert [d.index for d in recorder.decisions] == [0, 1, 2, 3, 4]
    assert all(d.used and d.wanted for d in used) and used[-1].decision == "stop"
    assert not last.used and not last.wanted and last.decision == "stop"
    assert last.exposure_ms == 2.0 and last.delta is None
    assert len([e for e in log if e[0] == "exposes"]) == 5
    assert scan.estimator.planes_taken == 4


@pytest.mark.parametrize("overlap", ["stage", "exposure"])
def test_the_planes_are_those_without_it(demo, make_scan, overlap):
    """Also where the last plane is known to be the last: none is exposed beyond it."""
    kept = []
    for how in ("none", overlap):
        scan, recorder = make_scan(max_planes=5)
        assert run_on_core(demo, scan, recorder, exposure_ms=2.0, overlap=how).ok
        kept.append(recorder)
    a, b = ([p.z_requested_um for p in r.planes] for r in kept)
    assert a == b
    a, b = ([d.delta for d in r.decisions] for r in kept)
    assert a == pytest.approx(b)
    np.testing.assert_allclose(kept[0].volume, kept[1].volume)


@pytest.mark.parametrize("overlap", ["stage", "exposure"])
def test_aborted_in_the_middle_of_it(scope, monkeypatch, overlap, pulse):
    """While the stage settles, or the camera exposes, and the estimator computes."""
    never, pressed = threading.Event(), []
    call = "deviceBusy" if overlap == "stage" else "snapImage"
    begun = once(scope, call, monkeypatch, 30 if overlap == "stage" else 2)
    if overlap == "stage":
        # on its way for ever, from the second plane on
        real, log = scope.deviceBusy, scope.log
        monkeypatch.setattr(
            scope,
            "deviceBusy",
            lambda *a: real(*a) or (("plane", 0) in log and not pressed),
        )
    estimator = Thinking(scope.log, {0: never})
    plan = ScanPlan.from_grid(GRID_UM, epsilon=1e-9, max_planes=6)
    scan, recorder = Scan(plan, estimator), Noting(scope.log)

    def press():
        assert begun.wait(PATIENCE_S)
        pressed.append(pulse())
        scan.abort("pressed")

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    try:
        outcome = run_on_core(scope, scan, recorder, exposure_ms=2.0, overlap=overlap)
        assert pulse() - pressed[0] < 1.0
    finally:
        never.set()
        thread.join(PATIENCE_S)
    assert outcome.status == "aborted" and "pressed" in outcome.reason
    assert not recorder.decisions
    # what was exposed ahead is on disk, for whoever goes on
    assert len(recorder.planes) == (1 if overlap == "stage" else 2)
    assert scope.getPosition() == pytest.approx(START_UM, abs=0.1)
    assert not scope.getShutterOpen()


def test_a_stage_that_fails_in_the_middle_of_it(scope, monkeypatch):
    """The plane at hand is decided upon, and then the scan has failed."""
    failed, move = threading.Event(), scope.setPosition

    def stuck(*args):
        if ("plane", 1) in scope.log and ("computed", 1) not in scope.log:
            failed.set()
            raise RuntimeError("the stage is jammed")
        return move(*args)

    monkeypatch.setattr(scope, "setPosition", stuck)
    recorder, outcome, _ = scanned(scope, "stage", until={1: failed}, max_planes=6)
    assert outcome.status == "failed" and "the stage is jammed" in outcome.error
    assert [d.index for d in recorder.decisions] == [0, 1]
    assert recorder.decisions[1].decision == "continue"
    assert len(recorder.planes) == 2


def test_a_pause_while_it_computes_lets_nothing_move(stock, monkeypatch):
    seen, threads = [], []
    write = Noting.write_plane

    def pausing(self, plane, index):
        write(self, plane, index)
        if index == 0:
            stock.mda.set_paused(True)

    monkeypatch.setattr(Noting, "write_plane", pausing)

    def look():
        wait_for(stock.mda.is_paused)
        seen.extend(stock.log)
        stock.mda.set_paused(False)

    def decided(decision, _):
        if decision.index == 0:
            threads.append(threading.Thread(target=look, daemon=True))
            threads[0].start()

    recorder, outcome, _ = scanned(stock, "exposure", until={}, on_decision=decided)
    threads[0].join(PATIENCE_S)
    assert outcome.status == "max_planes"
    assert len([entry for entry in seen if entry[0] == "moves"]) == 1
    # ahead again after it
    assert [p.ahead for p in recorder.planes] == [False, False, True, True]


def test_a_stage_that_was_moved_by_hand_is_sent_again(stock, monkeypatch):
    """What it read back then is not where the next plane would be taken."""
    moved = once(stock, "setPosition", monkeypatch, 2)
    hand = stock.setPosition

    def push(decision, _):
        if decision.index == 0:
            stock.waitForSystem()
            hand(stock.getFocusDevice(), START_UM)

    plan = ScanPlan.from_grid(GRID_UM, epsilon=1e-9, max_planes=4)
    scan = Scan(plan, Thinking(stock.log, {0: moved}), on_decision=push)
    recorder = Noting(stock.log)
    assert run_on_core(stock, scan, recorder, exposure_ms=2.0, overlap="stage").ok
    for plane in recorder.planes:
        assert plane.z_um == pytest.approx(plane.z_requested_um, abs=0.5)
