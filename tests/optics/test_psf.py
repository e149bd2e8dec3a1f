from __future__ import annotations

import numpy as np
import pytest
import torch
from pupil_integrals import defocus_um, intensity, on_axis
from scipy import special

from rmz_acquire.optics import Optics, psf

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.1)
WATER = Optics(na=1.2, immersion_index=1.33, wavelength_um=0.46, pixel_size_um=0.08)
OIL = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.07)
LOW = Optics(na=0.2, immersion_index=1.0, wavelength_um=0.5, pixel_size_um=0.5)


@pytest.mark.parametrize("optics", [AIR, OIL, LOW])
def test_first_dark_ring_in_focus_is_airys(optics: Optics) -> None:
    pixel = optics.airy_radius_um / 20
    spot = psf(optics, torch.zeros(1), (384, 384), pixel_size_um=pixel)[0].numpy()
    line = spot[192, 192:]
    dark = int(line[:30].argmin())
    left, here, right = line[dark - 1 : dark + 2]
    vertex = dark + 0.5 * (left - right) / (left - 2 * here + right)
    wanted = special.jn_zeros(1, 1)[0] / (2 * np.pi) * optics.wavelength_um / optics.na
    assert vertex * pixel == pytest.approx(wanted, rel=5e-3)
    assert here < 1e-4 * line[0]


@pytest.mark.parametrize(
    ("na", "index"), [(0.1, 1.0), (0.2, 1.33)], ids=["air", "water"]
)
def test_first_dark_point_on_the_axis_is_paraxial_at_low_na(
    na: float, index: float
) -> None:
    optics = Optics(na=na, immersion_index=index, wavelength_um=0.5, pixel_size_um=0.5)
    wanted = 2 * 0.5 * index / na**2
    dz = torch.linspace(0.8, 1.2, 41, dtype=torch.float64) * wanted
    axis = psf(optics, dz, (192, 192))[:, 96, 96].numpy()
    assert float(dz[axis.argmin()]) == pytest.approx(wanted, rel=0.011)
    in_focus = psf(optics, torch.zeros(1), (192, 192))[0, 96, 96]
    assert abs(axis.min()) < 1e-3 * in_focus


@pytest.mark.parametrize("optics", [AIR, WATER, OIL])
def test_light_on_the_axis_is_the_closed_form_at_high_na(optics: Optics) -> None:
    # the first minimum lies near λ / (n - sqrt(n² - NA²)), far from the paraxial one
    cosine = np.sqrt(optics.immersion_index**2 - optics.na**2)
    first = optics.wavelength_um / (optics.immersion_index - cosine)
    assert (
        first < 0.9 * 2 * optics.wavelength_um * optics.immersion_index / optics.na**2
    )
    dz = np.linspace(0.2, 1.3, 23) * first
    axis = psf(optics, torch.from_numpy(dz), (256, 256))[:, 128, 128].numpy()
    per_um2 = axis / optics.pixel_size_um**2
    expected = on_axis(optics, dz)
    np.testing.assert_allclose(per_um2, expected, atol=2e-4 * expected.max())
    assert dz[per_um2.argmin()] == dz[expected.argmin()]


@pytest.mark.parametrize("optics", [AIR, WATER, OIL, LOW])
@pytest.mark.parametrize("depths_of_field", [0.0, 0.8, -2.0, 5.0])
def test_spot_is_born_and_wolfs_integral(
    optics: Optics, depths_of_field: float
) -> None:
    wave = optics.wavelength_um * optics.immersion_index / optics.na**2
    dz = depths_of_field * wave
    spot = psf(optics, torch.tensor([dz], dtype=torch.float64), (384, 384))[0].numpy()
    step = np.array([(0, 0), (0, 1), (1, 1), (2, 0), (0, 4), (-3, 4), (8, 0), (0, -15)])
    r = np.hypot(*step.T) * optics.pixel_size_um
    expected = intensity(optics, r, defocus_um(optics, dz))
    found = spot[192 + step[:, 0], 192 + step[:, 1]] / optics.pixel_size_um**2
    np.testing.assert_allclose(found, expected, atol=4e-3 * expected.max())


@pytest.mark.slow
@pytest.mark.parametrize("optics", [AIR, OIL])
@pytest.mark.parametrize("shape", [(64, 64), (51, 70)])
def test_every_plane_holds_the_same_light(
    optics: Optics, shape: tuple[int, int]
) -> None:
    dz = torch.tensor([-30.0, -2.0, 0.0, 0.4, 11.0])
    total = psf(optics, dz, shape).sum((1, 2))
    torch.testing.assert_close(total, torch.ones(5), atol=1e-5, rtol=0)


@pytest.mark.parametrize("optics", [AIR, WATER])
def test_far_from_focus_it_is_the_cone_of_rays(optics: Optics) -> None:
    """Rays fill the pupil evenly in sin θ and meet the plane at z tan θ."""
    dz, n = 12.0, 512
    spot = psf(optics, torch.tensor([dz]), (n, n), pixel_size_um=0.16)[0].numpy()
    y, x = (np.arange(n) - n // 2)[:, None], (np.arange(n) - n // 2)[None, :]
    r = np.hypot(y, x) * 0.16
    edge = abs(optics.blur_radius_px(dz)) * optics.pixel_size_um
    rim = optics.na / optics.immersion_index
    for part in (0.3, 0.5, 0.7, 0.9):
        sine = np.sin(np.arctan(part * np.tan(np.arcsin(rim))))
        share = (sine / rim) ** 2
        assert spot[r <= part * edge].sum() == pytest.approx(share, abs=0.03)
    assert spot[r <= 1.1 * edge].sum() > 0.97


@pytest.mark.parametrize("shape", [(32, 32), (31, 32), (32, 45), (33, 35)])
def test_centre_is_the_middle_pixel(shape: tuple[int, int]) -> None:
    spot = psf(AIR, torch.tensor([1.0]), shape)[0]
    row, column = divmod(int(spot.argmax()), shape[1])
    assert (row, column) == (shape[0] // 2, shape[1] // 2)
    line = spot[row]
    near = line[column - 8 : column + 9]
    torch.testing.assert_close(near, near.flip(0), atol=1e-6, rtol=0)


def test_real_sizes_count_not_pixels() -> None:
    dz = torch.tensor([0.0, 1.5])
    fine = psf(AIR, dz, (256, 256), pixel_size_um=0.08)
    coarse = psf(AIR, dz, (128, 128), pixel_size_um=0.16)  # still below Nyquist
    # light per µm² at the same places
    torch.testing.assert_close(
        coarse[:, 64 - 20 : 64 + 20, 64] / 0.16**2,
        fine[:, 128 - 40 : 128 + 40 : 2, 128] / 0.08**2,
        atol=2e-3,
        rtol=0,
    )
