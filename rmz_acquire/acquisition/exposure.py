"""An exposure, and its end before its time.

Micro-Manager has no call that ends an exposure. So one that is long is made on a thread
of its own: where all is stopped meanwhile the light goes off at once, and only the
camera is waited for. The frame is then none, since it had light for a part of its time.
(Where camera and shutter are of one adapter, the core lets nobody at the shutter before
the camera is done; then the light stays for the rest of the exposure.)
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rmz_acquire.acquisition.focus_stage import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition.shutter import ShutterGuard

__all__ = ["expose"]

# Shorter ones are over before anybody would notice.
_LONG_MS = 500.0
_LOOK_S = 0.05


def expose(core: CMMCorePlus, light: ShutterGuard, stopped: Callable[[], bool]) -> None:
    """Expose the camera once.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    light : ShutterGuard
        Switched off where a long exposure is stopped.
    stopped : callable
        Whether everything was stopped.

    Raises
    ------
    Interrupted
        If a long exposure was cut short: its frame is not to be used.
    RuntimeError
        Whatever camera or shutter complain about.
    """
    if core.getExposure() <= _LONG_MS:
        core.snapImage()
        return
    errors: list[Exception] = []

    def snap() -> None:
        try:
            core.snapImage()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=snap, name="rmz-acquire exposure", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_S)
            if thread.is_alive() and stopped():
                light.close()
                msg = "stopped in the middle of an exposure"
                raise Interrupted(msg)
    finally:
        thread.join()
    if errors:
        raise errors[0]
