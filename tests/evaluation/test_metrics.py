"""Metrics by hand, by another implementation, and by what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
from scan_fakes import blobs
from skimage.metrics import structural_similarity

from rmz_acquire.evaluation import (
    Scores,
    data_range,
    nrmse,
    planes_not_taken,
    psnr_db,
    score,
    ssim,
)

Z_UM = np.linspace(0, 10, 11)


@pytest.fixture
def pair(rng):
    truth = blobs(Z_UM, shape=(40, 50)).astype(np.float32)
    return truth, truth + rng.normal(0, 8, truth.shape).astype(np.float32)


def test_psnr_by_hand():
    # 1001 pixels from 0 to 1000: 0.5 and 99.9 percentiles are 5 and 999
    truth = np.arange(1001.0).reshape(1, 1, 1001)
    assert data_range(truth) == pytest.approx(994.0)
    assert psnr_db(truth, truth + 9.94) == pytest.approx(40.0)


def test_nrmse_by_hand():
    truth = np.array([[[0.0, 2.0], [0.0, 2.0]]])
    assert nrmse(truth, truth + 0.5) == pytest.approx(0.5)


def test_ssim_agrees_with_scikit_image(pair):
    truth, estimate = pair
    span = data_range(truth)
    theirs = [
        structural_similarity(
            a.astype(float),
            b.astype(float),
            data_range=span,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in zip(truth, estimate, strict=True)
    ]
    assert ssim(truth, estimate) == pytest.approx(np.mean(theirs), abs=1e-6)


def test_only_the_unseen_planes_count(pair):
    truth, estimate = pair
    unseen = np.ones(11, dtype=bool)
    unseen[[2, 7]] = False
    perfect = estimate.copy()
    perfect[unseen] = truth[unseen]
    # what is wrong is only in planes that were taken
    assert psnr_db(truth, perfect, unseen) == np.inf
    assert nrmse(truth, perfect, unseen) == 0.0
    assert ssim(truth, perfect, unseen) == pytest.approx(1.0)
    spoiled = truth.copy()
    spoiled[2] += 1e4
    assert score(truth, spoiled, unseen) == score(truth, truth, unseen)


def test_the_scale_is_that_of_the_whole_truth(pair):
    """Figures over different planes compare: one range, one spread."""
    truth, _ = pair
    off = truth + 10
    for keep in ([0], [5], range(11)):
        unseen = np.zeros(11, dtype=bool)
        unseen[list(keep)] = True
        assert psnr_db(truth, off, unseen) == pytest.approx(psnr_db(truth, off), 1e-5)
        assert nrmse(truth, off, unseen) == pytest.approx(nrmse(truth, off), 1e-5)


def test_gain_and_offset_change_nothing(pair):
    truth, estimate = pair
    a, b = score(truth, estimate), score(5 * truth + 900, 5 * estimate + 900)
    assert b.psnr_db == pytest.approx(a.psnr_db, abs=1e-3)
    assert b.nrmse == pytest.approx(a.nrmse, rel=1e-4)


def test_integers_do_not_wrap_round():
    truth = np.array([[[10, 20], [30, 40]]], np.uint16)
    estimate = np.array([[[12, 18], [32, 38]]], np.uint16)
    assert nrmse(truth, estimate) == pytest.approx(2 / truth.std())


def test_better_is_better(pair, rng):
    truth, near = pair
    far = truth + rng.normal(0, 40, truth.shape)
    good, bad = score(truth, near), score(truth, far)
    assert good.psnr_db > bad.psnr_db + 10
    assert good.nrmse < bad.nrmse
    assert good.ssim > bad.ssim


def test_what_is_not_defined_is_none(pair):
    truth, estimate = pair
    none = np.zeros(11, dtype=bool)
    assert score(truth, estimate, none) == Scores(None, None, None)
    flat = np.full((2, 20, 20), 7.0)
    assert score(flat, flat + 1) == Scores(None, None, None)
    assert ssim(truth[:, :11, :10], estimate[:, :11, :10]) is None


def test_a_perfect_volume_is_null_in_json(pair):
    truth, _ = pair
    assert score(truth, truth).to_dict() == {"psnr_db": None, "nrmse": 0.0, "ssim": 1.0}


def test_shapes_must_agree(pair):
    truth, estimate = pair
    with pytest.raises(ValueError, match="not one volume"):
        psnr_db(truth, estimate[:-1])


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([], [0, 1, 2, 3, 4]),
        ([0.0, 2.0], [1, 3, 4]),
        ([0.9, 3.1], [0, 2, 4]),  # a stage that stops short
        ([2.0, 2.0], [0, 1, 3, 4]),
        ([9.0], [0, 1, 2, 3, 4]),  # outside the grid
        ([-0.4, 4.4], [1, 2, 3]),
    ],
)
def test_planes_not_taken(taken, left):
    unseen = planes_not_taken([0.0, 1.0, 2.0, 3.0, 4.0], taken)
    assert np.flatnonzero(unseen).tolist() == left
