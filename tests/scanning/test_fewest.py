"""How few planes a scan can end with is what a scan that changes nothing takes."""

from __future__ import annotations

import numpy as np
import pytest
from scan_fakes import LinearEstimator, plane

from rmz_acquire.scanning import Scan, ScanPlan, fewest_planes


@pytest.mark.parametrize(
    ("options", "fewest"),
    [
        ({}, 4),
        ({"min_planes": 9}, 9),
        # the last of the first planes must leave the change below epsilon
        ({"min_planes": 2, "first_planes": 2, "audit": 0}, 2),
        # and one more, by chance, was predicted
        ({"min_planes": 2, "first_planes": 2}, 3),
        ({"stop_rule": "paper"}, 2),
        ({"max_planes": 3}, 3),
        ({"max_gap_um": 1.5}, 13),
        ({"max_gap_um": 1.5, "max_planes": 10}, 10),
        ({"z_exact_um": (1.0, 2.0, 29.0)}, 3),
    ],
)
def test_the_fewest_planes(options, fewest):
    plan = ScanPlan.from_range(0.0, 30.0, 0.5, **options)
    assert fewest_planes(plan) == fewest


def test_a_scan_of_an_even_specimen_stops_there():
    """Independent of the count: the scan itself, on noise about nothing but a ramp."""
    plan = ScanPlan.from_range(0.0, 20.0, 0.5, max_gap_um=2.0, epsilon=0.9, audit=0)
    scan = Scan(plan, LinearEstimator(plan.z_um))
    rng = np.random.default_rng(3)
    ramp = np.add.outer(np.arange(24.0), np.arange(28.0)) * 30 + 100
    while (z_um := scan.next_z()) is not None:
        image = (ramp + rng.normal(0, 2, ramp.shape)).round().astype(np.uint16)
        scan.observe(plane(image, z_um))
    assert scan.planes_taken == fewest_planes(plan)


def test_a_long_range_in_small_gaps_is_counted_at_once():
    plan = ScanPlan.from_range(0.0, 1000.0, 0.5, max_gap_um=0.5)
    assert fewest_planes(plan) == pytest.approx(1000, abs=1)
