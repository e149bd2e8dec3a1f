from __future__ import annotations

import math

import pytest
from pydantic import ValidationError
from scipy import special

from rmz_acquire.errors import InputError
from rmz_acquire.optics import Optics

AIR = {
    "na": 0.75,
    "immersion_index": 1.0,
    "wavelength_um": 0.52,
    "pixel_size_um": 0.325,
}
CAMERA = {
    "na": 0.75,
    "immersion_index": 1.0,
    "wavelength_um": 0.52,
    "camera_pixel_um": 6.5,
    "magnification": 20.0,
}


@pytest.mark.parametrize("value", [0.0, -0.5, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", [*AIR, "sample_index"])
def test_a_number_that_is_none_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValidationError, match=field):
        Optics(**{**AIR, field: value})


@pytest.mark.parametrize(("na", "index"), [(1.0, 1.0), (1.2, 1.0), (1.6, 1.515)])
def test_an_aperture_wider_than_the_immersion_is_refused(
    na: float, index: float
) -> None:
    with pytest.raises(ValidationError, match=f"NA {na:g} is not below"):
        Optics(**{**AIR, "na": na, "immersion_index": index})


@pytest.mark.parametrize("wavelength", [520.0, 0.00052])
def test_a_wavelength_in_another_unit_is_refused(wavelength: float) -> None:
    with pytest.raises(ValidationError, match=r"0\.52 for 520 nm"):
        Optics(**{**AIR, "wavelength_um": wavelength})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="magnification"):
        Optics(**AIR, magnification=20)


def test_a_total_reflection_objective_on_water_is_allowed() -> None:
    optics = Optics(
        na=1.45,
        immersion_index=1.515,
        sample_index=1.33,
        wavelength_um=0.5,
        pixel_size_um=0.1,
    )
    assert optics.sample_index == 1.33


def test_pixel_size_from_the_camera() -> None:
    optics = Optics.from_camera(**CAMERA, sample_index=1.33)
    assert optics.pixel_size_um == pytest.approx(0.325)
    assert optics.sample_index == 1.33


@pytest.mark.parametrize("value", [0.0, -20.0, math.nan, math.inf])
@pytest.mark.parametrize("field", ["camera_pixel_um", "magnification"])
def test_a_camera_without_size_is_refused(field: str, value: float) -> None:
    # two negative numbers would make a positive pixel
    given = {**CAMERA, "camera_pixel_um": -6.5} if value == -20 else CAMERA
    with pytest.raises(InputError, match="give a number above 0"):
        Optics.from_camera(**{**given, field: value})


def test_scales_by_hand() -> None:
    air = Optics(**AIR)
    # 0.52 / 0.5625 and 0.325 / 0.75
    assert air.depth_of_field_um == pytest.approx(0.92444 + 0.43333, abs=1e-4)
    first_zero = special.jn_zeros(1, 1)[0] / (2 * math.pi)
    assert air.airy_radius_um == pytest.approx(first_zero * 0.52 / 0.75, rel=1e-3)
    # 48.59 degrees: tan = 1.1339
    assert air.blur_radius_px_per_um == pytest.approx(1.13389 / 0.325, rel=1e-4)
    assert air.blur_radius_px(-3.0) == pytest.approx(-3 * 3.4889, rel=1e-4)
    oil = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.1)
    assert oil.blur_radius_px_per_um == pytest.approx(24.2, abs=0.05)
    assert oil.depth_of_field_um == pytest.approx(0.4019 + 0.1082, abs=1e-3)
