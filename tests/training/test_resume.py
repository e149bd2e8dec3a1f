from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from small_training import SMALL

from rmz_acquire.training import fit
from rmz_acquire.training.module import TrainingModule

if TYPE_CHECKING:
    from pathlib import Path


# Of lightning itself, with the versions of torch and of the loader that go with it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


def run(folder: Path) -> TrainingModule:
    return fit(SMALL, folder, workers=0, progress=False, checkpoint_every=2)


def test_cut_off_and_gone_on_with_is_the_run_in_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "whole")

    real, seen = TrainingModule.training_step, []

    def cut_off(self: TrainingModule, batch: object, index: int) -> object:
        seen.append(index)
        if len(seen) == 6:  # in the third of four steps of two sequences
            raise RuntimeError("power cut")
        return real(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", cut_off)
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path / "cut")
    monkeypatch.setattr(TrainingModule, "training_step", real)
    resumed = run(tmp_path / "cut")
    for name, expected in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], expected, msg=name)
