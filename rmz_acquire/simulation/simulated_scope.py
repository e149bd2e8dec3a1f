"""Between the simulated camera and the microscope around it.

The camera asks a `Scope` what it looks at; `CoreScope` answers from the stages, the
turret, the filters and the shutter of a core, Micro-Manager's own demo devices or real
ones alike.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Protocol

from pymmcore_plus import DeviceType

from rmz_acquire.objectives import optics_from_core
from rmz_acquire.simulation.devices import first_device
from rmz_acquire.simulation.stage import SimulatedStage

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.optics import Optics

__all__ = ["CoreScope", "Scope"]


class Scope(Protocol):
    """What is between the specimen and the camera."""

    def z_um(self) -> float:
        """Where the focus really is, µm."""
        ...

    def centre_um(self) -> tuple[float, float]:
        """y, x of the picture's middle on the specimen, µm."""
        ...

    def optics(self) -> Optics:
        """Objective, wavelength and size of an unbinned pixel."""
        ...

    def lit(self) -> bool:
        """Whether there is light."""
        ...


class CoreScope:
    """The microscope of a core as its camera sees it.

    It is asked while the core holds the camera's lock, so it never asks the core
    about the camera.

    Parameters
    ----------
    core : CMMCorePlus
        Held weakly: the core holds the camera, and the camera this.
    """

    def __init__(self, core: CMMCorePlus) -> None:
        self._core = weakref.ref(core)
        self._stage = first_device(core, DeviceType.Stage, SimulatedStage)

    def z_um(self) -> float:
        """Focus of the simulated stage, with its ringing; else of the focus device."""
        if self._stage is not None:
            return self._stage.true_position_um()
        core = self._get()
        return float(core.getPosition()) if core.getFocusDevice() else 0.0

    def centre_um(self) -> tuple[float, float]:
        """Give where the XY stage stands, as (y, x)."""
        core = self._get()
        if not core.getXYStageDevice():
            return (0.0, 0.0)
        x, y = core.getXYPosition()
        # DemoCamera counts in steps and says -0.0
        return (float(y) + 0.0, float(x) + 0.0)

    def optics(self) -> Optics:
        """From the labels of turret and filter and from the pixel-size configuration.

        Raises
        ------
        InputError
            If the configuration leaves something open.
        """
        core = self._get()
        pixel_um = None
        if config := core.getCurrentPixelSizeConfig():
            # by its name: getPixelSizeUm() would count the binning
            size = core.getPixelSizeUmByID(config)
            pixel_um = float(size) / core.getMagnificationFactor() or None
        return optics_from_core(core, pixel_size_um=pixel_um)

    def lit(self) -> bool:
        """Whether the shutter is open, or auto-shutter would open it for a snap."""
        core = self._get()
        shutter = core.getShutterDevice()
        return (
            not shutter or core.getAutoShutter() or bool(core.getShutterOpen(shutter))
        )

    def _get(self) -> CMMCorePlus:
        core = self._core()
        if core is None:  # pragma: no cover
            msg = "the core of the simulated camera is gone"
            raise RuntimeError(msg)
        return core
