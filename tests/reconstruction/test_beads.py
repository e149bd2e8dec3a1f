"""Beads are found, averaged, and tell the pupil that blurred them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from bead_stacks import AIR, PLACES, Z_UM, bead_stack, told
from scipy import ndimage

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.asked_planes import AskedPlanes
from rmz_acquire.reconstruction.bead_average import average_beads
from rmz_acquire.reconstruction.bead_calibration import calibrate_on_beads
from rmz_acquire.reconstruction.pupil_retrieval import retrieve_pupil

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALONE = ((36.3, 35.8),)
ABERRATED = {"z_scale": 0.85, "spherical_waves": -0.06, "apodisation": 0.6}


@pytest.mark.slow
@pytest.mark.parametrize(
    "terms",
    [
        {"spherical_waves": 0.08},
        ABERRATED,
        {
            "z_scale": 0.9,
            "na": 0.71,
            "spherical_waves": 0.1,
            "secondary_spherical_waves": -0.03,
            "apodisation": 0.4,
        },
    ],
    ids=["spherical", "scaled and apodised", "all"],
)
def test_what_went_in_is_found_again(terms: dict[str, float]) -> None:
    true = told(**terms)
    found = retrieve_pupil(average_beads(bead_stack(true), Z_UM, AIR), AIR)[-1]
    assert found.spherical_waves == pytest.approx(true.spherical_waves, abs=0.005)
    secondary = true.secondary_spherical_waves
    assert found.secondary_spherical_waves == pytest.approx(secondary, abs=0.005)
    # an aperture that is larger, dimmer at its rim and scaled in z looks much the same
    assert found.na == pytest.approx(true.na, rel=0.04)
    assert found.z_scale == pytest.approx(true.z_scale, rel=0.07)
    assert found.apodisation == pytest.approx(true.apodisation, abs=0.1)


def test_beads_that_stand_alone_are_averaged_onto_one_another() -> None:
    close = ((40.3, 100.0), (40.3, 106.0))
    mean = average_beads(bead_stack(AIR, (*PLACES, *close)), Z_UM, AIR)
    assert mean.beads == 3  # one of the four has neighbours now, and these are two
    mean = average_beads(bead_stack(AIR), Z_UM, AIR)
    assert mean.beads == 4
    assert len(mean.z_um) == len(mean.planes) == len(mean.light)
    assert abs(mean.z_um[mean.light.max((1, 2)).argmax()]) < 0.3
    half = mean.light.shape[1] // 2
    sharp = mean.light[np.abs(mean.z_um).argmin()]
    middle = sharp[half - 4 : half + 5, half - 4 : half + 5]
    assert ndimage.center_of_mass(middle - middle.min()) == pytest.approx((4, 4), 0.02)
    # without its background, and of a quarter of one bead's noise
    assert abs(np.median(sharp)) < 12
    one = average_beads(bead_stack(AIR, PLACES[:1]), Z_UM, AIR)
    rim = np.s_[:, :6, :6]
    assert mean.light[rim].std() < 0.7 * one.light[rim].std()


def discs() -> NDArray[np.uint16]:
    """Beads of 4 µm."""
    stack = bead_stack(AIR, photons=1e5) - 100.0
    v, u = np.mgrid[-8:9, -8:9]
    disc = (np.hypot(v, u) <= 6.2).astype(float)
    wide = [ndimage.convolve(plane, disc / disc.sum()) for plane in stack]
    return (np.stack(wide).clip(0) + 100).astype(np.uint16)


def noise() -> NDArray[np.uint16]:
    return np.random.default_rng(0).poisson(100, (25, 96, 96)).astype(np.uint16)


def crowd() -> NDArray[np.uint16]:
    places = [(y, x) for y in range(20, 150, 14) for x in range(20, 150, 14)]
    return bead_stack(AIR, places)


@pytest.mark.parametrize(
    ("stack", "z_um", "said"),
    [
        (noise, Z_UM, "no bead is found"),
        (lambda: np.full((25, 64, 64), 100), Z_UM, "no bead is found"),
        (crowd, Z_UM, r"all \d+ beads are too near others: take a sparser"),
        (lambda: bead_stack(AIR, [(8.0, 80.0)]), Z_UM, "too near the rim"),
        (lambda: bead_stack(AIR)[10:], Z_UM[10:], "does not reach out of focus"),
        (lambda: bead_stack(AIR).clip(0, 1023), Z_UM, "saturated"),
        (discs, Z_UM, r"beads are \d(\.\d)? µm wide.*take smaller beads"),
        (lambda: bead_stack(AIR)[:12], Z_UM[:12], "12 planes of beads are too few"),
    ],
    ids=["none", "even", "crowd", "rim", "focus", "saturated", "large", "few"],
)
def test_what_is_no_stack_of_beads_is_one_line(
    stack: object, z_um: NDArray[np.float64], said: str
) -> None:
    with pytest.raises(InputError, match=said) as raised:
        calibrate_on_beads(stack(), z_um, AIR)  # type: ignore[operator]
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_optics_that_the_beads_tell_predict_planes() -> None:
    said: list[str] = []
    stack = bead_stack(told(**ABERRATED), ALONE, side=72)
    found = calibrate_on_beads(stack, Z_UM, AIR, on_step=said.append)
    assert found.beads == 1 and said[0] == "beads averaged: 1"
    assert found.gains and found.layers_db > 0.5
    # primary spherical aberration is what tells above from below
    assert found.optics.spherical_waves == pytest.approx(-0.06, abs=0.02)
    assert found.retrieved.apodisation == pytest.approx(0.6, abs=0.3)


@pytest.mark.slow
def test_of_beads_as_told_nothing_is_gained() -> None:
    found = calibrate_on_beads(bead_stack(AIR, ALONE, side=72), Z_UM, AIR)
    assert not found.gains


@pytest.mark.parametrize("n", range(13, 62))
def test_no_plane_of_beads_judges_that_anything_has_seen(n: int) -> None:
    data = np.random.default_rng(1).normal(100, 2, (n, 32, 32)).astype(np.float32)
    rows = AskedPlanes(data, np.arange(n, dtype=np.float64))
    choose, judge = rows.every_second()
    assert len(choose) >= 2 and len(judge) >= 3
    seen = {plane for given, asked in choose for plane in (*given, asked)}
    assert all(plane % 2 == 0 for plane in seen)
    assert all(plane % 2 for _, plane in judge)
    for given, asked in (*choose, *judge):
        assert asked not in given and given[0] < asked < given[-1]
