"""Beads are measured in crowded and in sparse fields, each field a specimen."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from rmz_acquire.evaluation import bead_width
from rmz_acquire.evaluation.context import Study
from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
from rmz_acquire.evaluation.result import Result
from rmz_acquire.resources import resource_dir


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Study:
    # what is asked here is asked of the truth
    monkeypatch.setattr("rmz_acquire.evaluation.context.UNTRAINED", ("linear",))
    told = yaml.safe_load(
        (resource_dir("configs") / "evaluation" / "paper.yaml").read_text()
    )
    told["sets"]["beads"]["models"] = {}
    told["quick"]["beads"] = {"side_px": 128, "seeds": 2, "z_every": 10}
    config = EvaluationConfig.model_validate(told)
    return Study(config, config.quick)


@pytest.mark.slow
def test_sparse_fields_are_others_with_fewer_beads(study: Study) -> None:
    result = bead_width.run(study)
    number = {
        field: sum(
            r["field"] == field and r["estimator"] == "truth" for r in result.rows
        )
        for field in ("crowded", "sparse")
    }
    assert 0 < 2 * number["sparse"] < number["crowded"]
    lines = {line["quantity"]: line for line in result.summary}
    for field in number:
        line = lines[f"{field} beads: FWHM, mean"]
        assert line["specimens"]["truth"] == 2
        each = [
            [
                r["fwhm_um"]
                for r in result.rows
                if (r["field"], r["seed"], r["estimator"]) == (field, seed, "truth")
            ]
            for seed in (9000, 9001)
        ]
        mean = np.mean([np.mean(widths) for widths in each])
        assert line["values"]["truth"] == pytest.approx(mean)
    assert any(note.startswith("sparse: 4 beads") for note in result.notes)
    options = {"per_1000_um3": 2.5}
    crowded, sparse = (
        study.stack("beads", 9000, side_px=32, z_every=25, options=told).truth
        for told in (None, options)
    )
    assert sparse.mean() < crowded.mean()


def test_how_far_off_is_the_mean_over_fields() -> None:
    widths = {
        ("truth", 1, 0): 0.2,
        ("truth", 1, 1): 0.2,
        ("truth", 2, 0): 0.2,
        ("ours", 1, 0): 0.3,
        ("ours", 1, 1): 0.5,
        ("ours", 1, 2): 9.0,  # of which the truth was not fitted
        ("ours", 2, 0): 0.2,
    }
    rows = [
        {"field": "sparse", "seed": seed, "bead": bead, "estimator": who, "fwhm_um": w}
        for (who, seed, bead), w in widths.items()
    ]
    result = Result("fig3", "", rows=rows)
    bead_width._sum_up(rows, "sparse", result)
    (off,) = (line for line in result.summary if "off the truth" in line["quantity"])
    assert off["values"] == {"ours": pytest.approx(50.0)}  # 100 % and 0
    assert off["errors"] == {"ours": pytest.approx(50.0)}
