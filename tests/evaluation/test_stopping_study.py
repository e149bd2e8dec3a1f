"""The study of stops runs in small, and says what it found."""

from __future__ import annotations

import csv

import pytest

from rmz_acquire.evaluation import specimen_families
from rmz_acquire.evaluation.evaluation_config import EvaluationConfig, StoppingSize
from rmz_acquire.evaluation.policy_comparison import EVEN
from rmz_acquire.evaluation.runner import evaluate
from rmz_acquire.evaluation.specimen_families import EMPTY
from rmz_acquire.evaluation.stopping_study import (
    CALIBRATED,
    OPTICS,
    PAPER,
    result_of,
)
from rmz_acquire.resources import resource_dir


@pytest.mark.slow
def test_the_quick_form_runs_and_writes_tables_and_a_figure(tmp_path):
    path = resource_dir("configs") / "evaluation" / "paper.yaml"
    config = EvaluationConfig.from_yaml(path)
    found = evaluate(config, tmp_path, quick=True, only=["stopping"])
    told = found["experiments"]["stopping"]
    assert (tmp_path / "stopping.png").stat().st_size > 1000
    size = config.quick.stopping
    with (tmp_path / "stopping.csv").open() as file:
        rows = list(csv.DictReader(file))
    ours = [row for row in rows if row["estimator"] == CALIBRATED]
    empty = [row for row in ours if row["set"] == EMPTY]
    # a field with nothing in it is no volume that is good enough
    assert [int(row["planes"]) for row in empty] == [size.planes]
    ours = [row for row in ours if row not in empty]
    assert len(ours) == size.unseen * len(size.families)
    for row in rows:
        if row["policy"]:
            continue
        over = float(row["nrmse"]) > size.target_nrmse
        assert int(row["over"]) == over
    lines = {line["quantity"]: line["values"] for line in told["summary"]}
    mean = sum(int(row["planes"]) for row in ours) / len(ours)
    assert lines["exposures"][CALIBRATED] == pytest.approx(mean)
    assert PAPER in lines["specimens over the target"]
    assert "Calibrated on 8 specimens of 2 families" in told["notes"][0]
    assert "tested error at or below" in told["notes"][0]
    needed = lines["wiener, 2 specimens: planes for NRMSE 0.4, median"]
    assert set(needed) == {"bisect", "error", EVEN}
    assert all(1 <= planes <= size.planes for planes in needed.values())


def test_two_families_of_one_seed_have_nothing_in_common(monkeypatch):
    """Else specimens that a promise counts as many would be few."""
    seeds = []
    monkeypatch.setattr(
        specimen_families, "simulate", lambda _kind, seed, *_, **__: seeds.append(seed)
    )
    for family in specimen_families.FAMILIES:
        for seed in (5, 6, 5):
            grid = (0.0, 1.0)
            specimen_families.simulate_family(
                family, seed, OPTICS, grid, side_px=32, exposure_ms=300.0
            )
    assert len(set(seeds)) == 2 * len(specimen_families.FAMILIES)


def test_where_nothing_can_be_promised_it_says_so():
    result = result_of([], [], StoppingSize())
    assert not result.rows
    assert "too few" in result.notes[0]
