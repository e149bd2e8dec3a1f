"""A stop at a stated error in the window: its fields, its calibration, its file."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from scan_fakes import target_card

from rmz_acquire.gui.models.experiment_form import (
    read_settings,
    sequence_of,
    write_settings,
)
from rmz_acquire.gui.models.quality import quality_of, with_quality
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.gui.models.stop_target import StopTarget
from rmz_acquire.scanning import ScanPlan

GOOD = ScanSettings(bottom_um=-4.0, top_um=4.0, estimator="linear")


def write_card(file, optics=None, **changes):
    plan = ScanPlan.from_range(-4.0, 4.0, 0.5, audit=0.0)
    target_card(plan, optics, (64, 64), **changes).write(file)


def test_it_goes_into_the_yaml_and_comes_back(tmp_path):
    write_card(tmp_path / "stop.yaml")
    target = replace(StopTarget.read(str(tmp_path / "stop.yaml")), nrmse=0.25)
    file = tmp_path / "scan.yaml"
    # what was typed before it was chosen contradicts nothing
    write_settings(file, replace(GOOD, target=target, epsilon=0.1, tau=0.3))
    block = yaml.safe_load(file.read_text())["metadata"]["rmz_acquire"]
    # beside it: both can be moved
    assert block["calibration"] == "stop.yaml"
    assert block["target_nrmse"] == 0.25
    assert not {"epsilon", "tau", "stop_rule"} & block.keys()
    back = read_settings(file)
    assert back.target == target
    assert quality_of(back) == "custom"
    fast = with_quality(back, "fast")
    again = sequence_of(fast).metadata["rmz_acquire"]
    assert again["epsilon"] == 0.1
    assert not {"calibration", "target_nrmse"} & again.keys()
    # one that a run has kept has no file
    kept = replace(target, file="")
    write_settings(file, replace(back, target=kept))
    assert read_settings(file).target == kept


@pytest.mark.parametrize(
    ("target", "key", "said"),
    [
        (StopTarget(), "calibration", "calibration is missing"),
        (StopTarget.read("nowhere.yaml"), "calibration", "nowhere.yaml: No such file"),
        (
            {"nrmse": 0.1},
            "target_nrmse",
            "the calibration, 0.2: ask for no less",
        ),
        (
            {"confidence": 0.95},
            "confidence",
            "the calibration, 0.9: ask for no more",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_field(tmp_path, target, key, said):
    if isinstance(target, dict):
        write_card(tmp_path / "stop.yaml")
        target = replace(StopTarget.read(str(tmp_path / "stop.yaml")), **target)
    problems = replace(GOOD, target=target).problems()
    assert list(problems) == [key] and said in problems[key]


def test_a_scan_stops_by_it_and_one_that_does_not_fit_is_refused(desk, tmp_path):
    desk.connect()
    desk.fill()
    desk.until(lambda: desk.presenter.facts.picture_px == (64, 64))
    window, form = desk.window, desk.window.form
    form.more.click()
    optics, _ = desk.presenter.facts.resolve(form.settings().overrides())
    write_card(tmp_path / "stop.yaml", optics)
    form.stop.rule.setCurrentIndex(1)
    assert not form.epsilon.isVisible() and form.stop.target.isVisible()
    assert "calibration is missing" in form.reason.text()
    form.stop.target.file.setText(str(tmp_path / "stop.yaml"))
    form.stop.target.file.editingFinished.emit()
    assert "in at most 10% of volumes" in form.stop.target.promise.text()
    assert form.start.isEnabled()
    form.max_planes.setValue(9)
    assert "max_planes was 17, it is 9 now" in form.reason.text()
    assert form.stop.target.file.property("wrong") and not form.start.isEnabled()
    form.max_planes.setValue(0)
    desk.scan()
    desk.finish()
    (folder,) = desk.root.iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    terms = [term["name"] for term in summary["stop_terms"]]
    assert terms[0] == "misprediction" and "epsilon" not in summary["plan"]
    assert [told.name for told in window.rule.told][:2] == terms[:2]
    # nobody looks at these
    assert not window.change.limit.isVisible() and not window.change.tau.isVisible()
