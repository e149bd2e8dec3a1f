"""Quality against exposures: the planes of a scan, and the others compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from rmz_acquire.evaluation.context import UNTRAINED, Contender, Study, by_plane
from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
from rmz_acquire.evaluation.exposures import EXPOSURES
from rmz_acquire.evaluation.positions import scan_order
from rmz_acquire.resources import resource_dir

if TYPE_CHECKING:
    from rmz_acquire.evaluation.result import Result

pytestmark = pytest.mark.usefixtures("few_steps")

GRID = np.linspace(-6, 6, 13)


def test_three_planes_are_in_the_middles_of_thirds_and_more_fill_the_gaps() -> None:
    assert scan_order(GRID, 2) == [-3, 3]
    assert scan_order(GRID, 5) == [-4, 0, 4, -2, 2]
    assert scan_order(GRID, 7) == [-4, 0, 4, -2, 2, -6, 6]
    for m in range(3, 13):
        assert scan_order(GRID, m) == scan_order(GRID, 13)[:m]
    assert sorted(scan_order(GRID, 13)) == GRID.tolist()


@pytest.fixture(scope="module")
def study() -> Study:
    told = yaml.safe_load(
        (resource_dir("configs") / "evaluation" / "paper.yaml").read_text()
    )
    told["sets"] = {"beads": told["sets"]["beads"]}
    told["sets"]["beads"]["models"] = {}
    told["more_sets"] = {"few": {**told["sets"]["beads"], "planes": [2]}}
    told["quick"]["more_exposures"] = {
        **{"side_px": 32, "seeds": 2, "z_every": 20, "planes": [4]}
    }
    told["quick"]["exposures"] = {
        **{"side_px": 32, "seeds": 2, "z_every": 10, "planes": [3, 2, 5, 11]}
    }
    config = EvaluationConfig.model_validate(told)
    return Study(config, config.quick)


@pytest.fixture(scope="module")
def result(study: Study) -> Result:
    return EXPOSURES.run(study)


@pytest.mark.slow
def test_all_get_the_same_planes_and_are_compared_over_the_same_others(
    study: Study, result: Result
) -> None:
    rows = [r for r in result.rows if r["set"] == "beads"]
    found = {(r["seed"], r["planes"], r["estimator"]): r for r in rows}
    # 11 of the 11 planes leave none to compare
    assert {m for _, m, _ in found} == {2, 3, 5}
    assert len(found) == len(rows) == 2 * 3 * len(UNTRAINED)
    seed = study.config.seed + 1
    stack = study.stack("beads", seed, side_px=32, z_every=10)
    for m in (2, 5):
        taken = [
            int(np.abs(stack.z_um - z).argmin()) for z in scan_order(stack.z_um, m)
        ]
        others = [i for i in range(11) if i not in taken]
        for name in ("richardson-lucy", "linear"):
            estimator = Contender(name, name).fresh(stack.z_um, stack.optics)
            for i in taken:  # one by one, as they come
                volume = estimator.add(stack.counts[i], float(stack.z_um[i])).volume
            values = by_plane(stack.truth, volume)
            row = found[seed, m, name]
            for key in ("psnr_db", "nrmse"):
                assert row[key] == pytest.approx(values[key][others].mean(), rel=1e-6)


@pytest.mark.slow
def test_its_lines_have_errors_over_specimens(result: Result) -> None:
    lines = {line["quantity"]: line for line in result.summary}
    psnr = lines["beads, M=5: PSNR"]
    each = [
        r["psnr_db"]
        for r in result.rows
        if r["planes"] == 5 and r["estimator"] == "linear"
    ]
    theirs = [
        r["psnr_db"]
        for r in result.rows
        if r["planes"] == 5 and r["estimator"] == "wiener"
    ]
    assert psnr["values"]["linear"] == pytest.approx(np.mean(each))
    assert psnr["errors"]["linear"] == pytest.approx(abs(each[0] - each[1]) / 2)
    assert psnr["specimens"]["linear"] == 2
    gain = lines["beads, M=5: gain over wiener"]["values"]["linear"]
    both = psnr["values"]
    assert gain == pytest.approx(both["linear"] - both["wiener"])
    least = lines["beads, M=5: least gain of a specimen over wiener"]
    gains = np.subtract(each, theirs)
    assert least["values"]["linear"] == pytest.approx(gains.min())
    assert least["specimens"]["linear"] == 2 and not least["errors"]


@pytest.mark.slow
def test_a_set_of_its_own_has_its_own_size_and_numbers_of_planes(
    result: Result,
) -> None:
    rows = [r for r in result.rows if r["set"] == "few"]
    assert {(r["seed"], r["planes"]) for r in rows} == {(9000, 2), (9001, 2)}
    assert {r["estimator"] for r in rows} == set(UNTRAINED)
