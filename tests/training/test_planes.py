from __future__ import annotations

import numpy as np
import pytest

from rmz_acquire.training import plane_sampling
from rmz_acquire.training.plane_sampling import draw_planes


@pytest.mark.parametrize("scheme", ["window", "even", "halving", "random"])
@pytest.mark.parametrize(
    ("n", "m"), [(61, 1), (61, 3), (61, 10), (61, 61), (5, 5), (4, 1), (13, 12)]
)
def test_planes_are_distinct_and_on_the_grid(
    monkeypatch: pytest.MonkeyPatch, scheme: str, n: int, m: int
) -> None:
    monkeypatch.setattr(plane_sampling, "SCHEMES", {scheme: 1.0})
    rng = np.random.default_rng(0)
    for targets in (1, 6, 80):
        for _ in range(25):
            taken, wanted = draw_planes(n, m, targets, rng)
            assert taken.shape == (m,) and len(set(taken.tolist())) == m
            assert wanted.shape == (targets,)
            for index in (taken, wanted):
                assert index.min() >= 0 and index.max() < n


def test_every_grid_position_and_every_scheme_comes_up() -> None:
    rng = np.random.default_rng(1)
    draws = [draw_planes(61, 4, 6, rng) for _ in range(600)]
    assert {int(i) for taken, _ in draws for i in taken} == set(range(61))
    assert {int(i) for _, wanted in draws for i in wanted} == set(range(61))
    spans = np.array([np.ptp(taken) for taken, _ in draws])
    assert (spans < 10).mean() > 0.1  # close together
    assert (spans > 40).mean() > 0.25  # over the whole range
    rising = np.mean([np.all(np.diff(taken) > 0) for taken, _ in draws])
    assert 0.1 < rising < 0.7
    assert plane_sampling.SCHEMES and sum(
        plane_sampling.SCHEMES.values()
    ) == pytest.approx(1)


def test_targets_of_a_window_lie_near_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane_sampling, "SCHEMES", {"window": 1.0})
    rng = np.random.default_rng(2)
    for _ in range(300):
        m = int(rng.integers(2, 6))
        taken, wanted = draw_planes(61, m, 6, rng)
        # at most a sixth of the grid between neighbours, and half of that outside
        assert np.ptp(np.concatenate([taken, wanted])) <= (m + 1) * 61 / 6 + 2


def test_halving_looks_where_the_gap_is_largest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plane_sampling, "SCHEMES", {"halving": 1.0})
    rng = np.random.default_rng(3)
    for _ in range(40):
        taken, _ = draw_planes(61, 8, 1, rng)
        for k in range(3, 8):
            gap = np.abs(np.arange(61)[:, None] - taken[:k]).min(1)
            assert gap[taken[k]] == gap.max()


def test_same_generator_same_draw() -> None:
    a = draw_planes(31, 5, 4, np.random.default_rng(7))
    b = draw_planes(31, 5, 4, np.random.default_rng(7))
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)
