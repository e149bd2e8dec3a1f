"""Terms of a radially symmetric pupil: both spherical ones, and its amplitude."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pupil_integrals import defocus_um, gauss
from pydantic import ValidationError
from scipy import special

from rmz_acquire.optics import Aberrations, Optics, otf, psf, radial_otf, radial_psf

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.1)
OIL = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.07)
TERMS = {
    "spherical_waves": 0.08,
    "secondary_spherical_waves": -0.05,
    "apodisation": 0.8,
}


def told(optics: Optics, **terms: float) -> Optics:
    return Optics.model_validate({**optics.model_dump(), **terms})


def integral(optics: Optics, r_um: np.ndarray, dz_um: float) -> np.ndarray:
    """Light per µm² at r, of an emitter with light 1: the pupil integral anew."""
    rho, weight = gauss(1500)
    waves = optics.spherical_waves * math.sqrt(5) * (6 * rho**4 - 6 * rho**2 + 1)
    waves += (
        optics.secondary_spherical_waves
        * math.sqrt(7)
        * (20 * rho**6 - 30 * rho**4 + 12 * rho**2 - 1)
    )
    waves += defocus_um(optics, dz_um)(rho) / optics.wavelength_um
    amplitude = np.exp(-optics.apodisation * rho**2)
    pupil = amplitude * np.exp(2j * np.pi * waves) * rho * weight
    scale = optics.na / optics.wavelength_um
    field = special.j0(2 * np.pi * scale * np.outer(r_um, rho)) @ pupil
    # Parseval: what passed the pupil is what every plane holds
    passed = (amplitude**2 * rho * weight).sum() / (2 * np.pi * scale**2)
    return np.abs(field) ** 2 / passed


@pytest.mark.parametrize("optics", [AIR, OIL])
@pytest.mark.parametrize(
    "terms", [TERMS, {**TERMS, "apodisation": -0.5}, {"apodisation": 2.0}]
)
@pytest.mark.parametrize("depths_of_field", [0.0, 1.5, -3.0])
def test_spot_is_the_pupil_integral(
    optics: Optics, terms: dict[str, float], depths_of_field: float
) -> None:
    there = told(optics, **terms)
    dz = depths_of_field * optics.wavelength_um * optics.immersion_index / optics.na**2
    spot = psf(there, torch.tensor([dz], dtype=torch.float64), (384, 384))[0].numpy()
    step = np.array([(0, 0), (0, 1), (1, 1), (2, 0), (0, 4), (-3, 4), (8, 0), (0, -15)])
    expected = integral(there, np.hypot(*step.T) * optics.pixel_size_um, dz)
    found = spot[192 + step[:, 0], 192 + step[:, 1]] / optics.pixel_size_um**2
    np.testing.assert_allclose(found, expected, atol=4e-3 * expected.max())


@pytest.mark.parametrize("optics", [AIR, OIL])
@pytest.mark.parametrize("dz", [0.0, 0.7, -4.0])
def test_light_along_the_radius_is_the_pupil_integral(
    optics: Optics, dz: float
) -> None:
    there = told(optics, **TERMS)
    r = np.array([0.0, 0.05, 0.3, 1.0, 3.0, 7.0])
    found = radial_psf(there, torch.tensor([dz]), torch.from_numpy(r))[0]
    expected = integral(there, r, dz)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4 * expected.max())


@pytest.mark.parametrize("optics", [AIR, OIL])
def test_both_ways_to_the_otf_know_the_terms(optics: Optics) -> None:
    there, dz = told(optics, **TERMS), torch.tensor([0.0, 1.0, -2.5])
    radial = otf(there, dz, (45, 52))
    # a Zernike term of none at all sends it through the two-dimensional transform
    by_fft = otf(there, dz, (45, 52), aberrations=Aberrations(zernike={5: 0.0}))
    torch.testing.assert_close(by_fft.real, radial, atol=4e-3, rtol=0)
    assert by_fft.imag.abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("optics", [AIR, OIL])
def test_light_is_kept_at_every_focus(optics: Optics) -> None:
    dz = torch.tensor([-30.0, -2.0, 0.0, 0.4, 11.0])
    total = psf(told(optics, **TERMS), dz, (51, 70)).sum((1, 2))
    torch.testing.assert_close(total, torch.ones(5), atol=1e-5, rtol=0)
    # none of it far outside, either: the OTF falls from 1, without a step
    near = radial_otf(told(optics, **TERMS), dz, torch.tensor([0.0, 1e-4]))
    torch.testing.assert_close(near[:, 1], near[:, 0], atol=2e-3, rtol=0)


@pytest.mark.parametrize("term", ["spherical_waves", "secondary_spherical_waves"])
def test_spherical_terms_tell_above_from_below(term: str) -> None:
    dz = torch.tensor([-2.0, 2.0])
    for waves in (0.1, -0.1):
        there = told(AIR, **{term: waves})
        assert not there.even_in_focus
        spot = psf(there, dz, (96, 96))
        assert float((spot[0] - spot[1]).abs().max()) > 0.2 * float(spot.max())
    # the other sign is the stack upside down
    mirrored = psf(told(AIR, **{term: 0.1}), -dz, (96, 96))
    torch.testing.assert_close(spot, mirrored, atol=1e-6, rtol=0)


def test_apodisation_alone_is_even_in_focus_and_takes_light_from_the_rim() -> None:
    there, dz = told(AIR, apodisation=1.0), torch.tensor([-2.0, 0.0, 2.0])
    assert there.even_in_focus
    spot = psf(there, dz, (96, 96))
    torch.testing.assert_close(spot[0], spot[2], atol=1e-6, rtol=0)
    plain = psf(AIR, dz, (96, 96))
    # a smaller aperture, in effect: |mean of A|² over the mean of A² on the axis
    peak = (1 - math.exp(-1)) ** 2 * 2 / (1 - math.exp(-2))
    assert spot[1].max() / plain[1].max() == pytest.approx(peak, abs=2e-3)
    assert spot[0].max() > 1.1 * plain[0].max()  # and a longer focus
    frequency = torch.tensor([1.0, 2.0, 2.6], dtype=torch.float64)
    focus = torch.zeros(1)
    low = radial_otf(there, focus, frequency)[0]
    high = radial_otf(told(AIR, apodisation=-0.5), focus, frequency)[0]
    even = radial_otf(AIR, focus, frequency)[0]
    # coarse detail gains by what fine detail loses
    assert low[0] > even[0] > high[0]
    assert torch.all(low[1:] < even[1:]) and torch.all(even[1:] < high[1:])


def test_old_files_have_none_of_it_and_bounds_hold() -> None:
    old = {"na": 0.75, "immersion_index": 1, "wavelength_um": 0.52}
    optics = Optics(**old, pixel_size_um=0.325, z_scale=0.9, spherical_waves=0.1)
    assert optics.secondary_spherical_waves == optics.apodisation == 0
    for wrong in (
        {"apodisation": -1.1},
        {"apodisation": 3.1},
        {"apodisation": math.nan},
        {"secondary_spherical_waves": 2.1},
    ):
        with pytest.raises(ValidationError):
            told(AIR, **wrong)
