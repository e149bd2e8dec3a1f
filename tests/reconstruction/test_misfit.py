"""Wrong optics leave more of the planes than right ones, and predict them worse."""

from __future__ import annotations

import numpy as np
import pytest
from small_scope import AIR, Z_UM, stacks

from rmz_acquire.evaluation.model_misfit import Found, alarms, limits_of
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.misfit import ModelFit
from rmz_acquire.scanning.model_fit import LIMITS

TAKEN = [4, 20, 12, 8, 16]


def misfit_of(name, told, counts):
    estimator = make_estimator(name, Z_UM, told)
    for index in TAKEN:
        estimate = estimator.add(counts[index], Z_UM[index])
    return estimate.misfit


@pytest.mark.parametrize(
    "name", [pytest.param("richardson-lucy", marks=pytest.mark.slow), "wiener"]
)
def test_wrong_optics_pass_the_limit_and_right_ones_do_not(name):
    counts = stacks("nuclei")[1]
    right, wrong = (
        misfit_of(name, AIR.model_copy(update={"na": na}), counts)
        for na in (0.75, 0.35)
    )
    found = [
        Found(each.unexplained_part, each.over_interpolation) for each in (right, wrong)
    ]
    assert [each.alarms(LIMITS[name]) for each in found] == [False, True]
    assert wrong.unexplained_part > 2 * right.unexplained_part
    assert right.predicted == 3


def test_noise_alone_is_explained():
    rng = np.random.default_rng(3)
    planes = rng.normal(100, 5, (4, 33, 30)).astype(np.float32)
    fit = ModelFit("wiener")
    fit.explained(planes, np.full_like(planes, 100), [25.0] * 4)
    fit.predicted(planes[0], planes[1] * 0 + 100, planes[1], 25.0)
    fit.predicted(planes[2], planes[1] * 0 + 100, planes[1], 25.0)
    assert fit.misfit.unexplained_part == 0
    assert fit.misfit.over_interpolation == 0


def test_a_limit_is_passed_by_no_more_than_its_share():
    found = [Found(n / 100, 1 - n / 100) for n in range(100)]
    limit = limits_of(found, 0.1)
    assert limit == (0.95, 0.96)
    assert alarms(found, limit) == 4 + 4
    with pytest.raises(ValueError, match="too few"):
        limits_of(found[:30], 0.05)
