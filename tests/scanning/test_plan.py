from __future__ import annotations

import pytest
from pydantic import ValidationError

from rmz_acquire.errors import InputError
from rmz_acquire.scanning import POLICIES, POLICY_NAMES, ScanPlan


def test_range_keeps_its_last_plane_despite_rounding():
    plan = ScanPlan.from_range(0, 30, 0.1)
    assert len(plan.z_um) == 301
    assert plan.z_um[-1] == 30.0
    assert plan.z_um[3] == 0.3


def test_range_never_goes_beyond_its_top():
    assert ScanPlan.from_range(-1, 1, 0.75).z_um == (-1.0, -0.25, 0.5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (3, 4, 61)),
        ({"max_planes": 2}, (2, 2, 2)),
        ({"max_planes": 10}, (3, 4, 10)),
        ({"min_planes": None, "max_planes": None}, (3, 4, 61)),
        ({"min_planes": 6, "max_planes": 6}, (3, 6, 6)),
        ({"max_planes": 500}, (3, 4, 500)),
    ],
)
def test_counts_not_given_fit_those_given(given, expected):
    plan = ScanPlan.from_range(0, 30, 0.5, **given)
    assert (plan.first_planes, plan.min_planes, plan.max_planes) == expected


def test_a_grid_of_two_planes_is_a_plan():
    plan = ScanPlan.from_grid([1.0, 2.0])
    assert (plan.first_planes, plan.min_planes, plan.max_planes) == (2, 2, 2)


BAD = [
    ({"z_um": [1.0]}, "needs two or more"),
    ({"z_um": []}, "needs two or more"),
    ({"z_um": [0.0, 1.0, 1.0]}, "must ascend"),
    ({"z_um": [2.0, 1.0]}, "must ascend"),
    ({"z_um": [0.0, float("nan")]}, "finite"),
    ({"max_planes": 3, "min_planes": 5}, "max_planes 3 is below min_planes 5"),
    ({"min_planes": 99}, "below min_planes 99"),
    ({"first_planes": 5, "max_planes": 4, "min_planes": 4}, "first_planes 5"),
    ({"max_planes": 0}, "max_planes"),
    ({"epsilon": 0}, "epsilon"),
    ({"epsilon": -0.1}, "epsilon"),
    ({"epsilon": float("nan")}, "epsilon"),
    ({"epsilon": float("inf")}, "epsilon"),
    ({"epsilon_kind": "both"}, "epsilon_kind"),
    ({"policy": "guess"}, "policy"),
    ({"max_gap_um": 0.0}, "max_gap_um"),
    ({"z_exact_um": ()}, "empty"),
    (
        {"z_exact_um": (2.0, 11.0)},
        "z_exact_um: 11 µm is outside the grid from 0 to 10 µm",
    ),
    ({"seed": -1}, "seed"),
    ({"epsilom": 0.1}, "epsilom: there is no such argument"),
]


@pytest.mark.parametrize(("change", "said"), BAD)
def test_bad_plans_are_refused_in_one_line(change, said):
    options = {"z_um": [float(z) for z in range(11)]} | change
    with pytest.raises(InputError) as caught:
        ScanPlan.from_grid(options.pop("z_um"), **options)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "bounds", [(0, 30, 0), (0, 30, -1), (0, 30, float("nan")), (0, 0.4, 0.5), (9, 0, 1)]
)
def test_bad_ranges_are_refused_in_one_line(bounds):
    with pytest.raises(InputError) as caught:
        ScanPlan.from_range(*bounds)
    assert "\n" not in str(caught.value)


def test_a_plan_does_not_change():
    plan = ScanPlan.from_range(0, 10, 1)
    with pytest.raises(ValidationError):
        plan.epsilon = 1.0


def test_a_plan_survives_json():
    plan = ScanPlan.from_range(0, 10, 1, z_exact_um=(3.0, 1.0), seed=4)
    assert ScanPlan.model_validate_json(plan.model_dump_json()) == plan


def test_the_default_gap_is_what_the_first_planes_leave():
    plan = ScanPlan.from_range(0, 30, 0.5)
    assert plan.gap_limit_um == pytest.approx(30 / 6 + 0.5)
    assert ScanPlan.from_range(0, 30, 0.5, max_gap_um=2).gap_limit_um == 2


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_can_be_planned(name):
    assert ScanPlan.from_range(0, 10, 1, policy=name).policy == name


def test_every_planned_policy_exists():
    assert sorted(POLICY_NAMES) == sorted(POLICIES)
