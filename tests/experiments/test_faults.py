"""Every fault of the simulated microscope: what is told, kept, and left behind.

The table in docs/faults.md is made here: RMZ_ACQUIRE_WRITE_DOCS=1 pytest of this file
writes it, and otherwise every row is compared with it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from fault_cases import FAULTS, LIMITS_UM, pictures

from rmz_acquire.acquisition import close_core, load_simulated
from rmz_acquire.cli import main
from rmz_acquire.experiments.verify import verify

DOC = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
WRITE = os.environ.get("RMZ_ACQUIRE_WRITE_DOCS") == "1"
START_UM = 6.0

HEAD = """# What happens when something goes wrong

`RMZ_ACQUIRE_WRITE_DOCS=1 pytest tests/experiments/test_faults.py` makes this table;
without the variable, the test compares every row with what happens. Each row is an
experiment of two time points at two positions, at most 4 planes per volume, with the
estimator `linear` unless another is named, on the simulated microscope with one fault:
either a seeded property of its devices (`FaultSeed`), or a fault of disk or estimator
that the test makes. For every row the test also checks that every plane that was
exposed and delivered can be read afterwards, that every decision can be repeated from
the planes (`scan --verify`), and that the stage was never sent beyond its limits.

Rows with *looked at again* have `checks: {repeat: true}` in the experiment: one plane
of every volume is taken again at its end and compared with itself. This is off by
default, because it costs light. It does not notice what changes the picture by less
than a tenth of its contrast (`checks.tolerance`), nor anything where the repeated plane
shows no structure. A specimen that moves up and down looks like a focus that drifts, so
the message names both.

| fault | made by | what the user is told | on disk | exit | light | stage | note |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
_said: dict[str, str] = {}


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "stack.tif"
    stack = pictures(np.arange(0, 20, 0.1))
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.fixture
def core(stack):
    core = load_simulated()
    core.setProperty("Camera", "StackStep_um", 0.1)
    core.setProperty("Camera", "Specimen", str(stack))
    core.setProperty("Z", "Settle_ms", 0)
    core.setPosition(START_UM)
    core.waitForSystem()
    for device in ("Camera", "Z", "Epi Shutter", "Reflection"):
        core.setProperty(device, "FaultSeed", 3)
    yield core
    close_core(core)


def _experiment(path, fault):
    block = {
        "version": 1,
        "estimator": "linear",
        "epsilon": 1e-6,
        "max_planes": 4,
        "stage": {"limits_um": list(LIMITS_UM), "timeout_ms": 50},
        **fault.block,
    }
    told = {
        "channels": [{"config": "GFP", "exposure": 1}],
        "stage_positions": [{"x": 0, "y": 0, "z": 6}, {"x": 20, "y": 0, "z": 9}],
        "time_plan": {"interval": fault.interval_s, "loops": 2},
        "z_plan": {"range": 12, "step": 1},
        "metadata": {"rmz_acquire": block},
    }
    if fault.autofocus:
        told["autofocus_plan"] = {"axes": ["p"]}
    path.write_text(yaml.safe_dump(told), encoding="utf-8")


# looking again is tried once among the quick ones, without a fault and with backlash
SLOW = {
    name
    for name, fault in FAULTS.items()
    if "checks" in fault.block and not name.startswith(("none", "backlash"))
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in FAULTS],
)
def test_a_fault(name, core, tmp_path, monkeypatch, capsys):
    fault, folder = FAULTS[name], tmp_path / "run"
    visited = []
    move = core.setPosition
    monkeypatch.setattr(
        core, "setPosition", lambda *a: (visited.append(a[-1]), move(*a))
    )

    def set_faults(*_):
        for (device, prop), value in fault.properties.items():
            core.setProperty(device, prop, value)

    if fault.arrange is not None:
        fault.arrange(core, folder, monkeypatch)
    if fault.later:
        core.mda.events.frameReady.connect(set_faults)
    else:
        set_faults()
    left = {}

    def look(core):
        shutter = core.getShutterDevice()
        left["locked"] = core.isContinuousFocusEnabled()
        left["light"] = "on" if core.getShutterOpen(shutter) else "off"
        # the fault itself must not hide where it stands
        core.setProperty("Z", "ReadWrong_probability", 0)
        left["stage_um"] = core.getPosition()

    monkeypatch.setattr("rmz_acquire.acquisition.open_core", lambda _: core)
    monkeypatch.setattr("rmz_acquire.cli.running._close", look)
    file = tmp_path / "experiment.yaml"
    _experiment(file, fault)
    given = main(["scan", str(file), "--config", "simulated", "--out", str(folder)])
    out, err = capsys.readouterr()
    said = " ".join((out + err).split())
    assert given == fault.code, said
    assert re.search(fault.told, said), said

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
    checks = _lines(kept / "checks.ome.zarr" / "checks.jsonl")
    checks = [line for line in checks if line["number"] is not None]
    assert bool(checks) == ("checks" in fault.block)

    # light and stage
    assert left["light"] == fault.light
    assert left["locked"] == fault.locked
    assert all(LIMITS_UM[0] <= z <= LIMITS_UM[1] for z in visited)
    home = abs(left["stage_um"] - START_UM) <= 0.5
    assert home == (fault.stage == "back")

    message = _plain(err or out, fault.told) if err or fault.code else "nothing"
    counted = f"{_number(len(planes), 'plane')}, {_number(sum(done), 'volume')}"
    if fault.code == 0:
        counted = "all planes and volumes"
    if checks:
        counted += f", {len(checks)} planes of checks"
    _row(
        f"| {name} | {fault.made_by} | {message} | {counted} | {fault.code} "
        f"| {fault.light} | {fault.stage} | {fault.note} |"
    )


def _lines(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _number(n, what):
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _plain(text, told):
    """A message without what differs from run to run."""
    text = " ".join(text.split()).replace("|", "/")
    text = re.sub(r"; what was taken is in \S+ \(go on with --resume \S+\)", "", text)
    text = re.sub(r"(/\S*)?/run\b", "DIR", text)
    text = re.sub(r"began [\d.]+ s late", "began … s late", text)
    text = re.sub(r"-?\d+\.\d{2,} µm", "… µm", text)
    text = re.sub(r"[\d.]+ \(limit", "… (limit", text)
    if "s late" not in told:
        # on a computer that is busy otherwise
        text = re.sub(r"warning: time point \d+ began … s late ?", "", text).strip()
    first, *more = text.removeprefix("error: ").split("warning: ")
    if not more:
        return first or "nothing"
    # which of several warnings come, and where, depends on how fast the computer is
    main = next((each for each in more if re.search(told, each)), more[0]).strip()
    if "of its contrast" in main:
        main = re.sub(r"t \d p \d GFP, z \S+ µm", "t … p … GFP, z … µm", main)
        main = re.sub(r"\(\d+% of its contrast[^)]*\)", "(… of its contrast)", main)
        return f"{first}warning: {main}"
    others = f" … and {len(more) - 1} more" if len(more) > 1 else ""
    return f"{first}warning: {main}{others}"


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
