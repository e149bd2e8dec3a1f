"""What becomes of a trained network: a card, scores, a range, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import yaml
from small_training import SETTINGS, SMALL

from rmz_acquire.cli import main
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.models import load_model
from rmz_acquire.optics import Optics, OpticsRange
from rmz_acquire.training import fit, release, release_again, train
from rmz_acquire.training.release_range import declare, worst

if TYPE_CHECKING:
    from pathlib import Path

# Of lightning itself, with the version of torch that goes with it; and of runs that
# made their checkpoints at other steps.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`"),
]

ONE = {**SETTINGS["simulation"], "families": {"beads": 1.0}}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a run of beads alone, released whatever it gains."""
    folder = tmp_path_factory.mktemp("run")
    config = folder / "small.yaml"
    config.write_text(
        yaml.safe_dump({**SETTINGS, "simulation": ONE, "min_gain_db": -50.0})
    )
    train(config, folder / "run", workers=0)
    return folder / "run"


def test_the_card_says_what_the_model_is_for_and_how_well_it_does(done: Path) -> None:
    card = load_model(done / "small").card
    assert (card.name, card.planes, card.largest_gap_um) == ("small", (1, 3), 2.5)
    assert card.optics == Optics(**SETTINGS["simulation"]["optics"])
    assert (card.z_range_um, card.z_step_um) == (4, 0.5)
    assert card.training["simulation"]["families"] == {"beads": 1.0}
    assert "standard deviation" in card.normalisation
    assert not card.comparison and card.optics_range is None
    # scores of the kinds that were trained on, for all numbers of planes
    assert set(card.scores) == set(card.gains) == {"beads"}
    assert set(card.scores["beads"]) == {"M=1", "M=3"}
    everyone = {"recurrent-mz", "wiener", "linear", "nearest"}
    assert set(card.scores["beads"]["M=3"]) == everyone
    # and without each condition: light without noise and background is easier
    assert list(card.conditions) == [
        "all",
        "without noise",
        "without error of the optics told",
        "without aberration",
        "without background",
    ]
    assert set(card.conditions["all"]) == everyone
    noisy, clean = (card.conditions[k]["wiener"] for k in ("all", "without noise"))
    assert clean > noisy


@pytest.mark.slow
def test_it_is_the_average_that_is_released(done: Path, tmp_path: Path) -> None:
    saved = torch.load(done / "last.ckpt", weights_only=False)["state_dict"]
    model = load_model(done / "small").network.state_dict()
    for name, weight in model.items():
        # kept in half precision
        average = saved[f"average.module.{name}"]
        torch.testing.assert_close(weight, average, rtol=1e-3, atol=1e-6, msg=name)
    # the checkpoint of a run is released as its end is
    again = release_again(done, out=tmp_path / "again")
    assert again.card.scores == load_model(done / "small").card.scores
    assert again.sha256 == load_model(done / "small").sha256


@pytest.mark.slow
def test_a_model_that_loses_is_refused_with_its_scores(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model"
    code = main(["release", str(done), "--out", str(out), "--min-gain", "40"])
    said = " ".join(capsys.readouterr().err.split())
    assert code == 1
    assert "model small is not released: on beads at M=" in said
    assert "where +40 is asked for" in said
    assert not out.exists()
    beside = load_model(tmp_path / "model.unreleased").card
    assert beside.scores and beside.comparison
    grid = [0.5 * k for k in range(9)]
    assert any("compared with only" in w for w in beside.check(beside.optics, grid))


@pytest.mark.slow
def test_a_competitor_is_released_to_be_compared_with(tmp_path: Path) -> None:
    config = SMALL.model_copy(update={"min_gain_db": None, "planes": (3, 3)})
    module = fit(config, tmp_path / "run", workers=0)
    model = release(config, module.average.module, tmp_path / "small")
    assert model.card.comparison
    assert set(model.card.scores) == {"beads", "nuclei", "filaments"}


@pytest.mark.slow
def test_a_model_for_any_objective_carries_its_range(tmp_path: Path) -> None:
    simulation = SMALL.simulation.model_copy(
        update={
            "families": {"beads": 1.0},
            "wide_optics": 1.0,
            "wide_range": OpticsRange(na_over_index=(0.35, 0.93)),
        }
    )
    config = SMALL.model_copy(
        update={"simulation": simulation, "min_gain_db": -50.0, "planes": (3, 3)}
    )
    module = fit(config, tmp_path / "run", workers=0)
    card = release(config, module.average.module, tmp_path / "small").card
    assert "without other objectives" in card.conditions
    grid = [0.0, 0.5, 1.0]
    inside = Optics(na=0.9, immersion_index=1, wavelength_um=0.5, pixel_size_um=0.2)
    assert card.check(inside, grid) == []
    weak = inside.model_copy(update={"na": 0.3, "pixel_size_um": 0.6})
    assert card.check(weak, grid) == [
        "model small is made for NA 0.35 to 0.93 in your immersion; yours is NA 0.3"
    ]


def test_a_folder_with_neither_run_nor_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model"):
        release_again(tmp_path)


EVERYWHERE = {"M=1": {1.0: 0.3, 2.0: 0.2}, "M=3": {1.0: 1.0}, "M=8": {1.0: 0.5}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ((1, 10), 2.5)),
        # far from a plane it loses: the gap is cut
        ({"M=3": {1.0: 0.3, 2.0: -0.4}}, ((1, 10), 1.0)),
        # at one plane it loses: the number of planes is cut
        ({"M=1": {1.0: -0.3, 2.0: -0.2}}, ((3, 10), 2.5)),
        ({"M=8": {1.0: -0.3}}, ((1, 3), 2.5)),
        ({"M=3": {1.0: -0.1}}, ((1, 10), 2.5)),
        ({k: {1.0: -1.0} for k in EVERYWHERE}, None),
    ],
)
def test_the_range_is_where_it_nowhere_loses(changes, expected) -> None:
    gains = {"beads": EVERYWHERE, "nuclei": {**EVERYWHERE, **changes}}
    assert declare(gains, (1, 10), 2.5, -0.1) == expected


def test_the_worst_place_is_named() -> None:
    gains = {"beads": EVERYWHERE, "nuclei": {"M=3": {0.5: 2.0, 1.0: -0.7}}}
    assert worst(gains) == ("nuclei", "M=3", 1.0, -0.7)


@pytest.mark.slow
def test_a_run_goes_on_where_only_its_release_is_changed(tmp_path: Path) -> None:
    fit(SMALL, tmp_path, workers=0)
    changes = {"min_gain_db": None, "largest_gap_um": 1.0, "description": "better"}
    again = fit(SMALL.model_copy(update=changes), tmp_path, workers=0)
    assert again.global_step == 4
    with pytest.raises(InputError, match="another configuration"):
        fit(SMALL.model_copy(update={"seed": 9}), tmp_path, workers=0)


def test_scores_are_shown(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", str(done / "small")]) == 0
    shown = capsys.readouterr().out
    for words in ("for use", "beads: PSNR", "over the better", "without noise"):
        assert words in shown


@pytest.mark.slow
def test_a_refused_model_says_how_it_failed(done: Path, tmp_path: Path) -> None:
    with pytest.raises(ScanFailed, match=r"gains [+-].* dB over the better of wiener"):
        release_again(done, out=tmp_path / "m", min_gain_db=40)
