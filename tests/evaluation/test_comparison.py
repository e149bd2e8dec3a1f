"""The shape that experiments share: who is given what, what is measured, summed up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rmz_acquire.evaluation.comparison import Case, Comparison, Line, means, rms
from rmz_acquire.evaluation.context import Contender
from rmz_acquire.evaluation.held_out import HeldOut
from rmz_acquire.optics import Optics

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.5, pixel_size_um=0.3)
WHO = [Contender("good", "linear"), Contender("bad", "nearest")]
OFF = {"good": 1.0, "bad": 3.0}


def stack(seed: int) -> HeldOut:
    truth = np.zeros((4, 16, 16), np.float32)
    truth[:, :, 8:] = 100
    z = np.arange(4, dtype=np.float64)
    return HeldOut(truth.astype(np.uint16), truth + seed, z, OPTICS)


class FakeStudy:
    """Makes volumes that are off by so much at the planes that were not given."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[int, ...]]] = []

    def say(self, what: str) -> None:
        pass

    def volume(
        self, who: Contender, of: HeldOut, planes: Any, *, z_um: Any = None
    ) -> Any:
        self.asked.append((who.label, tuple(planes)))
        made = of.truth + np.float32(OFF[who.label])
        made[list(planes)] = of.truth[list(planes)]
        return made


def comparison(cases: list[Case], **changes: Any) -> Comparison:
    told: dict[str, Any] = {
        **{"key": "one", "title": "One", "values": ("rmse",)},
        "contenders": lambda *_: (WHO, ["some (model)"]),
        "stacks": lambda *_: [({"seed": seed}, stack(seed)) for seed in (1, 2)],
        "cases": lambda *_: cases,
        "lines": (Line("RMSE", means("rmse"), unit="counts"),),
        "draw": lambda *_: None,
    }
    return Comparison(**{**told, **changes})


def test_a_row_a_plane_and_inputs_left_out_of_the_mean() -> None:
    result = comparison([Case({"inputs": "two"}, [0, 2])]).run(FakeStudy())
    assert len(result.rows) == 2 * 2 * 4
    row = result.rows[1]
    facts = {"seed": 1, "estimator": "good", "inputs": "two", "z_um": 1.0}
    assert row == {**facts, "input": False, "rmse": pytest.approx(1.0)}
    (line,) = result.summary
    assert line["values"] == {"good": pytest.approx(1.0), "bad": pytest.approx(3.0)}
    assert line["specimens"] == {"good": 2, "bad": 2}
    assert result.missing == ["some (model)"]


def test_a_row_a_volume_with_other_inputs_than_it_was_given() -> None:
    cases = [Case({}, [0, 0]), Case({}, [0, 0], inputs=[1, 2, 3])]
    result = comparison(cases, by_z=False, pool=rms).run(FakeStudy())
    ours = [r["rmse"] for r in result.rows if r["estimator"] == "bad"]
    assert ours == pytest.approx([3, 0, 3, 0])  # only the plane given is left


def test_the_longest_comes_first_and_rows_stay_in_their_order() -> None:
    study = FakeStudy()
    cases = [Case({"planes": m}, list(range(m))) for m in (1, 3, 2)]
    result = comparison(cases, by_z=False, groups=("planes",)).run(study)
    assert [len(planes) for _, planes in study.asked[:3]] == [3, 2, 1]
    assert [row["planes"] for row in result.rows[:3]] == [1, 3, 2]


def test_who_makes_none_is_left_out() -> None:
    def make(who: Contender) -> Any:
        return stack(1).truth if who.label == "good" else None

    result = comparison([Case({}, [0], make=make)], by_z=False).run(FakeStudy())
    assert {row["estimator"] for row in result.rows} == {"good"}
    assert [row["rmse"] for row in result.rows] == pytest.approx([0, 1])


def test_only_some_groups_have_a_line() -> None:
    lines = (
        Line("M={planes}", means("rmse"), only=lambda facts: facts["planes"] == 2),
        Line("none", lambda *_: {}),
    )
    cases = [Case({"planes": m}, list(range(m))) for m in (1, 2)]
    result = comparison(cases, groups=("planes",), lines=lines).run(FakeStudy())
    assert [line["quantity"] for line in result.summary] == ["M=2"]
