from __future__ import annotations

from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from small_training import SMALL

from rmz_acquire.optics import Optics
from rmz_acquire.training import sequences as made
from rmz_acquire.training import simulated
from rmz_acquire.training.sequences import TrainingSequences
from rmz_acquire.training.simulated import simulate_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmz_acquire.training.sequences import Sequence


def changed(**simulation: object) -> object:
    """The small configuration with another simulation."""
    given = SMALL.simulation.model_copy(update=simulation)
    return SMALL.model_copy(update={"simulation": given})


@pytest.fixture(scope="module")
def sequences() -> list[Sequence]:
    return list(islice(iter(TrainingSequences(SMALL)), 12))


def same(a: Sequence, b: Sequence) -> bool:
    return all(
        x.shape == y.shape and torch.equal(x, y) for x, y in zip(a, b, strict=True)
    )


# -- one sequence --------------------------------------------------------------------


def test_shapes_types_and_sane_values(sequences: list[Sequence]) -> None:
    lengths = set()
    for planes, dz, priors, error, target in sequences:
        m = len(planes)
        lengths.add(m)
        assert planes.shape == (m, 32, 32)
        assert dz.shape == (3, m)
        assert priors.shape == (3, m, 32, 32)
        assert error.shape == (3,)
        assert target.shape == (3, 32, 32)
        for tensor in (planes, dz, priors, error, target):
            assert tensor.dtype == torch.float32
            assert torch.isfinite(tensor).all()
        # 4 µm at 3.49 pixels of blur a µm
        assert dz.abs().max() <= 4 * 3.489 * (1 + 1e-4)
        assert (error > 0).all()
        # scaled by its spread, give or take a quarter
        assert 0.75 < planes.std(correction=0) < 1.3
    assert lengths == {1, 2, 3}


def test_prior_is_closer_to_the_truth_than_nothing(sequences: list[Sequence]) -> None:
    linear = np.mean(
        [float((s.priors[:, -1] - s.target).square().mean()) for s in sequences]
    )
    none = np.mean(
        [float((s.target.mean() - s.target).square().mean()) for s in sequences]
    )
    assert linear < 0.6 * none
    # the predicted error is that of the same planes: right to a factor
    for s in sequences:
        real = (s.priors[:, -1] - s.target).square().mean((1, 2)).sqrt()
        assert 0.1 < float((s.prior_error / real).mean()) < 10


def test_target_is_the_plane_without_its_noise() -> None:
    """Where an output plane is one of those taken, they differ by noise alone."""
    config = changed(photons=(3000.0, 3000.0), haze=(0.2, 0.2))
    found = 0
    for s in islice(iter(TrainingSequences(config)), 24):
        for p, m in zip(*np.nonzero(s.dz_px.numpy() == 0), strict=True):
            found += 1
            noise = (s.planes[m] - s.target[p]) / s.target[p].std()
            assert abs(float(noise.mean())) < 0.01
            assert 1e-3 < float(noise.std()) < 0.3
    assert found > 5


@pytest.mark.slow
def test_noise_follows_the_photons() -> None:
    def noise(photons: float) -> float:
        config = changed(photons=(photons, photons), haze=(0.2, 0.2))
        each = [
            float((s.planes[m] - s.target[p]).std() / s.planes.std())
            for s in islice(iter(TrainingSequences(config)), 24)
            for p, m in zip(*np.nonzero(s.dz_px.numpy() == 0), strict=True)
        ]
        return float(np.median(each))

    assert noise(100.0) > 4 * noise(10000.0)


def test_dz_is_output_minus_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(
        n: int, m: int, targets: int, rng: object
    ) -> tuple[np.ndarray, np.ndarray]:
        return np.array([2, 7, 5])[:m], np.array([0, 5, 8])

    monkeypatch.setattr(made, "draw_planes", drawn)
    (s,) = islice(
        iter(TrainingSequences(SMALL.model_copy(update={"planes": (3, 3)}))), 1
    )
    blur = 0.75 / np.sqrt(1 - 0.75**2) / 0.325
    # steps of 0.5 µm
    by_hand = np.array([[-2, -7, -5], [3, -2, 0], [6, 1, 3]]) * 0.5 * blur
    np.testing.assert_allclose(s.dz_px.numpy(), by_hand, rtol=1e-4)


# -- specimens -----------------------------------------------------------------------


def test_field_covers_the_range_and_its_brightest_is_about_one() -> None:
    field = simulate_field(SMALL.simulation, [1, 2])
    assert field.light.shape == (9, 40, 40) and field.light.dtype == np.float32
    np.testing.assert_allclose(field.z_um, np.arange(-4, 5) * 0.5)
    assert 0.9 < np.percentile(field.light, 99.9) < 1.6
    assert field.believed == SMALL.simulation.optics


@pytest.mark.parametrize("family", ["beads", "nuclei"])
def test_a_camera_near_the_nyquist_limit_needs_no_finer_grid(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    optics = Optics(
        na=1.4, immersion_index=1.515, wavelength_um=0.519, pixel_size_um=0.103
    )
    config = SMALL.simulation.model_copy(
        update={"optics": optics, "z_step_um": 0.2, "z_range_um": 2.0}
    ).model_copy(update={"families": {family: 1.0}, "haze": (0.0, 0.0)})
    coarse = simulate_field(config, [5, 5]).light
    monkeypatch.setattr(simulated, "_oversampling", lambda _: 4)
    fine = simulate_field(config, [5, 5]).light
    # a finer grid adds a camera pixel's own blur, which is little here; each field is
    # scaled to its own brightest spot
    assert not np.array_equal(coarse, fine)
    assert np.corrcoef(coarse.ravel(), fine.ravel())[0, 1] > 0.99


def test_wide_optics_keep_the_blur_of_the_whole_range() -> None:
    config = SMALL.simulation.model_copy(update={"wide_optics": 1.0})
    own = SMALL.simulation.optics
    seen = set()
    for k in range(4):
        field = simulate_field(config, [9, k])
        seen.add(field.believed.na)
        span = (field.z_um[-1] - field.z_um[0]) * field.believed.blur_radius_px_per_um
        assert span == pytest.approx(4 * own.blur_radius_px_per_um)
    assert len(seen) == 4 and own.na not in seen


@pytest.mark.slow
def test_prior_is_not_told_the_true_optics(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    real = simulated.WideField

    def spy(specimen: object, optics: object, **options: object) -> object:
        told.append((optics, options["aberrations"]))
        return real(specimen, optics, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(simulated, "WideField", spy)
    for k in range(30):
        simulate_field(SMALL.simulation, [5, k])
    na = np.array([optics.na for optics, _ in told]) / 0.75 - 1
    wavelength = np.array([optics.wavelength_um for optics, _ in told]) / 0.52 - 1
    spherical = np.array([a.zernike[11] for _, a in told])
    for drawn, sigma in ((na, 0.02), (wavelength, 0.02), (spherical, 0.04)):
        assert drawn.std() == pytest.approx(sigma, rel=0.5)
        assert abs(drawn.mean()) < sigma


# -- seeds and order -----------------------------------------------------------------


def test_same_seed_same_sequences_other_seed_others(sequences: list[Sequence]) -> None:
    again = islice(iter(TrainingSequences(SMALL)), 4)
    assert all(same(a, b) for a, b in zip(sequences[:4], again, strict=True))
    other = next(iter(TrainingSequences(SMALL.model_copy(update={"seed": 4}))))
    assert not same(sequences[0], other)
    assert not same(sequences[0], sequences[1])  # of one specimen
    assert not same(sequences[0], sequences[3])  # of the next


@pytest.mark.slow
def test_validation_never_meets_training(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[tuple[int, ...]] = []
    real = made.simulate_field

    def spy(config: object, seed: list[int]) -> object:
        seeds.append(tuple(seed))
        return real(config, seed)  # type: ignore[arg-type]

    monkeypatch.setattr(made, "simulate_field", spy)
    looks = list(TrainingSequences(SMALL, specimens=4, validation=True))
    assert [len(s.planes) for s in looks] == [1, 2, 3, 1]  # every length comes up
    validation = set(seeds)
    seeds.clear()
    list(islice(iter(TrainingSequences(SMALL)), 10))
    assert len(validation) == 4 and len(set(seeds)) == 4
    assert not validation & set(seeds)
    assert min(number for _, number in validation) >= 1_000_000_000
    again = list(TrainingSequences(SMALL, specimens=4, validation=True))
    assert all(same(a, b) for a, b in zip(looks, again, strict=True))


def stream(
    monkeypatch: pytest.MonkeyPatch, workers: int, consumed: int, n: int
) -> list:
    """What a loader gets: it asks its workers in turn, from the first one on."""
    each = SMALL.simulation.sequences
    monkeypatch.setattr(
        TrainingSequences,
        "sequences_of",
        lambda self, number, skip=0: ((number, k) for k in range(skip, each)),
    )

    def of_worker(number: int) -> Iterator[object]:
        info = SimpleNamespace(id=number, num_workers=workers)
        monkeypatch.setattr(made, "get_worker_info", lambda: info if workers else None)
        iterator = iter(TrainingSequences(SMALL, consumed=consumed))
        first = next(iterator)  # reads who it is

        def rest() -> Iterator[object]:
            yield first
            yield from iterator

        return rest()

    iterators = [of_worker(i) for i in range(max(workers, 1))]
    return [next(iterators[i % len(iterators)]) for i in range(n)]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("consumed", [0, 1, 2, 3, 4, 7, 12, 13, 20])
def test_a_resumed_run_goes_on_with_the_next_sequence(
    monkeypatch: pytest.MonkeyPatch, workers: int, consumed: int
) -> None:
    whole = stream(monkeypatch, workers, 0, 45)
    assert len(set(whole)) == 45  # none twice
    if workers < 2:
        assert whole == [(i // 3, i % 3) for i in range(45)]
    assert stream(monkeypatch, workers, consumed, 20) == whole[consumed : consumed + 20]


def test_skipped_sequences_leave_those_after_them_as_they_are(
    sequences: list[Sequence],
) -> None:
    later = islice(iter(TrainingSequences(SMALL, consumed=5)), 2)
    assert all(same(a, b) for a, b in zip(sequences[5:7], later, strict=True))
