"""What tests of the simulated devices ask of them."""

from __future__ import annotations

from rmz_acquire.simulation.camera import simulated_camera

DARK = {"Photons_per_ms": 0.0, "DarkCurrent_e_per_s": 0.0}


def snap(core, z_um=None):
    if z_um is not None:
        core.setPosition(z_um)
        core.waitForSystem()
    core.snapImage()
    return core.getImage()


def truth(core, z_um=0.0):
    return simulated_camera(core).expected([z_um])[0]
