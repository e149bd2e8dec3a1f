"""What an experiment tells of the candidates for each of its volumes."""

from __future__ import annotations

import json
import math

import pytest
from experiment_fakes import sequence

from rmz_acquire.acquisition import close_core, load_simulated
from rmz_acquire.cli import main
from rmz_acquire.experiments import resume, run
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.recording import Summary, best_of, candidates_of, made_of, z_scale_of
from rmz_acquire.scanning import Decision, Scan

pytestmark = pytest.mark.usefixtures("few_steps")


@pytest.fixture
def scope():
    core = load_simulated(SensorSize_px=64, exposure_ms=5.0, seed=4)
    core.setProperty("Z", "Settle_ms", 0)
    core.setShutterOpen(False)
    yield core
    close_core(core)


def wanted(estimator="richardson-lucy"):
    return sequence(
        {"estimator": estimator, "device": "cpu", "z_um": [-4, 4, 0, 2]},
        z_plan={"range": 8, "step": 1},
        channels=[{"config": "GFP", "exposure": 5}],
        stage_positions=[(0, 0, 0), (30, 0, 1)],
    )


def told(folder):
    text = (folder / "decisions.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    return json.loads((folder / "summary.json").read_text("utf-8")), lines


def check_against_decisions(folder):
    """Every volume is there, with what its own planes told."""
    summary, lines = told(folder)
    assert [(each["p"], each["c"]) for each in summary["compared"]] == [(0, 0), (1, 0)]
    for each in summary["compared"]:
        own = {line["index"]: line for line in lines if line["p"] == each["p"]}
        assert sorted(own) == [0, 1, 2, 3]
        assert each["z_scale"] == own[3]["z_scale"]
        assert sum(one["share"] for one in each["candidates"].values()) == (
            pytest.approx(1)
        )
        for name, one in each["candidates"].items():
            errors = [own[i]["predictions"][name] for i in (1, 2, 3)]
            assert one["rms_error"] == pytest.approx(math.hypot(*errors) / 3**0.5)
            assert one["wins"] == sum(own[i]["winner"] == name for i in (1, 2, 3))
            assert one["share"] == own[3]["shares"].get(name, 0)


@pytest.mark.slow
def test_every_volume_has_what_a_run_of_one_volume_has(scope, tmp_path):
    summary = run(scope, wanted(), tmp_path).summary
    assert summary.status == "completed", summary.reason
    _, lines = told(tmp_path)
    assert all(set(Decision.__slots__) <= set(line) for line in lines)
    check_against_decisions(tmp_path)
    stored = StoredExperiment(tmp_path)
    for volume, each in zip(stored.prepared.volumes, summary.compared, strict=True):
        planes, plan = stored.planes(volume), volume.plan(stored.prepared.settings)
        again = make_estimator(
            "richardson-lucy", plan.z_um, stored.optics_of(volume), device="cpu"
        )
        scan = Scan(plan, again)
        for plane in planes:
            scan.next_z()
            scan.observe(plane)
        scan.next_z()
        alone = candidates_of(scan.decisions)
        assert each["z_scale"] == pytest.approx(z_scale_of(scan.decisions))
        assert set(each["candidates"]) == set(alone)
        for name, one in alone.items():
            assert each["candidates"][name] == pytest.approx(one, rel=1e-4, abs=1e-4)


@pytest.mark.slow
def test_one_that_goes_on_tells_of_the_volumes_before_too(scope, tmp_path):
    taken = []

    def stop_in_the_second(*_):
        taken.append(1)
        if len(taken) == 6:
            scope.mda.cancel()

    scope.mda.events.frameReady.connect(stop_in_the_second)
    assert run(scope, wanted(), tmp_path).summary.status == "aborted"
    scope.mda.events.frameReady.disconnect()
    first, _ = told(tmp_path)
    assert first["compared"][0]["p"] == 0
    assert resume(scope, tmp_path).summary.status == "completed"
    check_against_decisions(tmp_path)
    again, _ = told(tmp_path)
    assert again["compared"][0] == first["compared"][0]


@pytest.mark.slow
def test_an_estimator_without_candidates_tells_nothing(scope, tmp_path):
    assert run(scope, wanted("linear"), tmp_path).summary.compared == []
    summary, lines = told(tmp_path)
    assert all(line["predictions"] is None for line in lines)
    # as written before there was any of it
    del summary["compared"]
    assert Summary.model_validate(summary).compared == []


@pytest.mark.slow
def test_the_command_line_says_it_of_the_only_volume(tmp_path, capsys):
    file, folder = tmp_path / "one.yaml", tmp_path / "run"
    one = wanted().model_dump(mode="json", exclude_unset=True)
    file.write_text(
        json.dumps({**one, "stage_positions": one["stage_positions"][:1]}), "utf-8"
    )
    args = ["scan", str(file), "--config", "simulated", "--out", str(folder)]
    assert main(args) == 0
    said = capsys.readouterr().out.splitlines()
    (each,) = told(folder)[0]["compared"]
    row = next(line for line in said if line.startswith("volume "))
    assert made_of(each["candidates"]) in row
    assert row.endswith(best_of(each["candidates"]))
