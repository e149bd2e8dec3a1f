"""The network on richardson-lucy: it adds what it has earned on planes predicted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from small_scope import AIR, Z_UM, evenly, rms, small_card, stacks
from torch.profiler import profile

from rmz_acquire.models import LoadedModel, load_model, save_model
from rmz_acquire.networks import OnLayers, OnLayersConfig, Prior
from rmz_acquire.reconstruction import (
    RichardsonLucyEstimator,
    layers_estimator,
    make_estimator,
)
from rmz_acquire.reconstruction.candidates import relative_errors
from rmz_acquire.reconstruction.gate import Gate, contradiction, fine_detail
from rmz_acquire.reconstruction.layers_estimator import OnLayersEstimator

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

CONFIG = OnLayersConfig(prior="richardson-lucy", channels=4)
CARD = small_card("small-on-layers", CONFIG)
ORDER = [2, 22, 12, 7, 17, 4]


class Wrong(OnLayers):
    """Adds stripes."""

    def forward(self, prior: Prior) -> Tensor:
        stripes = torch.arange(prior.estimate.shape[-1]) // 4 % 2 - 0.5
        return prior.estimate + 0.5 * prior.estimate.std() * stripes


class Knowing(OnLayers):
    """Knows the truth in counts, up to what the scale of the planes makes of it."""

    truth: Tensor

    def forward(self, prior: Prior) -> Tensor:
        taken = torch.minimum(prior.before_px, prior.after_px) < 0.5
        there, here = self.truth[taken].flatten(), prior.estimate[taken].flatten()
        there_, here_ = there - there.mean(), here - here.mean()
        slope = (there_ * here_).sum() / there_.square().sum()
        return here.mean() + slope * (self.truth - there.mean())


def estimator(network: OnLayers) -> OnLayersEstimator:
    made = make_estimator(
        "recurrent-mz", Z_UM, AIR, model=LoadedModel(CARD, network, "")
    )
    assert isinstance(made, OnLayersEstimator)
    return made


def unseen(taken: list[int]) -> list[int]:
    return [i for i in range(len(Z_UM)) if i not in taken]


def test_a_released_model_goes_through_disk(tmp_path: Path) -> None:
    torch.manual_seed(2)
    card = save_model(tmp_path, OnLayers(CONFIG), CARD)
    assert card.network.prior == "richardson-lucy"
    model = load_model(tmp_path)
    assert model.card == card
    assert isinstance(model.network, OnLayers)
    made = make_estimator("recurrent-mz", Z_UM, AIR, model=model)
    assert made.describe()["model"] == "small-on-layers"


@pytest.mark.slow
def test_untrained_it_is_richardson_lucy_plane_by_plane() -> None:
    _, counts = stacks("beads")
    ours, theirs = estimator(OnLayers(CONFIG)), RichardsonLucyEstimator(Z_UM, AIR)
    for i in ORDER[:3]:
        made = ours.add(counts[i], Z_UM[i]).volume
        np.testing.assert_allclose(
            made, theirs.add(counts[i], Z_UM[i]).volume, atol=1e-3
        )


@pytest.mark.slow
def test_a_network_that_is_wrong_stays_out() -> None:
    truth, counts = stacks("nuclei")
    ours, theirs = estimator(Wrong(CONFIG)), RichardsonLucyEstimator(Z_UM, AIR)
    for i in ORDER[:4]:
        made = ours.add(counts[i], Z_UM[i]).volume
        prior = theirs.add(counts[i], Z_UM[i]).volume
    rest = unseen(ORDER[:4])
    assert ours.share < 0.05
    assert ours._gate.gain_db is not None and ours._gate.gain_db < 0
    lost = 20 * np.log10(rms(made[rest] - truth[rest]) / rms((prior - truth)[rest]))
    assert lost < 0.1


@pytest.mark.slow
def test_a_network_that_knows_the_truth_has_most() -> None:
    truth, counts = stacks("beads")
    network = Knowing(CONFIG)
    network.truth = torch.from_numpy(truth)
    ours, theirs = estimator(network), RichardsonLucyEstimator(Z_UM, AIR)
    for i in ORDER[:4]:
        told = ours.add(counts[i], Z_UM[i])
        made = told.volume
        prior = theirs.add(counts[i], Z_UM[i]).volume
    rest = unseen(ORDER[:4])
    assert ours.share > 0.4
    won = 20 * np.log10(rms((prior - truth)[rest]) / rms(made[rest] - truth[rest]))
    assert won > 4, ours.share
    # what a decision says of it
    assert told.predictions is not None and told.shares is not None
    assert min(told.predictions, key=told.predictions.__getitem__) == "recurrent-mz"
    assert told.shares["recurrent-mz"] == ours.share
    assert sum(told.shares.values()) == pytest.approx(1)
    # what the network says is one of the volumes that may be apart
    *_, last = ours.candidate_volumes()
    assert rms(last[rest] - truth[rest]) < rms(made[rest] - truth[rest]) + 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(("m", "judged"), [(2, False), (3, True)])
def test_planes_at_once_are_judged_by_an_inner_one(m: int, judged: bool) -> None:
    truth, counts = stacks("beads")
    network = Knowing(CONFIG)
    network.truth = torch.from_numpy(truth)
    at, ours = evenly(m), estimator(network)
    ours.add_all(counts[at], Z_UM[at])
    assert (ours.share > 0.3) is judged
    wrong = estimator(Wrong(CONFIG))
    wrong.add_all(counts[at], Z_UM[at])
    assert wrong.share < 0.05


def test_memory_planned_for_the_network_is_what_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted allocations of torch, band by band; its weights are next to nothing."""
    shape = 240, 64  # torch has a kernel of its own for very small ones
    rng = np.random.default_rng(0)
    volumes = [torch.from_numpy(rng.random((25, *shape), np.float32)) for _ in "abc"]
    prior = Prior(*volumes, torch.full((25,), 3.0), torch.full((25,), 5.0))
    monkeypatch.setattr(layers_estimator, "prior_of", lambda *_: prior)
    given = SimpleNamespace(planes=np.ones((3, *shape), np.float32))
    for rows in (240, 120):
        ours = estimator(OnLayers(CONFIG.model_copy(update={"channels": 16})))
        per_row = 4 * 16 * 25 * 64
        monkeypatch.setattr(layers_estimator, "_ACTIVATIONS", rows * per_row)
        with torch.inference_mode(), profile(profile_memory=True) as seen:
            ours._add_to(given)
        live = most = 0
        events = seen.profiler.kineto_results.events()
        for event in sorted(events, key=lambda event: event.start_ns()):
            if event.name() == "[memory]":
                live += event.nbytes()
                most = max(most, live)
        # what numpy holds is not counted, five volumes; nor what convolutions hold
        taken = most + 5 * 4 * 25 * 240 * 64
        planned = ours.network_bytes(shape) - layers_estimator._WEIGHTS
        assert taken <= planned <= 1.6 * taken, (rows, taken, planned)


@pytest.mark.slow
def test_bands_of_rows_give_what_the_whole_picture_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, counts = stacks("beads")
    torch.manual_seed(3)
    network = OnLayers(CONFIG)
    torch.nn.init.normal_(network.last.weight, std=0.3)
    made = []
    for most in (layers_estimator._ACTIVATIONS, 1):
        monkeypatch.setattr(layers_estimator, "_ACTIVATIONS", most)
        ours = estimator(network)
        for i in ORDER[:2]:
            ours.add(counts[i], Z_UM[i])
        made.append(ours._made)
    assert len(list(ours._bands(*counts.shape[1:]))) > 1
    assert made[0] is not None and made[1] is not None
    np.testing.assert_allclose(*made, rtol=1e-4, atol=0.05)


def test_of_all_mixtures_the_gate_takes_the_best() -> None:
    rng = np.random.default_rng(5)
    plane, first = rng.normal(100, 10, (2, 64, 64)).astype(np.float32)
    gate = Gate()
    assert gate.share == 0 and gate.gain_db is None
    for _ in range(3):  # fewer earn nothing
        assert gate.share == 0
        gate.see(plane, first, first + 2 * (plane - first))
    shares = np.linspace(0, 1, 101)
    errors = [rms(first + s * 2 * (plane - first) - plane) for s in shares]
    best = shares[int(np.argmin(errors))]
    assert 0.7 * best < gate.share < best
    assert gate.gain_db == pytest.approx(0, abs=1e-3)
    for _ in range(3):
        gate.see(plane, first, first - (plane - first))
    assert gate.share < 0.2


def test_one_bright_spot_is_no_gain_everywhere() -> None:
    rng = np.random.default_rng(6)
    first = np.zeros((64, 64), np.float32)
    everywhere = rng.normal(0, 1, (64, 64)).astype(np.float32)
    spot = np.zeros_like(first)
    spot[20:24, 40:44] = 16  # as much light squared, in one place
    shares = []
    for plane in (everywhere, spot):
        gate = Gate()
        for _ in range(3):
            gate.see(plane, first, plane)
        shares.append(gate.share)
    assert shares[0] > 0.8
    assert shares[1] == pytest.approx(0, abs=1e-6)


def test_what_is_granted_is_lost_where_planes_say_otherwise() -> None:
    rng = np.random.default_rng(7)
    plane, first = rng.normal(100, 10, (2, 64, 64)).astype(np.float32)
    granted, contradicted, smooth = Gate(), Gate(), Gate()
    granted.grant(detail=0.2, contradicted=1.0)
    contradicted.grant(detail=0.2, contradicted=2.5)
    smooth.grant(detail=0.06, contradicted=1.0)
    assert [g.share for g in (granted, contradicted, smooth)] == [1, 0, 0]
    chance = rng.normal(0, 5, (64, 64)).astype(np.float32)
    for gate in (granted, contradicted, smooth):
        gate.see(plane, first, first + chance)
    assert granted.share < 0.5
    assert contradicted.share == smooth.share == 0
    better = first + (plane - first) / 2
    for gate in (contradicted, smooth):
        gate.see(plane, first, better)
        assert gate.share == 0
        gate.see(plane, first, better)
        assert gate.share > 0.5


def test_points_are_fine_detail_bodies_and_empty_fields_are_not() -> None:
    at = np.arange(64) - 32
    away = np.hypot(*np.meshgrid(at, at))
    rng = np.random.default_rng(8)
    point, body, empty = (
        shape[None].astype(np.float32)
        for shape in (
            100 * np.exp(-(away**2) / 4),
            100 * np.exp(-(away**2) / 400),
            rng.normal(0, 0.3, (64, 64)),
        )
    )
    found = [fine_detail(planes, 1.07, noise=10.0) for planes in (point, body, empty)]
    assert found[0] > 0.5
    assert found[1] < 0.05
    assert found[2] < 0.2
    assert fine_detail(empty, 1.07, noise=0.0) > 0.9
    # the same in other pixels
    assert fine_detail(point, 2.14, noise=10.0) > found[0]


def test_a_volume_contradicts_planes_where_more_than_noise_is_left() -> None:
    rng = np.random.default_rng(9)
    truth = np.full((3, 64, 64), 100, np.float32)
    planes = rng.poisson(truth).astype(np.float32)
    assert contradiction(planes, truth) == pytest.approx(1, abs=0.15)
    assert contradiction(planes, (truth + planes) / 2) == pytest.approx(1, abs=0.15)
    wrong = truth.copy()
    wrong[:, 20:40] += 10
    assert contradiction(planes, wrong) > 2
    assert contradiction(planes, planes) == 0


@pytest.mark.slow
def test_its_prediction_is_told_in_the_unit_of_the_priors() -> None:
    """A network that adds nothing is as good as its prior: noise is out of both."""
    _, counts = stacks("nuclei")
    ours, prior = estimator(OnLayers(CONFIG)), RichardsonLucyEstimator(Z_UM, AIR)
    made = prior.add(counts[12], Z_UM[12]).volume[10]
    ours.add(counts[12], Z_UM[12])
    told = ours.add(counts[10], Z_UM[10]).predictions
    assert told is not None
    noise = prior.noise_in(counts[10])
    alone = relative_errors(counts[10], {"": made}, prior.dark, noise)[""]
    assert told["recurrent-mz"] == pytest.approx(alone, rel=1e-3)
