"""The mixture of estimates: what predicted planes best has most of the volume."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.optimize import minimize
from small_scope import AIR, Z_UM, evenly, rms, stacks

from rmz_acquire.reconstruction import RichardsonLucyEstimator, make_estimator
from rmz_acquire.reconstruction.candidates import (
    FEW_STEPS,
    LAYERS,
    LINEAR,
    UNSEEN,
    WIENER,
    Candidates,
    convex_shares,
    relative_errors,
)
from rmz_acquire.reconstruction.likelihood import CameraFloor
from rmz_acquire.scanning.records import Decision, Plane, Seen


@pytest.mark.parametrize("seed", range(8))
def test_shares_are_those_of_a_general_solver(seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = rng.normal(0, 1, (4, 30)) * rng.uniform(0.2, 2, (4, 1))
    gram, first = errors @ errors.T / 30, np.array([0.0, 0, 0, 1])

    def cost(s: np.ndarray) -> float:
        return float(s @ gram @ s + 0.03 * (s - first) @ (s - first))

    theirs = minimize(
        cost,
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda s: s.sum() - 1},
        options={"ftol": 1e-12},
    )
    ours = convex_shares(gram, first, 0.03)
    assert ours.min() >= 0
    assert ours.sum() == pytest.approx(1)
    assert cost(ours) <= theirs.fun + 1e-6


@pytest.mark.parametrize(("ours", "theirs"), [(3.0, 9.0), (9.0, 3.0), (5.0, 5.0)])
def test_the_better_prediction_weighs_more(ours: float, theirs: float) -> None:
    """Errors that know nothing of each other: shares go as one over their squares."""
    rng = np.random.default_rng(1)
    plane = rng.normal(0, 30, (64, 64)).astype(np.float32)
    made = {
        name: plane + rng.normal(0, error, plane.shape).astype(np.float32)
        for name, error in ((LAYERS, ours), (WIENER, theirs))
    }
    candidates = Candidates()
    assert candidates.shares == UNSEEN
    for _ in range(4):
        candidates.see(plane, made, 0.0)
    best = theirs**2 / (ours**2 + theirs**2)
    assert candidates.shares[LAYERS] == pytest.approx(best, abs=0.05)


def test_noise_of_the_plane_moves_no_share() -> None:
    rng = np.random.default_rng(2)
    plane = rng.normal(0, 30, (256, 256)).astype(np.float32)
    made = {
        name: plane + rng.normal(0, error, plane.shape).astype(np.float32)
        for name, error in ((LAYERS, 4.0), (WIENER, 6.0), (LINEAR, 9.0))
    }
    noisy = plane + rng.normal(0, 12, plane.shape).astype(np.float32)
    quiet, loud = Candidates(), Candidates()
    quiet.see(plane, made, 0.0)
    loud.see(noisy, made, 144.0)
    for name, share in quiet.shares.items():
        assert loud.shares[name] == pytest.approx(share, abs=0.07)


def test_a_plane_left_out_speaks_for_interpolation_hardly_at_all() -> None:
    """It lies in a gap twice as wide as any in the volume."""
    plane = np.random.default_rng(1).normal(size=(20, 20)).astype(np.float32)
    made = dict.fromkeys((LAYERS, FEW_STEPS, WIENER), 0.5 * plane)
    made[LINEAR] = 0.9 * plane
    share = []
    for left_out in (False, True):
        candidates = Candidates()
        candidates.see(plane, made, 0.0, left_out=left_out)
        assert sum(candidates.shares.values()) == pytest.approx(1)
        share.append(candidates.shares[LINEAR])
    assert share[0] > 0.3
    assert 0 < share[1] <= 0.05


def test_errors_are_told_in_the_unit_of_the_innovation() -> None:
    plane = np.full((4, 4), 110, np.float32)
    found = relative_errors(plane, {"a": plane + 5, "b": plane}, 100.0)
    assert found == pytest.approx({"a": 0.5, "b": 0.0})
    assert relative_errors(plane, {"a": plane}, 110.0) == {}
    # of 25 squared counts of error 16 are the plane's own noise
    found = relative_errors(plane, {"a": plane + 5}, 100.0, 16.0)
    assert found["a"] == pytest.approx(0.3)


def test_every_plane_tells_what_predicted_it_best() -> None:
    _, counts = stacks("nuclei")
    estimator = RichardsonLucyEstimator(Z_UM, AIR)
    at = [evenly(5)[k] for k in (2, 0, 4, 1, 3)]
    for number, i in enumerate(at):
        estimate = estimator.add(counts[i], Z_UM[i])
        if number == 0:
            assert estimate.predictions is None
            continue
        assert estimate.predictions is not None and estimate.shares is not None
        assert {LAYERS, WIENER, LINEAR} <= set(estimate.predictions)
        assert sum(estimate.shares.values()) == pytest.approx(1)
    plane = Plane(counts[i], Z_UM[i], Z_UM[i], 10, None, None, datetime.now(UTC))
    decision = Decision.of(4, plane, Seen(estimate=estimate), "continue", "so")
    best = min(estimate.predictions.values())
    assert decision.winner is not None
    assert estimate.predictions[decision.winner] == best
    gain = 20 * np.log10(estimate.predictions[WIENER] / best)
    assert decision.winner_gain_db == pytest.approx(gain)
    told = decision.to_dict()
    assert told["shares"] == dict(estimate.shares)
    assert told["z_scale"] == 1


@pytest.mark.slow
def test_in_dim_light_the_volume_holds_little_of_the_planes_noise() -> None:
    truth, _ = stacks("nuclei")
    expected = 100 + (truth - 100).clip(0) * (150 / (truth.max() - 100))
    at, ratios = evenly(8), []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        read = rng.normal(0, 1.5, truth.shape)
        dim = (rng.poisson(expected - 100) + 100 + read).astype(np.float32)
        made, linear = (
            make_estimator(name, Z_UM, AIR).add_all(dim[at], Z_UM[at])
            for name in ("richardson-lucy", "wiener")
        )
        assert rms(made[at] - expected[at]) < 0.6 * rms(dim[at] - expected[at])
        ratios.append(rms(made - expected) / rms(linear - expected))
    assert np.mean(ratios) < 0.8


@pytest.mark.parametrize("gain", [0.5, 1.0, 4.0])
def test_the_gain_of_a_camera_is_read_from_planes(gain: float) -> None:
    rng = np.random.default_rng(6)
    ramp = np.linspace(20, 400, 128)[None, :] * np.ones((128, 1))
    floor = CameraFloor()
    for _ in range(3):
        plane = gain * rng.poisson(ramp) + 100
        floor.add(plane.astype(np.float32))
    assert floor.variance(100.0, 0.0) == pytest.approx(gain, rel=0.25)


def test_the_gain_of_a_camera_is_read_where_few_blocks_are_bright() -> None:
    rng = np.random.default_rng(6)
    y, x = np.indices((64, 64))
    spot = np.exp(-((y - 30) ** 2 + (x - 34) ** 2) / 100)
    floor = CameraFloor()
    for away in range(8):
        light = 1 + 150 * spot / (1 + away) ** 3
        plane = rng.poisson(light) + 100 + rng.normal(0, 1.5, light.shape)
        floor.add(plane.astype(np.float32))
    assert floor.variance(100.0, 1.5**2) == pytest.approx(1.0, rel=0.25)
