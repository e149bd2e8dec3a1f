"""A time-lapse of two channels: one decides, and each time point begins with the last.

GFP chooses its planes, RFP takes the same ones. The two rules do not go together in one
experiment (a volume that begins with old planes decides for itself), so this runs two.
"""

import sys
from pathlib import Path

import useq

import rmz_acquire
from rmz_acquire.acquisition import load_simulated
from rmz_acquire.experiments import FinishedRun

core = load_simulated(specimen="nuclei", seed=3, SensorSize_px=64, Depth_um=20)
common = {"version": 1, "estimator": "linear", "epsilon": 0.1, "max_planes": 6}
sequence = useq.MDASequence(
    axis_order="tpcz",
    time_plan={"interval": 0, "loops": 2},  # seconds; here as fast as it goes
    channels=[{"config": "GFP", "exposure": 20}, {"config": "RFP", "exposure": 40}],
    z_plan={"range": 10, "step": 1},
)


def go(name: str, **block: object) -> FinishedRun:
    """Run the sequence with some keys more."""
    wanted = sequence.replace(metadata={"rmz_acquire": {**common, **block}})
    run = rmz_acquire.run(core, wanted, Path(sys.argv[1]) / name, overwrite=True)
    taken = run.summary.planes_taken
    print(f"{name}: {taken} of {run.summary.planes_full_scan} planes")
    return run


led = go("led", channels="leader", leader="GFP")
by_channel = {channel: [] for channel in ("GFP", "RFP")}
for z, channel in zip(
    led.planes.coords["z_requested_um"].values,
    led.planes.coords["channel"].values,
    strict=True,
):
    by_channel[str(channel)].append(float(z))
print("the same z in both:", sorted(by_channel["GFP"]) == sorted(by_channel["RFP"]))

go("carried", time_lapse={"start": "last"})
