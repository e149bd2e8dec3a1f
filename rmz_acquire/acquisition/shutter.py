"""The light: on for the exposure, off for anything else, whatever happens.

A UniMMCore with a camera written in Python does not work the shutter in `snapImage`
(it only announces that it did), so there auto-shutter is done here.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pymmcore_plus.experimental.unicore import UniMMCore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymmcore_plus import CMMCorePlus

__all__ = ["ShutterError", "ShutterGuard"]

_TRIES = 5
_REST_S = 0.02


class ShutterError(RuntimeError):
    """A shutter does not close."""


class ShutterGuard:
    """Works the shutter around an exposure and closes it for good.

    With auto-shutter off the shutter is left as it is during the scan (people gate
    the light otherwise) and closed at its end all the same.

    Parameters
    ----------
    core : CMMCorePlus
        The core; its current shutter is remembered, since a channel may choose
        another one.
    """

    def __init__(self, core: CMMCorePlus) -> None:
        self._core = core
        self._shutters: dict[str, None] = {}
        self._notice()

    @contextmanager
    def exposure(self) -> Iterator[None]:
        """Light for the time of one exposure."""
        shutter = self._notice()
        core = self._core
        by_hand = (
            shutter
            and core.getAutoShutter()
            and isinstance(core, UniMMCore)
            and core.isPyDevice(core.getCameraDevice())
        )
        if not by_hand:
            yield
            # the core closed it: one that sticks must not stay open unseen
            if shutter and core.getAutoShutter() and core.getShutterOpen(shutter):
                self._shut(shutter)
            return
        try:
            core.setShutterOpen(shutter, True)
            core.waitForDevice(shutter)
            yield
        finally:
            self._shut(shutter)

    def close(self) -> None:
        """Close every shutter that was in use.

        Raises
        ------
        RuntimeError
            If one stays open, after all were told to close.
        """
        self._notice()
        problems: list[str] = []
        for shutter in self._shutters:
            try:
                self._shut(shutter)
            except ShutterError as error:
                problems.append(str(error))
            except Exception as error:
                # the other shutters must be closed too
                problems.append(f"shutter {shutter!r} cannot be closed: {error}")
        if problems:
            raise RuntimeError("; ".join(problems))

    def _shut(self, shutter: str) -> None:
        """Close a shutter and make sure of it; one that sticks is told again."""
        for _ in range(_TRIES):
            self._core.setShutterOpen(shutter, False)
            self._core.waitForDevice(shutter)
            if not self._core.getShutterOpen(shutter):
                return
            time.sleep(_REST_S)
        msg = f"shutter {shutter!r} is still open: switch the light off by hand"
        raise ShutterError(msg)

    def _notice(self) -> str:
        shutter = str(self._core.getShutterDevice())
        if shutter:
            self._shutters[shutter] = None
        return shutter
