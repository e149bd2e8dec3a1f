from __future__ import annotations

import numpy as np
import pytest
import torch

from rmz_acquire.training.losses import berhu, relative_error


def test_berhu_by_hand() -> None:
    target = torch.zeros(6)
    output = torch.tensor([0.0, 0.04, -0.1, 0.3, -1.0, 2.0])
    # |e| up to 0.1, else (e² + 0.01) / 0.2
    by_hand = [0.0, 0.04, 0.1, 0.5, 5.05, 20.05]
    assert float(berhu(output, target)) == pytest.approx(sum(by_hand) / 6, rel=1e-6)
    assert float(berhu(output + 3, target + 3)) == pytest.approx(25.74 / 6, rel=1e-4)


@pytest.mark.parametrize("c", [0.1, 0.5])
def test_berhu_branches_meet_with_one_slope(c: float) -> None:
    def slope(at: float) -> float:
        x = torch.tensor([at], dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(berhu(x, torch.zeros_like(x), c=c), x)
        return float(gradient)

    near = torch.tensor([c * (1 - 1e-6)], dtype=torch.float64)
    far = torch.tensor([c * (1 + 1e-6)], dtype=torch.float64)
    zero = torch.zeros(1, dtype=torch.float64)
    assert float(berhu(far, zero, c=c) - berhu(near, zero, c=c)) < 1e-5
    assert slope(0.5 * c) == pytest.approx(1)
    assert slope(-0.5 * c) == pytest.approx(-1)
    assert slope(c * (1 + 1e-6)) == pytest.approx(1, rel=1e-5)
    assert slope(3 * c) == pytest.approx(3)


def test_relative_error_by_hand() -> None:
    rng = np.random.default_rng(1)
    output, target, prior = rng.normal(size=(3, 4, 5, 6))
    unit = rng.uniform(0.2, 2, 4)
    squared = absolute = squared_0 = absolute_0 = 0.0
    for p, y, x in np.ndindex(4, 5, 6):
        error = (output[p, y, x] - target[p, y, x]) / unit[p]
        before = (prior[p, y, x] - target[p, y, x]) / unit[p]
        squared, absolute = squared + error**2 / 120, absolute + abs(error) / 120
        squared_0, absolute_0 = (
            squared_0 + before**2 / 120,
            absolute_0 + abs(before) / 120,
        )
    expected = 0.5 * (squared / (squared_0 + 0.02) + absolute / (absolute_0 + 0.02))
    given = (torch.from_numpy(a) for a in (output, target, prior, unit))
    assert float(relative_error(*given)) == pytest.approx(expected)


def test_relative_error_is_about_one_at_the_prior_and_zero_at_the_truth() -> None:
    g = torch.Generator().manual_seed(2)
    target, unit = torch.randn(3, 16, 16, generator=g), torch.tensor([0.1, 1.0, 4.0])
    prior = target + unit[:, None, None] * torch.randn(3, 16, 16, generator=g)
    assert float(relative_error(prior, target, prior, unit)) == pytest.approx(
        1, abs=0.03
    )
    exact = relative_error(prior, target, prior, unit, floor=0.0)
    assert float(exact) == pytest.approx(1, rel=1e-6)
    assert float(relative_error(target, target, prior, unit)) == 0
    # a specimen ten times as bright counts as much
    bright = relative_error(0.7 * 10 * prior, 10 * target, 10 * prior, 10 * unit)
    plain = relative_error(0.7 * prior, target, prior, unit)
    torch.testing.assert_close(bright, plain)
    # a perfect prior does not blow up
    assert torch.isfinite(relative_error(prior, target, target, unit))
