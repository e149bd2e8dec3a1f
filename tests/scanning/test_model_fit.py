"""What a scan does where the optics do not explain its planes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scan_fakes import (
    ArrayMicroscope,
    LinearEstimator,
    MemoryRecorder,
    blobs,
    run_scan,
)

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import ExperimentSettings
from rmz_acquire.scanning import Scan, ScanPlan
from rmz_acquire.scanning.model_fit import JUDGED, LIMITS, Misfit

Z_UM = np.linspace(0, 12, 25)
LIMIT = LIMITS["richardson-lucy"].unexplained


class Misfitting(LinearEstimator):
    """Tells a misfit beside the volume: of the given part, plane by plane."""

    def __init__(self, parts):
        super().__init__(Z_UM)
        self.parts = parts

    def add(self, image, z_um):
        part = self.parts[min(self._count, len(self.parts) - 1)]
        misfit = Misfit("richardson-lucy", part**2, 1.0)
        return replace(super().add(image, z_um), misfit=misfit)


def scanned(parts, **options):
    settings = {"epsilon": 0.9, "audit": 0.0, "max_gap_um": 12.0, **options}
    plan = ScanPlan.from_grid(Z_UM, **settings)
    scan, recorder = Scan(plan, Misfitting(parts)), MemoryRecorder()
    outcome = run_scan(scan, ArrayMicroscope(blobs(Z_UM), Z_UM), recorder)
    return outcome, scan.decisions


def test_it_is_told_once_and_the_scan_goes_on():
    outcome, decisions = scanned([2 * LIMIT], min_planes=7)
    assert outcome.status == "converged"
    told = [d.index for d in decisions if d.warning]
    assert told == [JUDGED[0] - 1]
    assert f"(limit {LIMIT:.3g})" in decisions[told[0]].warning
    (term,) = [t for t in outcome.terms if t.name == "planes unexplained"]
    assert (term.value, term.limit, term.met) == (2 * LIMIT, LIMIT, False)


@pytest.mark.parametrize("part", [[LIMIT], [9.0, 9.0, 9.0, 0.0], [0.0] * 8 + [9.0]])
def test_nothing_is_told_at_the_limit_or_where_it_is_not_judged(part):
    outcome, decisions = scanned(part, min_planes=12, misfit="stop")
    assert outcome.status == "converged"
    assert not any(d.warning for d in decisions)


def test_it_stops_with_an_outcome_of_its_own():
    outcome, decisions = scanned([0.0] * 4 + [9.0], misfit="stop", min_planes=9)
    assert (outcome.status, outcome.planes_taken, outcome.ok) == ("misfit", 5, True)
    assert outcome.reason == decisions[-1].warning


@pytest.mark.parametrize("policy", ["bisect", "uniform"])
def test_every_z_is_taken(policy):
    outcome, decisions = scanned([9.0], misfit="full", policy=policy)
    assert outcome.status == "max_planes"
    assert sorted(d.z_actual_um for d in decisions) == list(Z_UM)


def test_the_full_stack_keeps_to_the_budget():
    outcome, _ = scanned([9.0], misfit="full", max_light_ms=95.0)
    assert (outcome.status, outcome.planes_taken) == ("budget", 9)


def test_parts_of_a_picture_add_up():
    parts = [Misfit("wiener", 1.0, 50.0, 2.0, 8.0, 3), Misfit("wiener", 1.0, 0.0)]
    whole = Misfit.together(parts)
    assert whole is not None
    assert whole.unexplained_part == pytest.approx(0.2)
    assert whole.over_interpolation is None
    assert parts[0].over_interpolation == pytest.approx(0.5)
    assert parts[1].unexplained_part is None
    assert Misfit.together([*parts, None]) is None


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"misfit": "full", "estimator": "linear"}, "misfit full: linear tells none"),
        ({"misfit": "stop", "z_um": [1.0]}, "misfit stop: exactly z_um are taken"),
        ({"misfit": "ignore"}, "misfit"),
    ],
)
def test_what_contradicts_itself_is_refused(block, named):
    with pytest.raises(InputError, match=named):
        ExperimentSettings.of({"rmz_acquire": {"version": 1, **block}})
