from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rmz_acquire.errors import InputError
from rmz_acquire.simulation.specimens import (
    SPECIMENS,
    BallSpecimen,
    PointSpecimen,
    VoxelSpecimen,
    make_specimen,
)

if TYPE_CHECKING:
    from rmz_acquire.simulation.specimens import Specimen

EXTENT = (12.0, 40.0, 44.0)
EDGES = np.linspace(-8, 8, 33)


def point(z: float, y: float, x: float, light: float = 1.0) -> PointSpecimen:
    place = (np.array([float(v)]) for v in (z, y, x, light))
    return PointSpecimen(*place, EXTENT)


def ball(radii: tuple[float, float, float], **options: float) -> BallSpecimen:
    return BallSpecimen(
        np.array([[0.4, -1.1, 2.3]]),
        np.array([radii]),
        np.array([3.0]),
        options.get("texture", 0.0),
        None,
        EXTENT,
        5,
    )


def centroid(layers: np.ndarray, pixel_um: float) -> tuple[float, float]:
    """Of the light, µm from the grid's middle."""
    flat = layers.sum(0, dtype=np.float64)
    y, x = (np.arange(n) - (n - 1) / 2 for n in flat.shape)
    total = flat.sum()
    cy, cx = (flat.sum(1) * y).sum() / total, (flat.sum(0) * x).sum() / total
    return (float(cy) * pixel_um, float(cx) * pixel_um)


@pytest.mark.parametrize("name", sorted(SPECIMENS))
def test_same_seed_same_specimen(name: str) -> None:
    def look(seed: int) -> np.ndarray:
        specimen = make_specimen(name, seed, extent_um=EXTENT)
        return specimen.layers(EDGES[::4], shape=(60, 62), pixel_size_um=0.7)

    first = look(3)
    assert first.dtype == np.float32 and first.shape == (8, 60, 62)
    assert first.sum() > 0 and first.min() >= 0
    np.testing.assert_array_equal(first, look(3))
    assert np.abs(first - look(4)).sum() > 0.5 * first.sum()


def test_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(InputError, match="beads, filaments, nuclei"):
        make_specimen("worms", 1, extent_um=EXTENT)


# -- the grid does not matter --------------------------------------------------------


@pytest.mark.parametrize("pixel_um", [0.5, 0.31, 0.8])
@pytest.mark.parametrize("layers", [16, 5, 160])
def test_light_of_points_does_not_depend_on_the_grid(
    pixel_um: float, layers: int
) -> None:
    specimen = make_specimen("beads", 2, extent_um=EXTENT, per_1000_um3=3)
    assert isinstance(specimen, PointSpecimen)
    edges = np.linspace(-6.5, 6.5, layers + 1)
    side = int(48 / pixel_um) + 3
    grid = specimen.layers(edges, shape=(side, side + 1), pixel_size_um=pixel_um)
    assert grid.sum(dtype=np.float64) == pytest.approx(specimen.brightness.sum())


@pytest.mark.parametrize("shape", [(20, 20), (21, 20), (20, 33)])
@pytest.mark.parametrize("pixel_um", [0.5, 0.37])
def test_a_point_lies_where_it_is_said_to(
    shape: tuple[int, int], pixel_um: float
) -> None:
    grid = point(1.3, 1.17, -2.06, 7.0).layers(
        EDGES, shape=shape, pixel_size_um=pixel_um
    )
    assert centroid(grid, pixel_um) == pytest.approx((1.17, -2.06), abs=1e-5)
    assert np.flatnonzero(grid.sum((1, 2))).tolist() == [18]  # from 1.0 to 1.5 µm
    assert (grid > 0).sum() == 4
    moved = point(1.3, 1.17, -2.06).layers(
        EDGES, shape=shape, pixel_size_um=pixel_um, centre_um=(1.0, -1.5)
    )
    assert centroid(moved, pixel_um) == pytest.approx((0.17, -0.56), abs=1e-5)


@pytest.mark.parametrize(
    "place", [(9, 0, 0), (-8.01, 0, 0), (0, 5.3, 0), (0, 0, -5.3), (0, 500.0, 0)]
)
def test_what_lies_outside_the_grid_is_not_folded_into_it(
    place: tuple[float, float, float],
) -> None:
    grid = point(*place).layers(EDGES, shape=(20, 20), pixel_size_um=0.5)
    assert grid.sum() == 0


def test_voxels_are_averaged_over_every_cell() -> None:
    """Against an integral by a fine mesh of points."""
    rng = np.random.default_rng(0)
    volume = rng.random((4, 5, 6)).astype(np.float32)
    voxel, pixel, centre = (1.0, 0.7, 0.9), 0.53, (0.21, -0.34)
    edges = np.array([-2.4, -1.1, 0.35, 1.0, 2.9])
    grid = VoxelSpecimen(volume, voxel).layers(
        edges, shape=(7, 9), pixel_size_um=pixel, centre_um=centre
    )

    def index(at_um: np.ndarray, axis: int) -> np.ndarray:
        return np.floor(at_um / voxel[axis] + volume.shape[axis] / 2).astype(int)

    n, expected = 60, np.zeros_like(grid, dtype=np.float64)
    inner = (np.arange(n) + 0.5) / n
    for layer, row, column in np.ndindex(*grid.shape):
        low, high = edges[layer], edges[layer + 1]
        z = index(low + (high - low) * inner, 0)
        y = index((row - 3.5 + inner) * pixel + centre[0], 1)
        x = index((column - 4.5 + inner) * pixel + centre[1], 2)
        z, y, x = (
            a[(a >= 0) & (a < size)]
            for a, size in zip((z, y, x), (4, 5, 6), strict=True)
        )
        sampled = volume[np.ix_(z, y, x)].sum() / n**3
        expected[layer, row, column] = sampled * (high - low) * pixel**2
    np.testing.assert_allclose(grid, expected, atol=0.02 * expected.max())


@pytest.mark.parametrize("pixel_um", [0.5, 0.3, 1.7])
def test_light_of_voxels_does_not_depend_on_the_grid(pixel_um: float) -> None:
    volume = np.random.default_rng(1).random((6, 8, 9)).astype(np.float32)
    specimen = VoxelSpecimen(volume, (1.5, 1.0, 1.0))
    assert specimen.extent_um == (9.0, 8.0, 9.0)
    side = int(11 / pixel_um) + 2
    grid = specimen.layers(
        np.linspace(-5, 5, 24), shape=(side, side), pixel_size_um=pixel_um
    )
    assert grid.sum(dtype=np.float64) == pytest.approx(volume.sum() * 1.5, rel=1e-5)


@pytest.mark.parametrize("pixel_um", [0.325, 0.16])
@pytest.mark.parametrize("layer_um", [0.5, 0.2])
def test_light_of_a_ball_is_its_volume(pixel_um: float, layer_um: float) -> None:
    radii = (1.1, 1.6, 1.3)
    edges = np.arange(-4, 4 + layer_um / 2, layer_um)
    grid = ball(radii).layers(edges, shape=(80, 90), pixel_size_um=pixel_um)
    expected = 3.0 * 4 / 3 * np.pi * np.prod(radii)
    assert grid.sum(dtype=np.float64) == pytest.approx(expected, rel=0.04)
    assert centroid(grid, pixel_um) == pytest.approx((-1.1, 2.3), abs=0.02)
    middle = (edges[1:] + edges[:-1]) / 2
    z = (grid.sum((1, 2)) * middle).sum() / grid.sum()
    assert z == pytest.approx(0.4, abs=0.03)
    # half axes: an even ellipsoid has variance r²/5 along each
    spread = np.sqrt(5 * (grid.sum((1, 2)) * (middle - z) ** 2).sum() / grid.sum())
    assert spread == pytest.approx(1.1, rel=0.06)


def test_texture_belongs_to_the_ball_not_to_the_grid() -> None:
    textured = ball((1.5, 1.5, 1.5), texture=0.8)
    coarse = textured.layers(EDGES, shape=(40, 40), pixel_size_um=0.4)
    fine = textured.layers(EDGES, shape=(160, 160), pixel_size_um=0.1)
    binned = fine.reshape(32, 40, 4, 40, 4).sum((2, 4))
    assert np.abs(coarse - binned).sum() < 0.15 * binned.sum()
    plain = ball((1.5, 1.5, 1.5)).layers(EDGES, shape=(40, 40), pixel_size_um=0.4)
    assert np.abs(coarse - plain).sum() > 0.2 * plain.sum()


# -- what the specimens are ----------------------------------------------------------


def test_beads_are_as_many_and_as_bright_as_asked() -> None:
    extent = (30.0, 200.0, 200.0)
    specimen = make_specimen("beads", 1, extent_um=extent, per_1000_um3=2, spread=0.4)
    assert isinstance(specimen, PointSpecimen)
    n = len(specimen.z_um)
    assert n == pytest.approx(2400, abs=4 * 2400**0.5)
    for place, size in zip(
        (specimen.z_um, specimen.y_um, specimen.x_um), extent, strict=True
    ):
        assert np.abs(place).max() <= size / 2
        assert place.std() == pytest.approx(size / 12**0.5, rel=0.05)
    assert np.median(specimen.brightness) == pytest.approx(1, rel=0.05)
    assert np.log(specimen.brightness).std() == pytest.approx(0.4, rel=0.06)


def test_nuclei_fill_bodies_that_stay_in_the_depth() -> None:
    extent = (30.0, 110.0, 110.0)
    specimen = make_specimen("nuclei", 3, extent_um=extent, number=400, haze=0.2)
    assert isinstance(specimen, BallSpecimen) and specimen.body is not None
    assert specimen.centres_um.shape == (400, 3)
    assert np.abs(specimen.centres_um[:, 0]).max() < 15
    inside = np.abs(specimen.centres_um[:, 1:]).max(1) < 55
    assert 0.3 < inside.mean() < 0.8
    volumes = 4 / 3 * np.pi * specimen.radii_um.prod(1)
    light = (specimen.brightness * volumes).sum()
    assert specimen.body.brightness.sum() == pytest.approx(0.2 * light, rel=2e-3)


def test_haze_can_be_left_out() -> None:
    specimen = make_specimen("nuclei", 3, extent_um=EXTENT, number=5, haze=0)
    assert isinstance(specimen, BallSpecimen) and specimen.body is None
    assert specimen.layers(EDGES, shape=(90, 90), pixel_size_um=0.5).sum() > 0


def test_filaments_are_chains_of_even_light_and_stiffness() -> None:
    def chains(stiffness: float) -> np.ndarray:
        made = make_specimen(
            "filaments",
            4,
            extent_um=(40.0, 100.0, 100.0),
            per_1000_um3=0.3,
            length_um=30.0,
            stiffness_um=stiffness,
        )
        assert isinstance(made, PointSpecimen)
        steps = 200  # of 0.15 µm
        path = np.stack([made.z_um, made.y_um, made.x_um], -1)
        light = made.brightness.reshape(steps, -1)
        np.testing.assert_array_equal(light, np.broadcast_to(light[:1], light.shape))
        return path.reshape(steps, -1, 3)

    limp, stiff = chains(3.0), chains(100.0)
    assert limp.shape[1] == pytest.approx(120, abs=45)
    for path in (limp, stiff):
        length = np.linalg.norm(np.diff(path, axis=0), axis=2)
        np.testing.assert_allclose(length, 0.15, rtol=1e-6)
    reach = [np.linalg.norm(p[-1] - p[0], axis=1).mean() / 29.85 for p in (limp, stiff)]
    assert reach[0] < 0.55 and reach[1] > 0.85


def test_a_specimen_is_the_same_however_it_is_looked_at() -> None:
    """The left half of a wide picture is a narrow picture of the left."""
    specimen: Specimen = make_specimen("nuclei", 8, extent_um=EXTENT, number=30)
    wide = specimen.layers(EDGES, shape=(60, 80), pixel_size_um=0.5)
    left = specimen.layers(
        EDGES, shape=(60, 40), pixel_size_um=0.5, centre_um=(0.0, -10.0)
    )
    # points at the cut are shared with pixels that the narrow grid does not have
    np.testing.assert_allclose(left[:, 2:-2, 2:-2], wide[:, 2:-2, 2:38], atol=1e-4)


def test_haze_of_a_large_field_is_as_bright_and_of_few_points() -> None:
    """A field of 5 mm under a low aperture: 10^10 µm³ of body."""
    specimen = make_specimen("nuclei", 3, extent_um=(900, 5000, 5000), number=50)
    assert isinstance(specimen, BallSpecimen)
    light = float((specimen.brightness * 4.19 * specimen.radii_um.prod(1)).sum())
    assert specimen.body is not None
    assert len(specimen.body.z_um) <= 400_000
    assert float(specimen.body.brightness.sum()) == pytest.approx(0.1 * light, rel=0.01)
