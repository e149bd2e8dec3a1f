"""Settings and what is wrong with them, the file of an experiment, the list of runs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest

from rmz_acquire.gui.models.runs import RecentRuns, new_folder
from rmz_acquire.gui.models.scan_settings import ScanSettings

GOOD = ScanSettings(bottom_um=-10.0, top_um=10.0, estimator="wiener")


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"bottom_um": None}, "bottom_um", "set the bottom"),
        ({"top_um": None}, "top_um", "set the top"),
        ({"top_um": -11.0}, "top_um", "above the bottom"),
        ({"top_um": 900.0}, "top_um", "outside the stage's"),
        ({"step_um": 0.0}, "step_um", "above 0"),
        ({"step_um": 30.0}, "step_um", "below 20"),
        ({"step_um": 0.001}, "step_um", "too many"),
        ({"exposure_ms": 0.0}, "exposure_ms", "above 0"),
        ({"epsilon": 0.0}, "epsilon", "between 0 and 100"),
        ({"min_planes": 99}, "min_planes", "only 41 planes"),
        ({"max_planes": 2}, "max_planes", "yet at least 4"),
        ({"max_light_ms": 100.0}, "max_light_ms", "need 200 ms"),
        ({"estimator": "recurrent-mz"}, "model", "no released model"),
    ],
)
def test_what_is_wrong_is_said_by_field(change, field, said):
    wrong = replace(GOOD, **change)
    problems = wrong.problems(stage_um=(-200.0, 200.0), models=[])
    assert said in problems[field]
    if field != "model":
        assert field == next(iter(problems))


def test_nothing_is_wrong():
    assert GOOD.problems(stage_um=(-200.0, 200.0), models=[]) == {}
    assert GOOD.full_planes == GOOD.most_planes == 41
    assert replace(GOOD, max_light_ms=520.0).most_planes == 10


def test_optics_are_asked_for_only_where_they_are_needed():
    wrong = {"na": "no NA"}
    assert GOOD.problems(optics=wrong) == wrong
    assert not replace(GOOD, estimator="linear").problems(optics=wrong)


def test_the_last_runs_are_listed_latest_first(tmp_path):
    runs = RecentRuns(tmp_path / "state" / "runs.json")
    assert runs.folders() == []
    for name in ("one", "two", "one"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "summary.json").write_text("{}")
        runs.add(tmp_path / name)
    assert [path.name for path in runs.folders()] == ["one", "two"]
    (tmp_path / "one" / "summary.json").unlink()
    assert [path.name for path in runs.folders()] == ["two"]
    (tmp_path / "state" / "runs.json").write_text(json.dumps({"no": "list"}))
    assert runs.folders() == []


def test_no_two_runs_share_a_folder(tmp_path):
    now = datetime(2026, 1, 2, 3, 4, 5)
    first = new_folder(tmp_path, now)
    first.mkdir()
    assert first.name == "2026-01-02_030405"
    assert new_folder(tmp_path, now) == tmp_path / "2026-01-02_030405_2"
