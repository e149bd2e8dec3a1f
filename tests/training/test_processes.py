"""Training as a process of its own: killed, gone on with, and two of them at once."""

from __future__ import annotations

import os
import random
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml
from children import started, wait_for_end

from rmz_acquire.models import load_model
from rmz_acquire.training import TrainingConfig, fit
from rmz_acquire.training.module import training_module

if TYPE_CHECKING:
    from pathlib import Path

# Of lightning itself, with the version of torch that goes with it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.* is deprecated:FutureWarning"
)

KILLS = int(os.environ.get("RMZ_ACQUIRE_KILLS", "2"))
BEADS = {"families": {"beads": 1}, "sequences": 1}


SCRIPT = """
import os, signal, sys, torch
from rmz_acquire.training.module import TrainingModule

batches, saves = int(os.environ["BATCH"]), int(os.environ["SAVE"])
step, save = TrainingModule.training_step, torch.save

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def training_step(self, batch, index):
    global batches
    batches -= 1
    return killed() if batches == 0 else step(self, batch, index)

def half_saved(obj, file):
    global saves
    saves -= 1
    if saves == 0:
        file.write(b"half")
        file.flush()
        killed()
    save(obj, file)

TrainingModule.training_step, torch.save = training_step, half_saved
from rmz_acquire.cli import main
raise SystemExit(main())
"""
"""A script of its own, as several processes need one; it kills itself where told."""


def train(
    folder: Path, config: Path, *options: str, batch: int = -1, save: int = -1
) -> int:
    """Run `rmz-acquire train`, killed at a batch or in the midst of a checkpoint.

    What it started itself is gone with it: a process that waits for one that was
    killed, or one that loads.
    """
    script = folder / "rmz.py"
    script.write_text(SCRIPT)
    words = [sys.executable, str(script), "train", str(config), *options]
    env = {**os.environ, "BATCH": str(batch), "SAVE": str(save)}
    with (
        (folder / "said.txt").open("ab") as said,
        started(words, stdout=said, stderr=said, cwd=folder, env=env) as process,
    ):
        wait_for_end(process)
    return process.returncode


def written(folder: Path, tiny: dict[str, Any], **changes: Any) -> Path:
    tiny["simulation"] |= BEADS
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({**tiny, "planes": [2, 2], **changes}))
    return path


def same_weights(network: torch.nn.Module, other: torch.nn.Module, **near: Any) -> None:
    theirs = dict(other.named_parameters())
    for name, weight in network.named_parameters():
        torch.testing.assert_close(theirs[name], weight, msg=name, **near)


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_as_one_that_was_not(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    steps = {"steps": 16, "accumulate": 2, "learning_rate": 0.01}
    config = written(tmp_path, tiny, optimiser=steps, validate_every=6)
    told = TrainingConfig.from_yaml(config)
    whole = fit(told, tmp_path / "whole", workers=0)

    chance, run, before = random.Random(5), tmp_path / "killed", 0
    # in the third write of a checkpoint, and then at some batch
    moments = [
        {"save": 3},
        *({"batch": chance.randint(4, 9)} for _ in range(KILLS - 1)),
    ]
    for moment in moments:
        code = train(tmp_path, config, "--out", str(run), **moment)
        assert code == -signal.SIGKILL, _said(tmp_path)
        # what was written is whole, and nothing that was done before is lost
        assert before <= _step(run) < 16
        before = _step(run)
    assert before > 0
    resumed = fit(told, run, workers=1)
    assert _step(run) == 16
    same_weights(whole.network, resumed.network, atol=0, rtol=0)
    same_weights(whole.average, resumed.average, atol=0, rtol=0)


def _said(folder: Path) -> str:
    return (folder / "said.txt").read_text("utf-8")[-3000:]


def _step(run: Path) -> int:
    path = run / "last.ckpt"
    if not path.exists():
        return 0
    return int(torch.load(path, weights_only=False)["global_step"])


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["berhu", "paper"])
def test_two_processes_learn_from_different_specimens(
    loss: str, tiny: dict[str, Any], tmp_path: Path
) -> None:
    # Specimens 0, 2, ... of one process and 1, 3, ... of the other, their gradients
    # averaged, are those of one process that gathers two at every step.
    told = {"loss": loss, "discriminator": {"levels": 2, "base_channels": 2}}
    steps = {"steps": 4, "learning_rate": 0.01}
    alone = written(tmp_path, tiny, optimiser={**steps, "accumulate": 2}, **told)
    # Adam makes much of rounding: all on one thread
    told_one = TrainingConfig.from_yaml(alone)
    one = fit(told_one, tmp_path / "one", threads=1)
    told |= {"optimiser": {**steps, "accumulate": 1}}
    config = written(tmp_path, tiny, **told)
    more = ("--workers", "0", "--threads", "1", "--devices", "2")
    command = config, "--out", str(tmp_path / "two"), *more
    if loss == "berhu":
        # both are killed after a checkpoint, and the same command goes on
        assert train(tmp_path, *command, batch=4) != 0
        assert _step(tmp_path / "two") == 2
    assert train(tmp_path, *command) == 0, _said(tmp_path)
    # the first of them released it
    assert load_model(tmp_path / "two" / "tiny").card.name == "tiny"
    # a model is kept in half precision: the checkpoint is exact
    two = training_module(TrainingConfig.from_yaml(config).on_devices(2))
    saved = torch.load(tmp_path / "two" / "last.ckpt", weights_only=False)
    two.load_state_dict(saved["state_dict"])
    same_weights(one.average.module, two.average.module, atol=1e-5, rtol=1e-4)
