"""Stops on regions beside stops on whole pictures, a few of them."""

from __future__ import annotations

from itertools import islice

import pytest

from rmz_acquire.evaluation.region_agreement import (
    agreement_table,
    compare_stops,
    specimens,
)


@pytest.mark.slow
def test_a_few_specimens_stop_where_they_would():
    few = islice(specimens(1, size=272, seed=7), 3)
    stops = list(compare_stops("linear", few, epsilon=0.2))
    assert [each.specimen.split()[0] for each in stops] == [
        "beads",
        "filaments",
        "nuclei",
    ]
    assert all(abs(each.apart) <= 1 for each in stops)
    for each in stops:
        assert "at or below epsilon" in each.reasons[0]
        whole, regions = each.changes
        assert all(0.7 < b / a < 1.4 for a, b in zip(whole, regions, strict=True))
    head, *rest = agreement_table(stops)
    assert head.startswith("linear: 3 of 3 within one plane (100%)")
    assert len(rest) == 3


def test_the_table_says_where_they_do_not():
    (stop,) = compare_stops("linear", islice(specimens(1, size=64), 1), epsilon=0.2)
    odd = type(stop)(
        "odd",
        "linear",
        4,
        6,
        stop.reasons,
        ([0.3, 0.2, 0.04], [0.4, 0.3, 0.06, 0.06, 0.04]),
        stop.innovations,
        (1.0, 0.5),
    )
    lines = agreement_table([stop, odd])
    assert "1 of 2 within one plane (50%)" in lines[0]
    assert lines[-1] == "| odd | 4 | 6 | 0.040 | 0.060 |"
