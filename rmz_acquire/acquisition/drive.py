"""The focus stage: goes somewhere, makes sure that it is there, and comes back.

`waitForSystem` and `waitForDevice` return early on many real stages, and the first
move of a series is the one that is off. So a move here ends only when the position
READ BACK is within a tolerance of the target, and stays so over the settle time.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

__all__ = ["Arrival", "FocusDrive", "StageError"]

_POLL_S = 0.01


class StageError(RuntimeError):
    """The stage is not where it was sent."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The end of a move.

    Parameters
    ----------
    z_um : float
        Position read back after settling, µm.
    stage_ms : float
        Time that the move took with its settling, ms.
    """

    z_um: float
    stage_ms: float


class FocusDrive:
    """Moves a focus stage and reads back where it stands.

    Parameters
    ----------
    core : CMMCorePlus
        The core that holds the stage.
    label : str
        The stage's label.
    settle_ms : float or None
        Rest after the arrival, ms; None takes the delay that the configuration
        gives the stage (``Delay,Z,20``).
    tolerance_um : float
        How far from the target it may stand, µm.
    approach_um : float
        Where above 0, every target is approached from below, from this far, µm:
        against backlash.
    timeout_ms : float
        How long the position read back may take to reach the target once the stage
        says that it has arrived, ms.
    """

    def __init__(
        self,
        core: CMMCorePlus,
        label: str,
        *,
        settle_ms: float | None = None,
        tolerance_um: float = 0.1,
        approach_um: float = 0.0,
        timeout_ms: float = 2000.0,
    ) -> None:
        self._core = core
        self.label = label
        delay = core.getDeviceDelayMs(label) if settle_ms is None else settle_ms
        self.settle_ms = float(delay)
        self.tolerance_um = tolerance_um
        self.approach_um = approach_um
        self._timeout_s = timeout_ms / 1000
        self.start_um = float(core.getPosition(label))

    def move(self, z_um: float) -> Arrival:
        """Go to a position and stay there until it has settled.

        Parameters
        ----------
        z_um : float
            Target, µm.

        Returns
        -------
        Arrival

        Raises
        ------
        StageError
            If the position read back is not within the tolerance of the target.
        RuntimeError
            Whatever the device itself complains about.
        """
        begin = time.perf_counter()
        if self.approach_um > 0:
            self._core.setPosition(self.label, z_um - self.approach_um)
            self._core.waitForDevice(self.label)
        return self._go(z_um, begin)

    def home(self) -> None:
        """Bring the stage back to where it stood at the beginning.

        Raises
        ------
        StageError
            If it does not get there.
        """
        # straight: below the start there may be no room for an approach
        self._go(self.start_um, time.perf_counter())

    def _go(self, z_um: float, begin: float) -> Arrival:
        self._core.setPosition(self.label, z_um)
        self._core.waitForDevice(self.label)
        self._arrive(z_um)
        if self.settle_ms > 0:
            time.sleep(self.settle_ms / 1000)
        actual = self._read()
        if not self._there(actual, z_um):
            raise StageError(self._off(actual, z_um))
        return Arrival(actual, (time.perf_counter() - begin) * 1000)

    def _arrive(self, z_um: float) -> None:
        """Wait for a stage that says it has arrived while it has not."""
        deadline = time.perf_counter() + self._timeout_s
        while not self._there(actual := self._read(), z_um):
            if time.perf_counter() > deadline:
                raise StageError(self._off(actual, z_um))
            time.sleep(_POLL_S)

    def _read(self) -> float:
        return float(self._core.getPosition(self.label))

    def _there(self, actual_um: float, target_um: float) -> bool:
        return (
            math.isfinite(actual_um) and abs(actual_um - target_um) <= self.tolerance_um
        )

    def _off(self, actual_um: float, target_um: float) -> str:
        return (
            f"stage {self.label!r} was sent to {target_um:g} µm and stands at "
            f"{actual_um:g} µm (tolerance {self.tolerance_um:g} µm)"
        )
