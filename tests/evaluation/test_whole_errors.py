"""Whole volumes are made where they matter, and the threshold is the same as of all."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scan_fakes import blobs

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation import calibrating
from rmz_acquire.evaluation.calibrating import DenseStack
from rmz_acquire.evaluation.scan_traces import trace_scan
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import Region, RegionVolume, ScanPlan

GRID = tuple(float(z) for z in range(13))
PLAN = ScanPlan.from_grid(GRID, audit=0.0)
MAKE = partial(make_estimator, "linear")
STACKS = [
    DenseStack(f"dish {n // 2}", "blobs", stack, stack)
    for n in range(24)
    for stack in [blobs(GRID, seed=n)]
]


class Blind:
    """Decides as on the whole picture, and has no volume but that of a region."""

    def __init__(self, z_um):
        self._made = MAKE(z_um)
        self.z_um, self.name = self._made.z_um, "blind"
        self.planes_taken, self.volume = 0, None

    def describe(self):
        return self._made.describe()

    def add(self, image, z_um):
        self.planes_taken += 1
        told = self._made.add(image, z_um)
        region = RegionVolume(Region(0, 0, *image.shape), self.z_um, told.volume)
        return replace(told, volume=None, regions=(region,))


def card(target, make, alpha=0.3, **more):
    return calibrating.calibrate(
        STACKS,
        PLAN,
        make,
        {},
        target,
        alpha=alpha,
        confidence=0.8,
        sources=[],
        specimens=12,
        **more,
    )


@pytest.mark.parametrize(
    ("target", "alpha"),
    [
        (0.6, 0.3),
        pytest.param(0.4, 0.3, marks=pytest.mark.slow),
        pytest.param(0.4, 0.15, marks=pytest.mark.slow),
    ],
)
def test_the_threshold_is_that_of_all_errors(target, alpha):
    made_of = []

    def whole(images, z_um):
        made_of.append(len(images))
        return MAKE(GRID).add_all(images, z_um)

    given = card(target, MAKE, alpha)
    found = card(target, Blind, alpha, whole=whole)
    assert replace_made(found) == replace_made(given)
    # a volume after each of 13 planes of each stack would be many more
    assert 0 < len(made_of) < 0.7 * 13 * len(STACKS)


def test_out_of_reach_says_how_many_are_above():
    plan = PLAN.model_copy(update={"max_planes": 5})
    with pytest.raises(InputError, match=r"5 planes 12 of 12 specimens are above"):
        calibrating.calibrate(
            STACKS,
            plan,
            Blind,
            {},
            1e-3,
            alpha=0.3,
            confidence=0.8,
            sources=[],
            specimens=12,
            whole=lambda images, z_um: MAKE(GRID).add_all(images, z_um),
        )


def test_a_trace_without_volumes_knows_no_error():
    one = STACKS[0]
    trace = trace_scan(one.counts, one.truth, PLAN, Blind, specimen="", family="")
    assert len(trace.taken) == 13 and np.isinf(trace.nrmse).all()


def replace_made(one):
    return one.model_copy(update={"made": {}})
