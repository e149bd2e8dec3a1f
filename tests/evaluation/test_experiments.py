"""The experiments: each runs, and the measures are right where that is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import yaml

from rmz_acquire.cli import main
from rmz_acquire.cli.evaluate import EXPERIMENTS as KNOWN
from rmz_acquire.evaluation.bead_width import find_beads, kl_divergence, width_px
from rmz_acquire.evaluation.context import by_plane
from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
from rmz_acquire.evaluation.runner import EXPERIMENTS, evaluate
from rmz_acquire.models import ModelCard, save_model
from rmz_acquire.networks import (
    DeepZConfig,
    RecurrentMZConfig,
    UNet3DConfig,
    build_network,
)
from rmz_acquire.resources import resource_dir

pytestmark = pytest.mark.usefixtures("few_steps")

SMALL = {"levels": 2, "base_channels": 2}
OWN_TESTS = ("fig6", "stopping")
NETWORKS = {
    "Recurrent-MZ on wiener": RecurrentMZConfig(**SMALL, norm="group", prior="wiener"),
    "Deep-Z": DeepZConfig(**SMALL),
    "3D U-Net": UNet3DConfig(**SMALL, slab=4),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Make the shipped configuration small, with untrained networks for some models."""
    path = resource_dir("configs") / "evaluation" / "paper.yaml"
    told = yaml.safe_load(path.read_text())
    for name, data in told["sets"].items():
        for label, network in NETWORKS.items():
            torch.manual_seed(0)
            card = ModelCard(
                name="small",
                description="",
                network=network,
                optics=data["optics"],
                z_range_um=data["z_range_um"],
                z_step_um=data["z_step_um"],
                largest_gap_um=3,
                planes=(1, 5),
                order="",
                dz_unit="",
                normalisation="",
                data="",
                training={},
                date="",
                sha256="",
            )
            folder = tmp_path_factory.mktemp("models") / f"{name}-{network.kind}"
            save_model(folder, build_network(network), card)
            made = {"estimator": network.kind, "model": str(folder)}
            data["models"][label] = made
        data["models"]["Recurrent-MZ"] = {
            "estimator": "recurrent-mz",
            "model": "nobody-has-released-this",
        }
    told["sets"]["beads 20x"] |= {"side_px": 32, "z_every": 5}
    told["more_sets"] = {"filaments 20x": told["more_sets"]["filaments 20x"]}
    told["quick"] |= {
        "side_px": 32,
        "beads": {"side_px": 64, "seeds": 1, "z_every": 10},
        "draws": {"side_px": 32, "z_every": 10, "number": 2, "sigmas_um": [0, 1]},
        "exposures": {"side_px": 32, "seeds": 1, "z_every": 10, "planes": [2, 4]},
        "z_every": 9,
        "planes": [1, 2, 3],
        "timing_side_px": 64,
        "timing_planes": 2,
        "real_px": 64,
    }
    told["objectives"]["list"] = told["objectives"]["list"][:1]
    return EvaluationConfig.model_validate(told)


@pytest.mark.slow
@pytest.mark.parametrize("key", [k for k in EXPERIMENTS if k not in OWN_TESTS])
def test_it_runs_and_writes_what_it_found(key, config, tmp_path):
    found = evaluate(config, tmp_path, quick=True, only=[key.lower()])
    assert {p.name for p in tmp_path.iterdir()} == {
        ".lock",
        "results.json",
        "table.md",
        "goals.csv",
        f"{key}.csv",
        f"{key}.png",
    }
    assert json.loads((tmp_path / "results.json").read_text()) == found
    result = found["experiments"][key]
    table = (tmp_path / "table.md").read_text()
    assert "measured on other data" in table
    shown = {label for row in result["summary"] for label in row["values"]}
    if len((tmp_path / f"{key}.csv").read_text().splitlines()) > 1:
        assert {"wiener", "linear", "nearest"} <= shown
    if key in {"fig2", "fig4", "fig5", "fig7", "S1"}:
        assert shown >= set(NETWORKS)
        # nobody has released these: they are named, not made up
        assert any("Recurrent-MZ (" in m for m in result["missing"])
        assert "Recurrent-MZ" not in shown


@pytest.mark.slow
def test_the_same_seed_gives_the_same_results(config, tmp_path):
    for name in ("a", "b"):
        evaluate(config, tmp_path / name, quick=True, only=["fig4"])
    a, b = ((tmp_path / n / "fig4.csv").read_text() for n in ("a", "b"))
    assert a == b


@pytest.mark.slow
def test_the_order_of_planes_is_nothing_to_what_does_not_remember(config, tmp_path):
    found = evaluate(config, tmp_path, quick=True, only=["fig6"])
    summary = found["experiments"]["fig6"]["summary"]
    spread = [r for r in summary if ": spread over orders" in r["quantity"]]
    assert [r["quantity"].partition(":")[0] for r in spread] == ["neurons", "beads 20x"]
    neurons, beads = (r["values"] for r in spread)
    for values in (neurons, beads):
        for label in ("wiener", "linear"):
            assert values[label] == pytest.approx(0, abs=0.05)
        assert values["3D U-Net"] > 0.1
    for label in ("nearest", "Deep-Z"):
        assert neurons[label] == pytest.approx(0, abs=0.05)
        # of two planes that are as near as each other it is the first that counts
        assert beads[label] < 1
    assert not any(label.startswith("trained") for label in beads)


def test_by_plane_by_hand():
    truth = np.zeros((2, 20, 20), np.float32)
    truth[:, :, 10:] = 100
    made = truth.copy()
    made[1] += 10
    values = by_plane(truth, made)
    assert values["rmse"] == pytest.approx([0, 10])
    assert values["nrmse"][1] == pytest.approx(0.2)
    assert values["psnr_db"][1] == pytest.approx(20)


def test_the_width_of_a_gaussian_is_found():
    y, x = np.mgrid[:40, :40]
    spot = 100 + 500 * np.exp(-((y - 20.3) ** 2 + (x - 19.6) ** 2) / (2 * 1.7**2))
    assert width_px(spot, 20, 20) == pytest.approx(2.3548 * 1.7, rel=0.01)
    assert width_px(np.full((40, 40), 100.0), 20, 20) is None


def test_beads_that_touch_or_lie_at_the_rim_are_left_out():
    volume = np.full((5, 90, 90), 100, np.float32)
    volume[2, 30, 30] = 900
    volume[1, 60, 60], volume[3, 60, 66] = 900, 1000  # too near each other
    volume[2, 3, 50] = 900  # at the rim
    volume[0, 75, 20] = 900  # at the end of the range
    assert find_beads(volume) == [(2, 30, 30), (3, 60, 66)]


def test_kl_divergence():
    same = np.full(50, 0.44)
    assert kl_divergence(same, same) == pytest.approx(0)
    half_off = np.where(np.arange(50) % 2, 0.44, 0.74)
    assert kl_divergence(same + 0.3, same) > kl_divergence(half_off, same) > 0.1


def test_the_command_knows_all_of_them_before_it_loads_any():
    assert set(KNOWN) == set(EXPERIMENTS)


def test_an_unknown_experiment_is_one_line(tmp_path, capsys):
    code = main(["evaluate", "--only", "fig9", "--out", str(tmp_path / "out")])
    assert code == 2
    assert "--only fig9: choose from" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unknown_key_is_one_line(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text("seeds: 3\n")
    assert main(["evaluate", "--config", str(path), "--out", str(tmp_path / "o")]) == 2
    assert "mine.yaml" in capsys.readouterr().err
