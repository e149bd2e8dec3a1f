"""On a core that pymmcore-gui owns: type this into its console, or run it as it is.

pymmcore-gui shows frames as they come through ``core.mda.events``. It sees the useq
sequence itself (`sequenceStarted`) and planes with the indices of that sequence, so
its viewer puts each where it belongs. Its engine is back at the end.
"""

import sys
import threading

import useq
from pymmcore_plus import CMMCorePlus

import rmz_acquire

core = CMMCorePlus.instance()  # the one that the window uses
if not core.getLoadedDevices()[1:]:
    core.loadSystemConfiguration()
engine = core.mda.engine

shown = []  # stands for the window: it listens, and runs nothing of ours
core.mda.events.sequenceStarted.connect(lambda seq, _meta: print(seq.used_axes))
core.mda.events.frameReady.connect(lambda _img, event: shown.append(dict(event.index)))

sequence = useq.MDASequence(
    channels=[{"config": "DAPI", "exposure": 5}],
    z_plan={"bottom": 0, "top": 10, "step": 1},
    metadata={"rmz_acquire": {"version": 1, "estimator": "linear", "max_planes": 5}},
)
# on a thread of its own, so that the window stays alive
done = threading.Thread(
    target=rmz_acquire.run,
    args=(core, sequence, sys.argv[1]),
    kwargs={"overwrite": True},
)
done.start()
done.join()
assert core.mda.engine is engine
first = ", ".join(f"{axis} {n}" for axis, n in shown[0].items())
print(f"{len(shown)} frames, the first at {first}")
