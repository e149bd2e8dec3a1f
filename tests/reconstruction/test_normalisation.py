from __future__ import annotations

import numpy as np
import pytest

from rmz_acquire.reconstruction import Normalisation


def test_background_and_scale_by_hand(rng: np.random.Generator) -> None:
    planes = rng.normal(500, 40, (3, 30, 31)).astype(np.float32)
    found = Normalisation.of(planes)
    ordered = np.sort(planes.ravel())
    place = 0.01 * (ordered.size - 1)
    low = int(place)
    background = ordered[low] + (place - low) * (ordered[low + 1] - ordered[low])
    mean = planes.sum(dtype=np.float64) / planes.size
    spread = (((planes - mean) ** 2).sum(dtype=np.float64) / planes.size) ** 0.5
    assert found.background == pytest.approx(background, rel=1e-6)
    assert found.scale == pytest.approx(spread, rel=1e-5)


def test_apply_and_undo(rng: np.random.Generator) -> None:
    counts = rng.integers(90, 4000, (2, 9, 8)).astype(np.uint16)
    scale = Normalisation(background=100.0, scale=250.0)
    values = scale.apply(counts)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, (counts.astype(float) - 100) / 250, rtol=1e-6)
    back = scale.undo(values)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, counts, rtol=1e-6)


@pytest.mark.parametrize(("gain", "offset"), [(3.0, 0.0), (1.0, 2000.0), (0.2, -80.0)])
def test_a_brighter_or_offset_copy_gives_the_same_planes(
    rng: np.random.Generator, gain: float, offset: float
) -> None:
    planes = rng.gamma(2, 100, (2, 40, 40)).astype(np.float32) + 100
    copy = (planes * gain + offset).astype(np.float32)
    ours = Normalisation.of(planes).apply(planes)
    theirs = Normalisation.of(copy).apply(copy)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_planes_without_structure_keep_their_counts() -> None:
    flat = Normalisation.of(np.full((2, 8, 8), 321, np.float32))
    assert flat == Normalisation(321.0, 1.0)


def test_fits_is_a_share_of_the_scale_in_use() -> None:
    mine = Normalisation(100.0, 200.0)
    assert mine.fits(Normalisation(149.0, 200.0), 0.25)
    assert not mine.fits(Normalisation(151.0, 200.0), 0.25)
    assert mine.fits(Normalisation(100.0, 151.0), 0.25)
    assert not mine.fits(Normalisation(100.0, 149.0), 0.25)
    assert not mine.fits(Normalisation(49.0, 200.0), 0.25)
