"""How `rmz-acquire train` ends on what cannot be trained on, or cannot be written."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import yaml

from rmz_acquire.cli import main
from rmz_acquire.stacks import write_stack

if TYPE_CHECKING:
    from pathlib import Path

# Of lightning itself, with the version of torch that goes with it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.* is deprecated:FutureWarning"
)


def stacks(folder: Path, last: np.ndarray) -> list[dict[str, str]]:
    rng = np.random.default_rng(0)
    good = rng.poisson(200, (7, 40, 40)).astype(np.uint16)
    for name, data in (("a", good), ("b", good), ("c", last)):
        path = folder / f"{name}.ome.tif"
        write_stack(path, data, z_step_um=1.0, pixel_size_um=0.325)
    return [{"path": f"{name}.ome.tif"} for name in "abc"]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (np.full((7, 20, 20), 9, np.uint16), "every pixel is 9"),
        (np.arange(7 * 20 * 20, dtype=np.uint16).reshape(7, 20, 20), "smaller than"),
        (np.zeros((7, 40, 40), np.uint16), "every pixel is zero"),
        (np.full((7, 40, 40), np.nan, np.float32), "NaN"),
    ],
)
def test_bad_stacks_end_with_one_line_and_nothing_written(
    last: np.ndarray,
    said: str,
    tiny: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tiny["files"] = {"stacks": stacks(tmp_path, last)}
    config, out = tmp_path / "mine.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(tiny))
    assert main(["train", str(config), "--out", str(out)]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and said in told[0] and "c.ome.tif" in told[0]
    assert not out.exists()


def test_an_unknown_key_ends_with_one_line(
    tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump({**tiny, "learning_rat": 1}))
    assert main(["train", str(config), "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and "learning_rat" in told[0]
    assert not (tmp_path / "run").exists()


def test_a_full_disk_ends_with_what_to_do(
    tiny: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, save, count = tmp_path / "mine.yaml", torch.save, [0]
    config.write_text(yaml.safe_dump(tiny))

    def full(obj: Any, file: Any) -> None:
        count[0] += 1
        if count[0] > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(obj, file)

    monkeypatch.setattr(torch, "save", full)
    words = ["train", str(config), "--out", str(tmp_path / "run"), "--workers", "0"]
    assert main(words) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "No space left on device" in said and "is intact" in said
    assert torch.load(tmp_path / "run" / "last.ckpt", weights_only=False)
