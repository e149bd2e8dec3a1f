"""The focus lock (continuous autofocus): off while a scan moves the focus.

A lock that is on holds the focus where it is: it refuses the moves of a scan, or takes
them back once the stage says that it has arrived. So it is off from before the first
move until the stage is back, and then on again, however the scan ended.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Self

from rmz_acquire.errors import InputError, ScanFailed, message_of

if TYPE_CHECKING:
    from types import TracebackType

    from pymmcore_plus import CMMCorePlus

__all__ = ["FocusLock", "FocusLockError"]

logger = logging.getLogger(__name__)

_PATIENCE_S = 2.0
_LOOK_S = 0.05


class FocusLockError(ScanFailed):
    """The focus lock is not as it was set."""


class FocusLock:
    """The core's continuous autofocus; as a context it is off inside.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope; only asked here.
    stage : str
        Label of the stage that is moved. One that sets the offset of the lock itself
        needs it on: then it is left alone.
    was_on : bool
        Whether it is switched on at the end though it is off now: of a run that goes
        on after a kill.

    Raises
    ------
    InputError
        If the autofocus device does not tell whether it is on.
    """

    def __init__(self, core: CMMCorePlus, stage: str, *, was_on: bool = False) -> None:
        self._core = core
        self.device = str(core.getAutoFocusDevice())
        #: Whether it is on again at the end.
        self.was_on = (
            bool(self.device)
            and not (stage and core.isContinuousFocusDrive(stage))
            and (was_on or self._on())
        )
        #: What became of it, in words; None where there was nothing to do.
        self.told: str | None = None

    def release(self) -> None:
        """Switch it off where it is on, and make sure of it.

        Raises
        ------
        FocusLockError
            If it stays on: nothing may move then.
        """
        if not self.was_on:
            return
        if self._on():
            self._switch(False)
        self.told = f"the focus lock {self.device!r} is off for the scan"
        logger.info(self.told)

    def engage(self) -> None:
        """Switch it on where it was, and make sure of it.

        Raises
        ------
        FocusLockError
            If it stays off.
        """
        if not self.was_on:
            return
        self.told = f"the focus lock {self.device!r} was off for the scan"
        if not self._on():
            self._switch(True)
        self.told += ", and is on again"
        logger.info(self.told)

    def __enter__(self) -> Self:
        """Switch it off; where that fails, leave it on."""
        try:
            self.release()
        except BaseException:
            self.engage()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Switch it on again; what went wrong inside is told first."""
        try:
            self.engage()
        except FocusLockError as failed:
            if error is None:
                raise
            msg = f"{message_of(error)}; afterwards {failed}"
            raise FocusLockError(msg) from error

    def _on(self) -> bool:
        try:
            return bool(
                self._core.isContinuousFocusEnabled()
                # some tell only whether they hold
                or self._core.isContinuousFocusLocked()
            )
        except RuntimeError as error:
            msg = (
                f"the autofocus {self.device!r} does not tell whether its focus lock "
                f"is on ({message_of(error)}): switch it on, or take it out of "
                "Core-AutoFocus"
            )
            raise InputError(msg) from error

    def _switch(self, on: bool) -> None:
        """Set it, and look until it is so."""
        core, wanted = self._core, "on" if on else "off"
        try:
            core.enableContinuousFocus(on)
            core.waitForDevice(self.device)
            until = time.perf_counter() + _PATIENCE_S
            while self._on() != on:
                if time.perf_counter() > until:
                    msg = f"it stays {'off' if on else 'on'}"
                    raise RuntimeError(msg)
                time.sleep(_LOOK_S)
        except (InputError, RuntimeError) as error:
            msg = (
                f"the focus lock {self.device!r} cannot be switched {wanted} "
                f"({message_of(error)}): switch it {wanted} by hand"
            )
            raise FocusLockError(msg) from error
