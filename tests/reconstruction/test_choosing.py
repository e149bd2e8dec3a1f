"""Which scale of z and how much of the layers: told by planes that were left out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_scope import AIR, CAMERA, Z_UM, evenly, rms

from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import RichardsonLucyEstimator, make_estimator
from rmz_acquire.reconstruction.candidates import LAYERS, UNSEEN, WIENER
from rmz_acquire.reconstruction.likelihood import fitting
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import WideField

if TYPE_CHECKING:
    from numpy.typing import NDArray


@cache
def nuclei(z_scale: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A stack whose focus moves by a share of what the stage says: truth, counts."""
    specimen = make_specimen("nuclei", 21, extent_um=(16, 60, 60), number=60, haze=0.05)
    light = WideField(
        specimen,
        AIR,
        shape=(72, 68),
        z_range_um=(-8, 8),
        layer_um=0.5,
        margin_px=40,
    ).stack(list(Z_UM * z_scale))
    light = light / np.percentile(light, 99.9)
    noisy = CAMERA.expose(light, 10.0, np.random.default_rng(3))
    return CAMERA.expected(light, 10.0), noisy.astype(np.float32)


def told(**fitted: float) -> RichardsonLucyEstimator:
    return RichardsonLucyEstimator(Z_UM, AIR.model_copy(update=fitted))


def gain_db(estimator: RichardsonLucyEstimator, z_scale: float, m: int) -> float:
    truth, counts = nuclei(z_scale)
    at = evenly(m)
    rest = [i for i in range(25) if i not in at]
    ours = estimator.add_all(counts[at], Z_UM[at])
    theirs = make_estimator("wiener", Z_UM, AIR).add_all(counts[at], Z_UM[at])
    error = [rms(made[rest] - truth[rest]) for made in (ours, theirs)]
    return float(20 * np.log10(error[1] / error[0]))


@pytest.mark.parametrize("m", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_the_nominal_scale_stands_where_it_fits(m: int) -> None:
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    assert estimator.z_scale == 1
    assert estimator.shares == UNSEEN
    assert gain_db(estimator, 1.0, m) > 0.5
    assert estimator.z_scale == 1
    assert estimator.shares[LAYERS] >= UNSEEN[LAYERS]
    assert estimator.shares[WIENER] <= UNSEEN[WIENER]


def test_a_wrong_scale_is_found_and_turns_a_loss_into_a_gain() -> None:
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    gain = gain_db(estimator, 0.65, 5)
    assert 0.6 <= estimator.z_scale <= 0.8
    assert gain > 0.5


def test_a_calibrated_scale_is_taken_as_it_is() -> None:
    estimator = told(z_scale=0.65)
    assert gain_db(estimator, 0.65, 3) > 0.5
    assert estimator.z_scale == 0.65


@pytest.mark.parametrize(
    "fitted",
    [{"z_scale": 0.9}, pytest.param({"apodisation": 0.01}, marks=pytest.mark.slow)],
)
def test_few_planes_do_not_overrule_a_calibration(fitted: dict[str, float]) -> None:
    """They would, were these the nominal optics: the test above."""
    estimator, at = told(**fitted), evenly(5)
    estimator.add_all(nuclei(0.65)[1][at], Z_UM[at])
    assert estimator.z_scale == fitted.get("z_scale", 1.0)


@pytest.mark.slow
def test_plane_by_plane_it_is_found_too() -> None:
    truth, counts = nuclei(0.65)
    ours, theirs = (
        RichardsonLucyEstimator(Z_UM, AIR),
        make_estimator("wiener", Z_UM, AIR),
    )
    for i in (12, 2, 22, 7, 17):
        mine = ours.add(counts[i], Z_UM[i]).volume
        linear = theirs.add(counts[i], Z_UM[i]).volume
    assert ours.z_scale < 1
    assert rms(mine - truth) < rms(linear - truth)


@pytest.mark.parametrize("na", [0.5, 0.95])
@pytest.mark.parametrize("m", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_with_wrong_optics_it_is_hardly_below_the_linear_optimum(
    na: float, m: int
) -> None:
    truth, counts = nuclei(1.0)
    wrong = AIR.model_copy(update={"na": na})
    at = evenly(m)
    rest = [i for i in range(25) if i not in at]
    ours, theirs = (
        make_estimator(name, Z_UM, wrong).add_all(counts[at], Z_UM[at])
        for name in ("richardson-lucy", "wiener")
    )
    ratio = rms(ours[rest] - truth[rest]) / rms(theirs[rest] - truth[rest])
    assert 20 * np.log10(ratio) < 0.3


def test_levels_too_coarse_for_the_optics_are_left_out() -> None:
    steps = ((4, 150), (2, 80), (1, 15))
    assert fitting(steps, AIR) == steps
    coarse = Optics(
        na=1.2, immersion_index=1.33, wavelength_um=0.461, pixel_size_um=0.512
    )
    assert fitting(steps, coarse) == ((2, 40), (1, 15))
    assert fitting(((4, 30),), coarse) == ((2, 15),)
    coarser = coarse.model_copy(update={"pixel_size_um": 1.0})
    assert fitting(steps, coarser) == ((1, 7),)
    assert fitting(((4, 30),), coarser) == ((1, 15),)


@pytest.mark.slow
def test_planes_at_one_end_do_not_move_the_scale() -> None:
    _, counts = nuclei(1.0)
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    for i in range(0, 12, 2):  # close together, from the bottom up
        estimator.add(counts[i], Z_UM[i])
        assert estimator.z_scale == 1


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_noise_alone_is_not_taken_for_light(seed: int) -> None:
    """Planes that hold no more than noise: little of it is left in the volume."""
    rng = np.random.default_rng(seed)
    truth = 100 + 0.5 * np.sin(np.arange(96) / 15) * np.ones((25, 96, 96))
    counts = (truth + rng.normal(0, 3, truth.shape)).astype(np.float32)
    at = evenly(3)
    rest = [i for i in range(25) if i not in at]
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    made = estimator.add_all(counts[at], Z_UM[at])
    assert rms((made - truth)[rest].astype(np.float32)) < 3 / 15
