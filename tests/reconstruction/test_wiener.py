from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
import torch
from small_scope import AIR, CAMERA, Z_UM, evenly, rms, stacks

from rmz_acquire.optics import Optics, fourier_radius, otf, radial_otf
from rmz_acquire.reconstruction import (
    LinearEstimator,
    WienerEstimator,
    WienerFilter,
    make_estimator,
    wiener,
)

if TYPE_CHECKING:
    from pathlib import Path

GRID = torch.linspace(-3, 3, 7, dtype=torch.float64)


def circulant(transfer: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Matrix of a periodic blur over all pixels, from its half transform."""
    spot = np.fft.irfft2(transfer, s=shape)
    rows, columns = np.indices(shape).reshape(2, -1)
    down = (rows[:, None] - rows[None]) % shape[0]
    right = (columns[:, None] - columns[None]) % shape[1]
    return spot[down, right]


class Dense:
    """The same model written out over pixels: layers, blurs and one big inverse."""

    def __init__(self, shape: tuple[int, int], depths: np.ndarray) -> None:
        self.shape, self.depths = shape, depths

    def blurs(self, z_um: np.ndarray) -> list[list[np.ndarray]]:
        radius = fourier_radius(self.shape, AIR.pixel_size_um)
        unique, back = radius.reshape(-1).unique(return_inverse=True)
        out = []
        for z in z_um:
            dz = torch.from_numpy(z - self.depths)
            transfer = radial_otf(AIR, dz, unique)[:, back]
            out.append(
                [
                    circulant(t.reshape(radius.shape).numpy(), self.shape)
                    for t in transfer
                ]
            )
        return out

    def covariance(self, a: list, b: list) -> np.ndarray:
        n = len(self.depths)
        return np.block(
            [
                [sum(p @ q.T for p, q in zip(x, y, strict=True)) / n for y in b]
                for x in a
            ]
        )


def given_evidence(monkeypatch: pytest.MonkeyPatch, ratio: float, noise: float) -> None:
    """Tell the filter noise over power, alike at all frequencies, and the noise."""
    f64 = torch.float64
    told = (torch.tensor(ratio, dtype=f64), torch.tensor(noise, dtype=f64))
    monkeypatch.setattr(
        wiener, "_evidence", lambda k, *_, **__: (told[0].expand(len(k)), told[1])
    )


@pytest.mark.parametrize("ratio", [0.3, 0.003])
def test_posterior_is_that_of_all_pixels_at_once(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, ratio: float
) -> None:
    shape, at = (9, 10), np.array([-2.3, 0.4, 1.9])
    pixels = shape[0] * shape[1]
    # unit power of the object is `pixels` in the unit of the transform
    given_evidence(monkeypatch, ratio, ratio * pixels)
    ours = WienerFilter(AIR, GRID, padding_px=0, misfit=0)
    dense = Dense(shape, ours._depths.numpy())
    planes = rng.normal(0, 1, (3, *shape)).astype(np.float32)
    planes -= planes.mean((1, 2), keepdims=True)  # frequency 0 has its own rule
    out_um = np.array([-3.0, -1.0, 0.4, 2.0])
    result = ours.estimate(
        torch.from_numpy(planes), torch.from_numpy(at), torch.from_numpy(out_um)
    )

    taken, wanted = dense.blurs(at), dense.blurs(out_um)
    k_mm = dense.covariance(taken, taken) + ratio * np.eye(3 * pixels)
    k_zm = dense.covariance(wanted, taken)
    gain = np.linalg.solve(k_mm, k_zm.T).T
    mean = (gain @ planes.reshape(-1)).reshape(4, *shape)
    np.testing.assert_allclose(
        result.volume.numpy(), mean, atol=0.02 * np.abs(mean).max()
    )

    flat = np.eye(pixels) - 1 / pixels  # all but frequency 0
    for i, found in enumerate(result.error.numpy()):
        own = dense.covariance([wanted[i]], [wanted[i]])
        rows = slice(i * pixels, (i + 1) * pixels)
        posterior = own - gain[rows] @ k_zm[rows].T
        assert found**2 == pytest.approx(
            np.trace(flat @ posterior @ flat) / pixels, rel=0.05
        )


def test_evidence_is_the_best_of_all_it_could_choose(rng: np.random.Generator) -> None:
    """Ring by ring with determinants and inverses, against the eigenvalues' way."""
    n_f, m = 9, 3
    root = rng.normal(size=(n_f, m, 5))
    covariance = torch.from_numpy(root @ root.transpose(0, 2, 1) / 5)
    draw = rng.normal(size=(n_f, m, 40)) * rng.uniform(0.5, 4, (n_f, 1, 1))
    power = torch.from_numpy(draw @ draw.transpose(0, 2, 1))
    count = torch.full((n_f,), 40.0, dtype=torch.float64)
    _, noise = wiener._evidence(covariance, power, count, width=1)

    mean = float(torch.diagonal(power, dim1=1, dim2=2).sum() / count.sum() / m)
    ratios, best = np.logspace(-6, 3, 46), (-np.inf, None, None)
    for level in mean * np.logspace(-7, 0, 36):
        own = np.empty((n_f, len(ratios)))
        for f in range(n_f):
            for j, share in enumerate(ratios):
                total = level * (covariance[f].numpy() / share + np.eye(m))
                log_det = np.linalg.slogdet(total)[1]
                fit = np.trace(np.linalg.inv(total) @ power[f].numpy())
                own[f, j] = -(40 * log_det + fit)
        pooled = own.copy()
        pooled[1:] += own[:-1]
        pooled[:-1] += own[1:]
        score = pooled.max(1).sum()
        if score > best[0]:
            best = (score, level, ratios[pooled.argmax(1)])
    # the likeliest of few values here; there, a mean over all that are likely
    assert 0.5 < float(noise) / best[1] < 2
    ratio, _ = wiener._evidence(covariance, power, count, width=1, noise=best[1])
    # between values 0.2 apart
    assert np.abs(np.log10(ratio.numpy() / best[2])).max() <= 0.1 + 1e-6


AT = [2, 12, 22, 7, 17]


def changes(exposures: list[np.ndarray]) -> np.ndarray:
    """Relative change with the last of five planes, of every exposure of them."""
    found, ours = [], WienerFilter(AIR, torch.from_numpy(Z_UM))
    at = torch.from_numpy(Z_UM[AT])
    for planes in map(torch.from_numpy, exposures):
        before = ours.estimate(planes[:-1], at[:-1]).volume
        volume = ours.estimate(planes, at).volume
        found.append(rms((volume - before).numpy()) / rms((volume - 100).numpy()))
    return np.array(found)


def exposures(name: str, count: int) -> list[np.ndarray]:
    truth = stacks(name)[0][AT]
    dark, bright = CAMERA.expected(np.array([0, 1], np.float32), 10.0)
    light = (truth - dark) / (bright - dark)
    rng = np.random.default_rng(5)
    return [CAMERA.expose(light, 10.0, rng).astype(np.float32) for _ in range(count)]


@pytest.mark.parametrize("name", ["beads", "nuclei"])
def test_the_change_hardly_hangs_on_the_noise_of_the_planes(name: str) -> None:
    found = changes(exposures(name, 8))
    assert found.std() < 0.02 * found.mean()


@pytest.mark.slow
def test_small_steps_in_the_planes_change_the_change_little() -> None:
    """No jump on the way from one exposure to another."""
    one, other = exposures("nuclei", 2)
    way = [one + (other - one) * np.float32(s) for s in np.linspace(0, 1, 25)]
    steps = np.abs(np.diff(changes(way)))
    assert steps.max() < 0.15 * steps.sum()  # 0.36 where noise is one of a list


FINE = AIR.model_copy(update={"pixel_size_um": 0.16})


@cache
def gaussian_light(at: tuple[float, ...], side: int) -> tuple[torch.Tensor, ...]:
    """Light of layers of noise on the grid and at some z; how the generator stands."""
    depths = WienerFilter(FINE, torch.from_numpy(Z_UM), padding_px=0, misfit=0)._depths
    g = torch.Generator().manual_seed(1)
    layers = torch.fft.rfft2(torch.randn(len(depths), side, side, generator=g))
    truth = [
        torch.fft.irfft2((otf(FINE, z - depths, (side, side)) * layers).sum(0))
        for z in torch.tensor([*Z_UM, *at], dtype=torch.float64)
    ]
    return torch.stack(truth), g.get_state()


def gaussian_world(
    noise: float, at: np.ndarray, side: int = 72
) -> tuple[WienerFilter, torch.Tensor, torch.Tensor]:
    """A filter, noisy planes and the whole truth of just the object it believes in."""
    ours = WienerFilter(FINE, torch.from_numpy(Z_UM), padding_px=0, misfit=0)
    truth, state = gaussian_light(tuple(at.tolist()), side)
    g = torch.Generator()
    g.set_state(state)
    planes = truth[len(Z_UM) :]
    planes = planes + noise * torch.randn(planes.shape, generator=g)
    return ours, planes.float() + 500, truth[: len(Z_UM)].float() + 500


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_error_is_predicted_and_least_in_a_gaussian_world(
    monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    at = np.array([-4.2, -0.3, 1.1, 3.9])
    ours, planes, truth = gaussian_world(noise, at)
    result = ours.estimate(planes, torch.from_numpy(at))
    error = (result.volume - truth).square().mean((1, 2)).sqrt()
    assert float(result.noise) ** 0.5 == pytest.approx(noise, rel=0.25)
    torch.testing.assert_close(result.error, error, rtol=0.35, atol=0)
    line = LinearEstimator(Z_UM)
    for z, plane in zip(at, planes, strict=True):
        volume = line.add(plane.numpy(), z).volume
    assert error.mean() < 0.9 * rms(volume - truth.numpy())

    # told the true noise and power: exact in its prediction, and hardly any better
    pixels = planes.shape[-2] * planes.shape[-1]
    given_evidence(monkeypatch, noise**2 / len(ours._depths), noise**2 * pixels)
    oracle = ours.estimate(planes, torch.from_numpy(at))
    least = (oracle.volume - truth).square().mean((1, 2)).sqrt()
    torch.testing.assert_close(oracle.error, least, rtol=0.08, atol=0)
    assert 0.995 * least.mean() < error.mean() < 1.03 * least.mean()


@pytest.mark.slow
def test_without_noise_planes_come_back_as_they_were() -> None:
    at = np.array([-3.0, 0.0, 2.5])
    ours, planes, _ = gaussian_world(0.0, at)
    back = ours.estimate(planes, torch.from_numpy(at), torch.from_numpy(at)).volume
    assert rms((back - planes).numpy()) < 0.01 * float(planes.std())


@pytest.mark.parametrize(("name", "times"), [("beads", 4), ("nuclei", 2)])
def test_noise_is_found_in_simulated_planes(name: str, times: float) -> None:
    """More of it for beads: their light beyond Nyquist looks like noise."""
    truth, counts = stacks(name)
    at = evenly(4)
    filtered = WienerFilter(AIR, torch.from_numpy(Z_UM)).estimate(
        torch.from_numpy(counts[at]), torch.from_numpy(Z_UM[at])
    )
    real = (counts[at] - truth[at]).astype(np.float64).var()
    assert 1 / times < float(filtered.noise) / real < times


@pytest.mark.parametrize(
    ("name", "m", "decibels"),
    [("beads", 1, 2.0), ("beads", 3, 2.0), ("beads", 5, 0.7), ("nuclei", 5, 0.5)],
)
def test_it_beats_linear_on_simulated_stacks(
    name: str, m: int, decibels: float
) -> None:
    truth, counts = stacks(name)
    at = evenly(m)
    rest = [i for i in range(25) if i not in at]
    error = {}
    for kind in ("wiener", "linear"):
        estimator = make_estimator(kind, Z_UM, AIR)
        for i in at:
            volume = estimator.add(counts[i], Z_UM[i]).volume
        error[kind] = rms(volume[rest] - truth[rest])
    assert 20 * np.log10(error["linear"] / error["wiener"]) > decibels


@pytest.mark.slow
@pytest.mark.parametrize(("m", "decibels"), [(3, 1.5), (5, 1.0)])
def test_it_beats_linear_on_a_real_nucleus(
    wf_nucleus: Path, m: int, decibels: float
) -> None:
    stack = tifffile.imread(wf_nucleus).astype(np.float32)
    z_um = np.arange(45) * 0.499
    optics = Optics(
        na=1.2, immersion_index=1.33, wavelength_um=0.461, pixel_size_um=0.512
    )
    at = [int((i + 0.5) * 45 / m) for i in range(m)]
    rest = [i for i in range(45) if i not in at]
    error = {}
    for kind in ("wiener", "linear"):
        estimator = make_estimator(kind, z_um, optics)
        for i in at:
            volume = estimator.add(stack[i], z_um[i]).volume
        error[kind] = rms(volume[rest] - stack[rest])
    assert 20 * np.log10(error["linear"] / error["wiener"]) > decibels


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_leaving_a_plane_out_is_what_its_absence_would_have_told(noise: float) -> None:
    at = torch.tensor([-4.2, -1.9, -0.3, 1.1, 3.9], dtype=torch.float64)
    ours, planes, _ = gaussian_world(noise, at.numpy())
    told = ours.estimate(planes, at, leave_out=True)
    assert ours.estimate(planes, at).left_out is None
    assert told.left_out is not None
    for i in range(len(at)):
        rest = torch.arange(len(at)) != i
        from_others = ours.estimate(
            planes[rest], at[rest], at[i : i + 1], noise=float(told.noise)
        )
        missed = (from_others.volume[0] - planes[i]).square().mean() - told.noise
        ratio = missed.sqrt() / from_others.error[0]
        # the border that is filtered with a picture is not in this one
        assert float(told.left_out[i]) == pytest.approx(float(ratio), rel=0.25)
    # this world is as the filter believes it to be: its errors are as predicted
    assert float(told.left_out.log().mean().exp()) == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize("name", ["beads", "nuclei"])
@pytest.mark.parametrize("m", [2, 3, 8])
def test_predicted_error_tells_the_real_one(name: str, m: int) -> None:
    truth, counts = stacks(name)
    at = evenly(m)
    estimator = make_estimator("wiener", Z_UM, AIR)
    assert isinstance(estimator, WienerEstimator)
    assert estimator.predicted_error is None
    for i in at:
        volume = estimator.add(counts[i], Z_UM[i]).volume
    predicted = estimator.predicted_error
    assert predicted is not None and predicted.shape == (25,)
    real = np.array([rms(a - b) for a, b in zip(volume, truth, strict=True)])
    assert np.all(predicted > 0.4 * real) and np.all(predicted < 3.5 * real)
    assert np.corrcoef(predicted, real)[0, 1] > 0.5
    # less at the planes taken than halfway between them
    between = [(a + b) // 2 for a, b in pairwise(at)]
    assert predicted[at].max() < predicted[between].min() or m == 8


@pytest.mark.parametrize("shape", [(24, 24), (25, 30)])
def test_total_light_is_kept(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    planes = rng.gamma(1.0, 300, (3, *shape)).astype(np.float32)
    planes *= 5e5 / planes.sum((1, 2), keepdims=True)
    at = torch.tensor([-2.0, 0.5, 2.5])
    bare = WienerFilter(AIR, GRID, padding_px=0).estimate(torch.from_numpy(planes), at)
    np.testing.assert_allclose(bare.volume.sum((1, 2)), 5e5, rtol=1e-5)
    padded = WienerFilter(AIR, GRID).estimate(torch.from_numpy(planes), at)
    np.testing.assert_allclose(padded.volume.sum((1, 2)), 5e5, rtol=0.03)


@pytest.mark.parametrize("padding", [0, 24])
def test_mean_light_is_interpolated_along_z(
    rng: np.random.Generator, padding: int
) -> None:
    """Light from outside the picture comes and goes with focus: no blur tells it."""
    at, light = np.array([3.0, -3.0, 2.0, 2.0]), np.array([320.0, 100.0, 290.0, 310.0])
    planes = 3 * rng.standard_normal((4, 48, 48)) + light[:, None, None]
    ours = WienerFilter(AIR, GRID, padding_px=padding)
    volume = ours.estimate(
        torch.from_numpy(planes).float(), torch.from_numpy(at)
    ).volume
    expected = np.interp(GRID.numpy(), [-3.0, 2.0, 3.0], [100.0, 300.0, 320.0])
    np.testing.assert_allclose(volume.mean((1, 2)), expected, atol=0.5)


def test_order_of_the_planes_does_not_matter() -> None:
    _, counts = stacks("nuclei")
    at = evenly(4)
    both = WienerFilter(AIR, torch.from_numpy(Z_UM))
    shuffled = [at[i] for i in (2, 0, 3, 1)]
    a, b = (
        both.estimate(torch.from_numpy(counts[p]), torch.from_numpy(Z_UM[p]))
        for p in (at, shuffled)
    )
    torch.testing.assert_close(a.volume, b.volume, atol=0.02, rtol=0)
    torch.testing.assert_close(a.error, b.error, rtol=1e-3, atol=0)


def test_a_plane_taken_twice_is_no_trouble_and_takes_noise_away() -> None:
    truth, counts = stacks("nuclei")
    rng = np.random.default_rng(3)
    again = truth[12] + (rng.permutation((counts[12] - truth[12]).ravel())).reshape(
        64, 60
    )
    estimator = WienerEstimator(Z_UM, AIR)
    once = estimator.add(counts[12], Z_UM[12]).volume
    twice = estimator.add(again, Z_UM[12]).volume
    assert np.isfinite(twice).all()
    assert rms(twice[12] - truth[12]) < rms(once[12] - truth[12])


def test_output_positions_can_be_asked_for() -> None:
    _, counts = stacks("beads")
    at = evenly(3)
    planes, z = torch.from_numpy(counts[at]), torch.from_numpy(Z_UM[at])
    whole = WienerFilter(AIR, torch.from_numpy(Z_UM))
    volume = whole.estimate(planes, z)
    part = whole.estimate(planes, z, torch.from_numpy(Z_UM[[7, 2]]))
    torch.testing.assert_close(part.volume, volume.volume[[7, 2]])
    torch.testing.assert_close(part.error, volume.error[[7, 2]])


@pytest.mark.parametrize("shape", [(1, 1), (2, 30), (13, 5), (24, 25), (49, 48)])
def test_pictures_smaller_than_the_border_are_filtered(
    rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    estimator = WienerEstimator(Z_UM, AIR)
    for z in (-3.0, 2.0):
        estimate = estimator.add(rng.normal(500, 30, shape), z)
    assert estimate.volume.shape == (25, *shape)
    assert np.isfinite(estimate.volume).all()
    assert np.abs(estimate.volume - 500).max() < 250


def test_wrong_optics_cost_little() -> None:
    """Ten percent off in NA: still no worse than without optics at all."""
    truth, counts = stacks("beads")
    at = evenly(3)
    wrong = AIR.model_copy(update={"na": 0.68})
    estimator, linear = WienerEstimator(Z_UM, wrong), LinearEstimator(Z_UM)
    for i in at:
        volume = estimator.add(counts[i], Z_UM[i]).volume
        plain = linear.add(counts[i], Z_UM[i]).volume
    assert rms(volume - truth) < rms(plain - truth)
