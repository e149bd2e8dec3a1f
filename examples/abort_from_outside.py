"""Abort an experiment from another thread, then go on with its next plane."""

import sys

import useq
from pymmcore_plus import CMMCorePlus

import rmz_acquire
from rmz_acquire.acquisition import Control

core = CMMCorePlus.instance()
core.loadSystemConfiguration()
sequence = useq.MDASequence(
    channels=[{"config": "DAPI", "exposure": 5}],
    stage_positions=[(0, 0, 0), (10, 0, 5)],
    z_plan={"range": 8, "step": 1},
    metadata={"rmz_acquire": {"version": 1, "estimator": "linear", "max_planes": 5}},
)
control = Control()


def on_decision(volume, decision, estimate):
    """Stop in the middle of the second volume; any thread may do so at any time."""
    if volume.number == 1 and decision.index == 1:
        control.abort("stopped to look at it")


run = rmz_acquire.run(
    core,
    sequence,
    sys.argv[1],
    overwrite=True,
    control=control,
    on_decision=on_decision,
)
print(run.summary.reason)
run = rmz_acquire.resume(core, sys.argv[1])
print(run.summary.reason)
