"""The simulated camera and stage, in a real UniMMCore beside the demo devices."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pymmcore_plus import CMMCorePlus
from pymmcore_plus.experimental.unicore import UniMMCore

from rmz_acquire.acquisition import (
    config_path,
    load_simulated,
    open_core,
    optics_from_core,
)
from rmz_acquire.errors import InputError
from rmz_acquire.simulation.camera import connect_simulation, simulated_camera
from rmz_acquire.stacks import write_stack

DARK = {"Photons_per_ms": 0.0, "DarkCurrent_e_per_s": 0.0}


@pytest.fixture
def scope(monkeypatch):
    """Open simulated microscopes of small pictures, and unload them at the end."""
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")
    cores = []

    def load(**options):
        small = {"SensorSize_px": 64, "exposure_ms": 5.0, "seed": 4}
        bright = {"Photons_per_ms": 400.0, "specimen": "filaments"}
        options = {**small, **bright, **options}
        core = load_simulated(**options)
        cores.append(core)
        return core

    yield load
    for core in cores:
        core.unloadAllDevices()


def snap(core, z_um=None):
    if z_um is not None:
        core.setPosition(z_um)
        core.waitForSystem()
    core.snapImage()
    return core.getImage()


def truth(core, z_um=0.0):
    return simulated_camera(core).expected([z_um])[0]


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
    core.unloadAllDevices()


def test_a_picture_is_the_expected_one_with_its_noise(scope):
    core = scope(exposure_ms=50.0, Photons_per_ms=20.0)
    image, mean = snap(core, 1.0).astype(float), truth(core, 1.0).astype(float)
    assert image.shape == (64, 64)
    electrons = (mean - 100) * 0.5
    sigma = np.sqrt(electrons + 1.6**2) / 0.5
    deviation = (image - mean) / sigma
    assert abs(deviation.mean()) < 0.06
    assert deviation.std() == pytest.approx(1.0, abs=0.05)


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


# ---- the camera --------------------------------------------------------------------


@pytest.mark.parametrize(("noise_e", "gain"), [(1.6, 0.5), (6.0, 2.0), (0.0, 1.0)])
def test_read_noise_and_offset_are_those_asked_for(scope, noise_e, gain):
    options = {"ReadNoise_e": noise_e, "Gain_e_per_count": gain, "Offset": 250.0}
    core = scope(SensorSize_px=256, **options, **DARK)
    image = snap(core).astype(float)
    assert image.mean() == pytest.approx(250.0, abs=0.1)
    # rounding to counts adds a twelfth
    expected = (noise_e / gain) ** 2 + (1 / 12 if noise_e else 0)
    assert image.var() == pytest.approx(expected, rel=0.03, abs=1e-9)


@pytest.mark.parametrize(("efficiency", "exposure_ms"), [(0.7, 40.0), (0.35, 10.0)])
def test_shot_noise_follows_the_photons(scope, efficiency, exposure_ms):
    core = scope(
        QuantumEfficiency=efficiency,
        exposure_ms=exposure_ms,
        Photons_per_ms=200.0,
        ReadNoise_e=0.0,
    )
    camera = simulated_camera(core)
    electrons = (truth(core).astype(float) - 100) * 0.5
    frames = np.stack([snap(core, 0.0) for _ in range(24)]).astype(float)
    variance = frames.var(axis=0, ddof=1) * 0.5**2
    bright = electrons > np.percentile(electrons, 50)
    assert variance[bright].sum() == pytest.approx(electrons[bright].sum(), rel=0.1)
    assert frames.mean() == pytest.approx(camera.expected([0.0]).mean(), rel=0.02)


@pytest.mark.parametrize("bits", [12, 16])
def test_saturation(scope, bits):
    core = scope(BitDepth=bits, Photons_per_ms=1e5, exposure_ms=50.0, FullWell_e=1e6)
    image = snap(core)
    assert image.max() == 2**bits - 1 and image.dtype == np.uint16
    # the full well ends it before the converter does
    core.setProperty("Camera", "FullWell_e", 500.0)
    core.setProperty("Camera", "ReadNoise_e", 0.0)
    assert snap(core).max() == 100 + 500 / 0.5


@pytest.mark.parametrize("binning", [2, 4])
def test_binning_sums(scope, binning):
    core = scope(DarkCurrent_e_per_s=0.0)
    full = truth(core) - 100
    core.setProperty("Camera", "Binning", str(binning))
    size = 64 // binning
    binned = truth(core) - 100
    summed = full.reshape(size, binning, size, binning).sum((1, 3))
    np.testing.assert_allclose(binned, summed, rtol=1e-4, atol=1e-2)
    image = snap(core)
    assert image.shape == (size, size)
    assert (core.getImageWidth(), core.getImageHeight()) == (size, size)
    assert core.getPixelSizeUm() == pytest.approx(0.325 * binning)
    assert optics_from_core(core).pixel_size_um == pytest.approx(0.325 * binning)
    assert core.getProperty("Camera", "Binning") == binning


def test_a_binned_pixel_is_read_once(scope):
    core = scope(SensorSize_px=256, ReadNoise_e=3.0, Gain_e_per_count=1.0, **DARK)
    core.setProperty("Camera", "Binning", 2)
    assert snap(core).std() == pytest.approx(3.0, rel=0.03)


def test_a_region_of_interest_crops(scope):
    core = scope()
    full = truth(core)
    core.setROI(10, 20, 30, 15)
    image = snap(core)
    assert image.shape == (15, 30) and core.getROI() == [10, 20, 30, 15]
    np.testing.assert_array_equal(truth(core), full[20:35, 10:40])
    assert np.corrcoef(image.ravel(), full[20:35, 10:40].ravel())[0, 1] > 0.5
    core.setProperty("Camera", "Binning", 2)  # gives the region up, as cameras do
    assert snap(core).shape == (32, 32)
    core.clearROI()
    assert snap(core).shape == (32, 32)


def test_bleaching_lowers_later_frames_by_the_computed_factor(scope):
    rate, exposure_ms = 0.004, 20.0
    core = scope(
        Bleaching_per_ms=rate,
        exposure_ms=exposure_ms,
        Photons_per_ms=500.0,
        DarkCurrent_e_per_s=0.0,
        SensorSize_px=128,
        FullWell_e=1e6,
        Gain_e_per_count=20.0,
    )
    fresh = (truth(core) - 100).astype(float).sum()
    lost = rate * exposure_ms
    mean = (1 - np.exp(-lost)) / lost
    for n in range(6):
        light = (snap(core, 0.0).astype(float) - 100).sum() / fresh
        assert light == pytest.approx(np.exp(-n * lost) * mean, rel=0.02)
    # the truth is that of a fresh specimen, and looking at it costs nothing
    assert (truth(core) - 100).sum() == pytest.approx(fresh)
    camera = simulated_camera(core)
    assert camera.dose_ms() == 6 * exposure_ms
    # elsewhere the specimen is fresh, next to it it is not
    core.setXYPosition(5.0, 0.0)
    core.waitForSystem()
    assert camera.dose_ms() == 6 * exposure_ms
    core.setXYPosition(60.0, 0.0)
    core.waitForSystem()
    assert camera.dose_ms() == 0
    # and a new specimen is fresh everywhere
    core.setXYPosition(0.0, 0.0)
    core.waitForSystem()
    core.setProperty("Camera", "Seed", 4)
    assert camera.dose_ms() == 0


def test_an_exposure_takes_its_time(scope):
    core = scope(exposure_ms=120.0)
    snap(core)
    begin = time.perf_counter()
    snap(core)
    assert 0.115 < time.perf_counter() - begin < 0.5


def test_a_sequence_acquisition(scope):
    core = scope()
    core.startSequenceAcquisition(3, 0, True)
    deadline = time.monotonic() + 20
    while core.getRemainingImageCount() < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert core.popNextImage().shape == (64, 64)


BAD = [
    ({"Seed": -1}, "not within the allowed range"),
    ({"QuantumEfficiency": 1.2}, "not within the allowed range"),
    ({"BitDepth": 14}, "not allowed"),
    ({"Binning": 3}, "not allowed"),
    ({"Exposure": 0.0}, "not within the allowed range"),
    ({"Specimen": "frogs"}, "no specimen named 'frogs'"),
    ({"Specimen": "no-such-stack.tif"}, "no such file"),
    ({"Specimens": "beads"}, "no property 'Specimens'"),
    ({"objective": "100x"}, "100x"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_values_are_refused_in_one_line(scope, options, message):
    with pytest.raises(InputError, match=message) as said:
        scope(**options)
    assert "\n" not in str(said.value)


def test_properties_tell_their_limits(scope):
    core = scope()
    assert core.getPropertyUpperLimit("Camera", "QuantumEfficiency") == 1.0
    assert core.getAllowedPropertyValues("Camera", "Binning") == ("1", "2", "4")
    assert core.getPropertyLowerLimit("Z", "Position") == -200.0
    with pytest.raises(ValueError, match=r"outside 0\.01 to 10000 ms"):
        core.setExposure(1e6)


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


# ---- the stage -----------------------------------------------------------------------


def test_the_stage_travels_and_settles(scope):
    core = scope()
    core.setProperty("Z", "Speed_um_per_s", 200.0)
    core.setProperty("Z", "Settle_ms", 60.0)
    begin = time.perf_counter()
    core.setPosition(20.0)
    assert core.deviceBusy("Z")
    time.sleep(0.05)
    assert 5.0 < core.getPosition() < 20.0
    core.waitForDevice("Z")
    assert time.perf_counter() - begin >= 0.16
    assert core.getPosition() == 20.0


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
    core.unloadAllDevices()


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
    core.unloadAllDevices()


def test_a_snap_is_quick(scope):
    core = scope(SensorSize_px=256, exposure_ms=1.0)
    snap(core)
    begin = time.process_time()  # the machine may be busy with other things
    for z_um in (1.0, 2.0):
        snap(core, z_um)
    assert (time.process_time() - begin) / 2 < 0.6
