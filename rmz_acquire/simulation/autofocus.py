"""A hardware autofocus of the simulated microscope, that may lose its reflection.

pymmcore-plus has no autofocus devices in Python. So the device with the role in the
core is Micro-Manager's demo autofocus, which does nothing; what it looks at is a Python
device beside it, and the core brings the two together.
"""

from __future__ import annotations

from typing import Any

from pymmcore_plus import DeviceType
from pymmcore_plus.experimental.unicore import GenericDevice, UniMMCore

from rmz_acquire.simulation.devices import SimulatedDevice, first_device
from rmz_acquire.simulation.faults import Faults
from rmz_acquire.simulation.stage import SimulatedStage

__all__ = ["FocusingCore", "SimulatedReflection"]


class SimulatedReflection(SimulatedDevice, GenericDevice):
    """The reflection at the coverslip that an autofocus holds on to."""

    def __init__(self) -> None:
        super().__init__()
        self._faults = Faults(
            self,
            [
                ("Lost_probability", 1.0, "the autofocus does not find it"),
                ("Unlock_probability", 1.0, "the focus lock does not come on"),
            ],
        )

    def hold(self) -> None:
        """Begin to hold on to it.

        Raises
        ------
        RuntimeError
            If that fails.
        """
        if self._faults.strikes("Unlock_probability"):
            msg = "simulated fault: no lock"
            raise RuntimeError(msg)

    def focus(self, stage: SimulatedStage) -> None:
        """Bring the focus to where the stage says that it is: drift is taken out.

        Parameters
        ----------
        stage : SimulatedStage
            The focus stage.

        Raises
        ------
        RuntimeError
            If the reflection is lost.
        """
        if self._faults.strikes("Lost_probability"):
            msg = "simulated fault: no reflection found"
            raise RuntimeError(msg)
        here_um = stage.get_position_um()
        stage.set_position_um(2 * here_um - stage.true_position_um())


class FocusingCore(UniMMCore):
    """A UniMMCore whose hardware autofocus works on a simulated stage too.

    Its focus lock holds that stage where it is. It is any other core on microscopes
    without a `SimulatedReflection`.
    """

    def fullFocus(self) -> None:
        """Focus, as Micro-Manager does."""
        found = self._found()
        if found is None:
            super().fullFocus()
        else:
            reflection, stage = found
            reflection.focus(stage)

    def enableContinuousFocus(self, enable: bool) -> None:
        """Switch the focus lock, as Micro-Manager does."""
        found = self._found()
        if found is not None and enable:
            found[0].hold()
        super().enableContinuousFocus(enable)

    def setPosition(self, *args: Any) -> None:
        """Move a stage; the focus lock takes it back at once."""
        if self._found() is None or not self.isContinuousFocusEnabled():
            super().setPosition(*args)

    def _found(self) -> tuple[SimulatedReflection, SimulatedStage] | None:
        reflection = first_device(self, DeviceType.Generic, SimulatedReflection)
        stage = first_device(self, DeviceType.Stage, SimulatedStage)
        if reflection is None or stage is None:
            return None
        return reflection, stage
