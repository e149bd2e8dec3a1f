"""The estimator: better than a linear one, from planes in any order, from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from small_scope import AIR, Z_UM, evenly, rms, stacks

from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import RichardsonLucyEstimator, make_estimator
from rmz_acquire.simulation.shapes import PointSpecimen
from rmz_acquire.simulation.widefield import WideField

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def decibels_over_wiener(
    truth: NDArray[np.float32],
    counts: NDArray[np.float32],
    z_um: NDArray[np.float64],
    optics: Optics,
    at: list[int],
) -> float:
    rest = [i for i in range(len(z_um)) if i not in at]
    error = {}
    for name in ("richardson-lucy", "wiener"):
        made = make_estimator(name, z_um, optics).add_all(counts[at], z_um[at])
        error[name] = rms(made[rest] - truth[rest])
    return float(20 * np.log10(error["wiener"] / error["richardson-lucy"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "m", "decibels"),
    [("nuclei", 3, 1.0), ("nuclei", 6, 1.0), ("beads", 6, 0.5)],
)
def test_it_beats_the_linear_optimum(name: str, m: int, decibels: float) -> None:
    truth, counts = stacks(name)
    assert decibels_over_wiener(truth, counts, Z_UM, AIR, evenly(m)) > decibels


@pytest.mark.slow
@pytest.mark.parametrize(("m", "decibels"), [(3, 1.3), (5, 0.3)])
def test_it_beats_the_linear_optimum_on_a_real_nucleus(
    wf_nucleus: Path, m: int, decibels: float
) -> None:
    stack = tifffile.imread(wf_nucleus).astype(np.float32)
    optics = Optics(
        na=1.2, immersion_index=1.33, wavelength_um=0.461, pixel_size_um=0.512
    )
    at = [int((i + 0.5) * 45 / m) for i in range(m)]
    z_um = np.arange(45) * 0.499
    assert decibels_over_wiener(stack, stack, z_um, optics, at) > decibels


def points(*places: tuple[float, float, float]) -> NDArray[np.float32]:
    """Stack of beads at z, y, x, µm from the middle; noise-free counts."""
    z, y, x = (np.array(axis, dtype=np.float64) for axis in zip(*places, strict=True))
    specimen = PointSpecimen(z, y, x, np.ones(len(z)), (12.0, 60.0, 60.0))
    light = WideField(
        specimen,
        AIR,
        shape=(64, 60),
        z_range_um=(-6, 6),
        layer_um=0.5,
        margin_px=48,
    ).stack(list(Z_UM))
    stack: NDArray[np.float32] = 100 + 4000 * light / light.max()
    return stack.astype(np.float32)


@pytest.mark.parametrize("z", [-2.25, 2.25])
def test_a_bead_between_planes_is_found_on_its_side(z: float) -> None:
    # the simulation's layers have their middles between multiples of their distance
    stack = points((z - 0.25, 0, 0))
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    at = [4, 12, 20]  # -4, 0 and 4 µm
    made = estimator.add_all(stack[at], Z_UM[at])
    peak = made.max((1, 2))
    assert abs(Z_UM[int(peak.argmax())] - z) <= 1.0
    there, opposite = (peak[int(np.abs(Z_UM - at_z).argmin())] for at_z in (z, -z))
    assert there > 2 * opposite


@pytest.mark.slow
def test_light_from_outside_the_picture_is_placed_outside() -> None:
    """A bead 8 pixels beyond the rim, seen by its blur alone."""
    stack = points((-1.0, 0.0, 38 * AIR.pixel_size_um))
    at = [0, 12, 24]
    rest = [i for i in range(25) if i not in at]
    ours, theirs = (
        make_estimator(name, Z_UM, AIR).add_all(stack[at], Z_UM[at])
        for name in ("richardson-lucy", "wiener")
    )
    error = rms(ours[rest] - stack[rest])
    assert error < 0.6 * rms(theirs[rest] - stack[rest])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "m"), [("nuclei", 4), ("beads", 5)])
def test_plane_by_plane_is_nearly_all_at_once(name: str, m: int) -> None:
    truth, counts = stacks(name)
    at = evenly(m)
    one_by_one = RichardsonLucyEstimator(Z_UM, AIR)
    for i in [at[k] for k in (1, 0, *range(2, m))]:
        one_by_one.add(counts[i], Z_UM[i])
    made = RichardsonLucyEstimator(Z_UM, AIR).add_all(counts[at], Z_UM[at])
    assert one_by_one.volume is not None
    apart = rms(one_by_one.volume - made)
    # closer to each other than to the truth, and as close to that
    assert apart < 0.6 * rms(made - truth)
    assert rms(one_by_one.volume - truth) < 1.15 * rms(made - truth)


@pytest.mark.slow
def test_many_planes_at_once_are_no_worse_than_one_by_one() -> None:
    truth, counts = stacks("nuclei")
    at = evenly(8)
    at_once = RichardsonLucyEstimator(Z_UM, AIR).add_all(counts[at], Z_UM[at])
    streamed = RichardsonLucyEstimator(Z_UM, AIR)
    few = streamed.add_all(counts[at[:5]], Z_UM[at[:5]])
    for n in at[5:]:
        streamed.add(counts[n], Z_UM[n])
    assert streamed.volume is not None
    assert rms(at_once - truth) < 1.02 * rms(streamed.volume - truth)
    assert rms(at_once - truth) < 0.5 * rms(few - truth)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_of_a_dark_field_is_no_light(seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    z = np.linspace(-4, 4, 17)
    water = Optics(
        na=1.2, immersion_index=1.33, wavelength_um=0.52, pixel_size_um=0.1625
    )
    estimator = RichardsonLucyEstimator(z, water)
    taken = [0, 4, 8, 12, 16]
    dark = [np.rint(rng.normal(100, 3.2, (64, 64))).astype(np.uint16) for _ in taken]
    volume = estimator.add_all(dark, z[taken].tolist())
    assert estimator.wiener is not None
    wrong, filtered = (
        rms(np.delete(made, taken, axis=0) - 100) for made in (volume, estimator.wiener)
    )
    # 0.3 dB: what it may be below the filter anywhere
    assert wrong < 1.035 * filtered


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (2, 30), (25, 44), (61, 48)])
def test_pictures_of_any_size(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    for z in (-3.0, 2.0, 0.13, 1.0):
        estimate = estimator.add(rng.normal(500, 30, shape), z)
    assert estimate.volume.shape == (25, *shape)
    assert np.isfinite(estimate.volume).all()
    assert np.abs(estimate.volume - 500).max() < 250


@pytest.mark.slow
@pytest.mark.parametrize("grid", [[-2.0, 2.0], [-6.0, -1.0, 0.3, 6.0], [0.0, 0.1, 0.2]])
def test_grids_of_any_kind(grid: list[float]) -> None:
    """Two planes far apart, uneven ones, and all within one depth of field."""
    _, counts = stacks("nuclei")
    estimator = RichardsonLucyEstimator(grid, AIR)
    for z in (grid[0], 0.1, grid[-1]):
        estimate = estimator.add(counts[int(np.abs(Z_UM - z).argmin())], z)
    assert estimate.volume.shape == (len(grid), 64, 60)
    near = counts[int(np.abs(Z_UM - grid[-1]).argmin())]
    assert rms(estimate.volume[-1] - near) < 0.2 * near.std()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["beads", "nuclei"])
def test_predicted_error_tells_the_real_one(name: str) -> None:
    truth, counts = stacks(name)
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    assert estimator.predicted_error is None
    for i in (12, 2, 22, 7, 17):
        volume = estimator.add(counts[i], Z_UM[i]).volume
    predicted = estimator.predicted_error
    assert predicted is not None and predicted.shape == (25,)
    real = np.array([rms(a - b) for a, b in zip(volume, truth, strict=True)])
    assert np.all(predicted > 0.3 * real)
    assert 0.5 < predicted.mean() / real.mean() < 3
    assert np.corrcoef(predicted, real)[0, 1] > 0.4
