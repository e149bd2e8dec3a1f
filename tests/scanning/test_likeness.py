"""Whether a plane that is taken again is still the same, with noise and without."""

from __future__ import annotations

import numpy as np
import pytest
from scan_fakes import blobs

from rmz_acquire.scanning import compare, depth_of

Z_UM = np.linspace(0, 10, 41)


@pytest.fixture(scope="module")
def clean():
    """Light without noise, photons; spots at different depths."""
    return blobs(Z_UM, shape=(96, 96), noise=0, bright=4000).astype(float)


def shot(light, rng, *, offset=0.0, read=2.0):
    pixels = rng.poisson(light - 100 + 20) + rng.normal(0, read, light.shape)
    return (pixels + 100 + offset).round().clip(0).astype(np.uint16)


def test_noise_alone_is_no_change(clean, rng):
    changes = [
        compare(shot(clean[i], rng), shot(clean[i], rng)).change
        for i in range(0, 41, 2)
    ]
    assert max(changes) < 0.1


@pytest.mark.parametrize("shift_um", [1.0, 2.0])
def test_a_change_of_focus_is_one_however_noisy(clean, rng, shift_um):
    step = round(shift_um / (Z_UM[1] - Z_UM[0]))
    for i in (8, 16, 24):
        a, b = shot(clean[i], rng), shot(clean[i + step], rng)
        assert compare(a, b).change > 0.1
        up = depth_of(b, clean, Z_UM) - depth_of(a, clean, Z_UM)
        assert up == pytest.approx(shift_um, abs=0.6)


def test_a_step_aside_is_told_in_pixels(clean, rng):
    a, b = shot(clean[20], rng), shot(np.roll(clean[20], (3, -2), (0, 1)), rng)
    likeness = compare(a, b)
    assert likeness.change > 0.3
    assert likeness.shift_px == pytest.approx((3, -2), abs=0.3)


def test_bleaching_is_brightness_and_no_change(clean, rng):
    faded = 100 + 0.7 * (clean[20] - 100)
    likeness = compare(shot(clean[20], rng), shot(faded, rng))
    assert likeness.change < 0.1
    assert likeness.brightness == pytest.approx(0.7, abs=0.06)


def test_the_columns_of_a_scmos_and_its_offset_are_no_change(clean, rng):
    columns = rng.normal(0, 8, 96)[None, :] * np.ones((96, 1))
    a, b = shot(clean[20], rng), shot(clean[20] + columns, rng, offset=50)
    assert compare(a, b).change < 0.1


def test_a_plane_that_shows_nothing():
    dark = np.full((32, 32), 100, np.uint16)
    light = blobs([0.0, 1.0], shape=(32, 32))[0]
    assert compare(dark, dark).change == 0 and compare(dark, dark).brightness is None
    assert compare(dark, light).change == 1


def test_large_frames_are_compared_in_their_own_pixels(rng):
    image = np.kron(blobs([0.0, 1.0], shape=(150, 150))[0], np.ones((8, 8)))
    moved = np.roll(image, 16, axis=1)
    assert compare(image, moved).shift_px == pytest.approx((0, 16), abs=1)


def test_frames_of_two_sizes():
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(np.zeros((3, 4)), np.zeros((4, 3)))
