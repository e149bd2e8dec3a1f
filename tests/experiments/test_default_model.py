"""Where nobody names a model, optics and range of all channels choose it."""

from __future__ import annotations

import json
import re

import pytest
import useq

from rmz_acquire.cli.result import print_summary
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import StoredExperiment, run
from rmz_acquire.experiments.prepare import prepare
from rmz_acquire.gui.models.stored_runs import load_run
from rmz_acquire.models import DEFAULT_MODEL, LAYERS_MODEL, WIDE_MODEL
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction.layers_estimator import OnLayersEstimator
from rmz_acquire.recording import read_summary
from rmz_acquire.simulation import simulate_stack
from rmz_acquire.simulation.recorded import RecordedMicroscope

AIR = {"na": 0.75, "immersion_index": 1.0, "pixel_size_um": 0.325}
WATER = {"na": 1.2, "immersion_index": 1.333, "pixel_size_um": 0.1625}
DAPI, FITC = (
    {"config": "DAPI", "exposure": 1},
    {"config": "FITC", "exposure": 1},
)


def experiment(span, optics, *, step=None, channels=(DAPI,), wavelength=0.52, **block):
    told = {
        "version": 1,
        "estimator": "recurrent-mz",
        "optics": {**optics, "wavelength_um": wavelength},
        **block,
    }
    return useq.MDASequence(
        z_plan={"range": span, "step": step or span / 20},
        channels=list(channels),
        stage_positions=[{"x": 0, "y": 0, "z": 0}],
        metadata={"rmz_acquire": told},
    )


def chosen(core, sequence):
    return prepare(core, sequence).estimators.describe()["model"]


@pytest.mark.parametrize(
    ("span", "optics", "model"),
    [
        (30, AIR, DEFAULT_MODEL),
        (40, AIR, WIDE_MODEL),
        (60, AIR, WIDE_MODEL),
        (10, WATER, WIDE_MODEL),
    ],
)
def test_optics_and_range_choose(demo, span, optics, model):
    assert chosen(demo, experiment(span, optics)) == model


def test_the_choice_fits_all_channels_where_one_does(demo):
    """At 640 nm the same pixels are too fine for the default model."""
    both = {"channels": (DAPI, FITC), "wavelength": {"DAPI": 0.52, "FITC": 0.66}}
    assert chosen(demo, experiment(20, AIR, **both)) == WIDE_MODEL


def test_else_the_first_one_and_which_does_not_fit_is_said(demo, caplog):
    both = {"channels": (DAPI, FITC), "wavelength": {"DAPI": 0.52, "FITC": 0.8}}
    with pytest.raises(InputError, match=r"made for pixels of 0\.5 µm.*strict: false"):
        chosen(demo, experiment(20, AIR, **both))
    assert chosen(demo, experiment(20, AIR, strict=False, **both)) == DEFAULT_MODEL
    assert "channel FITC: model air-20x075 is made for pixels" in caplog.text
    assert "channel DAPI" not in caplog.text


def test_one_that_is_named_and_does_not_fit_is_refused_with_what_does(demo):
    with pytest.raises(InputError, match="choose the model widefield, which fits"):
        chosen(demo, experiment(10, WATER, model=DEFAULT_MODEL))
    with pytest.raises(InputError, match="estimator wiener, which needs no model"):
        chosen(demo, experiment(100, AIR))


@pytest.mark.slow
def test_a_run_is_read_back_with_the_model_that_made_it(demo, tmp_path):
    run(demo, experiment(40, AIR, step=4, max_planes=2), tmp_path / "run")
    stored = StoredExperiment(tmp_path / "run")
    assert stored.told["model"] == WIDE_MODEL
    assert stored.prepared.estimators.describe()["model"] == WIDE_MODEL


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("span", "optics", "model"),
    [(30, AIR, LAYERS_MODEL), (10, WATER, LAYERS_MODEL), (100, AIR, None)],
)
def test_without_estimator_a_network_where_it_fits(
    demo, caplog, span, optics, model, named
):
    """Else what needs no training, at any range; and why is said."""
    sequence = experiment(span, optics)
    block = sequence.metadata["rmz_acquire"]
    del block["estimator"]
    if named:
        block["estimator"] = "auto"
    told = prepare(demo, sequence).estimators.describe()
    name = "richardson-lucy" if model is None else "recurrent-mz"
    assert (told["estimator"], told["model"]) == (name, model)
    said = [line for line in caplog.messages if "richardson-lucy goes without" in line]
    assert len(said) == (model is None)


def test_of_channels_that_it_does_not_all_fit_none_has_the_network(demo):
    both = {"channels": (DAPI, FITC), "wavelength": {"DAPI": 0.52, "FITC": 0.8}}
    sequence = experiment(20, AIR, **both)
    del sequence.metadata["rmz_acquire"]["estimator"]
    told = prepare(demo, sequence).estimators.describe()
    assert (told["estimator"], told["model"]) == ("richardson-lucy", None)


@pytest.mark.slow
def test_what_the_default_came_to_goes_on(demo, tmp_path):
    """Also where it would come to something else today."""
    sequence = experiment(20, AIR, step=2, max_planes=2)
    del sequence.metadata["rmz_acquire"]["estimator"]
    run(demo, sequence, tmp_path / "run")
    stored = StoredExperiment(tmp_path / "run")
    assert stored.told["model"] == LAYERS_MODEL
    assert stored.prepared.settings.estimator == "recurrent-mz"
    assert stored.prepared.estimators.describe()["model"] == LAYERS_MODEL
    path = tmp_path / "run" / "run.json"
    told = json.loads(path.read_text("utf-8"))
    told |= {"estimator": "richardson-lucy", "model": None, "model_sha256": None}
    path.write_text(json.dumps(told), "utf-8")
    stored = StoredExperiment(tmp_path / "run")
    assert stored.prepared.settings.estimator == "richardson-lucy"
    assert stored.prepared.estimators.describe()["model"] is None


def test_a_model_that_is_named_has_its_network(demo):
    sequence = experiment(30, AIR, model=DEFAULT_MODEL)
    del sequence.metadata["rmz_acquire"]["estimator"]
    told = prepare(demo, sequence).estimators.describe()
    assert (told["estimator"], told["model"]) == ("recurrent-mz", DEFAULT_MODEL)


@pytest.mark.slow
def test_a_run_of_before_goes_on_with_the_estimator_that_it_had(demo, tmp_path):
    """Its sequence names none; run.json tells what was the default then."""
    run(demo, experiment(40, AIR, step=4, max_planes=2), tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    told = json.loads(path.read_text("utf-8"))
    del told["sequence"]["metadata"]["rmz_acquire"]["estimator"]
    path.write_text(json.dumps(told), "utf-8")
    stored = StoredExperiment(tmp_path / "run")
    assert stored.prepared.settings.estimator == "recurrent-mz"


@pytest.mark.slow
def test_regions_decide_and_the_rendered_volume_says_the_share_of_its_network(
    tmp_path, capsys, monkeypatch
):
    """The scan compares none: only what was rendered knows."""
    monkeypatch.setattr(OnLayersEstimator, "share", property(lambda _: 0.25))
    optics = Optics(**AIR, wavelength_um=0.52)
    size = {"planes": 9, "z_step_um": 1.0, "shape": (72, 72), "exposure_ms": 100}
    made = simulate_stack("beads", 3, optics, **size)
    z_um = made.z_um.tolist()
    stack = RecordedMicroscope(made.counts, z_um, pixel_size_um=AIR["pixel_size_um"])
    block = {"version": 1, "max_planes": 4, "regions": [[0, 0, 64, 64]]}
    block["optics"] = optics.model_dump()
    told = useq.MDASequence(
        z_plan={"absolute": list(z_um)}, metadata={"rmz_acquire": block}
    )
    summary = run(stack, told, tmp_path / "run").summary
    assert summary.model == LAYERS_MODEL and summary.volumes_to_render == 0
    found = summary.candidates
    assert found == read_summary(tmp_path / "run").candidates
    assert found == summary.compared[0]["candidates"]
    assert sum(each["share"] for each in found.values()) == pytest.approx(1)
    assert found["recurrent-mz"] == {"wins": 0, "share": 0.25}
    print_summary(summary, tmp_path / "run")
    assert re.search(r"volume .*25 % recurrent-mz", capsys.readouterr().out)
    stored = load_run(tmp_path / "run").shown
    decided, line = stored.decisions[-1], {**stored.shares}
    assert "recurrent-mz" not in decided.shares and line.keys() == found.keys()
