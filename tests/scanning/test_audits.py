"""Planes drawn by chance, and the budgets beside the rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scan_fakes import STACK, START, Z_UM, LinearEstimator, ScriptedEstimator, shown

from rmz_acquire.scanning import Scan, ScanPlan


def taken(scan, planes=None):
    """Run a scan, up to so many planes; who chose each and where."""
    while scan.outcome is None and len(scan.decisions) != planes:
        scan.observe(shown(scan))
    return [(d.chosen_by, d.z_requested_um) for d in scan.decisions]


def a_scan(stack_seed=0, **options):
    options = {"epsilon": 1e-9} | options
    plan = ScanPlan.from_grid(Z_UM, **options)
    return Scan(plan, LinearEstimator(plan.z_um))


def test_one_plane_in_five_is_drawn_after_the_first():
    found = taken(a_scan(max_planes=14))
    by = [chosen_by for chosen_by, _ in found]
    assert [i for i, name in enumerate(by) if name == "audit"] == [3, 8, 13]
    assert set(by) == {"policy", "audit"}
    z = [z for _, z in found]
    assert len(set(z)) == 14 and set(z) <= set(Z_UM)


@pytest.mark.parametrize(
    "options", [{"audit": 0}, {"stop_rule": "paper"}, {"policy": "uniform"}]
)
def test_none_is_drawn_where_nobody_wants_it(options):
    assert {by for by, _ in taken(a_scan(max_planes=8, **options))} == {"policy"}


def test_a_list_of_planes_is_not_added_to_but_uniform_may_be():
    found = taken(a_scan(max_planes=8, policy="uniform", audit=0.2))
    plain = taken(a_scan(max_planes=8, policy="uniform"))
    own = [z for by, z in found if by == "policy"]
    assert own == [z for _, z in plain][: len(own)]


def test_the_same_planes_draw_the_same_and_other_volumes_others(monkeypatch):
    first = taken(a_scan(max_planes=14))
    assert taken(a_scan(max_planes=14)) == first
    assert taken(a_scan(max_planes=14, seed=1)) != first
    import scan_fakes

    monkeypatch.setattr(scan_fakes, "STACK", STACK + np.uint16(1))
    assert taken(a_scan(max_planes=14)) != first


@pytest.mark.slow
def test_every_z_that_is_left_is_as_likely():
    """Drawn by many seeds: uniform over the grid without the planes taken."""
    left = [taken(a_scan(max_planes=4, seed=n))[3][1] for n in range(300)]
    z, times = np.unique(left, return_counts=True)
    assert len(z) == len(Z_UM) - 3
    expected = 300 / len(z)
    assert ((times - expected) ** 2 / expected).sum() < 45  # 99.8 % of the time


def test_one_more_is_drawn_where_nothing_else_is_missing():
    plan = ScanPlan.from_grid(Z_UM, epsilon=0.05, max_planes=8, max_gap_um=99)
    estimator = ScriptedEstimator(plan.z_um, (None, 0.5, 0.01))  # innovation 0.5
    found = taken(Scan(plan, estimator))
    assert [by for by, _ in found] == ["policy"] * 3 + ["audit"] * 5
    bad = Scan(plan, ScriptedEstimator(plan.z_um, (None, 0.5, 0.01)))
    taken(bad)
    assert bad.outcome.status == "max_planes"
    assert "audit innovation 0.5 is above tau" in bad.outcome.reason


def test_a_plane_by_hand_takes_no_audit_s_place():
    scan = a_scan(max_planes=8)
    taken(scan, 2)
    asked = scan.next_z()
    scan.ask(11.0)
    scan.observe(shown(scan, asked))
    scan.observe(shown(scan))
    found = taken(scan)
    assert [by for by, _ in found[:5]] == ["policy"] * 3 + ["hand", "audit"]


def test_light_is_a_budget():
    scan = a_scan(max_light_ms=55)  # 10 ms a plane
    assert len(taken(scan)) == 5
    assert scan.outcome.status == "budget"
    assert "another plane would need 60 ms of light" in scan.outcome.reason


def test_time_is_a_budget_and_stands_while_an_experiment_lies():
    def timed(scan, resumed=None):
        count = 0
        while (z := scan.next_z()) is not None:
            late = 3600 if resumed is not None and count >= resumed else 0
            time = START + timedelta(seconds=2 * count + late)
            made = replace(shown(scan, z), time=time, after_resume=count == resumed)
            scan.observe(made)
            count += 1
        return count

    assert timed(a_scan(max_seconds=7)) == 5
    assert timed(a_scan(max_seconds=7), resumed=2) == 6


def test_the_outcome_tells_the_terms():
    scan = a_scan(max_planes=5)
    taken(scan)
    assert scan.outcome.terms and not scan.outcome.terms[0].met
    assert scan.decisions[-1].terms[0]["name"] == "change"
