"""A core that says what it does, as the window and a scan in it need to hear."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from pymmcore_plus import Keyword
from pymmcore_plus.experimental.unicore import UniMMCore

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WatchedCore"]


class WatchedCore(UniMMCore):
    """A core that tells when it moves the focus and when it exposes."""

    on_move: Callable[[float], None] | None = None
    on_expose: Callable[[], None] | None = None
    #: Does something on another thread.
    elsewhere: Callable[[Callable[[], None]], object] | None = None

    def setExposure(self, *args: Any) -> None:
        """Set the exposure; in the window's live view without waiting for the camera.

        A camera lets nobody set it while it exposes, which may take seconds.
        """
        main = threading.current_thread() is threading.main_thread()
        if main and self.elsewhere is not None and self.isSequenceRunning():
            self.elsewhere(partial(self._set_exposure, *args))
        else:
            self._set_exposure(*args)

    def _set_exposure(self, *args: Any) -> None:
        super().setExposure(*args)
        camera = str(args[0]) if len(args) > 1 else self.getCameraDevice()
        if self.isPyDevice(camera):
            # which UniMMCore keeps to itself
            self.events.exposureChanged.emit(camera, self.getExposure(camera))

    def setPosition(self, *args: Any) -> None:
        """Move the focus stage, as the core does."""
        if self.on_move is not None:
            self.on_move(float(args[-1]))
        super().setPosition(*args)

    def setProperty(
        self, label: str, propName: str, propValue: bool | float | int | str
    ) -> None:
        """Set a property; the roles of stages also where the stage is in Python.

        UniMMCore loads ``Property,Core,Focus,Z`` but refuses it from StageWidget.
        """
        if label == Keyword.CoreDevice and self.isPyDevice(str(propValue)):
            if propName == Keyword.CoreFocus:
                self.setFocusDevice(str(propValue))
                return
            if propName == Keyword.CoreXYStage:
                self.setXYStageDevice(str(propValue))
                return
        super().setProperty(label, propName, propValue)

    def snapImage(self) -> None:
        """Expose, as the core does."""
        if self.on_expose is not None:
            self.on_expose()
        super().snapImage()
