from __future__ import annotations

import numpy as np
import pytest
import torch
from pupil_integrals import transfer

from rmz_acquire.optics import (
    Aberrations,
    Optics,
    OtfTable,
    fourier_radius,
    otf,
    psf,
    radial_otf,
)

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
WATER = Optics(na=1.2, immersion_index=1.33, wavelength_um=0.46, pixel_size_um=0.1)
OIL = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.065)
LOW = Optics(na=0.3, immersion_index=1.0, wavelength_um=0.6, pixel_size_um=0.4)
ALL = [AIR, WATER, OIL, LOW]
COMA = Aberrations(zernike={8: 0.1})


def closed_form(nu: np.ndarray) -> np.ndarray:
    """Of a perfect circular pupil (Goodman, eq. 6-32)."""
    nu = np.minimum(nu, 1)
    return 2 / np.pi * (np.arccos(nu) - nu * np.sqrt(1 - nu**2))


@pytest.mark.parametrize("optics", ALL)
@pytest.mark.parametrize("shape", [(64, 64), (37, 52), (40, 31)])
def test_in_focus_it_is_the_closed_form(optics: Optics, shape: tuple[int, int]) -> None:
    found = otf(optics, torch.zeros(1), shape)[0].numpy()
    fy = np.fft.fftfreq(shape[0], optics.pixel_size_um)[:, None]
    fx = np.fft.rfftfreq(shape[1], optics.pixel_size_um)[None, :]
    nu = np.hypot(fy, fx) * optics.wavelength_um / (2 * optics.na)
    np.testing.assert_allclose(found, closed_form(nu), atol=1e-4)
    assert np.all(found[nu >= 1] == 0)


@pytest.mark.parametrize("optics", ALL)
@pytest.mark.parametrize("dz_um", [0.5, -2.0, 9.0])
def test_defocused_it_is_the_autocorrelation_of_the_pupil(
    optics: Optics, dz_um: float
) -> None:
    nu = np.array([0.003, 0.02, 0.1, 0.3, 0.6, 0.9, 0.99])
    frequency = torch.from_numpy(nu * 2 * optics.na / optics.wavelength_um)
    found = radial_otf(optics, torch.tensor([dz_um]), frequency)[0].numpy()
    expected = [transfer(optics, float(value), dz_um) for value in nu]
    # a constant error of 1e-4 is a dot as bright as the whole of a wide disc
    np.testing.assert_allclose(found[2:], expected[2:], atol=2e-5)
    np.testing.assert_allclose(found, expected, atol=4e-4)


@pytest.mark.parametrize("optics", [AIR, OIL])
def test_the_grid_shows_the_radial_function(optics: Optics) -> None:
    dz, shape = torch.tensor([-12.0, 0.7, 4.0]), (90, 75)
    found = otf(optics, dz, shape)
    radius = fourier_radius(shape, optics.pixel_size_um)
    exact = radial_otf(optics, dz, radius.reshape(-1)).reshape(found.shape)
    assert (found - exact).abs().max() < 1.5e-3


@pytest.mark.slow
@pytest.mark.parametrize("optics", ALL)
def test_frequency_zero_is_exactly_one_at_any_defocus(optics: Optics) -> None:
    dz = torch.tensor([-40.0, -3.0, 0.0, 0.01, 7.0, 33.0])
    assert torch.equal(otf(optics, dz, (32, 33))[:, 0, 0], torch.ones(6))
    skew = Aberrations(zernike={7: 0.1})
    by_fft = otf(optics, dz[1:4], (16, 17), aberrations=skew)
    torch.testing.assert_close(by_fft[:, 0, 0], torch.ones(3) + 0j)


@pytest.mark.parametrize("optics", [AIR, OIL])
@pytest.mark.parametrize("shape", [(48, 48), (45, 52)])
def test_two_routes_one_result(optics: Optics, shape: tuple[int, int]) -> None:
    # a Zernike term of none at all sends it through the two-dimensional transform
    dz = torch.tensor([0.0, 1.0, -2.5])
    radial = otf(optics, dz, shape)
    by_fft = otf(optics, dz, shape, aberrations=Aberrations(zernike={5: 0.0}))
    assert by_fft.is_complex() and not radial.is_complex()
    torch.testing.assert_close(by_fft.real, radial, atol=4e-3, rtol=0)
    assert by_fft.imag.abs().max() < 1e-4


def test_above_and_below_focus_are_alike() -> None:
    dz = torch.tensor([0.3, 5.0])
    assert torch.equal(otf(OIL, dz, (40, 40)), otf(OIL, -dz, (40, 40)))


def test_the_sampling_decides_where_it_is_read_not_what_it_is() -> None:
    dz = torch.tensor([0.0, 2.0])
    fine = otf(AIR, dz, (128, 128), pixel_size_um=0.15)
    coarse = otf(AIR, dz, (64, 64), pixel_size_um=0.30)
    # one field of view, so one spacing of frequencies: up to the coarse one's Nyquist
    torch.testing.assert_close(
        coarse[:, :32, :32], fine[:, :32, :32], atol=3e-4, rtol=0
    )
    own = otf(AIR.model_copy(update={"pixel_size_um": 0.3}), dz, (64, 64))
    torch.testing.assert_close(own, coarse, atol=1e-6, rtol=0)
    # twice the pixel is half the field's frequencies: not the same numbers
    assert (otf(AIR, dz, (64, 64), pixel_size_um=0.15) - coarse).abs().max() > 0.1


def test_scaling_na_and_wavelength_alike_scales_nothing_in_focus() -> None:
    other = Optics(
        na=0.375, immersion_index=1.0, wavelength_um=0.26, pixel_size_um=0.325
    )
    torch.testing.assert_close(
        otf(AIR, torch.zeros(1), (32, 32)), otf(other, torch.zeros(1), (32, 32))
    )


def test_a_defocus_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        otf(AIR, torch.tensor([0.0, float("nan")]), (16, 16))


def test_all_defocus_is_in_steps_of_the_stage() -> None:
    """A stage whose steps move the focus by 0.8 of them blurs less, by that much."""
    slow = AIR.model_copy(update={"z_scale": 0.8})
    dz = torch.tensor([-5.0, 0.0, 2.5])
    shape = (48, 50)
    for there, here in (
        (otf(slow, dz, shape), otf(AIR, 0.8 * dz, shape)),
        (psf(slow, dz, shape), psf(AIR, 0.8 * dz, shape)),
        (
            otf(slow, dz, shape, aberrations=COMA),
            otf(AIR, 0.8 * dz, shape, aberrations=COMA),
        ),
    ):
        torch.testing.assert_close(there, here, atol=2e-4, rtol=0)
    assert slow.depth_of_field_um == pytest.approx(AIR.depth_of_field_um / 0.8)
    assert slow.blur_radius_px(5) == pytest.approx(AIR.blur_radius_px(4))


def test_spherical_optics_are_those_of_the_zernike_term() -> None:
    told = AIR.model_copy(update={"spherical_waves": 0.1})
    dz = torch.tensor([-4.0, 4.0])
    term = Aberrations(zernike={11: 0.1})
    transfer = otf(told, dz, (64, 64))
    torch.testing.assert_close(transfer, otf(AIR, dz, (64, 64), aberrations=term))
    assert float((transfer[0] - transfer[1]).abs().max()) > 0.05
    assert AIR.even_in_focus and not told.even_in_focus


@pytest.mark.parametrize(
    "terms", [{}, {"spherical_waves": 0.1}, {"secondary_spherical_waves": 0.1}]
)
def test_table_gives_any_defocus_of_either_sign(terms: dict[str, float]) -> None:
    optics = AIR.model_copy(update=terms)
    frequency = torch.linspace(0, 2.9, 200, dtype=torch.float64)
    table = OtfTable(optics, 6, optics.depth_of_field_um / 12, frequency)
    dz = torch.tensor([[-5.97, -0.31], [0.02, 5.99]], dtype=torch.float64)
    exact = radial_otf(optics, dz.flatten(), frequency).reshape(2, 2, -1)
    torch.testing.assert_close(table.at(dz), exact, atol=5e-3, rtol=0)
