"""Hardware autofocus: once before a volume, and what it shifts.

The nominal z of a plan stays as it is; what the autofocus found is added when the
stage is sent there, and taken off again when it is read back. So all planes of a
position have z of the specimen's, however the stage drifts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rmz_acquire.errors import message_of

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus
    from useq import HardwareAutofocus

__all__ = ["Autofocus", "AutofocusError"]


class AutofocusError(RuntimeError):
    """The hardware autofocus found nothing."""


class Autofocus:
    """The core's hardware autofocus and the correction of every position.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    stage : str
        Label of the focus stage that it moves.
    required : bool
        Whether an autofocus that fails is an error; otherwise the last correction
        holds on, and `failures` tells.
    corrections_um : dict, optional
        Corrections known already, µm, by position: of a run that is resumed.
    """

    def __init__(
        self,
        core: CMMCorePlus,
        stage: str,
        *,
        required: bool = True,
        corrections_um: dict[int | None, float] | None = None,
    ) -> None:
        self._core = core
        self._stage = stage
        self._required = required
        self._corrections_um = dict(corrections_um or {})
        #: Where it failed and the last correction was used, in words.
        self.failures: list[str] = []

    def correction_um(self, place: int | None) -> float:
        """Give what is added to the nominal z at a position, µm."""
        return self._corrections_um.get(place, 0.0)

    def focus(self, action: HardwareAutofocus, place: int | None) -> float:
        """Focus where the stage stands and note by how much it moved.

        Parameters
        ----------
        action : useq.HardwareAutofocus
            With the offset and the number of tries.
        place : int or None
            The position.

        Returns
        -------
        float
            The correction from now on, µm.

        Raises
        ------
        AutofocusError
            If it fails every time and is `required`.
        """
        core = self._core
        core.enableContinuousFocus(False)
        before = core.getPosition(self._stage)
        tries = max(1, action.max_retries)
        said = ""
        for _ in range(tries):
            try:
                if (offset := action.autofocus_motor_offset) is not None:
                    if action.autofocus_device_name:
                        core.setPosition(action.autofocus_device_name, offset)
                    else:
                        core.setAutoFocusOffset(offset)
                    core.waitForSystem()
                core.fullFocus()
                core.waitForDevice(self._stage)
            except RuntimeError as error:
                said = message_of(error)
                continue
            finally:
                # some leave their lock on, against which nothing could be moved
                core.enableContinuousFocus(False)
            moved = float(core.getPosition(self._stage)) - float(before)
            if not math.isfinite(moved):
                said = f"stage {self._stage!r} reports no position afterwards"
                continue
            self._corrections_um[place] = self.correction_um(place) + moved
            return self.correction_um(place)
        where = "" if place is None else f" at position {place}"
        msg = f"autofocus{where} failed {tries} times: {said}"
        if self._required:
            raise AutofocusError(msg)
        shift = self.correction_um(place)
        self.failures.append(f"{msg}; went on with the last correction, {shift:g} µm")
        return shift
