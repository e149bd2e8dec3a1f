"""Training on the richardson-lucy prior: computed once, resumed, released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from small_training import SETTINGS

from rmz_acquire.errors import InputError
from rmz_acquire.networks import OnLayers
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.training import TrainingConfig, cached, fit
from rmz_acquire.training.cached import CachedSequences
from rmz_acquire.training.module import LayersModule
from rmz_acquire.training.release import release

if TYPE_CHECKING:
    from pathlib import Path

# Of lightning itself, with the version of torch that goes with it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.* is deprecated:FutureWarning"
)

CONFIG = TrainingConfig.model_validate(
    {
        **{k: v for k, v in SETTINGS.items() if k not in {"targets"}},
        "network": {"prior": "richardson-lucy", "channels": 2},
        "cache": {"specimens": 2, "uses": 2},
        "planes": [2, 3],
        "min_gain_db": None,
        "optimiser": {"steps": 4, "accumulate": 1, "average_decay": 0.5},
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("run")
    return made


def test_priors_are_computed_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = CachedSequences(CONFIG, folder).sequence(0)

    def never(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(cached, "RichardsonLucyEstimator", never)
    again = CachedSequences(CONFIG, folder).sequence(0)
    torch.testing.assert_close(again.target, first.target)
    torch.testing.assert_close(again.prior, first.prior)
    # the background is 0, and the estimate is something like the truth
    estimate = first.prior.estimate
    assert np.corrcoef(estimate.flatten(), first.target.flatten())[0, 1] > 0.5


def test_no_two_processes_see_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CachedSequences, "_together", lambda _, samples: samples)

    def seen(count: int, **share: int) -> list[int]:
        batches = iter(CachedSequences(CONFIG, tmp_path, **share))
        return [n for _ in range(count) for n in next(batches)]  # type: ignore[attr-defined]

    alone = seen(6)
    first, second = (seen(3, rank=rank, ranks=2) for rank in (0, 1))
    assert sorted(first + second) == alone
    # each goes on where it was
    assert seen(1, rank=1, ranks=2) + seen(2, consumed=1, rank=1, ranks=2) == second


def test_a_turned_sample_keeps_planes_and_distances_together(folder: Path) -> None:
    sequences = CachedSequences(CONFIG, folder)
    kept = sequences._priors(0)["distances"]
    nearest = [np.minimum(before, after) for before, after in kept]
    for seed in range(8):
        made = sequences.sequence(0, np.random.default_rng(seed))
        assert made.target.shape == made.prior.estimate.shape == (9, 32, 32)
        found = torch.minimum(made.prior.before_px, made.prior.after_px).numpy()
        assert any(
            np.array_equal(found, n) or np.array_equal(found, n[::-1]) for n in nearest
        )
        low = made.prior.before_px.isinf()
        assert bool((low[:-1] >= low[1:]).all())  # only below the first plane


@pytest.mark.slow
def test_cut_off_and_gone_on_with_is_the_run_in_one_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(CONFIG, folder, workers=0, checkpoint_every=2)
    assert whole.network.last.weight.abs().max() > 0
    real, seen = LayersModule.training_step, []

    def power_cut(self: LayersModule, batch: Any, index: int) -> Any:
        seen.append(index)
        if len(seen) == 4:
            raise RuntimeError("power cut")
        return real(self, batch, index)

    beside = folder / "again"
    with monkeypatch.context() as patch:
        patch.setattr(LayersModule, "training_step", power_cut)
        with pytest.raises(RuntimeError, match="power cut"):
            fit(CONFIG, beside, workers=0, checkpoint_every=2)
    resumed = fit(CONFIG, beside, workers=0, checkpoint_every=2).state_dict()
    for name, weight in whole.state_dict().items():
        torch.testing.assert_close(resumed[name], weight, msg=name)


@pytest.mark.slow
def test_what_is_released_makes_volumes(folder: Path, tmp_path: Path) -> None:
    network = fit(CONFIG, folder, workers=0, checkpoint_every=2).average.module
    assert isinstance(network, OnLayers)
    model = release(CONFIG, network, tmp_path / "small")
    assert model.card.network == CONFIG.network
    assert "richardson-lucy" in model.card.scores["beads"]["M=3"]
    optics = CONFIG.simulation.optics
    estimator = make_estimator("recurrent-mz", [0, 0.5, 1.0], optics, model=model)
    volume = estimator.add(np.full((33, 35), 100.0) + np.eye(33, 35), 0.5).volume
    assert volume.shape == (3, 33, 35)
    assert np.isfinite(volume).all()


@pytest.mark.parametrize("changes", [{"cache": None}, {"network": SETTINGS["network"]}])
def test_cache_and_prior_go_together(changes: dict[str, Any], tmp_path: Path) -> None:
    import yaml

    settings = {**CONFIG.model_dump(mode="json"), **changes}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    with pytest.raises(InputError, match="cache goes with"):
        TrainingConfig.from_yaml(path)
