"""The simulated microscope, in a real UniMMCore beside the demo devices."""

from __future__ import annotations

import numpy as np
import pytest
from pymmcore_plus import CMMCorePlus
from pymmcore_plus.experimental.unicore import UniMMCore
from scope_helpers import snap, truth

from rmz_acquire.acquisition import (
    close_core,
    config_path,
    open_core,
    optics_from_core,
)
from rmz_acquire.errors import InputError
from rmz_acquire.simulation.camera import connect_simulation, simulated_camera
from rmz_acquire.stacks import write_stack

# ---- what it looks through ---------------------------------------------------------


def test_it_stands_beside_micro_managers_devices(scope):
    core = scope()
    assert core.getCameraDevice() == "Camera" and core.getFocusDevice() == "Z"
    assert core.getXYStageDevice() == "XY"
    assert core.getShutterDevice() == "Epi Shutter"
    assert {"Channel", "Objective", "Camera"} <= set(core.getAvailableConfigGroups())
    assert core.getCurrentConfig("Objective") == "20x"
    assert core.getPixelSizeUm() == pytest.approx(0.325)
    optics = optics_from_core(core)
    assert (optics.na, optics.immersion_index) == (0.75, 1.0)
    assert optics.wavelength_um == pytest.approx(0.52)


def test_a_plain_core_takes_the_python_lines_for_comments(monkeypatch):
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")
    core = CMMCorePlus()
    # the Startup preset says nothing of the missing devices
    core.loadSystemConfiguration(config_path("simulated"))
    assert core.getCameraDevice() == "" and core.getXYStageDevice() == "XY"
    close_core(core)


def test_a_picture_is_the_expected_one_with_its_noise(scope):
    core = scope(exposure_ms=50.0, Photons_per_ms=20.0)
    image, mean = snap(core, 1.0).astype(float), truth(core, 1.0).astype(float)
    assert image.shape == (64, 64)
    electrons = (mean - 100) * 0.5
    sigma = np.sqrt(electrons + 1.6**2) / 0.5
    deviation = (image - mean) / sigma
    assert abs(deviation.mean()) < 0.06
    assert deviation.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.slow
def test_focus_changes_the_picture_and_same_seed_gives_the_same(scope):
    core, again = scope(), scope()
    # noise and all, as long as the same is done
    for z_um in (0.0, 3.0, 0.0):
        np.testing.assert_array_equal(snap(core, z_um), snap(again, z_um))
    sharp, blurred = truth(core, 0.0), truth(core, 8.0)
    assert np.abs(sharp - blurred).max() > 20
    again.setProperty("Camera", "Seed", 5)
    assert np.abs(truth(again) - sharp).max() > 20


@pytest.mark.parametrize("specimen", ["beads", "nuclei", "filaments"])
def test_every_specimen_shows_something(scope, specimen):
    core = scope(specimen=specimen)
    assert truth(core).max() > 110


@pytest.mark.slow
def test_the_objective_changes_the_picture(scope):
    core = scope(specimen="nuclei")
    low = truth(core)
    core.setConfig("Objective", "40x")
    core.waitForSystem()
    high = truth(core)
    assert core.getPixelSizeUm() == pytest.approx(0.1625)
    # twice the magnification: the middle of the one is the whole of the other
    middle = low[16:48, 16:48]
    binned = high.reshape(32, 2, 32, 2).sum((1, 3))
    assert np.corrcoef(middle.ravel(), binned.ravel())[0, 1] > 0.8
    assert np.corrcoef(low.ravel(), high.ravel())[0, 1] < 0.9


def test_the_pixel_size_changes_the_picture(scope):
    core = scope()
    before = truth(core)
    core.setPixelSizeUm("Res20x", 0.2)
    assert np.abs(truth(core) - before).max() > 20


def test_the_filter_changes_the_picture(scope):
    core = scope(exposure_ms=50.0)

    def detail():
        return np.abs(np.diff(truth(core), axis=0)).sum()

    green = detail()
    core.setConfig("Channel", "Cy5")
    assert detail() < 0.97 * green  # less of it at a longer wavelength


def test_an_empty_place_of_the_turret_says_what_to_do(scope):
    core = scope()
    core.setProperty("Objective", "State", 5)
    with pytest.raises(InputError, match=r"does not tell the NA .*the pixel size"):
        core.snapImage()


def test_the_xy_stage_moves_the_field(scope):
    core = scope()
    before = truth(core)
    pixels = 8
    core.setXYPosition(pixels * 0.325, 0.0)
    core.waitForSystem()
    after = truth(core)
    np.testing.assert_allclose(after[:, :-pixels], before[:, pixels:], rtol=0.05)
    core.setXYPosition(0.0, 0.0)
    core.waitForSystem()
    np.testing.assert_allclose(truth(core), before, rtol=1e-3)


def test_no_light_no_picture(scope):
    core = scope(ReadNoise_e=0.0, DarkCurrent_e_per_s=0.0)
    core.setAutoShutter(False)
    core.setShutterOpen(False)
    assert (snap(core) == 100).all()
    assert simulated_camera(core).dose_ms() == 0
    core.setShutterOpen(True)
    assert snap(core).max() > 105
    assert simulated_camera(core).dose_ms() == 5.0


# ---- a recorded stack in the place of the specimen -----------------------------------


def test_a_recorded_stack_is_delivered_as_it_is(scope, tmp_path, rng):
    stack = rng.integers(50, 4000, (9, 24, 40)).astype(np.uint16)
    path = tmp_path / "stack.tif"
    write_stack(path, stack, z_step_um=0.5, pixel_size_um=0.1)
    core = scope(specimen=str(path))
    for i in (0, 3, 8):
        np.testing.assert_array_equal(snap(core, 0.5 * i + 0.1), stack[i])
    expected = simulated_camera(core).expected(np.arange(9) * 0.5)
    np.testing.assert_array_equal(expected, stack)
    core.setProperty("Camera", "StackStep_um", 1.0)
    np.testing.assert_array_equal(snap(core, 3.0), stack[3])
    core.setProperty("Camera", "Specimen", "beads")
    assert snap(core).shape == (64, 64)


# ---- opening and connecting ----------------------------------------------------------


def test_a_camera_on_no_microscope_says_what_to_do(monkeypatch):
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")
    core = UniMMCore()
    core.loadSystemConfiguration(config_path("simulated"))
    with pytest.raises(RuntimeError, match="open_core"):
        core.snapImage()
    assert connect_simulation(core) == 1
    core.setProperty("Camera", "SensorSize_px", 64)
    assert snap(core).shape == (64, 64)
    close_core(core)


def test_two_microscopes_do_not_see_each_other(scope):
    one, two = scope(ReadNoise_e=0.0), scope(ReadNoise_e=0.0)
    one.setPosition(8.0)
    one.waitForSystem()
    np.testing.assert_array_equal(snap(two), snap(scope(ReadNoise_e=0.0)))


def test_the_stock_camera_knows_no_truth(monkeypatch):
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")
    core = open_core("MMConfig_demo.cfg")
    with pytest.raises(InputError, match="'Camera' is not simulated"):
        simulated_camera(core)
    close_core(core)
