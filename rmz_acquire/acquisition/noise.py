"""Cameras of which it is known that they have no noise.

Two exposures of one scene by such a camera are equal to the last bit, which says
nothing against it. All others have noise, and a frame that comes twice is an old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.simulation.camera import SimulatedCamera
from rmz_acquire.simulation.devices import device_behind
from rmz_acquire.simulation.specimens import SPECIMENS

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

__all__ = ["is_noise_free"]

# Pictures of Micro-Manager's demo camera that follow from the focus, or from nothing.
_DEMO = "DemoCamera"
_NOISE_FREE = {"Fluorescent Beads", "Color Test Pattern"}


def is_noise_free(core: CMMCorePlus) -> bool:
    """Whether the core's camera, as it is set now, has no noise."""
    camera = core.getCameraDevice()
    if device_behind(core, camera, SimulatedCamera) is not None:
        return core.getProperty(camera, "Specimen") not in SPECIMENS  # a recorded stack
    return (
        core.getDeviceLibrary(camera) == _DEMO
        and core.hasProperty(camera, "Mode")
        and core.getProperty(camera, "Mode") in _NOISE_FREE
    )
