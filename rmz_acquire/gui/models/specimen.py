"""What lies under the simulated microscope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.simulation.camera import SimulatedCamera
from rmz_acquire.simulation.devices import device_behind
from rmz_acquire.simulation.specimens import SPECIMENS

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

__all__ = ["SPECIMEN_NAMES", "SimulatedSpecimen"]

SPECIMEN_NAMES = tuple(sorted(SPECIMENS))


@dataclass(frozen=True, slots=True)
class SimulatedSpecimen:
    """A specimen that is made by numbers drawn.

    Parameters
    ----------
    name : str
        Of `SPECIMEN_NAMES`, or the file of a recorded stack.
    seed : int
        Another one gives another specimen of the kind.
    """

    name: str = "beads"
    seed: int = 0

    @classmethod
    def under(cls, core: CMMCorePlus) -> SimulatedSpecimen | None:
        """Give the one under a microscope; None where its camera is not simulated."""
        if not _simulated(core):
            return None
        camera = core.getCameraDevice()
        name = str(core.getProperty(camera, "Specimen"))
        return cls(name, int(core.getProperty(camera, "Seed")))

    def put_under(self, core: CMMCorePlus) -> None:
        """Put it under a simulated microscope; does nothing to another one."""
        if _simulated(core):
            camera = core.getCameraDevice()
            core.setProperty(camera, "Specimen", self.name)
            core.setProperty(camera, "Seed", self.seed)


def _simulated(core: CMMCorePlus) -> bool:
    camera = core.getCameraDevice()
    return bool(camera) and device_behind(core, camera, SimulatedCamera) is not None
