"""The simulated camera: light to counts, noise, binning, regions, bleaching."""

from __future__ import annotations

import time

import numpy as np
import pytest
from patience import wait_for
from scope_helpers import DARK, snap, truth

from rmz_acquire.acquisition import optics_from_core
from rmz_acquire.errors import InputError
from rmz_acquire.simulation.camera import simulated_camera


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


@pytest.mark.slow
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


def test_an_exposure_takes_its_time(scope, pulse):
    core = scope(exposure_ms=120.0)
    snap(core)
    begin, fair = time.perf_counter(), pulse()
    snap(core)
    assert time.perf_counter() - begin > 0.115
    assert pulse() - fair < 0.5


def test_a_sequence_acquisition(scope):
    core = scope()
    core.startSequenceAcquisition(3, 0, True)
    wait_for(lambda: core.getRemainingImageCount() >= 3)
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
