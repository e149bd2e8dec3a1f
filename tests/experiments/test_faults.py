"""Every fault of the simulated microscope: what is told, kept, and left behind.

The table in docs/faults.md is made here: RMZ_ACQUIRE_WRITE_DOCS=1 pytest of this file
writes it, and otherwise every row is compared with it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import yaml
from scan_fakes import blobs

from rmz_acquire.acquisition import load_simulated
from rmz_acquire.cli import main
from rmz_acquire.experiments.verifying import verify
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.recording.series import Series
from rmz_acquire.simulation.faults import SimulatedShutter

DOC = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
WRITE = os.environ.get("RMZ_ACQUIRE_WRITE_DOCS") == "1"
START_UM = 6.0
LIMITS_UM = (-2.0, 30.0)

HEAD = """# What happens when something goes wrong

Made by `RMZ_ACQUIRE_WRITE_DOCS=1 pytest tests/experiments/test_faults.py`; without the
variable every row is compared with what happens. Two time points of two positions,
linear estimator, at most 4 planes a volume, on the simulated microscope with one fault
each: seeded properties of its devices (`FaultSeed`), or a fault of autofocus, disk or
estimator that the test makes. Every plane that was exposed and delivered is readable
afterwards, and every decision can be made again from the planes (`scan --verify`); both
are asserted for every row, and so is that the stage was never sent beyond its limits.

Where *told* says *nothing*, software cannot know: what an encoder does not see is only
found out by looking at the pictures, or avoided by `stage.approach_um` (backlash),
`stage.settle_ms` (ready before it has settled) or an `autofocus_plan` (drift). A blank
or saturated frame never counts as convergence; `decisions.jsonl` says so.

| fault | made by | what the user is told | on disk | exit | light | stage |
| --- | --- | --- | --- | --- | --- | --- |
"""


class Broken:
    """An estimator that runs out of memory, or is slow."""

    def __init__(self, inner, what):
        self._inner, self._what = inner, what

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def add(self, image, z_um):
        if self._what == "slow":
            time.sleep(0.25)
        elif self._inner.planes_taken == 2:
            msg = "CUDA out of memory (simulated)"
            raise torch.OutOfMemoryError(msg)
        return self._inner.add(image, z_um)


def _estimator(what):
    def arrange(core, folder, monkeypatch):
        monkeypatch.setattr(
            "rmz_acquire.experiments.estimators.make_estimator",
            lambda *args, **options: Broken(make_estimator(*args, **options), what),
        )

    return arrange


def _disk(what):
    def arrange(core, folder, monkeypatch):
        write, calls = Series.write, []

        def writing(self, *args):
            calls.append(1)
            if len(calls) == 7 and what == "gone":
                shutil.move(folder, folder.with_name("moved-away"))
            if len(calls) >= 7 and what == "full":
                raise OSError(28, "No space left on device")
            return write(self, *args)

        monkeypatch.setattr(Series, "write", writing)

    return arrange


def _autofocus(core, folder, monkeypatch):
    core.loadDevice("Autofocus", "DemoCamera", "DAutoFocus")
    core.initializeDevice("Autofocus")
    core.setAutoFocusDevice("Autofocus")
    calls = []

    def full_focus():
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("no reflection found")

    monkeypatch.setattr(core, "fullFocus", full_focus)


def _shutter(chance):
    def arrange(core, folder, monkeypatch):
        core.loadPyDevice("Sticky", SimulatedShutter())
        core.initializeDevice("Sticky")
        core.setShutterDevice("Sticky")
        core.setProperty("Sticky", "FaultSeed", 5)
        core.setProperty("Sticky", "Stick_probability", chance)

    return arrange


# name: (made by, arrange or properties, exit, of what is told, light off)
FAULTS = {
    "none": ("", {}, 0, "all 4 volumes are taken"),
    "backlash": ("Z-Backlash_um = 1", {("Z", "Backlash_um"): 1}, 0, "all 4 volumes"),
    "drift": ("Z-Drift_um_per_s = 1", {("Z", "Drift_um_per_s"): 1}, 0, "all 4"),
    "jitter": ("Z-Jitter_um = 0.1", {("Z", "Jitter_um"): 0.1}, 0, "all 4 volumes"),
    "jitter beyond the tolerance": (
        "Z-Jitter_um = 5 from the second plane",
        {("Z", "Jitter_um"): 5},
        1,
        "was sent to .* and stands at .* after 3 tries",
    ),
    "ready before it has settled": (
        "Z-BusyUntilSettled = No",
        {("Z", "BusyUntilSettled"): "No", ("Z", "Settle_ms"): 50},
        0,
        "all 4 volumes",
    ),
    "stage stuck": (
        "Z-Stuck_probability = 1 from the second plane",
        {("Z", "Stuck_probability"): 1},
        1,
        "stage 'Z' was sent to .* and stands at .* after 3 tries",
    ),
    "stage sticks now and then": (
        "Z-Stuck_probability = 0.2",
        {("Z", "Stuck_probability"): 0.2},
        0,
        "all 4 volumes",
    ),
    "position read back wrong": (
        "Z-ReadWrong_probability = 1 from the second plane",
        {("Z", "ReadWrong_probability"): 1, ("Z", "ReadWrong_um"): 3},
        1,
        "was sent to .* and stands at",
    ),
    "z sign reversed": (
        "Z-Inverted_probability = 1",
        {("Z", "Inverted_probability"): 1},
        0,
        "all 4 volumes",
    ),
    "dropped frame": (
        "Camera-Drop_probability = 1 from the second plane",
        {("Camera", "Drop_probability"): 1},
        1,
        "the frame was dropped",
    ),
    "blank frame": (
        "Camera-Blank_probability = 0.3",
        {("Camera", "Blank_probability"): 0.3},
        0,
        "all 4 volumes",
    ),
    "saturated frame": (
        "Camera-Saturate_probability = 0.3",
        {("Camera", "Saturate_probability"): 0.3},
        0,
        "all 4 volumes",
    ),
    "late frame": (
        "Camera-Late_probability = 0.3",
        {("Camera", "Late_probability"): 0.3, ("Camera", "Late_ms"): 700},
        0,
        "all 4 volumes",
    ),
    "camera that throws": (
        "Camera-Throw_probability = 1 from the second plane",
        {("Camera", "Throw_probability"): 1},
        1,
        "the camera reports an error",
    ),
    "specimen that moves": (
        "Camera-SpecimenSpeed_um_per_s = 2",
        {("Camera", "SpecimenSpeed_um_per_s"): 2},
        0,
        "all 4 volumes",
    ),
    "shutter that sticks now and then": (
        "Shutter-Stick_probability = 0.3",
        _shutter(0.3),
        0,
        "all 4 volumes",
    ),
    "shutter that stays open": (
        "Shutter-Stick_probability = 1",
        _shutter(1.0),
        1,
        "shutter 'Sticky' is still open: switch the light off by hand",
    ),
    "autofocus lost": (
        "fullFocus() fails",
        _autofocus,
        1,
        "autofocus at position 1 failed 3 times: no reflection found",
    ),
    "autofocus lost, autofocus_failure: continue": (
        "fullFocus() fails",
        _autofocus,
        0,
        "autofocus at position 1 failed 3 times",
    ),
    "disk full": ("write() fails", _disk("full"), 1, "No space left on device"),
    "output folder gone": (
        "folder moved",
        _disk("gone"),
        1,
        "the folder of the experiment is gone",
    ),
    "GPU out of memory": ("add() fails", _estimator("oom"), 1, "CUDA out of memory"),
    "a slow model": (
        "add() takes 0.25 s",
        _estimator("slow"),
        0,
        "time point 1 began .* s late",
    ),
}
LATER = (
    "jitter beyond the tolerance",
    "stage stuck",
    "position read back wrong",
    "dropped frame",
    "camera that throws",
)
_said: dict[str, str] = {}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "stack.tif"
    pictures = blobs(np.arange(20.0), shape=(32, 36))
    tifffile.imwrite(path, pictures, imagej=True, metadata={"axes": "ZYX"})
    return path


def _experiment(path, name):
    block = {
        "version": 1,
        "estimator": "linear",
        "epsilon": 1e-6,
        "max_planes": 4,
        "stage": {"limits_um": list(LIMITS_UM), "timeout_ms": 50},
    }
    told = {
        "channels": [{"config": "GFP", "exposure": 1}],
        "stage_positions": [{"x": 0, "y": 0, "z": 6}, {"x": 20, "y": 0, "z": 9}],
        "time_plan": {"interval": 1.0, "loops": 2},
        "z_plan": {"range": 12, "step": 1},
        "metadata": {"rmz_acquire": block},
    }
    if "autofocus" in name:
        told["autofocus_plan"] = {"axes": ["p"]}
    if name.endswith("continue"):
        block["autofocus_failure"] = "continue"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.timeout(60)
def test_a_fault(name, stack, tmp_path, monkeypatch, capsys):
    made_by, arrange, code, told = FAULTS[name]
    folder = tmp_path / "run"
    core = load_simulated()
    core.setProperty("Camera", "StackStep_um", 1.0)
    core.setProperty("Camera", "Specimen", str(stack))
    core.setProperty("Z", "Settle_ms", 0)
    core.setPosition(START_UM)
    core.waitForSystem()
    for device in ("Camera", "Z"):
        core.setProperty(device, "FaultSeed", 3)
    visited = []
    move = core.setPosition
    monkeypatch.setattr(
        core, "setPosition", lambda *a: (visited.append(a[-1]), move(*a))
    )

    def set_faults(*_):
        for (device, prop), value in arrange.items():
            core.setProperty(device, prop, value)

    if callable(arrange):
        arrange(core, folder, monkeypatch)
    elif name in LATER:
        core.mda.events.frameReady.connect(set_faults)
    else:
        set_faults()
    left = {}

    def look(core):
        shutter = core.getShutterDevice()
        left["light"] = "on" if core.getShutterOpen(shutter) else "off"
        # the fault itself must not hide where it stands
        if core.hasProperty("Z", "ReadWrong_probability"):
            core.setProperty("Z", "ReadWrong_probability", 0)
        left["stage_um"] = core.getPosition()

    monkeypatch.setattr("rmz_acquire.acquisition.open_core", lambda _: core)
    monkeypatch.setattr("rmz_acquire.cli.scan._unload", look)
    _experiment(tmp_path / "experiment.yaml", name)
    try:
        given = main(
            [
                "scan",
                str(tmp_path / "experiment.yaml"),
                "--config",
                "simulated",
                "--out",
                str(folder),
            ]
        )
    finally:
        core.unloadAllDevices()
    out, err = capsys.readouterr()
    said = " ".join((out + err).split())
    assert given == code, said
    assert re.search(told, said), said

    # nothing that was acquired is lost
    kept = folder if folder.exists() and any(folder.iterdir()) else None
    if name == "output folder gone":
        kept = folder.with_name("moved-away")
    assert kept is not None
    monkeypatch.undo()
    planes = _lines(kept / "planes.ome.zarr" / "planes.jsonl")
    decisions = _lines(kept / "decisions.jsonl")
    assert planes and len(planes) - len(decisions) in (0, 1)
    again = verify(kept)
    assert again.decisions == len(decisions)
    if "memory" not in name:
        assert not again.differences, again.differences
    done = [line["ok"] for line in _lines(kept / "volumes.ome.zarr" / "volumes.jsonl")]

    # light and stage
    assert left["light"] == ("on" if name == "shutter that stays open" else "off")
    assert all(LIMITS_UM[0] <= z <= LIMITS_UM[1] for z in visited)
    home = abs(left["stage_um"] - START_UM) <= 0.5
    assert home or name in ("stage stuck", "jitter beyond the tolerance")

    complete = code == 0
    message = _plain(err or out) if "late" in said or not complete or err else "nothing"
    stage = "back" if home else "where it stuck" if "stuck" in name else "beside"
    counted = (
        "all planes and volumes"
        if complete
        else f"{len(planes)} planes, {sum(done)} volumes"
    )
    _row(
        f"| {name} | {made_by} | {message} | {counted} | {code} | {left['light']} "
        f"| {stage} |"
    )


def _lines(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _plain(text):
    """A message without what differs from run to run."""
    text = " ".join(text.split()).replace("|", "/")
    text = re.sub(r"; what was taken is in \S+ \(go on with --resume \S+\)", "", text)
    text = re.sub(r"(/\S*)?/run\b", "DIR", text)
    text = re.sub(r"began [\d.]+ s late", "began … s late", text)
    text = re.sub(r"-?\d+\.\d{2,} µm", "… µm", text)
    return text.removeprefix("error: ")


def _row(row):
    if WRITE:
        _said[row.split("|")[1]] = row
        if len(_said) == len(FAULTS):
            DOC.parent.mkdir(exist_ok=True)
            DOC.write_text(HEAD + "\n".join(_said.values()) + "\n", encoding="utf-8")
        return
    assert row in DOC.read_text("utf-8").splitlines()


def test_the_table_is_whole():
    rows = DOC.read_text("utf-8").splitlines() if DOC.exists() else []
    names = [row.split("|")[1].strip() for row in rows if row.startswith("| ")]
    assert WRITE or set(FAULTS) <= set(names)
