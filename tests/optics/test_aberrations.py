from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pupil_integrals import gauss, intensity
from pydantic import ValidationError

from rmz_acquire.optics import Aberrations, Optics, otf, psf, radial_otf, zernike

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.12)
OIL_ON_WATER = Optics(
    na=1.25,
    immersion_index=1.515,
    sample_index=1.33,
    wavelength_um=0.52,
    pixel_size_um=0.1,
)


def pupil_grid() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """ρ, θ and area over π: exact for polynomials up to degree 40."""
    r, w = gauss(40)
    theta = np.arange(64) * 2 * np.pi / 64
    rho, angle = np.meshgrid(r, theta, indexing="ij")
    weight = (r * w)[:, None] * (2 * np.pi / 64) / np.pi * np.ones_like(angle)
    return torch.tensor(rho), torch.tensor(angle), torch.tensor(weight)


def test_noll_polynomials_are_orthonormal() -> None:
    rho, theta, weight = pupil_grid()
    all_of_them = torch.stack([zernike(j, rho, theta) for j in range(1, 38)])
    flat = all_of_them.reshape(37, -1)
    gram = (flat * weight.reshape(1, -1)) @ flat.T
    torch.testing.assert_close(gram, torch.eye(37).double(), atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("j", "formula"),
    [
        (1, lambda r, t: 1 + 0 * r),
        (2, lambda r, t: 2 * r * np.cos(t)),
        (3, lambda r, t: 2 * r * np.sin(t)),
        (4, lambda r, t: math.sqrt(3) * (2 * r**2 - 1)),
        (5, lambda r, t: math.sqrt(6) * r**2 * np.sin(2 * t)),
        (6, lambda r, t: math.sqrt(6) * r**2 * np.cos(2 * t)),
        (7, lambda r, t: math.sqrt(8) * (3 * r**3 - 2 * r) * np.sin(t)),
        (8, lambda r, t: math.sqrt(8) * (3 * r**3 - 2 * r) * np.cos(t)),
        (9, lambda r, t: math.sqrt(8) * r**3 * np.sin(3 * t)),
        (10, lambda r, t: math.sqrt(8) * r**3 * np.cos(3 * t)),
        (11, lambda r, t: math.sqrt(5) * (6 * r**4 - 6 * r**2 + 1)),
        (12, lambda r, t: math.sqrt(10) * (4 * r**4 - 3 * r**2) * np.cos(2 * t)),
        (15, lambda r, t: math.sqrt(10) * r**4 * np.sin(4 * t)),
        (22, lambda r, t: math.sqrt(7) * (20 * r**6 - 30 * r**4 + 12 * r**2 - 1)),
    ],
)
def test_table_1_of_noll(j: int, formula: object) -> None:
    rho, theta, _ = pupil_grid()
    expected = formula(rho.numpy(), theta.numpy())  # type: ignore[operator]
    np.testing.assert_allclose(zernike(j, rho, theta).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("j", [5, 7, 8, 10, 11, 22])
def test_a_small_aberration_takes_from_the_peak_what_marechal_says(j: int) -> None:
    waves = 0.05
    perfect = psf(AIR, torch.zeros(1), (64, 64)).max()
    spoilt = psf(
        AIR, torch.zeros(1), (64, 64), aberrations=Aberrations(zernike={j: waves})
    )
    # coma moves the peak off the pixel: look where it is in between
    strehl = float(spoilt.max() / perfect)
    assert strehl == pytest.approx(math.exp(-((2 * math.pi * waves) ** 2)), abs=0.02)


def test_coma_and_astigmatism_by_a_two_dimensional_integral() -> None:
    dz, terms = 0.8, {6: 0.09, 7: -0.12, 11: 0.05}
    spot = psf(
        AIR, torch.tensor([dz]), (128, 128), aberrations=Aberrations(zernike=terms)
    )[0].numpy()
    r, w = gauss(120)
    angle = np.arange(240) * 2 * np.pi / 240
    rho, theta = np.meshgrid(r, angle, indexing="ij")
    waves = 0.09 * math.sqrt(6) * rho**2 * np.cos(2 * theta)
    waves += -0.12 * math.sqrt(8) * (3 * rho**3 - 2 * rho) * np.sin(theta)
    waves += 0.05 * math.sqrt(5) * (6 * rho**4 - 6 * rho**2 + 1)
    waves += dz * np.sqrt(1 - (0.75 * rho) ** 2) / 0.52
    area = (r * w)[:, None] * 2 * np.pi / 240
    cutoff = 0.75 / 0.52
    found, expected = [], []
    for row, column in [(0, 0), (3, 0), (-3, 0), (0, 4), (2, 2), (-5, 1), (8, -3)]:
        fy, fx = rho * np.sin(theta) * cutoff, rho * np.cos(theta) * cutoff
        phase = waves + (fy * row + fx * column) * 0.12
        amplitude = (np.exp(2j * np.pi * phase) * area).sum()
        expected.append(np.abs(amplitude) ** 2 * cutoff**2 / np.pi)
        found.append(spot[64 + row, 64 + column] / 0.12**2)
    np.testing.assert_allclose(found, expected, atol=5e-3 * max(expected))
    assert abs(found[1] - found[2]) > 0.02 * max(found)  # coma points one way


def stage_path_um(depth_um: float, lowered_um: float):  # type: ignore[no-untyped-def]
    """Gibson and Lanni, eq. 2, with a coverslip and an objective as designed.

    The emitter lies `depth_um` below the coverslip and the immersion layer is thinner
    by `lowered_um` than for an emitter on the coverslip. Conjugate phase.
    """
    n_s, n_i, na = 1.33, 1.515, 1.25

    def path(rho: np.ndarray) -> np.ndarray:
        sine = na * rho
        below = depth_um * n_s * np.sqrt(1 - (sine / n_s) ** 2)
        above = -lowered_um * n_i * np.sqrt(1 - (sine / n_i) ** 2)
        return -(below + above)

    return path


@pytest.mark.parametrize("depth", [2.0, 8.0])
@pytest.mark.parametrize("dz", [-1.0, 0.0, 0.6, 2.0])
def test_index_mismatch_is_gibson_and_lannis(depth: float, dz: float) -> None:
    optics = OIL_ON_WATER
    spot = psf(
        optics,
        torch.tensor([dz]),
        (256, 256),
        aberrations=Aberrations(depth_um=depth),
    )[0].numpy()
    # dz counts the stage from the paraxial focus of the emitter
    path = stage_path_um(depth, depth * 1.515 / 1.33 + dz)
    columns = np.array([0, 1, 2, 3, 5, 8, 13])
    expected = intensity(optics, columns * 0.1, path)
    found = spot[128, 128 + columns] / 0.1**2
    np.testing.assert_allclose(found, expected, atol=3e-3 * expected.max())


def test_into_a_thinner_medium_the_best_focus_lies_deeper() -> None:
    """Refracted by hand: rays of the pupil's rim meet beyond the paraxial focus."""
    dz, depth = torch.linspace(-3, 3, 61, dtype=torch.float64), 6.0
    axis = psf(OIL_ON_WATER, dz, (128, 128), aberrations=Aberrations(depth_um=depth))[
        :, 64, 64
    ]
    sharpest = float(dz[axis.argmax()])
    rim = 1.25 * 0.9
    stage = depth * math.tan(math.asin(rim / 1.33)) / math.tan(math.asin(rim / 1.515))
    assert 0 < sharpest < stage - depth * 1.515 / 1.33
    plain = psf(OIL_ON_WATER, torch.zeros(1), (128, 128))[0, 64, 64]
    assert axis.max() < 0.7 * plain


def test_no_mismatch_without_depth_or_with_one_medium() -> None:
    dz, deep = torch.tensor([0.5, -2.0]), Aberrations(depth_um=15.0)
    one = OIL_ON_WATER.model_copy(update={"sample_index": 1.515})
    bare = OIL_ON_WATER.model_copy(update={"sample_index": None})
    plain = otf(bare, dz, (48, 48))
    torch.testing.assert_close(
        otf(one, dz, (48, 48), aberrations=deep), plain, atol=2e-3, rtol=0
    )
    torch.testing.assert_close(
        otf(bare, dz, (48, 48), aberrations=deep), plain, atol=2e-3, rtol=0
    )
    torch.testing.assert_close(
        otf(OIL_ON_WATER, dz, (48, 48)), plain, atol=2e-3, rtol=0
    )


def test_light_steeper_than_the_sample_passes_is_cut_off() -> None:
    tirf = Optics(
        na=1.45,
        immersion_index=1.515,
        sample_index=1.33,
        wavelength_um=0.5,
        pixel_size_um=0.06,
    )
    frequency = torch.tensor(
        [0.0, 2 * 1.32 / 0.5, 2 * 1.331 / 0.5], dtype=torch.float64
    )
    found = radial_otf(tirf, torch.zeros(1), frequency)[0]
    assert found[0] == 1
    assert found[1] > 0
    assert found[2] == 0


def test_strong_mismatch_loses_no_light_on_the_way() -> None:
    # rays that leave the sample almost sideways meet the plane far from the axis
    deep = OIL_ON_WATER.model_copy(update={"na": 1.4})
    frequency = torch.tensor([0.0, 0.001], dtype=torch.float64)
    found = radial_otf(
        deep, torch.tensor([0.0, 3.0]), frequency, aberrations=Aberrations(depth_um=5)
    )
    assert torch.all(found[:, 1] > 0.99)


def test_what_is_no_aberration_is_refused() -> None:
    for bad in ({3: 0.1}, {38: 0.1}, {11: math.nan}, {11: math.inf}):
        with pytest.raises(ValidationError):
            Aberrations(zernike=bad)
    for depth in (-1.0, math.nan, math.inf):
        with pytest.raises(ValidationError):
            Aberrations(depth_um=depth)
    with pytest.raises(ValueError, match="spherical terms only"):
        radial_otf(
            AIR,
            torch.zeros(1),
            torch.zeros(1),
            aberrations=Aberrations(zernike={7: 0.1}),
        )
