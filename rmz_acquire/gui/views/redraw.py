"""How the window hears of other threads, and when it draws what comes from them.

Everything is heard in the order in which it happened; of pictures only the newest is
drawn, some times a second.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtCore import pyqtBoundSignal

__all__ = ["Latest", "hear"]

_REST_MS = 30


def hear(signal: pyqtBoundSignal, slot: Callable[..., None]) -> None:
    """Call a slot on the thread of the window, behind all that was told before.

    Also where the window itself tells: it is never called from within a call.
    """
    # a parameter that the stubs of PyQt6 do not know
    signal.connect(slot, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]


class Latest(QObject):
    """Shows the newest of what is put, at most once in 30 ms; what is older is left.

    However much comes while the window is busy, one waits: neither the queue of its
    thread nor memory grows.

    Parameters
    ----------
    show : callable
        Draws, on the thread of the window.
    parent : QObject
        Lives as long as this.
    """

    _came = pyqtSignal()

    def __init__(self, show: Callable[..., None], parent: QObject) -> None:
        super().__init__(parent)
        self._show = show
        self._lock = threading.Lock()
        self._newest: tuple[Any, ...] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self.now)
        hear(self._came, self._timer.start)

    def hear(self, signal: pyqtBoundSignal) -> None:
        """Take all that a signal tells."""
        signal.connect(self.put, Qt.ConnectionType.DirectConnection)  # type: ignore[call-arg]

    def put(self, *what: Any) -> None:
        """Take what `show` is handed, in place of what waits; from any thread."""
        with self._lock:
            waits, self._newest = self._newest is not None, what
        if not waits:
            self._came.emit()

    def now(self) -> None:
        """Show what waits, if something does."""
        what = self._take()
        if what is not None:
            self._show(*what)

    def drop(self) -> None:
        """Forget what waits."""
        self._take()

    def _take(self) -> tuple[Any, ...] | None:
        with self._lock:
            what, self._newest = self._newest, None
        return what
