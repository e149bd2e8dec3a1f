"""What each exposure cost, and what the light lost: told only where it can be."""

from __future__ import annotations

import numpy as np
import pytest

from rmz_acquire.scanning.dose_ledger import (
    Exposure,
    exposures_of,
    fading_of,
    with_check,
)

Z_UM = (2.0, 7.0, 12.0, 4.5, 9.5, 0.0, 14.0, 6.0)


def exposures(rate, z_um=Z_UM, *, noise=0.002, ms=10.0):
    """A course along z, bleaching by a rate an exposure, a lamp that wavers."""
    rng = np.random.default_rng(3)
    made = []
    for n, z in enumerate(z_um):
        course = 1 + 0.05 * np.sin(z / 8) + noise * rng.normal()
        light = float(400 * course * np.exp(-rate * n))
        made.append(Exposure(z, ms, ms * (n + 1), light))
    return made


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_bleaching_is_told_apart_from_the_course_along_z(rate) -> None:
    found = fading_of(exposures(rate), 0.1)
    assert found.seen and found.told_by == "all planes"
    assert found.lost == pytest.approx(1 - np.exp(-7 * rate), abs=0.02)
    # the same planes upwards in z: the course is then as good a reason
    assert found.lost > found.uncertainty


def test_a_steady_lamp_is_not_seen_to_fade() -> None:
    found = fading_of(exposures(0.0), 0.1)
    assert not found.seen and abs(found.lost) < 0.02


def test_a_plane_taken_twice_tells_by_itself() -> None:
    found = fading_of(exposures(0.03, (2.0, 7.0, 12.0, 2.05)), 0.1)
    assert found.seen and found.told_by == "repeats"
    assert found.lost == pytest.approx(1 - np.exp(-0.09), abs=0.01)


def test_a_plane_that_a_check_takes_again_tells_too() -> None:
    scan = exposures(0.03, (2.0, 7.0, 12.0, 4.5), noise=0)
    assert fading_of(scan, 0.1) is None
    again = [{"number": n, "z_actual_um": 7.0, "exposure_ms": 10.0} for n in range(2)]
    light = np.exp(-0.03 * 4)  # of the second of them over that of the second plane
    found = {"number": None, "compared": 1, "brightness": light}
    every = with_check(scan, [*again, found])
    assert [one.cumulated_ms for one in every] == [10, 20, 30, 40, 50, 60]
    told = fading_of(every, 0.1)
    assert told.seen and told.told_by == "repeats"
    assert told.lost == pytest.approx(1 - np.exp(-0.15), abs=0.01)
    # one that was cut off before anything was compared has cost light all the same
    assert with_check(scan, again[:1])[-1] == Exposure(7.0, 10.0, 50.0, None)


def test_what_cannot_be_told_is_not() -> None:
    assert fading_of(exposures(0.05, Z_UM[:5]), 0.1) is None
    mixed = exposures(0.05)
    mixed[3] = Exposure(4.5, 20.0, None, 800.0)
    assert fading_of(mixed, 0.1) is None
    assert fading_of([], 0.1) is None and exposures_of([], []) == []
