"""The rule whose threshold was calibrated: what it looks at, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scan_fakes import blobs, target_card

from rmz_acquire.errors import InputError
from rmz_acquire.scanning import (
    SCORES,
    Observation,
    ScanPlan,
    TargetRule,
    look_at,
    misprediction_of,
    predicted_nrmse_of,
    read_calibration,
)

GRID = [float(z) for z in range(11)]
STACK = blobs(GRID)
SCORE = "predicted NRMSE"
TESTED = SCORES["tested error"]


def seen(z_um, misprediction, spread=10.0, predicted=None):
    frame = look_at(STACK[int(z_um)])
    return Observation(
        z_um,
        z_um,
        frame,
        None,
        None,
        None,
        1.0,
        misprediction=misprediction,
        spread=spread,
        predicted_error=predicted,
    )


def card(**changes):
    return target_card(ScanPlan.from_grid(GRID, audit=0.0), **changes)


def test_it_looks_at_the_last_five_mispredictions_over_the_spread():
    taken = [seen(0, None), seen(1, 90.0)]
    assert misprediction_of(taken[:1]) is None
    assert misprediction_of(taken) == pytest.approx(9.0)
    taken += [seen(2 + i, 1.0 + i, 20.0) for i in range(5)]
    wanted = np.sqrt(np.mean(np.square([1, 2, 3, 4, 5]))) / 20
    assert misprediction_of(taken) == pytest.approx(wanted)
    assert misprediction_of([seen(0, 1.0, None)]) is None
    assert misprediction_of([seen(0, 1.0, 0.0)]) is None


def test_the_predicted_nrmse_is_of_the_planes_that_are_not_taken():
    plan = ScanPlan.from_grid(GRID[:4])
    # that of planes 0 and 3
    taken = [seen(1, None), seen(2, 0.0, 10.0, (3.0, 90.0, 90.0, 4.0))]
    wanted = np.sqrt((9 + 16) / 2) / 10
    assert predicted_nrmse_of(taken, plan) == pytest.approx(wanted)
    assert predicted_nrmse_of([*taken, seen(0, 0.0)], plan) is None
    nothing = seen(0, 0.0, 0.0, (1.0,) * 4)
    assert predicted_nrmse_of([*taken, nothing], plan) is None
    every = [*taken, seen(0, 0.0), seen(3, 0.0, 10.0, (1.0,) * 4)]
    assert predicted_nrmse_of(every, plan) == 0
    rule = TargetRule(ScanPlan.from_grid(GRID[:4], min_planes=1), 0.36, SCORE)
    assert rule.judge(taken).converged
    assert rule.judge(taken).terms[0].name == SCORE
    assert not TargetRule(plan, 0.35, SCORE).judge(taken).converged


def test_the_tested_error_is_made_of_error_and_change_and_says_what_each_may_be():
    plan = ScanPlan.from_grid(GRID[:4], min_planes=1)
    errors = (2.0, 90.0, 90.0, 2.0)
    taken = [
        replace(seen(1, None), tested_error=errors),
        replace(seen(2, 1.0), tested_error=errors, delta_relative=0.0081),
    ]
    assert TESTED(taken[:1], plan) is None  # no change yet
    # of planes 0 and 3, over the spread, is 0.2
    value = 0.2**0.75 * 0.0081**0.25
    assert TESTED(taken, plan) == pytest.approx(value)
    # a large change is held on to for three planes
    later = replace(taken[-1], delta_relative=0.0)
    held = TESTED([*taken, later, later], plan)
    assert held == pytest.approx(0.2**0.75 * (0.0081 / 3**0.5) ** 0.25)
    assert TESTED([*taken, later, later, later], plan) == 0
    assert TESTED([*taken, seen(0, 1.0)], plan) is None  # not tested
    for factor, met in ((1.01, True), (0.99, False)):
        verdict = TargetRule(plan, factor * value, "tested error").judge(taken)
        assert verdict.converged == met
        score, nrmse, change = verdict.terms[:3]
        names = [term.name for term in (score, nrmse, change)]
        assert names == ["tested error", "tested NRMSE", "late change"]
        # each alone says the same: it may be as much beside the other
        for term in (score, nrmse, change):
            assert (term.value <= term.limit) == term.met == met
        best = nrmse.limit**0.75 * change.value**0.25
        assert best == pytest.approx(factor * value)


def test_a_calibration_of_another_score_goes_on_by_that_one():
    told = {"predicted_error": (1.0,) * 11, "tested_error": (9.0,) * 11}
    taken = [replace(seen(z, 1.0), delta_relative=0.5, **told) for z in (0, 3, 6, 9)]
    old = TargetRule(ScanPlan.from_grid(GRID, calibration=card(score=SCORE)))
    assert old.judge(taken).converged
    assert old.judge(taken).terms[0].name == SCORE


def test_it_stops_below_the_threshold_and_tells_its_terms():
    rule = TargetRule(ScanPlan.from_grid(GRID, calibration=card()))
    taken = [seen(0, None), seen(4, 2.0), seen(8, 2.0)]
    early = rule.judge(taken)
    assert not early.converged and "only 3 of at least 4 planes" in early.reason
    enough = rule.judge([*taken, seen(6, 2.0)])
    assert enough.converged and "at most 10% of volumes" in enough.reason
    first = enough.terms[0]
    assert (first.name, first.limit, first.met) == ("misprediction", 0.3, True)
    assert first.value == pytest.approx(0.2)
    assert not rule.judge([*taken, seen(6, 6.0)]).converged
    # a plane taken twice was predicted well, and says nothing
    again = rule.judge([*taken, seen(8, 0.0)])
    assert not again.converged and "was seen before" in again.reason


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target_nrmse": 0.2}, "calibration is missing"),
        ({"stop_rule": "target"}, "calibration is missing"),
        ({"confidence": 1.0}, "confidence"),
        ({"confidence": 0.95, "calibration": card()}, "confidence 0.95 is above"),
        ({"target_nrmse": 0.1, "calibration": card()}, "target_nrmse 0.1 is below"),
        ({"stop_rule": "paper", "calibration": card()}, "calibration is for stop_rule"),
        ({"tau": 0.2, "calibration": card()}, "^tau does not go with calibration"),
        (
            {"epsilon": 0.05, "target_nrmse": 0.3, "calibration": card()},
            "^epsilon does not go with target_nrmse",
        ),
        (
            {"max_gap_um": 2.0, "stop_rule": "target"},
            "^max_gap_um does not go with stop_rule: target",
        ),
        ({"calibration": "nowhere.yaml"}, "calibration: cannot read"),
    ],
)
def test_what_contradicts_itself_is_refused_by_its_key(options, said):
    with pytest.raises(InputError, match=said):
        ScanPlan.from_grid(GRID, **options)


def test_it_is_written_and_read_and_a_change_by_hand_is_seen(tmp_path):
    file = tmp_path / "stop.yaml"
    card().write(file)
    assert read_calibration(file) == card()
    plan = ScanPlan.from_grid(GRID, target_nrmse=0.25, calibration=str(file))
    assert plan.stop_rule == "target"
    assert ScanPlan.from_grid(GRID, **plan.to_line()) == plan
    file.write_text(file.read_text().replace("estimator: linear", "estimator: wiener"))
    with pytest.raises(InputError, match="sha256"):
        read_calibration(file)


def test_another_microscope_or_plan_is_refused_by_the_key_that_differs():
    known = card()
    known.check(known.conditions)
    for key, value in (
        ("estimator", "wiener"),
        ("optics.na", 0.5),
        ("grid.step_um", 0.5),
        ("policy", "uniform"),
        ("max_planes", 7),
        ("model_sha256", "0" * 64),
        ("picture", [24, 24]),
        ("audit", 0.2),
    ):
        with pytest.raises(InputError, match=f"{key} was"):
            known.check({**known.conditions, key: value})
