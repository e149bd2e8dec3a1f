"""The script that took full stacks, made adaptive by one block of metadata."""

import sys

import useq
from pymmcore_plus import CMMCorePlus

import rmz_acquire

core = CMMCorePlus.instance()
core.loadSystemConfiguration()  # Micro-Manager's demo; give your own .cfg here

sequence = useq.MDASequence(
    channels=[{"config": "DAPI", "exposure": 5}, {"config": "FITC", "exposure": 10}],
    stage_positions=[(0, 0, 20), (100, 0, 25)],
    z_plan={"range": 20, "step": 1},
    # without this block core.mda.run(sequence) takes all 84 planes
    metadata={
        "rmz_acquire": {
            "version": 1,
            "estimator": "linear",
            "epsilon": 0.05,
            "max_planes": 9,
            "channels": "leader",  # FITC takes the planes that DAPI chose
        }
    },
)
run = rmz_acquire.run(core, sequence, sys.argv[1], overwrite=True)
print(run.summary.reason)
print(run)  # planes, volumes and decisions, to look at
