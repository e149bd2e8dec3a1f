"""Optics that differ from the nominal ones: told once, obeyed by all."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from small_scope import AIR, Z_UM, evenly, rms, stacks

from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import RichardsonLucyEstimator, make_estimator

TOLD = AIR.model_copy(update={"z_scale": 0.5})
STAGE_UM = Z_UM / 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wiener", "richardson-lucy"])
def test_steps_of_the_stage_times_the_scale_are_steps_of_the_focus(name: str) -> None:
    taken = stacks("nuclei")[1]
    told = make_estimator(name, STAGE_UM, TOLD, device="cpu")
    truth = make_estimator(name, Z_UM, AIR, device="cpu")
    at = [2, 12, 22]
    by_scale = told.add_all(taken[at], STAGE_UM[at])
    by_steps = truth.add_all(taken[at], Z_UM[at])
    assert np.abs(by_scale - by_steps).max() < 0.01 * float(by_steps.std())
    if isinstance(truth, RichardsonLucyEstimator):
        assert isinstance(told, RichardsonLucyEstimator)
        assert told.z_scale == pytest.approx(0.5 * truth.z_scale)


def test_optics_without_the_key_are_as_before_and_bounds_hold() -> None:
    assert AIR.z_scale == 1
    assert TOLD.blur_radius_px_per_um == AIR.blur_radius_px_per_um / 2
    for wrong in (0.2, 3.1, float("nan")):
        with pytest.raises(ValidationError):
            Optics(**{**AIR.model_dump(), "z_scale": wrong})


@pytest.mark.slow
def test_told_spherical_aberration_makes_the_volume_better() -> None:
    """Blur above the focus is not that below it: +0.15 and -0.15 are told apart."""
    there = AIR.model_copy(update={"spherical_waves": 0.15})
    (truth, noisy), at = stacks("nuclei", optics=there), evenly(5)
    error = {}
    for waves in (-0.15, 0.0, 0.15):
        optics = AIR.model_copy(update={"spherical_waves": waves})
        estimator = make_estimator("richardson-lucy", Z_UM, optics, device="cpu")
        made = estimator.add_all(noisy[at], Z_UM[at])
        error[waves] = rms(made - truth)
    assert error[0.15] < 0.95 * error[0.0] < 0.95 * error[-0.15]
