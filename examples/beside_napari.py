"""On the core of napari-micromanager, with its own widget's sequence.

In napari: ``from napari_micromanager import MainWindow`` makes the window and the core
is ``CMMCorePlus.instance()``, as here. The sequence comes from its MDA widget; that
drops foreign metadata, so the block is added to what it gives.
"""

import sys

import useq
from pymmcore_plus import CMMCorePlus

import rmz_acquire

core = CMMCorePlus.instance()
if not core.getLoadedDevices()[1:]:
    core.loadSystemConfiguration()

from_widget = useq.MDASequence(  # what MDAWidget.value() gives
    channels=["DAPI"], z_plan={"range": 8, "step": 1}
)
block = {"version": 1, "estimator": "linear", "max_planes": 4}
sequence = from_widget.replace(metadata={**from_widget.metadata, "rmz_acquire": block})
frames = []
core.mda.events.frameReady.connect(lambda image, _event: frames.append(image.shape))
run = rmz_acquire.run(core, sequence, sys.argv[1], overwrite=True)
print(f"{len(frames)} frames in the viewer; {run.summary.reason}")
