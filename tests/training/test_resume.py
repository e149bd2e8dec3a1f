from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml
from small_training import SETTINGS, SMALL

from rmz_acquire.errors import InputError
from rmz_acquire.training import fit, train
from rmz_acquire.training.module import TrainingModule

if TYPE_CHECKING:
    from pathlib import Path

# Of lightning itself, with the version of torch that goes with it.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*LeafSpec.* is deprecated:FutureWarning"
)


def run(folder: Path, workers: int = 0) -> TrainingModule:
    return fit(SMALL, folder, workers=workers, checkpoint_every=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingModule]:
    """Four steps of two sequences in one go, three sequences a specimen."""
    folder = tmp_path_factory.mktemp("run")
    return folder, run(folder)


def alike(a: TrainingModule, b: TrainingModule) -> None:
    theirs = b.state_dict()
    for name, weight in a.state_dict().items():
        torch.testing.assert_close(theirs[name], weight, msg=name)


@pytest.mark.slow
def test_training_changes_the_weights_and_their_average(
    whole: tuple[Path, TrainingModule],
) -> None:
    start, trained = TrainingModule(SMALL), whole[1]
    for name in ("network.output.weight", "average.module.output.weight"):
        assert not torch.equal(start.state_dict()[name], trained.state_dict()[name])
    checkpoint = torch.load(whole[0] / "last.ckpt", weights_only=False)
    assert checkpoint["global_step"] == 4


@pytest.mark.slow
def test_cut_off_and_gone_on_with_is_the_run_in_one_go(
    whole: tuple[Path, TrainingModule],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, seen = TrainingModule.training_step, []

    def power_cut(self: TrainingModule, batch: Any, index: int) -> Any:
        seen.append(index)
        if len(seen) == 6:  # in the third step, in the middle of a specimen
            raise RuntimeError("power cut")
        return real(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", power_cut)
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path)
    assert torch.load(tmp_path / "last.ckpt", weights_only=False)["global_step"] == 2

    trained = []
    monkeypatch.setattr(
        TrainingModule,
        "training_step",
        lambda self, batch, index: (
            trained.append(len(batch.planes)) or real(self, batch, index)
        ),
    )
    alike(whole[1], run(tmp_path))
    assert len(trained) == 4  # two steps are left
    alike(whole[1], run(tmp_path))
    assert len(trained) == 4  # none is left


@pytest.mark.slow
def test_a_worker_process_makes_the_same_sequences(
    whole: tuple[Path, TrainingModule], tmp_path: Path
) -> None:
    alike(whole[1], run(tmp_path, workers=1))


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_folder_with_a_damaged_configuration_is_another_run(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="another configuration"):
        run(tmp_path)


def test_folder_of_another_run_is_left_alone(
    whole: tuple[Path, TrainingModule],
) -> None:
    folder = whole[0]
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    other = SMALL.model_copy(update={"seed": 8})
    with pytest.raises(InputError, match="choose another folder"):
        fit(other, folder, workers=0)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_bad_configuration_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump({**SETTINGS, "sed": 1}), encoding="utf-8")
    with pytest.raises(InputError, match="sed"):
        train(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()
