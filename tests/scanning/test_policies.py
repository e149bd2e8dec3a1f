from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmz_acquire.scanning import (
    Bisect,
    ExactList,
    Observation,
    ScanPlan,
    Uniform,
    look_at,
    make_policy,
)

FRAME = look_at(np.arange(64.0).reshape(8, 8))


def seen(requested, actual=None):
    z_um = requested if actual is None else actual
    return Observation(requested, z_um, FRAME, None, None, None, 0.0)


def follow(policy, limit=1000):
    """Take what the policy asks for until it stops asking."""
    taken = []
    while len(taken) < limit and (z := policy.next_z(taken)) is not None:
        taken.append(seen(z))
    return [plane.z_requested_um for plane in taken]


def test_bisect_starts_at_the_cell_centres_and_goes_for_the_gaps():
    plan = ScanPlan.from_range(0, 30, 0.5)
    asked = follow(Bisect(plan), limit=7)
    assert asked[:3] == [5.0, 15.0, 25.0]
    # all gaps are 5 µm: the middles before the ends, the lower first
    assert asked[3:] == [10.0, 20.0, 0.0, 30.0]


def test_bisect_goes_by_the_z_read_back():
    plan = ScanPlan.from_range(0, 10, 1, first_planes=2)
    # asked 2 and 8 (cell centres 2.5 and 7.5), but the stage went to 0 and 10
    taken = [seen(2.0, 0.0), seen(8.0, 10.0)]
    assert Bisect(plan).next_z(taken) == 5.0


def test_bisect_is_not_held_by_a_stage_that_does_not_move():
    plan = ScanPlan.from_range(0, 10, 1)
    taken = []
    for _ in range(11):
        z = Bisect(plan).next_z(taken)
        taken.append(seen(z, 0.0))
    assert sorted(p.z_requested_um for p in taken) == list(plan.z_um)
    assert Bisect(plan).next_z(taken) is None


def test_uniform_takes_equal_steps_in_a_spread_order():
    plan = ScanPlan.from_range(0, 70, 1, policy="uniform", max_planes=7)
    order = [35.0, 5.0, 65.0, 15.0, 55.0, 25.0, 45.0]
    assert follow(make_policy(plan)) == order


def test_exactly_the_list_in_its_order():
    plan = ScanPlan.from_range(0, 10, 1, z_exact_um=(7.3, 1.0, 1.0))
    policy = make_policy(plan)
    assert isinstance(policy, ExactList)
    assert follow(policy) == [7.3, 1.0, 1.0]


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(2, 60),
    first=st.integers(1, 60),
    seed=st.integers(0, 10_000),
)
def test_every_grid_plane_is_asked_for_once(size, first, seed):
    steps = np.random.default_rng(seed).uniform(0.1, 2.0, size)
    first = min(first, size)
    grid = np.cumsum(steps)
    plan = ScanPlan.from_grid(grid, first_planes=first)
    for policy in (Bisect(plan), Uniform(plan)):
        asked = follow(policy)
        assert sorted(asked) == pytest.approx(list(grid))


@settings(max_examples=40, deadline=None)
@given(size=st.integers(4, 80), count=st.integers(1, 80))
def test_the_gap_never_grows_and_ends_small(size, count):
    """By M planes, bisect leaves no larger gap than the best M/2 planes would."""
    count = min(count, size)
    grid = np.arange(size, dtype=float)
    plan = ScanPlan.from_grid(grid, first_planes=1)
    asked = np.array(follow(Bisect(plan), limit=count))
    gaps = [
        np.abs(grid[:, None] - asked[None, :m]).min(axis=1).max()
        for m in range(1, count + 1)
    ]
    assert all(b <= a for a, b in pairwise(gaps))
    # farthest-first is within twice the best cover (Gonzalez 1985)
    best = np.ceil((size - count) / (2 * count))
    assert gaps[-1] <= 2 * best


def told(z_um, values, name, innovation=None):
    """A plane with which the estimator told a number for every z."""
    frame = replace(FRAME, mean=20.0, background=10.0)
    return replace(
        seen(z_um), frame=frame, innovation=innovation, **{name: tuple(values)}
    )


CHOICES = [("error", "predicted_error"), ("disagreement", "disagreement")]


@pytest.mark.parametrize(("policy", "name"), CHOICES)
def test_it_goes_where_most_is_promised(policy, name):
    plan = ScanPlan.from_range(0, 10, 1, policy=policy)
    values = np.linspace(1, 2, 11)
    values[10] = 9  # taken already
    planes = [told(z, values, name) for z in (2.0, 10.0, 5.0)]
    assert make_policy(plan).next_z(planes) == 9.0
    # with nothing told, and for the first planes, it bisects
    assert make_policy(plan).next_z([seen(2.0)]) == Bisect(plan).next_z([seen(2.0)])
    assert make_policy(plan).next_z(planes[:1]) == Bisect(plan).next_z([seen(2.0)])


def test_a_long_way_must_be_worth_it():
    values = np.full(11, 1.0)
    values[[1, 9]] = 2.0, 2.5
    planes = [told(z, values, "predicted_error") for z in (5.0, 8.0, 2.0)]
    near, far = (
        make_policy(ScanPlan.from_range(0, 10, 1, policy="error", travel_cost=cost))
        for cost in (2.0, 0.0)
    )
    assert near.next_z(planes) == 1.0 and far.next_z(planes) == 9.0


def test_where_it_was_too_sure_counts_for_more():
    plan = ScanPlan.from_range(0, 10, 1, policy="error")
    even = np.full(11, 1.0)
    planes = [
        told(5.0, even, "predicted_error"),
        told(1.0, even, "predicted_error", innovation=0.1),
        told(9.0, even, "predicted_error", innovation=0.9),
    ]
    assert make_policy(plan).next_z(planes) > 6
