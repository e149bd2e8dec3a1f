"""How the focus goes to a plane: waited for, from one side, slowly where asked."""

from __future__ import annotations

import time

import pytest
from engine_run import run_on_core

from rmz_acquire.acquisition import FocusDrive
from rmz_acquire.simulation.devices import device_behind
from rmz_acquire.simulation.stage import SimulatedStage


def test_an_early_stage_is_waited_for(demo, make_scan, monkeypatch):
    """A stage that calls itself ready while it is still on its way."""
    real_set, real_get = demo.setPosition, demo.getPosition
    state = {"from": 0.0, "to": 0.0, "at": 0.0}

    def set_position(label, z_um):
        state.update({"from": real_get(label), "to": z_um, "at": time.monotonic()})
        real_set(label, z_um)

    def get_position(*args):
        done = min(1.0, (time.monotonic() - state["at"]) / 0.05)
        return state["from"] + done * (state["to"] - state["from"])

    monkeypatch.setattr(demo, "setPosition", set_position)
    monkeypatch.setattr(demo, "getPosition", get_position)
    scan, recorder = make_scan(z_exact_um=(0.0, 12.0, 4.0))
    outcome = run_on_core(demo, scan, recorder, exposure_ms=3.0, tolerance_um=0.05)
    assert outcome.ok
    for plane in recorder.planes:
        assert plane.z_um == pytest.approx(plane.z_requested_um, abs=0.05)
    assert recorder.planes[1].stage_ms > 40


@pytest.fixture
def sent(demo, monkeypatch):
    """Where the stage was sent, one after the other."""
    real, found = demo.setPosition, []

    def set_position(label, z_um):
        found.append(z_um)
        real(label, z_um)

    monkeypatch.setattr(demo, "setPosition", set_position)
    return found


def test_settling_and_one_sided_approach(demo, make_scan, sent):
    scan, recorder = make_scan(z_exact_um=(8.0, 2.0, 2.5, 6.0))
    outcome = run_on_core(
        demo, scan, recorder, exposure_ms=3.0, settle_ms=30.0, approach_um=1.0
    )
    assert outcome.ok
    # no way round where the stage comes from below and far enough anyway, and in the
    # end straight back to the start
    assert sent == [8.0, 1.0, 2.0, 1.5, 2.5, 6.0, 0.0]
    assert all(plane.stage_ms >= 30 for plane in recorder.planes)


def test_an_approach_from_above(demo, sent):
    drive = FocusDrive(demo, "Z", approach_um=1.0, approach_from="above")
    for z_um in (8.0, 2.0, 6.0):
        drive.move(z_um)
    assert sent == [9.0, 8.0, 2.0, 7.0, 6.0]


@pytest.mark.parametrize("side", ["below", "above"])
def test_a_one_sided_approach_takes_backlash_up(simulated, side):
    """The same encoder position is then the same focus, whatever came before."""
    stage = device_behind(simulated, "Z", SimulatedStage)
    simulated.setProperty("Z", "Backlash_um", 0.7)
    simulated.setProperty("Z", "Settle_ms", 0)

    def focuses(**options):
        drive, found = FocusDrive(simulated, "Z", tolerance_um=0.01, **options), []
        for z_um in (3.0, 9.0, 3.0, 1.0, 3.0):
            drive.move(z_um)
            if z_um == 3.0:
                found.append(stage.true_position_um())
        return found

    assert max(focuses()) - min(focuses()) == pytest.approx(0.7)
    found = focuses(approach_um=2.0, approach_from=side)
    assert max(found) - min(found) == pytest.approx(0, abs=1e-6)


def test_the_last_way_at_its_own_speed(simulated):
    simulated.setProperty("Z", "Settle_ms", 0)
    drive = FocusDrive(
        simulated, "Z", approach_um=2.0, approach_speed=("Speed_um_per_s", "20")
    )
    simulated.setPosition(10.0)
    simulated.waitForSystem()
    seen = []
    real = simulated.setPosition

    def set_position(label, z_um):
        seen.append((z_um, float(simulated.getProperty("Z", "Speed_um_per_s"))))
        real(label, z_um)

    simulated.setPosition = set_position
    begin = time.perf_counter()
    drive.move(4.0)
    assert seen == [(2.0, 2000.0), (4.0, 20.0)]
    assert time.perf_counter() - begin >= 0.1  # 2 µm at 20 µm/s
    assert float(simulated.getProperty("Z", "Speed_um_per_s")) == 2000.0
