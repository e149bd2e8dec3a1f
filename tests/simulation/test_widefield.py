from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from rmz_acquire.optics import Aberrations, Optics
from rmz_acquire.simulation.specimens import (
    PointSpecimen,
    VoxelSpecimen,
    make_specimen,
)
from rmz_acquire.simulation.widefield import CameraModel, WideField

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)


def beads(*places: tuple[float, float, float]) -> PointSpecimen:
    z, y, x = np.array(places, dtype=np.float64).T
    return PointSpecimen(z, y, x, np.ones(len(places)), (40, 40, 40))


def field(*places: tuple[float, float, float], **options: object) -> WideField:
    settings = {
        "shape": (48, 48),
        "z_range_um": (-4.0, 4.0),
        "layer_um": 0.25,
        "margin_px": 48,
    }
    optics = options.pop("optics", AIR)
    return WideField(beads(*places), optics, **{**settings, **options})  # type: ignore[arg-type]


def born_wolf(optics: Optics, r_um: np.ndarray, dz_um: float) -> np.ndarray:
    """Light per µm² at r, of an emitter with light 1; by quadrature."""
    x, w = np.polynomial.legendre.leggauss(160)
    rho, w = (x + 1) / 2, w / 2
    k = 2 * np.pi / optics.wavelength_um
    path = dz_um * np.sqrt(optics.immersion_index**2 - (optics.na * rho) ** 2)
    pupil = np.exp(1j * k * path) * rho * w
    amplitude = special.j0(k * optics.na * r_um[..., None] * rho) @ pupil
    return np.abs(amplitude) ** 2 * 4 * np.pi * (optics.na / optics.wavelength_um) ** 2


# -- a bead --------------------------------------------------------------------------


@pytest.mark.parametrize("dz_um", [0.0, 1.5, -2.5])
@pytest.mark.parametrize("pixel_um", [0.325, 0.16])
def test_a_bead_is_the_diffraction_integral_on_every_pixel(
    dz_um: float, pixel_um: float
) -> None:
    """Added up over a camera pixel, so that its size counts."""
    optics = AIR.model_copy(update={"pixel_size_um": pixel_um})
    at = (0.125, 1.3 * pixel_um, -0.6 * pixel_um)  # in the middle of a layer
    picture = field(at, optics=optics, oversampling=6).image(at[0] + dz_um)
    n = 9
    inner = (np.arange(n) - (n - 1) / 2) / n
    rows, columns = np.arange(18, 31), np.arange(17, 30)
    y = (rows[:, None] - 23.5 + inner) * pixel_um - at[1]
    x = (columns[:, None] - 23.5 + inner) * pixel_um - at[2]
    r = np.hypot(y[:, None, :, None], x[None, :, None, :])
    expected = born_wolf(optics, r, dz_um).mean((2, 3)) * pixel_um**2
    found = picture[18:31, 17:30]
    np.testing.assert_allclose(found, expected, atol=0.015 * expected.max())


@pytest.mark.slow
def test_a_bead_is_sharpest_where_it_lies() -> None:
    wide = field((3.0, 0, 0), (0.0, 0, 0), layer_um=0.25)
    one = field((3.0, 0, 0), z_range_um=(-4.125, 4.125))
    z = np.arange(-4, 4.01, 0.5)
    peaks = [float(one.image(v).max()) for v in z]
    assert z[int(np.argmax(peaks))] == 3.0
    assert wide.image(3.0).max() > wide.image(1.5).max()
    stack = one.stack(list(z))
    assert z[int(stack.max((1, 2)).argmax())] == 3.0


@pytest.mark.parametrize("shape", [(32, 32), (33, 32), (31, 45)])
@pytest.mark.parametrize("oversampling", [None, 1, 3])
def test_middle_of_the_picture_is_the_middle_of_the_specimen(
    shape: tuple[int, int], oversampling: int | None
) -> None:
    picture = field(
        (0.125, 0.4, -0.7),
        shape=shape,
        oversampling=oversampling,
        centre_um=(0.4, -0.7),
    ).image(0.125)
    y, x = (np.arange(n) - (n - 1) / 2 for n in shape)
    assert (picture.sum(1) * y).sum() / picture.sum() == pytest.approx(0, abs=1e-3)
    assert (picture.sum(0) * x).sum() / picture.sum() == pytest.approx(0, abs=1e-3)


def half_maximum_um(picture: np.ndarray, pixel_um: float) -> float:
    """Diameter of a disc as large as what is brighter than half."""
    return float(2 * np.sqrt((picture > picture.max() / 2).sum() / np.pi) * pixel_um)


def test_pixel_size_scales_the_picture_not_the_specimen() -> None:
    small, large = (
        field(
            (-3.0, 0, 0),
            (-3.0, 0.0, 13.0),
            optics=AIR.model_copy(update={"pixel_size_um": p}),
            z_range_um=(-3.125, -2.875),
            shape=(n, 3 * n),
            margin_px=n,
        ).image(0.0)
        for p, n in ((0.325, 48), (0.65, 24))
    )
    # the second bead: 13 µm off is 40 pixels, then 20
    column = [int(p[:, p.shape[1] // 2 + 8 :].sum(0).argmax()) for p in (small, large)]
    assert abs(column[0] + 8 - 40) < 12 and abs(column[1] + 8 - 20) < 6
    assert half_maximum_um(small, 0.325) == pytest.approx(
        half_maximum_um(large, 0.65), rel=0.15
    )
    np.testing.assert_allclose(
        small.reshape(24, 2, 72, 2).sum((1, 3)), large, atol=0.02 * large.max()
    )


def test_a_larger_aperture_is_sharper_in_focus_and_wider_out_of_it() -> None:
    def size(na: float, dz_um: float) -> float:
        optics = AIR.model_copy(update={"na": na, "pixel_size_um": 0.05})
        place = (0.125, 0.025, 0.025)  # the middle of a pixel
        one = field(place, optics=optics, shape=(160, 160), margin_px=60)
        return half_maximum_um(one.image(0.125 + dz_um), 0.05)

    # in focus 0.51 λ / NA, far from it a cone of rays
    assert size(0.4, 0.0) == pytest.approx(0.514 * 0.52 / 0.4, rel=0.06)
    assert size(0.8, 0.0) == pytest.approx(0.514 * 0.52 / 0.8, rel=0.06)
    assert size(0.8, 3.0) > 1.5 * size(0.4, 3.0)


# -- light is neither lost nor made --------------------------------------------------


def test_total_light_does_not_depend_on_focus() -> None:
    wide = field((0.0, 0, 0), (2.0, 3, -4), (-3, -2, 1), shape=(160, 160))
    total = np.array([wide.image(z).sum(dtype=np.float64) for z in (-5, -2, 0, 3, 6.5)])
    # a little of the faint tails falls beside the picture
    assert np.all(total > 0.985 * 3) and np.all(total < 1.002 * 3)


@pytest.mark.parametrize("oversampling", [2, 3, 5])
@pytest.mark.parametrize("layer_um", [0.5, 0.1])
def test_picture_does_not_depend_on_how_it_is_computed(
    oversampling: int, layer_um: float
) -> None:
    block = VoxelSpecimen(np.ones((4, 6, 8), np.float32), (0.5, 0.9, 0.7))
    options = {"shape": (40, 40), "z_range_um": (-1.5, 1.5), "margin_px": 24}
    reference = WideField(block, AIR, layer_um=0.05, oversampling=4, **options)
    other = WideField(
        block, AIR, layer_um=layer_um, oversampling=oversampling, **options
    )
    for z in (0.0, 2.0):
        expected, found = reference.image(z), other.image(z)
        assert found.sum() == pytest.approx(float(expected.sum()), rel=1e-3)
        np.testing.assert_allclose(found, expected, atol=0.03 * expected.max())


def test_a_wide_even_sheet_looks_alike_at_any_focus() -> None:
    sheet = VoxelSpecimen(np.full((2, 40, 40), 3.0, np.float32), (0.5, 2.0, 2.0))
    wide = WideField(
        sheet, AIR, shape=(20, 20), z_range_um=(-1, 1), layer_um=0.25, margin_px=60
    )
    for z in (-6.0, 0.0, 4.0):
        # 3 per µm³ through 1 µm onto a pixel
        np.testing.assert_allclose(wide.image(z), 3.0 * 0.325**2, rtol=0.01)


# -- what lies beside the picture ----------------------------------------------------


def test_light_comes_in_from_outside_the_picture() -> None:
    # 10 pixels to the left of the picture: sharp it is not seen, blurred it is
    beside = field((0.0, 0.0, -(24 + 10) * 0.325), z_range_um=(-0.125, 0.125))
    assert beside.image(0.0).sum() < 5e-3
    blurred = beside.image(6.0)  # a disc of 21 pixels radius
    # rays that fill the pupil evenly in sin θ and meet the plane at z tan θ
    sine = 0.75 * np.sqrt((np.arange(400) + 0.5) / 400)
    radius_px = 6.0 * np.tan(np.arcsin(sine)) / 0.325
    angle = (np.arange(360) + 0.5) / 360 * 2 * np.pi
    inside = (radius_px[:, None] * np.cos(angle) > 10).mean()
    assert blurred.sum() == pytest.approx(inside, abs=0.015)
    assert blurred[:, :12].sum() > 0.94 * blurred.sum()


def test_nothing_wraps_around_within_the_margin() -> None:
    margin, far_um = 48, 12.0  # a disc of 42 pixels radius
    for column in (-(24 + margin) + 1, -24, -20):
        for place in ((0.0, column * 0.325), (column * 0.325, 0.0)):
            one = field((0.0, *place), z_range_um=(-0.125, 0.125), margin_px=margin)
            picture = one.image(far_um)
            if place[0]:
                picture = picture.T
            assert picture[:, -2:].mean() < 2e-5
            # compare with the same on a domain so wide that nothing could
            wide = field((0.0, *place), z_range_um=(-0.125, 0.125), margin_px=130)
            beyond = wide.image(far_um)
            beyond = beyond.T if place[0] else beyond
            np.testing.assert_allclose(picture, beyond, atol=2e-5)


# -- stacks --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "z_um",
    [
        [-2.0, -1.75, -1.5],
        [-3.1, -2.1, -1.1, -0.1, 0.9],
        [0.1, 0.6],
        [0.4],
        [-2.0, 0.0, 0.5],  # not even
        [0.0, 0.3, 0.6],  # not a whole number of layers
        [1.0, 0.0, -1.0],  # falling
    ],
)
def test_a_stack_is_its_pictures(z_um: list[float]) -> None:
    specimen = make_specimen("beads", 6, extent_um=(8, 24, 24), per_1000_um3=8)
    wide = WideField(
        specimen,
        AIR,
        shape=(37, 42),
        z_range_um=(-4.1, 4.0),
        layer_um=0.25,
        margin_px=12,
        # above and below focus differ, so the sign of the defocus counts
        aberrations=Aberrations(zernike={11: 0.08}),
    )
    stack = wide.stack(z_um)
    assert stack.shape == (len(z_um), 37, 42) and stack.dtype == np.float32
    for z, picture in zip(z_um, stack, strict=True):
        alone = wide.image(z)
        np.testing.assert_allclose(picture, alone, atol=2e-3 * alone.max())


def test_focus_may_be_far_from_a_thin_specimen() -> None:
    thin = field((0.0, 0, 0), z_range_um=(-0.125, 0.125), margin_px=60)
    near = thin.image(0.0)
    for z in (12.0, -30.0):
        alone, (other, _) = thin.image(z), thin.stack([z, z + 1.0])
        np.testing.assert_allclose(alone, other, atol=0.01 * other.max())
    np.testing.assert_allclose(thin.image(0.0), near, atol=1e-3 * near.max())


def test_range_is_covered_whole() -> None:
    ends = field((-3.9, 0, 0), (3.9, 0, 0), z_range_um=(-4.0, 3.93), layer_um=0.7)
    total = ends.image(0.0)[:, :].sum()
    one = field((-3.9, 0, 0), z_range_um=(-4.0, 3.93), layer_um=0.7).image(0.0).sum()
    assert total == pytest.approx(2 * float(one), rel=1e-3)


# -- the camera ----------------------------------------------------------------------

CAMERA = CameraModel(
    photons=40.0,
    quantum_efficiency=0.8,
    gain=0.25,
    offset=104.0,
    read_noise_e=2.1,
    dark_e_per_s=10.0,
    full_well_e=20000.0,
    bit_depth=16,
)


@pytest.mark.parametrize(
    ("light", "exposure_ms"), [(0.5, 10.0), (3.0, 20.0), (0.0, 50.0)]
)
def test_mean_and_variance_of_the_counts(light: float, exposure_ms: float) -> None:
    """EMVA 1288: counts = (Poisson + normal) / gain + offset, rounded."""
    picture = np.full((300, 400), light, dtype=np.float32)
    counts = CAMERA.expose(picture, exposure_ms, np.random.default_rng(3))
    assert counts.dtype == np.uint16 and counts.shape == (300, 400)
    electrons = light * 40 * 0.8 * exposure_ms + 10 * exposure_ms / 1000
    mean = electrons / 0.25 + 104
    variance = (electrons + 2.1**2) / 0.25**2 + 1 / 12
    n = counts.size
    found = counts.astype(np.float64)
    assert found.mean() == pytest.approx(mean, abs=5 * (variance / n) ** 0.5)
    assert found.var() == pytest.approx(variance, rel=5 * (2 / n) ** 0.5 + 0.01)
    expected = CAMERA.expected(picture, exposure_ms)
    np.testing.assert_allclose(expected, mean, rtol=1e-5)


def test_noise_is_new_in_every_pixel_and_picture_and_follows_the_seed() -> None:
    picture = np.full((2, 64, 64), 1.0, dtype=np.float32)
    rng = np.random.default_rng(1)
    first, second = CAMERA.expose(picture, 5, rng), CAMERA.expose(picture, 5, rng)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(first[0].ravel(), first[1].ravel())[0, 1]) < 0.06
    again = CAMERA.expose(picture, 5, np.random.default_rng(1))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(("bits", "top"), [(8, 255), (12, 4095), (16, 65535)])
def test_converter_ends_at_its_last_count(bits: int, top: int) -> None:
    camera = CameraModel(bit_depth=bits, gain=0.25, full_well_e=1e6)
    ramp = np.linspace(0, 500, 2000, dtype=np.float32).reshape(20, 100)
    counts = camera.expose(ramp, 10.0, np.random.default_rng(0))
    assert counts.max() == top
    assert (counts == top).mean() > 0.2
    below = camera.expected(ramp, 10.0) < 0.9 * top
    assert np.all(counts[below] < top)


def test_full_well_ends_before_the_converter() -> None:
    picture = np.full((50, 50), 1000.0, dtype=np.float32)
    camera = CameraModel(full_well_e=5000.0, gain=0.5, offset=100.0, read_noise_e=2.0)
    counts = camera.expose(picture, 100.0, np.random.default_rng(0)).astype(float)
    assert counts.mean() == pytest.approx(5000 / 0.5 + 100, abs=1)
    assert counts.std() == pytest.approx(2.0 / 0.5, rel=0.1)  # no shot noise is left


def test_counts_below_zero_are_zero() -> None:
    camera = CameraModel(offset=0.0, read_noise_e=5.0)
    dark = camera.expose(np.zeros((80, 80), np.float32), 1.0, np.random.default_rng(0))
    assert dark.min() == 0 and 0.4 < (dark == 0).mean() < 0.6
