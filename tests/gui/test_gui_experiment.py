"""The form's settings and the experiment that `scan` takes are one thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import useq

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import ExperimentSettings, read_experiment
from rmz_acquire.gui.models.experiment_form import (
    read_settings,
    sequence_of,
    write_settings,
)
from rmz_acquire.gui.models.scan_settings import ScanSettings

GOOD = ScanSettings(bottom_um=-10.0, top_um=10.0, estimator="wiener")
RICH = """
axis_order: tpgcz
time_plan: {interval: 10, loops: 3}
stage_positions:
  - {name: left, x: -40.123456, y: 0, z: 0}
  - name: right
    x: 40
    y: 0
    z: 1.5
    sequence: {grid_plan: {rows: 1, columns: 2}}
channels:
  - {config: GFP, exposure: 20, z_offset: 0.5}
  - {config: RFP, exposure: 40, do_stack: false}
z_plan: {range: 30, step: 0.5}
autofocus_plan: {autofocus_motor_offset: 3, axes: [p]}
metadata:
  lab: {mouse: 7}
  rmz_acquire:
    version: 1
    estimator: wiener
    device: cpu
    epsilon: 0.1
    tau: 0.3
    first_planes: 2
    max_planes: 9
    seed: 4
    channels: leader
    stage: {settle_ms: 5, limits_um: [-50, 50]}
    optics: {wavelength_um: {GFP: 0.52, RFP: 0.6}, sample_index: 1.38}
"""


def dumped(path):
    return read_experiment(path).model_dump(mode="json", exclude={"uid"})


def test_nothing_is_lost_from_a_file_to_the_next(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(RICH)
    settings = read_settings(first)
    assert (settings.bottom_um, settings.top_um, settings.relative) == (-15, 15, True)
    assert (settings.tau, settings.volume_count) == (0.3, 3 * 2 * 2)
    write_settings(second, settings)
    assert dumped(first) == dumped(second)


def test_what_is_changed_in_the_form_and_nothing_else_changes(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(RICH)
    changed = replace(read_settings(first), epsilon=0.2, top_um=20.0, na=0.7)
    write_settings(second, changed)
    before, after = dumped(first), dumped(second)
    block = after["metadata"]["rmz_acquire"]
    assert block.pop("epsilon") == 0.2
    assert block["optics"].pop("na") == 0.7
    assert before["metadata"]["rmz_acquire"].pop("epsilon") == 0.1
    z_plan = after.pop("z_plan")
    assert (z_plan["above"], z_plan["below"], z_plan["step"]) == (20, 15, 0.5)
    before.pop("z_plan")
    assert before == after


def test_an_experiment_that_ships_goes_in_and_out(tmp_path):
    path = Path(__file__).parents[2] / "configs" / "timelapse.yaml"
    write_settings(tmp_path / "again.yaml", read_settings(path))
    assert dumped(path) == dumped(tmp_path / "again.yaml")


def test_settings_typed_in_become_an_experiment_for_scan(tmp_path):
    file = tmp_path / "scan.yaml"
    settings = replace(
        GOOD, channel=("Channel", "GFP"), exposure_ms=20.0, na=0.7, max_planes=12
    )
    write_settings(file, settings)
    sequence = read_experiment(file)
    # any other program takes the full stack
    assert len(list(sequence)) == 41
    assert {event.exposure for event in sequence} == {20.0}
    block = ExperimentSettings.of(sequence.metadata)
    assert (block.estimator, block.max_planes, block.optics.na) == ("wiener", 12, 0.7)
    back = read_settings(file)
    assert replace(back, channels=(), base=None) == settings


def test_a_budget_of_light_is_written_as_planes():
    sequence = sequence_of(replace(GOOD, max_light_ms=520.0, exposure_ms=50.0))
    assert ExperimentSettings.of(sequence.metadata).max_planes == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no YAML"),
        ("[1]", "has keys"),
        ("z_plan: {absolute: [1, 2, 3]}\n", "no metadata.rmz_acquire"),
        ("z_plan: {absolute: [1, 2, 3]}\nB", "even steps"),
        ("z_plan: {bottom: 0, top: 3, step: 1}\nzplan: 3\nB", "zplan: there is no"),
        (
            "z_plan: {bottom: 0, top: 3, step: 1}\n"
            "metadata: {rmz_acquire: {version: 1, epsilom: 3}}",
            "epsilom: there is no such key",
        ),
        (
            "z_plan: {bottom: 0, top: 3, step: 1}\n"
            "metadata: {rmz_acquire: {version: 1, epsilon_kind: absolute}}",
            "relative one only",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(tmp_path, text, said):
    file = tmp_path / "scan.yaml"
    file.write_text(text.replace("\nB", "\nmetadata: {rmz_acquire: {version: 1}}"))
    with pytest.raises(InputError) as caught:
        read_settings(file)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert "scan.yaml" in str(caught.value)


def test_a_range_around_positions_needs_their_z():
    around = replace(GOOD, relative=True)
    places = (useq.Position(x=0, y=0, z=195.0),)
    assert not around.problems(stage_um=(-200.0, 200.0))
    problems = replace(around, positions=places).problems(stage_um=(-200.0, 200.0))
    assert "outside the stage's" in problems["top_um"]
    flat = (useq.Position(x=0, y=0),)
    assert "needs a z" in replace(around, positions=flat).problems()["positions"]
    assert "at or" not in str(replace(around, bottom_um=-1.0).problems())
    assert "below 0" in replace(around, bottom_um=1.0).problems()["bottom_um"]
