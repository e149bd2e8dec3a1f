"""The study of stops runs in small, and says what it found."""

from __future__ import annotations

import csv

import pytest

from rmz_acquire.evaluation.evaluation_config import EvaluationConfig, StoppingSize
from rmz_acquire.evaluation.runner import evaluate
from rmz_acquire.evaluation.stopping_study import CALIBRATED, PAPER, result_of
from rmz_acquire.resources import resource_dir


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
    assert len(ours) == size.unseen * len(size.families)
    for row in rows:
        over = float(row["nrmse"]) > size.target_nrmse
        assert int(row["over"]) == over
    lines = {line["quantity"]: line["values"] for line in told["summary"]}
    mean = sum(int(row["planes"]) for row in ours) / len(ours)
    assert lines["exposures"][CALIBRATED] == pytest.approx(mean)
    assert PAPER in lines["specimens over the target"]
    assert "Calibrated on 8 specimens of 2 families" in told["notes"][0]


def test_where_nothing_can_be_promised_it_says_so():
    result = result_of([], [], StoppingSize())
    assert not result.rows
    assert "too few" in result.notes[0]
