"""The simulated focus stage: travel, settling, limits, origin."""

from __future__ import annotations

import time

import numpy as np
import pytest
from patience import wait_for
from scope_helpers import snap

from rmz_acquire.simulation.camera import simulated_camera


def test_the_stage_travels_and_settles(scope):
    core = scope()
    core.setProperty("Z", "Speed_um_per_s", 40.0)
    core.setProperty("Z", "Settle_ms", 60.0)
    begin = time.perf_counter()
    core.setPosition(20.0)
    assert core.deviceBusy("Z")
    wait_for(lambda: core.getPosition() > 0)
    assert core.getPosition() < 20.0
    core.waitForDevice("Z")
    assert time.perf_counter() - begin >= 0.56
    assert core.getPosition() == 20.0


@pytest.mark.slow
def test_a_stage_that_calls_itself_ready_too_early(scope):
    core = scope(exposure_ms=1.0, Photons_per_ms=1e4, ReadNoise_e=0.0)
    core.setProperty("Z", "Settle_ms", 1000.0)
    core.setProperty("Z", "BusyUntilSettled", "No")
    snap(core, 40.0)  # renders, so that the next picture comes soon
    time.sleep(1.0)
    core.setPosition(0.0)
    core.waitForDevice("Z")
    assert core.getPosition() == 0.0  # so says the encoder
    camera = simulated_camera(core)
    core.snapImage()
    early = core.getImage()
    time.sleep(1.0)
    core.snapImage()
    late = core.getImage()

    def off(image):
        return np.abs(image - camera.expected([0.0])[0]).mean()

    assert off(early) > 1.5 * off(late)


def test_the_stage_keeps_to_its_limits(scope):
    core = scope()
    with pytest.raises(ValueError, match="outside the stage's -200 to 200"):
        core.setPosition(250.0)
    core.setProperty("Z", "UpperLimit_um", 10.0)
    with pytest.raises(ValueError, match="outside the stage's -200 to 10"):
        core.setPosition(11.0)
    with pytest.raises(ValueError, match="is not below the upper"):
        core.setProperty("Z", "LowerLimit_um", 20.0)
    assert core.getPosition() == 0.0


def test_a_new_origin_leaves_the_specimen_where_it_is(scope):
    core = scope()
    core.setPosition(5.0)
    core.waitForSystem()
    before = snap(core).astype(float)
    core.setOrigin()
    assert core.getPosition() == 0.0
    after = snap(core).astype(float)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.8
