"""Training as a process of its own: killed, gone on with, and two of them at once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml

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


def start(folder: Path, config: Path, *options: str) -> subprocess.Popen[bytes]:
    """Run `rmz-acquire train`; a script of its own, as several processes need one."""
    script = folder / "rmz.py"
    script.write_text("from rmz_acquire.cli import main\nraise SystemExit(main())\n")
    words = [sys.executable, str(script), "train", str(config), *options]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(words, stdout=said, stderr=said, cwd=folder)


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
@pytest.mark.timeout(600 + 200 * KILLS)
def test_killed_at_random_moments_it_ends_as_one_that_was_not(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    steps = {"steps": 80, "accumulate": 2, "learning_rate": 0.01}
    config = written(tmp_path, tiny, optimiser=steps, validate_every=25)
    told = TrainingConfig.from_yaml(config)
    whole = fit(told, tmp_path / "whole")
    begun = (tmp_path / "whole" / "config.json").stat().st_mtime
    lasts = (tmp_path / "whole" / "last.ckpt").stat().st_mtime - begun

    chance = random.Random(5)
    run, cut_short = tmp_path / "killed", []
    for _ in range(KILLS):
        before = _step(run)
        process = start(tmp_path, config, "--out", str(run))
        while not (run / "config.json").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.3, 0.9) * lasts)
        process.kill()
        process.wait(30)
        # what was written is whole, and nothing that was done before is lost
        cut_short.append(_step(run))
        assert cut_short[-1] >= before
    assert min(cut_short) < 80
    resumed = fit(told, run)
    assert _step(run) == 80
    same_weights(whole.network, resumed.network, atol=0, rtol=0)
    same_weights(whole.average, resumed.average, atol=0, rtol=0)


def _step(run: Path) -> int:
    path = run / "last.ckpt"
    if not path.exists():
        return 0
    return int(torch.load(path, weights_only=False)["global_step"])


@pytest.mark.slow
@pytest.mark.timeout(600)
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
    told |= {"strategy": "ddp", "devices": 2, "optimiser": {**steps, "accumulate": 1}}
    config = written(tmp_path, tiny, **told)
    more = ("--workers", "0", "--threads", "1")
    process = start(tmp_path, config, "--out", str(tmp_path / "two"), *more)
    code = process.wait(500)
    assert code == 0, (tmp_path / "said.txt").read_text("utf-8")[-3000:]
    # the first of them released it
    assert load_model(tmp_path / "two" / "tiny").card.name == "tiny"
    # a model is kept in half precision: the checkpoint is exact
    two = training_module(TrainingConfig.from_yaml(config))
    saved = torch.load(tmp_path / "two" / "last.ckpt", weights_only=False)
    two.load_state_dict(saved["state_dict"])
    same_weights(one.average.module, two.average.module, atol=1e-5, rtol=1e-4)
