"""Ends everything before the window goes: safely, in order, and never for ever."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from rmz_acquire.errors import message_of
from rmz_acquire.workers import end_workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.gui.controllers.microscope_session import MicroscopeController
    from rmz_acquire.gui.controllers.scans import ScanController

__all__ = ["Ending"]

logger = logging.getLogger(__name__)

_SCAN_S = 30.0
"""How long a scan that was aborted may take to end, beside an exposure under way, s."""

_SAY_S = 2.0


class Ending(QObject):
    """Aborts what runs, waits for it, and lets go of the microscope, on a thread.

    Parameters
    ----------
    microscope, scans
        What is ended.
    others : sequence of callable
        What is ended before, each in a time of its own.
    """

    #: What is waited for, in words.
    step = pyqtSignal(str)
    #: Nothing more is waited for.
    over = pyqtSignal()

    def __init__(
        self,
        microscope: MicroscopeController,
        scans: ScanController,
        others: list[Callable[[], None]],
    ) -> None:
        super().__init__()
        self._microscope = microscope
        self._scans = scans
        self._others = others
        #: What did not end, in words; the process must not wait for it.
        self.left_behind: list[str] = []
        # no daemon: a process that is left early ends when the light is off
        self._thread = threading.Thread(target=self._work, name="closing")

    def begin(self) -> None:
        """End everything."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the thread, which is near once it is `over`."""
        self._thread.join()

    def _work(self) -> None:
        try:
            self._end_all()
        finally:
            self.over.emit()

    def _end_all(self) -> None:
        self._do("ending the scan: light off, focus back", self._end_scan)
        for other in self._others:
            self._do("ending what else runs; a training stops at its checkpoint", other)
        if not self.left_behind:
            # devices in use are not unloaded
            self._do("releasing the microscope", self._microscope.close)
        self.step.emit("waiting for the reconstruction to stop")
        for name in end_workers():
            # it computes somewhere where nothing stops it; all of it is on disk
            logger.warning("%s did not end: left behind", name)

    def _end_scan(self) -> None:
        exposure_s = 0.0
        core = self._microscope.core
        if core is not None and self._scans.running:
            exposure_s = float(core.getExposure()) / 1000
        self._scans.abort("the window was closed")
        begin = time.monotonic()
        while not self._scans.wait(_SAY_S):
            waited = time.monotonic() - begin
            if waited > _SCAN_S + 2 * exposure_s:
                msg = "camera or stage does not answer: make sure that the light is off"
                raise TimeoutError(msg)
            self.step.emit(f"waiting for camera and stage, {waited:.0f} s")

    def _do(self, words: str, step: Callable[[], None]) -> None:
        self.step.emit(words)
        try:
            step()
        except Exception as error:
            logger.exception("not ended well: %s", words)
            self.left_behind.append(f"{words}: {message_of(error)}")
