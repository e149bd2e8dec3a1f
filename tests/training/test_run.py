"""Runs that are killed and go on, checkpoints on a full disk, every kind of network."""

from __future__ import annotations

import errno

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.training import fit
from rmz_acquire.training.sequences import TrainingSequences

UNET = {"kind": "unet3d", "planes": 2, "slab": 4, "levels": 2, "base_channels": 2}
KINDS = {
    "recurrent": {},
    "prior": {
        "network": {
            "levels": 2,
            "base_channels": 2,
            "norm": "group",
            "prior": "wiener",
        }
    },
    "deep-z": {"network": {"kind": "deep-z", "levels": 2, "base_channels": 2}},
    "unet3d": {"network": UNET, "planes": [2, 2], "targets": 4},
    "by-distance": {"order": "by-distance", "spacing_um": 2},
    "paper": {"loss": "paper", "discriminator": {"levels": 2, "base_channels": 2}},
}


class Killed(Exception):
    """What stands for SIGKILL: nothing of Lightning's own ending runs."""


class KillAt(Callback):
    """Ends a run after some batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_train_batch_end(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def quiet(config, folder, **options):
    return fit(config, folder, workers=0, **options)


def weights(module):
    return {**module.network.state_dict(), **module.average.state_dict()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_killed_ends_as_one_that_was_not(kind, make, tmp_path):
    config = make(**KINDS[kind])
    whole = quiet(config, tmp_path / "whole")
    with pytest.raises(Killed):
        quiet(config, tmp_path / "cut", callbacks=[KillAt(7)])
    assert (tmp_path / "cut" / "last.ckpt").exists()
    resumed = quiet(config, tmp_path / "cut")
    assert whole.global_step == resumed.global_step
    mine, theirs = weights(whole), weights(resumed)
    assert all(torch.equal(mine[k], theirs[k]) for k in mine)
    assert not torch.equal(
        torch.cat([p.ravel() for p in whole.network.parameters()]),
        torch.cat([p.ravel() for p in type(whole)(config).network.parameters()]),
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("done", [0, 1, 4, 7])
def test_sequences_go_on_where_they_stopped(make, workers, done):
    from torch.utils.data import DataLoader

    def first(n, done):
        loader = DataLoader(
            TrainingSequences(make(), consumed=done),
            batch_size=None,
            num_workers=workers,
        )
        return [s.target for s, _ in zip(loader, range(n), strict=False)]

    whole = first(9, 0)
    rest = first(9 - done, done)
    assert all(torch.equal(a, b) for a, b in zip(whole[done:], rest, strict=True))


def test_several_processes_share_the_specimens(make):
    both = [TrainingSequences(make(), rank=r, ranks=2) for r in (0, 1)]
    one = TrainingSequences(make())
    alone = [s.target for s, _ in zip(one, range(6), strict=False)]
    shared = [s.target for part in both for s, _ in zip(part, range(3), strict=False)]
    assert all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True))


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_checkpoint(make, tmp_path, monkeypatch):
    config, save, count = make(), torch.save, [0]

    def full(obj, file):
        count[0] += 1
        if count[0] > 1:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(obj, file)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(ScanFailed, match=r"No space left.*is intact"):
        quiet(config, tmp_path / "run")
    monkeypatch.undo()
    left = torch.load(tmp_path / "run" / "last.ckpt", weights_only=False)
    assert left["global_step"] == 2
    assert [p.name for p in (tmp_path / "run").glob(".*")] == []
    assert quiet(config, tmp_path / "run").global_step == 5


def test_another_configuration_is_refused(make, tmp_path):
    quiet(make(), tmp_path)
    with pytest.raises(InputError, match="another configuration"):
        quiet(make(seed=2), tmp_path)


def test_it_stops_early(make, tmp_path):
    still = {"steps": 40, "accumulate": 1, "learning_rate": 1e-12}
    config = make(optimiser=still, patience=2, validate_every=2)
    assert quiet(config, tmp_path).global_step < 40


@pytest.mark.slow
def test_pictures_and_curves_for_tensorboard(make, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )

    quiet(make(precision="bf16-mixed"), tmp_path)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert "gain_db" in events.Tags()["scalars"]
    assert len(events.Tags()["images"]) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lose": "berhu"}, "lose"),
        ({"planes": [3, 1]}, "planes 3 to 1 do not fit"),
        ({"planes": [1, 9]}, "do not fit a grid of 7"),
        ({"spacing_um": 4}, "exceed the z range"),
        ({"network": UNET}, "fixed number of planes"),
        ({"network": {"kind": "unet"}}, "network"),
    ],
)
def test_a_bad_configuration_is_told_in_one_line(tiny, tmp_path, changes, said):
    import yaml

    from rmz_acquire.training import TrainingConfig

    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump({**tiny, **changes}))
    with pytest.raises(InputError, match=said) as caught:
        TrainingConfig.from_yaml(path)
    assert "\n" not in str(caught.value)


def test_every_shipped_configuration_is_valid():
    from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
    from rmz_acquire.resources import resource_dir
    from rmz_acquire.training import TrainingConfig

    shipped = resource_dir("configs")
    names = {p.stem for p in (shipped / "training").glob("*.yaml")}
    for name in names:
        path = shipped / "training" / f"{name}.yaml"
        assert TrainingConfig.from_yaml(path).name == name
    told = EvaluationConfig.from_yaml(shipped / "evaluation" / "paper.yaml")
    models = {e.model for data in told.sets.values() for e in data.models.values()}
    models |= {*told.spacing_models.values(), *told.order_models.values()}
    assert models - names <= {"widefield"}


def test_a_configuration_extends_another(tiny, tmp_path):
    import yaml

    from rmz_acquire.training import TrainingConfig

    (tmp_path / "base.yaml").write_text(yaml.safe_dump(tiny))
    path = tmp_path / "mine.yaml"
    path.write_text("extends: base.yaml\nseed: 9\noptimiser: {steps: 7}\n")
    config = TrainingConfig.from_yaml(path)
    assert (config.seed, config.optimiser.steps) == (9, 7)
    assert config.optimiser.learning_rate == 0.01
    path.write_text("extends: mine.yaml\n")
    with pytest.raises(InputError, match="or itself"):
        TrainingConfig.from_yaml(path)
