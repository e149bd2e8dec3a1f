"""Cuts through what is not rendered yet, on a thread of its own: the newest wins."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from PyQt6.QtCore import QObject, pyqtSignal

from rmz_acquire.workers import Worker

if TYPE_CHECKING:
    from rmz_acquire.gui.models.composite import Composite

__all__ = ["Cutter", "Wanted"]


class Wanted(NamedTuple):
    """What is to be cut.

    Parameters
    ----------
    source : Composite
        Through what.
    at : (int, int, int)
        The voxel, z, y, x.
    maximum : bool
        The largest values instead.
    """

    source: Composite
    at: tuple[int, int, int]
    maximum: bool


class Cutter(QObject):
    """Cuts what was asked for last; what comes before it is its turn is left out."""

    #: What was asked for, and its `Cuts`; connect it with `hear`.
    cut = pyqtSignal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._wanted: Wanted | None = None

    def ask(self, wanted: Wanted) -> None:
        """Cut this; `cut` comes."""
        with self._lock:
            waits, self._wanted = self._wanted is not None, wanted
        if waits:
            return
        if self._worker is None or not self._worker.alive:
            self._worker = Worker("slices")
        self._worker.submit(self._work)

    def forget(self) -> None:
        """Leave out what waits."""
        with self._lock:
            self._wanted = None

    def _work(self) -> None:
        with self._lock:
            wanted, self._wanted = self._wanted, None
        if wanted is None:
            return
        source = wanted.source
        self.cut.emit(
            wanted, source.maxima() if wanted.maximum else source.cuts(*wanted.at)
        )
