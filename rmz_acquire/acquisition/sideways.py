"""The XY stage: goes somewhere, and is found to be there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rmz_acquire.acquisition.focus_stage import Interrupted, StageError, wait_while

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus import CMMCorePlus

__all__ = ["SidewaysMove"]

# Worse than any motorised stage repeats, better than another field.
_TOLERANCE_UM = 5.0
_PATIENCE_S = 2.0
_LOOK_S = 0.02


class SidewaysMove:
    """A move of the core's XY stage, begun here and made sure of by `finish`.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    x_um, y_um : float or None
        Where to, µm; None leaves an axis where it is.

    Raises
    ------
    RuntimeError
        If there is no XY stage, or whatever it complains about.
    """

    def __init__(
        self, core: CMMCorePlus, x_um: float | None, y_um: float | None
    ) -> None:
        self._core = core
        self._stage = core.getXYStageDevice()
        if not self._stage:
            msg = "there is no XY stage"
            raise RuntimeError(msg)
        x, y = core.getXYPosition(self._stage)
        self._to = (x if x_um is None else x_um, y if y_um is None else y_um)
        core.setXYPosition(self._stage, *self._to)

    def finish(self, stopped: Callable[[], bool] | None = None) -> None:
        """Wait until the stage is there.

        Parameters
        ----------
        stopped : callable, optional
            Whether to let go.

        Raises
        ------
        Interrupted
            If everything was stopped meanwhile.
        StageError
            If the position read back is another one.
        RuntimeError
            Whatever the stage complains about.
        """
        core, stage = self._core, self._stage
        what = f"stage {stage!r}"
        wait_while(lambda: core.deviceBusy(stage), stopped, core.getTimeoutMs(), what)
        until = time.perf_counter() + _PATIENCE_S
        while True:
            here = core.getXYPosition(stage)
            off = max(abs(a - b) for a, b in zip(here, self._to, strict=True))
            if off <= _TOLERANCE_UM:  # not where it is no number
                return
            if time.perf_counter() > until:
                (x, y), (to_x, to_y) = here, self._to
                msg = (
                    f"{what} was sent to x {to_x:g}, y {to_y:g} µm and stands at "
                    f"x {x:g}, y {y:g} µm"
                )
                raise StageError(msg)
            if stopped is not None and stopped():
                raise Interrupted(f"stopped while {what} was on its way")
            time.sleep(_LOOK_S)
