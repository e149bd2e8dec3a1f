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

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("RMZ_ACQUIRE_KILLS", "2"))
BEADS = {"families": {"beads": 1}, "sequences": 1}


def start(folder: Path, config: Path, *options: str) -> subprocess.Popen[bytes]:
    """Run `rmz-acquire train`; a script of its own, as several processes need one."""
    script = folder / "rmz.py"
    script.write_text("from rmz_acquire.cli import main\nraise SystemExit(main())\n")
    words = [sys.executable, str(script), "train", str(config), *options]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(words, stdout=said, stderr=said, cwd=folder)


def finish(process: subprocess.Popen[bytes], folder: Path) -> None:
    code = process.wait(600)
    assert code == 0, (folder / "said.txt").read_text("utf-8")[-3000:]


def written(folder: Path, tiny: dict[str, Any], **changes: Any) -> Path:
    tiny["simulation"] |= BEADS
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({**tiny, "planes": [2, 2], **changes}))
    return path


@pytest.mark.slow
@pytest.mark.timeout(900 + 300 * KILLS)
def test_killed_at_random_moments_it_ends_as_one_that_was_not(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    steps = {"steps": 60, "accumulate": 2, "learning_rate": 0.01}
    config = written(tmp_path, tiny, optimiser=steps, validate_every=25)
    whole = tmp_path / "whole"
    finish(start(tmp_path, config, "--out", str(whole)), tmp_path)
    begun = (whole / "config.json").stat().st_mtime
    lasts = (whole / "last.ckpt").stat().st_mtime - begun

    chance = random.Random(5)
    run, cut_short = tmp_path / "killed", []
    for _ in range(KILLS):
        before = _step(run)
        process = start(tmp_path, config, "--out", str(run))
        while not (run / "config.json").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.2, 0.8) * lasts)
        process.kill()
        process.wait(30)
        # what was written is whole, and nothing that was done before is lost
        cut_short.append(_step(run))
        assert cut_short[-1] >= before
    assert any(0 < step < 60 for step in cut_short)
    finish(start(tmp_path, config, "--out", str(run)), tmp_path)
    assert _step(run) == 60
    assert load_model(run / "tiny").sha256 == load_model(whole / "tiny").sha256


def _step(run: Path) -> int:
    path = run / "last.ckpt"
    if not path.exists():
        return 0
    return int(torch.load(path, weights_only=False)["global_step"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("loss", ["berhu", "paper"])
def test_two_processes_learn_from_different_specimens(
    loss: str, tiny: dict[str, Any], tmp_path: Path
) -> None:
    # Specimens 0, 2, ... of one process and 1, 3, ... of the other, their gradients
    # averaged, are those of one process that gathers two at every step.
    runs = {
        "two": {"accumulate": 1, "strategy": "ddp", "devices": 2},
        "one": {"accumulate": 2},
    }
    told = {"loss": loss, "discriminator": {"levels": 2, "base_channels": 2}}
    for name, changes in runs.items():
        optimiser = {"steps": 4, "learning_rate": 0.01}
        optimiser["accumulate"] = changes.pop("accumulate")
        config = written(tmp_path, tiny, optimiser=optimiser, **told, **changes)
        options = ["--out", str(tmp_path / name), "--workers", "0"]
        finish(start(tmp_path, config, *options), tmp_path)
    one, two = (load_model(tmp_path / name / "tiny") for name in ("one", "two"))
    theirs = dict(two.network.named_parameters())
    for name, weight in one.network.named_parameters():
        torch.testing.assert_close(theirs[name], weight, atol=1e-5, rtol=1e-4, msg=name)
    assert "tiny.unreleased" not in {p.name for p in (tmp_path / "two").iterdir()}
