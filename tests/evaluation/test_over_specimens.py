"""Means and their errors are over specimens, not over the planes of each."""

from __future__ import annotations

from typing import Any

import pytest

from rmz_acquire.evaluation.result import Mean, Result, gains_over, over_specimens
from rmz_acquire.evaluation.tables import full_table


def row(seed: int, estimator: str, value: float | None, **more: Any) -> dict[str, Any]:
    return {"seed": seed, "estimator": estimator, "value": value, **more}


ROWS = [
    # ten planes of the first specimen, one of the others: no more weight for that
    *(row(1, "ours", 10.0 + k % 2) for k in range(10)),
    row(2, "ours", 13.5),
    row(3, "ours", 16.5),
    row(1, "theirs", 8.5),
    row(2, "theirs", 11.5),
    row(3, "theirs", 15.5),
]


def test_the_mean_of_each_specimen_comes_first() -> None:
    found = over_specimens(ROWS, "value")
    assert list(found) == ["ours", "theirs"]
    assert found["ours"].value == pytest.approx((10.5 + 13.5 + 16.5) / 3)
    assert found["ours"].error == pytest.approx(3**0.5)  # deviation 3, of three
    assert found["ours"].n == 3


def test_one_specimen_has_no_error_however_many_planes() -> None:
    found = over_specimens([r for r in ROWS if r["seed"] == 1], "value")
    assert found["ours"] == Mean(10.5, None, 1)


@pytest.mark.parametrize("key", ["set", "field", "objective", "specimen", "stack"])
def test_what_tells_specimens_apart(key: str) -> None:
    rows = [row(1, "ours", 1.0, **{key: "a"}), row(1, "ours", 3.0, **{key: "b"})]
    assert over_specimens(rows, "value")["ours"] == Mean(2.0, 1.0, 2)


def test_a_gain_is_that_on_the_same_specimen() -> None:
    rows = [*ROWS, row(4, "ours", 99.0)]  # nobody else did that one
    gain = gains_over(rows, "value", "theirs")
    assert list(gain) == ["ours"]
    assert gain["ours"].value == pytest.approx((2 + 2 + 1) / 3)
    assert gain["ours"].error == pytest.approx(1 / 3)
    assert gains_over(ROWS, "value", "nobody") == {}


def test_what_was_not_measured_is_no_zero() -> None:
    found = over_specimens([*ROWS, row(2, "ours", None)], "value")
    assert found == over_specimens(ROWS, "value")
    assert over_specimens([row(1, "ours", None)], "value") == {}


def test_by_something_else() -> None:
    found = over_specimens(ROWS, "value", by="seed")
    assert found[2].value == pytest.approx(12.5)


def test_the_table_shows_errors_and_the_number_of_specimens() -> None:
    result = Result("one", "One")
    result.sum_up("PSNR", over_specimens(ROWS, "value"), unit="dB", digits=1)
    result.sum_up("of one", {"ours": Mean(1.0), "theirs": Mean(2.0)}, digits=1)
    result.sum_up("mixed", {"ours": Mean(1.0, 0.5, 2), "theirs": Mean(2.0)}, digits=1)
    result.sum_up("of none", {"ours": 3.0, "theirs": None}, digits=1)
    found = {
        **{"quick": False, "seed": 1, "date": "2026-01-02", "device": "an abacus"},
        "experiments": {
            "one": {
                **{"title": "One", "missing": [], "notes": []},
                "summary": result.summary,
            }
        },
    }
    table = full_table(found)
    assert "± their standard error" in table
    assert "| PSNR | dB | n = 3 | 13.5 ± 1.7 | 11.8 ± 2.0 |" in table
    assert "| of one |  | n = 1 | 1.0 | 2.0 |" in table
    assert "| mixed |  | n = 1 to 2 | 1.0 ± 0.5 | 2.0 |" in table
    assert "| of none |  |  | 3.0 | – |" in table
