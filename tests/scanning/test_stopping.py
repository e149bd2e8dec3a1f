"""The stop rule and its guards: what does not count as convergence, and is it said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scan_fakes import blobs

from rmz_acquire.errors import InputError
from rmz_acquire.plugins import STOP_RULE
from rmz_acquire.scanning import (
    RULES,
    ChangeRule,
    Observation,
    PaperRule,
    ScanPlan,
    Term,
    look_at,
)

Z_UM = np.linspace(0, 10, 11)
STACK = blobs(Z_UM, shape=(40, 40))
PLAN = ScanPlan.from_grid(Z_UM, epsilon=0.05, min_planes=4, audit=0)


def observed(index, change, *, gap_um=1.0, image=None, delta=None):
    return Observation(
        z_requested_um=float(Z_UM[index]),
        z_um=float(Z_UM[index]),
        frame=look_at(STACK[index] if image is None else image),
        delta=None if change is None else (delta or 1000 * change),
        delta_relative=change,
        innovation=None,
        gap_um=gap_um,
    )


def settled():
    """Four good planes, the last with a small change."""
    return [
        observed(1, None),
        observed(4, 0.6),
        observed(8, 0.3),
        observed(6, 0.04),
    ]


def test_a_small_change_after_enough_planes_is_convergence():
    verdict = ChangeRule(PLAN).judge(settled())
    assert verdict.converged
    assert "0.04" in verdict.reason and "0.05" in verdict.reason


@pytest.mark.parametrize(("change", "converged"), [(0.05, True), (0.0501, False)])
def test_the_threshold_is_included(change, converged):
    taken = settled()
    taken[-1] = observed(6, change)
    assert ChangeRule(PLAN).judge(taken).converged is converged


def test_the_first_plane_has_no_change():
    plan = ScanPlan.from_grid(Z_UM, min_planes=1, epsilon=1e9)
    verdict = ChangeRule(plan).judge([observed(1, None)])
    assert not verdict.converged
    assert "first plane" in verdict.reason


def test_too_few_planes():
    verdict = ChangeRule(PLAN).judge(settled()[1:])
    assert not verdict.converged
    assert "only 3 of at least 4 planes" in verdict.reason


@pytest.mark.parametrize("offset_um", [0.0, 0.2, -0.2])
def test_a_repeated_plane_says_nothing(offset_um):
    taken = settled()
    again = observed(6, 0.001)
    taken.append(
        Observation(
            z_requested_um=5.0,
            z_um=6.0 + offset_um,
            frame=look_at(STACK[6] + np.uint16(1)),
            delta=again.delta,
            delta_relative=again.delta_relative,
            innovation=None,
            gap_um=1.0,
        )
    )
    verdict = ChangeRule(PLAN).judge(taken)
    assert not verdict.converged
    assert "was seen before (plane 4)" in verdict.reason


def test_a_plane_half_a_step_away_is_a_new_one():
    taken = settled()
    half = Observation(6.5, 6.5, look_at(STACK[7]), 1.0, 0.001, None, 1.0)
    assert ChangeRule(PLAN).judge([*taken, half]).converged


def test_a_frame_delivered_twice_says_nothing():
    taken = [*settled(), observed(9, 0.001, image=STACK[4])]
    verdict = ChangeRule(PLAN).judge(taken)
    assert not verdict.converged
    assert "equals plane 2 in every pixel" in verdict.reason


def test_a_blank_frame_says_nothing(rng):
    noise = (100 + rng.normal(0, 3, (40, 40))).astype(np.uint16)
    verdict = ChangeRule(PLAN).judge([*settled(), observed(9, 0.001, image=noise)])
    assert not verdict.converged
    assert "blank" in verdict.reason


def test_an_unseen_gap_forbids_convergence():
    taken = settled()
    taken[-1] = observed(6, 0.001, gap_um=4.0)
    verdict = ChangeRule(PLAN).judge(taken)
    assert not verdict.converged
    assert "gap of 4 µm is unseen" in verdict.reason


def test_every_objection_is_said():
    taken = settled()[1:3]
    taken.append(observed(4, 0.001, gap_um=9.0))
    reason = ChangeRule(PLAN).judge(taken).reason
    for word in ("at least", "seen before", "every pixel", "gap"):
        assert word in reason


def test_an_absolute_threshold_is_in_counts():
    plan = ScanPlan.from_grid(Z_UM, epsilon=50, epsilon_kind="absolute", audit=0)
    taken = settled()
    taken[-1] = observed(6, 0.9, delta=49.0)
    verdict = ChangeRule(plan).judge(taken)
    assert verdict.converged
    assert "49 counts" in verdict.reason
    taken[-1] = observed(6, 0.0001, delta=51.0)
    assert not ChangeRule(plan).judge(taken).converged


def test_no_relative_change_of_a_dark_volume():
    taken = settled()
    taken[-1] = observed(6, None)
    verdict = ChangeRule(PLAN).judge(taken)
    assert not verdict.converged
    assert "not defined" in verdict.reason


def test_every_rule_that_can_be_named_exists():
    assert sorted(STOP_RULE.ours) == sorted(RULES)


def test_the_papers_rule_looks_at_the_change_alone():
    plan = ScanPlan.from_grid(Z_UM, epsilon=0.05, stop_rule="paper")
    taken = [observed(4, None), observed(4, 0.04, gap_um=9.0)]
    verdict = PaperRule(plan).judge(taken)
    assert verdict.converged
    assert verdict.terms == (Term("change", 0.04, 0.05, True),)


def audited(innovation, **options):
    """Four good planes, the third of which was drawn by chance; and the plan."""
    taken = settled()
    taken[2] = replace(taken[2], chosen_by="audit", innovation=innovation)
    return taken, ScanPlan.from_grid(Z_UM, epsilon=0.05, **options)


@pytest.mark.parametrize(
    ("innovation", "tau", "converged"),
    [(0.1, None, True), (0.9, None, False), (0.9, 0.95, True), (None, 0.95, False)],
)
def test_the_audit_plane_must_have_been_predicted(innovation, tau, converged):
    taken, plan = audited(innovation, tau=tau)
    verdict = ChangeRule(plan).judge(taken)
    assert verdict.converged is converged
    # it alone is missing: another one may settle it
    assert verdict.audit is not converged
    told = {term.name: term for term in verdict.terms}["audit innovation"]
    assert told.value == innovation and told.met is converged


@pytest.mark.parametrize(
    ("innovation", "noise", "converged"),
    [(0.29, 0.3, True), (0.31, 0.3, False), (0.39, 2.0, True), (0.41, 2.0, False)],
)
def test_what_is_predicted_better_than_an_exposure_shows_it_is_enough(
    innovation, noise, converged
):
    """Up to twice tau, and not where a tau is given."""
    # errors add up in squares, and the light that was measured has the noise in it
    raw = np.sqrt((innovation**2 + noise**2) / (1 + noise**2))
    for tau, enough in ((None, converged), (0.2, False)):
        taken, plan = audited(innovation, tau=tau)
        taken[2] = replace(taken[2], innovation_raw=raw)
        assert taken[2].noise == pytest.approx(noise)
        assert ChangeRule(plan).judge(taken).converged is enough


def test_the_audit_planes_sample_the_nrmse_where_the_estimator_tells_it():
    """Predicted to a tenth of its light: of the spread, that is half."""
    taken, plan = audited(0.1)
    taken[2] = replace(taken[2], misprediction=5.0)
    for spread, converged in ((10.0, False), (12.6, True)):
        taken[-1] = replace(taken[-1], spread=spread)
        verdict = ChangeRule(plan).judge(taken)
        term = {each.name: each for each in verdict.terms}["audit NRMSE"]
        assert term == Term("audit NRMSE", 5 / spread, 0.4, converged)
        assert verdict.converged is converged and verdict.audit is not converged
    assert "audit NRMSE" not in {
        t.name for t in ChangeRule(plan).judge(taken[:2]).terms
    }


def test_without_an_audit_plane_there_is_no_convergence():
    _, plan = audited(0.1)
    verdict = ChangeRule(plan).judge(settled())
    assert not verdict.converged and verdict.audit
    assert "no audit plane was taken yet" in verdict.reason
    # what else is missing comes first
    early = [*settled()[:2], observed(6, 0.04)]
    assert not ChangeRule(plan).judge(early).audit


def test_patience_wants_it_several_times_in_a_row():
    taken, plan = audited(0.1, patience=2)
    verdict = ChangeRule(plan).judge(taken)
    assert not verdict.converged and "1 of 2 planes in a row" in verdict.reason
    assert ChangeRule(plan).judge([*taken, observed(9, 0.03)]).converged
    broken = [*taken, observed(9, 0.3), observed(2, 0.03)]
    assert not ChangeRule(plan).judge(broken).converged


def test_every_term_is_told_with_its_number():
    taken, plan = audited(0.1)
    told = {
        t.name: (t.value, t.limit, t.met) for t in ChangeRule(plan).judge(taken).terms
    }
    assert told["change"] == (0.04, 0.05, True)
    assert told["planes"] == (4, 4, True)
    assert told["largest gap, µm"] == (1.0, plan.gap_limit_um, True)
    assert told["frame"] == (None, None, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stop_rule": "paper", "tau": 0.1}, "leave tau out"),
        ({"stop_rule": "paper", "patience": 2}, "leave patience out"),
        ({"stop_rule": "papers"}, "'paper'"),
        ({"audit": 1.0}, "audit"),
        ({"patience": 0}, "patience"),
        ({"max_light_ms": 0}, "max_light_ms"),
        ({"max_seconds": -1}, "max_seconds"),
        ({"travel_cost": 1.0}, "travel_cost is for the policies error and"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(options, said):
    with pytest.raises(InputError) as caught:
        ScanPlan.from_grid(Z_UM, **options)
    assert said in str(caught.value) and "\n" not in str(caught.value)
