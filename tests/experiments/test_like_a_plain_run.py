"""All axes but z behave as in a plain pymmcore-plus run, event by event."""

from __future__ import annotations

import warnings

import pytest
import useq
from pymmcore_plus.mda import MDAEngine

from rmz_acquire.experiments import run
from rmz_acquire.experiments.volumes import volumes_of

DAPI = {"config": "DAPI", "exposure": 2}
FITC = {"config": "FITC", "exposure": 3}
RELATIVE = {"range": 4, "step": 1}
ABSOLUTE = {"bottom": -3, "top": 3, "step": 1.5}
TILES = {"rows": 1, "columns": 2, "overlap": 10}

SEQUENCES = {
    "time and channels": {
        "channels": [DAPI, FITC],
        "time_plan": {"interval": 0.2, "loops": 2},
        "z_plan": RELATIVE,
    },
    "positions, relative": {
        "channels": [DAPI],
        "stage_positions": [{"x": 10, "y": 20, "z": 3, "name": "one"}, (30, 40, -5)],
        "z_plan": RELATIVE,
    },
    "positions, absolute, from above": {
        "channels": [DAPI],
        "stage_positions": [(1, 2, 3), (30, 40, None)],
        "z_plan": {**ABSOLUTE, "go_up": False},
    },
    "grid": {"channels": [DAPI], "grid_plan": TILES, "z_plan": ABSOLUTE},
    "channels with offsets, one plane, every other time": {
        "channels": [
            DAPI,
            {**FITC, "z_offset": 1.5},
            {"config": "Cy5", "do_stack": False, "acquire_every": 2},
        ],
        "time_plan": {"interval": 0, "loops": 3},
        "z_plan": RELATIVE,
    },
    "positions before time": {
        "axis_order": "ptcz",
        "channels": [DAPI],
        "time_plan": {"interval": 0.1, "loops": 2},
        "stage_positions": [(0, 0, 1), (5, 5, 2)],
        "z_plan": RELATIVE,
    },
    "a sub-sequence with its own z": {
        "channels": [DAPI, FITC],
        "stage_positions": [
            (0, 0, 1),
            {"x": 5, "y": 6, "z": 2, "sequence": {"z_plan": {"range": 2, "step": 1}}},
        ],
        "z_plan": RELATIVE,
    },
    "autofocus at every position": {
        "channels": [DAPI],
        "stage_positions": [(0, 0, 1), (5, 5, 2)],
        "autofocus_plan": {"axes": ["p"]},
        "z_plan": RELATIVE,
    },
    "setup, and properties of a position": {
        "channels": [DAPI],
        "setup": {"roi": (0, 0, 16, 16), "properties": [("Camera", "Gain", "3")]},
        "stage_positions": [
            (0, 0, 1),
            {"x": 1, "z": 2, "properties": [("Camera", "Offset", "7")]},
        ],
        "z_plan": RELATIVE,
    },
}


@pytest.fixture
def watched(demo):
    """Note every event, and how the microscope stands at every exposure."""
    log = {"events": [], "states": [], "frames": []}
    demo.mda.events.eventStarted.connect(log["events"].append)
    demo.mda.events.frameReady.connect(
        lambda _image, event, _meta: log["frames"].append(dict(event.index))
    )
    snap = demo.snapImage

    def snapping(*args):
        x, y = demo.getXYPosition()
        log["states"].append(
            (
                round(x, 1) + 0.0,
                round(y, 1) + 0.0,
                round(demo.getPosition(), 3) + 0.0,
                demo.getCurrentConfig("Channel"),
                demo.getExposure(),
                demo.getProperty("Camera", "Gain"),
                demo.getProperty("Camera", "Offset"),
                tuple(demo.getROI()),
            )
        )
        return snap(*args)

    demo.snapImage = snapping
    return demo, log


def _told(event):
    return event.model_dump(exclude={"sequence", "metadata"})


def _full_stack(plan):
    """Our block that takes every z of the plan in the plan's order."""
    z_um = list(useq.MDASequence(z_plan=plan).z_plan)
    return {"version": 1, "estimator": "linear", "z_um": z_um}


@pytest.mark.parametrize("name", SEQUENCES)
def test_event_by_event(watched, tmp_path, name):
    core, log = watched
    told = dict(SEQUENCES[name])
    block = _full_stack(told["z_plan"])
    if name.startswith("a sub"):
        # its z_plan is a shorter one: a list would not fit both
        block = {**block, "z_um": None, "policy": "uniform", "epsilon": 1e-12}
    sequence = useq.MDASequence(**told, metadata={"rmz_acquire": block})
    core.setPosition(0.0)
    core.setXYPosition(0.0, 0.0)
    core.mda.set_engine(MDAEngine(core, use_hardware_sequencing=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the focus direction, by the stock engine
        core.mda.run(sequence)
    plain = {what: list(items) for what, items in log.items()}
    for items in log.values():
        items.clear()
    core.setPosition(0.0)
    core.setXYPosition(0.0, 0.0)
    core.clearROI()
    core.setProperty("Camera", "Gain", "0")
    core.setProperty("Camera", "Offset", "0")

    summary = run(core, sequence, tmp_path / "run").summary

    assert summary.status == "completed", summary.reason
    assert len(plain["events"]) > 8
    if name.startswith("a sub"):
        # z in another order; all else the same
        assert sorted(log["states"]) == sorted(plain["states"])
        return
    assert [_told(e) for e in log["events"]] == [_told(e) for e in plain["events"]]
    assert log["frames"] == plain["frames"]
    assert log["states"] == plain["states"]


def test_a_position_keeps_the_grid_of_its_own(demo):
    sequence = useq.MDASequence(
        channels=[DAPI, FITC],
        stage_positions=[
            (0, 0, 1),
            {"x": 5, "y": 6, "z": 2, "sequence": {"grid_plan": {**TILES}}},
        ],
        z_plan=RELATIVE,
        metadata={"rmz_acquire": {"version": 1}},
    )
    # useq goes over z before it goes over the inner grid: here z is the innermost
    volumes = volumes_of(sequence)
    assert [v.key for v in volumes] == [
        (0, 0, 0, 0),
        (0, 0, 0, 1),
        (0, 1, 0, 0),
        (0, 1, 1, 0),
        (0, 1, 0, 1),
        (0, 1, 1, 1),
    ]
    assert volumes[2].z_um == (0, 1, 2, 3, 4)
    assert sum(len(v.z_um) for v in volumes) == len(list(sequence))


def test_relative_to_where_the_stage_is(demo, tmp_path):
    demo.setPosition(7.0)
    sequence = useq.MDASequence(
        channels=[DAPI],
        z_plan=RELATIVE,
        metadata={"rmz_acquire": _full_stack(RELATIVE)},
    )
    at = []
    demo.mda.events.eventStarted.connect(lambda event: at.append(event.z_pos))
    assert run(demo, sequence, tmp_path / "run").summary.status == "completed"
    assert at == [5, 6, 7, 8, 9]  # useq alone would go to -2 … 2
    assert demo.getPosition() == pytest.approx(7.0, abs=0.02)
