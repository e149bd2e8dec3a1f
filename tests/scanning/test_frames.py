"""What counts as a blank frame, on frames as cameras give them."""

from __future__ import annotations

import numpy as np
import pytest
from scan_fakes import blobs

from rmz_acquire.scanning import blank_reason, fault_of, look_at

Z_UM = np.linspace(0, 10, 11)


def dark(rng, shape=(64, 64), noise=3.0):
    return (100 + rng.normal(0, noise, shape)).round().astype(np.uint16)


def test_every_plane_of_a_specimen_shows_something():
    facts = [look_at(image) for image in blobs(Z_UM, shape=(64, 64))]
    for i, fact in enumerate(facts):
        assert blank_reason(fact, facts[:i]) is None


def test_a_few_faint_sharp_beads_are_something(rng):
    image = 100 + rng.normal(0, 3, (128, 128))
    for y, x in rng.integers(5, 120, (4, 2)):
        image[y : y + 2, x : x + 2] += 60
    assert blank_reason(look_at(image.astype(np.uint16)), []) is None


def test_noise_alone_is_blank(rng):
    for _ in range(20):
        assert "noise" in blank_reason(look_at(dark(rng)), [])


def test_hot_pixels_are_not_a_specimen(rng):
    image = dark(rng)
    image[rng.integers(0, 64, 6), rng.integers(0, 64, 6)] = 60000
    assert "noise" in blank_reason(look_at(image), [])


def test_hot_pixels_do_not_hide_a_specimen(rng):
    image = blobs(Z_UM, shape=(64, 64))[5]
    image[rng.integers(0, 64, 6), rng.integers(0, 64, 6)] = 60000
    assert blank_reason(look_at(image), []) is None


def test_the_columns_of_a_dark_scmos_are_not_a_specimen(rng):
    image = dark(rng) + rng.normal(0, 6, 64).round().astype(np.int64)[None, :] + 20
    assert "noise" in blank_reason(look_at(image.astype(np.uint16)), [])


@pytest.mark.parametrize("value", [0, 100, 65535])
def test_one_value_everywhere_is_blank(value):
    image = np.full((32, 32), value, np.uint16)
    assert "every pixel" in blank_reason(look_at(image), [])


def test_a_lamp_that_died_is_noticed_by_the_light(rng):
    stack = blobs(Z_UM, shape=(64, 64), bright=5000)
    earlier = [look_at(image) for image in stack[:3]]
    # what is left is structured (stray light with a gradient), but it is not light
    stray = 100 + np.linspace(0, 4, 64)[:, None] + np.linspace(0, 4, 64)[None, :]
    said = blank_reason(look_at(stray.astype(np.uint16)), earlier)
    assert said is not None and "of the light" in said


def test_brightness_and_offset_make_no_difference(rng):
    stack = blobs(Z_UM, shape=(64, 64)).astype(float)
    other = (7 * stack + 2000).astype(np.float32)
    for a, b in zip(stack, other, strict=True):
        assert look_at(a).structured == look_at(b).structured


def test_equal_pixels_have_equal_digests():
    image = blobs(Z_UM)[0]
    assert look_at(image).digest == look_at(image.copy()).digest
    changed = image.copy()
    changed[3, 3] += 1
    assert look_at(image).digest != look_at(changed).digest


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((3, 4, 5)),
        np.zeros((0, 4)),
        np.array([[1.0, np.nan], [1.0, 2.0]]),
        np.array([[1.0, np.inf], [1.0, 2.0]]),
    ],
)
def test_what_is_no_frame_is_refused(image):
    with pytest.raises(ValueError, match="frame"):
        look_at(image)


def test_a_saturated_frame_is_told_from_a_bright_one(rng):
    stack = blobs(Z_UM, shape=(64, 64), bright=3000)
    assert fault_of(look_at(stack[5])) is None
    clipped = stack[5].clip(0, 400)  # a camera whose well is full below its scale
    assert "saturated" in fault_of(look_at(clipped))
    twelve = (stack[5].astype(int) * 4).clip(0, 4095).astype(np.uint16)
    share = float((twelve == 4095).mean())
    assert f"saturated: {share:.1%} of its pixels are at 4095" in fault_of(
        look_at(twelve)
    )


def test_dark_frames_of_few_counts_are_blank_and_not_saturated(rng):
    few = rng.poisson(1.0, (64, 64)).astype(np.uint16)
    assert fault_of(look_at(few)) == "is blank: it shows nothing above its noise"
    flat = np.full((32, 32), 100, np.uint16)
    assert "is blank: it has 100 counts" in fault_of(look_at(flat))
    full = np.full((32, 32), 65535, np.uint16)
    assert "is saturated: 100.0% of its pixels" in fault_of(look_at(full))
