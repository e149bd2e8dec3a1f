"""The threshold that is chosen keeps what it promises, also where risk is no ramp."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from rmz_acquire.evaluation.learn_then_test import (
    failures_allowed,
    fewest_specimens,
    interval,
    last_rejected,
    p_values,
)


def _tail(k: int, n: int, alpha: Fraction) -> float:
    """P(Binomial(n, alpha) <= k), in whole numbers."""
    return float(
        sum(comb(n, i) * alpha**i * (1 - alpha) ** (n - i) for i in range(k + 1))
    )


@pytest.mark.parametrize("n", [1, 22, 60])
def test_p_values_are_the_binomial_tail(n: int) -> None:
    alpha = Fraction(1, 10)
    exact = [_tail(k, n, alpha) for k in range(n + 1)]
    assert p_values(np.arange(n + 1), n, 0.1) == pytest.approx(exact, rel=1e-12)


def test_the_fewest_specimens_are_those_that_reject_without_a_failure() -> None:
    for alpha, confidence in ((0.1, 0.9), (0.1, 0.95), (0.05, 0.9), (0.5, 0.5)):
        n = fewest_specimens(alpha, confidence)
        assert (1 - alpha) ** n <= 1 - confidence + 1e-12
        assert (1 - alpha) ** (n - 1) > 1 - confidence
        assert failures_allowed(n, alpha, confidence) == 0
        assert failures_allowed(n - 1, alpha, confidence) == -1
    assert fewest_specimens(0.1, 0.9) == 22


def test_it_stops_at_the_first_that_is_not_rejected() -> None:
    failed = np.zeros((5, 40), dtype=bool)
    failed[2, :10] = True  # the third is bad, and those after it are good again
    assert last_rejected(failed, 0.1, 0.9) == 1
    assert last_rejected(failed[[0, 1]], 0.1, 0.9) == 1
    assert last_rejected(failed[2:], 0.1, 0.9) is None
    assert last_rejected(failed[:, :21], 0.1, 0.9) is None  # too few, none failed


def test_the_interval_is_that_of_tables() -> None:
    # R: binom.test(5, 100) and binom.test(0, 30)
    assert interval(5, 100) == pytest.approx((0.01643, 0.11283), abs=1e-5)
    assert interval(0, 30) == pytest.approx((0.0, 0.11570), abs=1e-5)
    assert interval(30, 30)[1] == 1.0


_RISKS = {
    "ramp": np.linspace(0.0, 0.4, 41),
    # good, bad for a moment, good, bad
    "not monotone": np.concatenate(
        [np.full(10, 0.05), np.full(3, 0.16), np.full(10, 0.02), np.full(10, 0.3)]
    ),
    "a comb": np.where(np.arange(40) % 2, 0.13, 0.02),
}


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("name", _RISKS)
def test_the_promise_is_broken_as_seldom_as_stated(name: str, dependent: bool) -> None:
    """Over 400 draws: more than alpha fail by the chosen one in at most delta."""
    risk, alpha, delta, repeats, n = _RISKS[name], 0.1, 0.1, 400, 60
    rng = np.random.default_rng(20)
    broken = chosen = 0
    for _ in range(repeats):
        # one number a specimen, as a scan has, or another at each threshold
        drawn = rng.random((1 if dependent else len(risk), n))
        index = last_rejected(drawn < risk[:, None], alpha, 1 - delta)
        chosen += index is not None
        broken += index is not None and risk[index] > alpha
    error = np.sqrt(delta * (1 - delta) / repeats)
    assert broken / repeats <= delta + 2 * error
    assert chosen > repeats / 5  # it is not always silent
