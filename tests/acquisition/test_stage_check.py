"""What a stage really does, told from pictures: each fault by its name and remedy."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from fault_cases import pictures

from rmz_acquire.acquisition import load_simulated, stage_check
from rmz_acquire.acquisition.stage_check import check_stage_moves
from rmz_acquire.cli import main
from rmz_acquire.errors import InputError

WAIT_S = 0.5
FAULTS = {
    "none": ({}, {}),
    "settling": (
        {"BusyUntilSettled": "No", "Settle_ms": 200},
        {"settling": ("still changes", "settle_ms")},
    ),
    "backlash": ({"Backlash_um": 2}, {"backlash": ("from above", "approach_um: ")}),
    "drift": (
        # faster, a busy machine would let it drift out of the specimen
        {"Drift_um_per_s": 0.7},
        {"drift": ("µm along z in 1 s", "autofocus_plan")},
    ),
}


FOCUS_UM = 5.0


@pytest.fixture(autouse=True)
def _looks_for_half_a_second(monkeypatch):
    looks = [after_s for after_s in stage_check._LOOKS_S if after_s <= 0.5]
    monkeypatch.setattr(stage_check, "_LOOKS_S", looks)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "stack.tif"
    stack = pictures(np.arange(0, 20, 0.1), shape=(64, 64))
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.fixture
def scope(closing, stack):
    """Spots from 4 to 12 µm, focused on the lower side of them."""
    core = closing(load_simulated(exposure_ms=5.0))
    core.setProperty("Camera", "StackStep_um", 0.1)
    core.setProperty("Camera", "Specimen", str(stack))
    core.setProperty("Z", "Settle_ms", 0)
    core.setPosition(FOCUS_UM)
    core.waitForSystem()
    return core


def _check(core, range_um=10, wait_s=WAIT_S, **options):
    found = check_stage_moves(
        core, range_um=range_um, exposure_ms=1, wait_s=wait_s, **options
    )
    return {each.part: each for each in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_by_its_name(scope, name):
    properties, expected = FAULTS[name]
    for prop, value in properties.items():
        scope.setProperty("Z", prop, value)
    # it swings by a part of its way
    range_um = 16 if name == "settling" else 10
    found = _check(scope, range_um, wait_s=1 if name == "drift" else WAIT_S)
    for part in ("settling", "backlash", "drift"):
        if part in expected:
            detail, remedy = expected[part]
            assert found[part].ok is False
            assert detail in found[part].detail and remedy in found[part].remedy
        elif name == "none":
            assert found[part].ok, found[part]
    if name == "backlash":
        # it is measured, and its remedy is enough
        said = found["backlash"]
        told = float(said.detail.split("about ")[1].split(" µm")[0])
        assert told == pytest.approx(2, abs=0.7)
        assert float(said.remedy.split(": ")[-1].rstrip("}")) > 2
    assert found["z direction"].ok is None
    # as it was
    assert scope.getPosition() == pytest.approx(FOCUS_UM, abs=0.05)
    assert scope.getExposure() == 5.0
    assert not scope.getShutterOpen(scope.getShutterDevice())


@pytest.mark.slow
@pytest.mark.parametrize("inverted", [0, 1])
def test_which_way_is_up(scope, inverted):
    """With the specimen above the focus, unless the sign of z is reversed."""
    scope.setProperty("Z", "Inverted_probability", inverted)
    # the same focus, which the stage then calls by its opposite
    scope.setPosition(-FOCUS_UM if inverted else FOCUS_UM)
    scope.waitForSystem()
    found = _check(scope, specimen="above")["z direction"]
    assert found.ok is (not inverted), found
    assert ("upside down" in found.detail) == bool(inverted)


def test_nothing_in_the_picture_is_refused(scope):
    scope.setProperty("Camera", "Blank_probability", 1)
    with pytest.raises(InputError, match="focus on a specimen"):
        _check(scope)
    assert scope.getPosition() == pytest.approx(FOCUS_UM, abs=0.05)


@pytest.mark.slow
def test_on_the_command_line(scope, monkeypatch, capsys):
    monkeypatch.setattr("rmz_acquire.acquisition.open_core", lambda _: scope)
    monkeypatch.setattr(scope, "unloadAllDevices", lambda: None)
    scope.setProperty("Z", "Backlash_um", 2)
    line = ["check-stage", "--config", "simulated", "--exposure", "1", "--wait", "0.2"]
    assert main(line) == 1
    out = capsys.readouterr().out
    assert "ok     settling" in out and "wrong  backlash" in out
    assert "set: stage: {approach_um: " in out and "exposures, " in out
    assert main([*line, "--range", "900"]) == 2
    assert "outside the range of stage 'Z'" in capsys.readouterr().err
    monkeypatch.undo()
