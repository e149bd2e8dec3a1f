"""Every term of the paper's loss against a sum done by hand."""

from __future__ import annotations

import pytest
import torch
from pytorch_msssim import ms_ssim as their_ms_ssim

from rmz_acquire.training.losses import (
    adversarial,
    berhu,
    discriminator_loss,
    ms_ssim,
    paper_loss,
)


def test_berhu_by_hand():
    # errors 0.05 (linear), 0.1 (where they meet), 0.3: (0.09 + 0.01) / 0.2
    output = torch.tensor([0.05, -0.1, 0.3])
    assert berhu(output, torch.zeros(3)).item() == pytest.approx((0.05 + 0.1 + 0.5) / 3)


def test_ms_ssim_of_even_planes_by_hand():
    # no contrast: only the brightness of the coarsest scale counts, to its weight
    a, b = torch.full((1, 256, 256), 0.5), torch.full((1, 256, 256), 0.8)
    bright = (2 * 0.5 * 0.8 + 1e-4) / (0.25 + 0.64 + 1e-4)
    assert ms_ssim(a, b).item() == pytest.approx(bright**0.1333, rel=1e-3)


def test_ms_ssim_is_that_of_pytorch_msssim():
    a = torch.rand(2, 1, 256, 256)
    b = (a + 0.2 * torch.randn_like(a)).clamp(0, 1)
    theirs = their_ms_ssim(a, b, data_range=1, size_average=True).item()
    assert ms_ssim(a, b).item() == pytest.approx(theirs, abs=1e-4)


def test_ms_ssim_has_a_finite_slope_on_small_planes_that_are_opposite():
    a = torch.rand(2, 32, 32)
    b = (1 - a).requires_grad_()
    (1 - ms_ssim(b, a)).backward()
    assert torch.isfinite(b.grad).all()
    assert ms_ssim(a, a).item() == pytest.approx(1, abs=1e-5)


def test_least_squares_gan_by_hand():
    made, true = torch.tensor([0.2, 0.6]), torch.tensor([0.9, 0.5])
    assert adversarial(made).item() == pytest.approx((0.64 + 0.16) / 2)
    by_hand = 0.5 * (0.04 + 0.36) / 2 + 0.5 * (0.01 + 0.25) / 2
    assert discriminator_loss(made, true).item() == pytest.approx(by_hand)


def test_the_paper_adds_them_up_with_its_weights():
    a, b = torch.full((1, 256, 256), 0.5), torch.full((1, 256, 256), 0.8)
    judged = torch.tensor([0.4])
    similar = ((0.8 + 1e-4) / (0.89 + 1e-4)) ** 0.1333
    # an error of 0.3 everywhere: BerHu (0.09 + 0.01) / 0.2
    by_hand = 3 * 0.5 + (1 - similar) + 0.5 * 0.36
    assert paper_loss(a, b, judged).item() == pytest.approx(by_hand, rel=1e-3)
    without = paper_loss(a, b, None)
    assert without.item() == pytest.approx(by_hand - 0.5 * 0.36, rel=1e-3)


def test_ms_ssim_is_the_same_in_mixed_precision():
    """Its variances would come out negative in half precision, and the loss NaN."""
    rng = torch.Generator().manual_seed(1)
    x, y = (5 + 0.01 * torch.rand(2, 96, 96, generator=rng) for _ in range(2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = ms_ssim(x, y)
    assert mixed == ms_ssim(x, y)
