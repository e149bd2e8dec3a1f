"""Hears what controllers tell without a window, whatever thread tells it."""

from __future__ import annotations

import time
from functools import partial

from patience import PATIENCE_S
from PyQt6.QtCore import QObject, Qt, pyqtSignal


class Told:
    """All that controllers told since the last `clear`, in order."""

    def __init__(self, *controllers):
        self.all = []
        for controller in controllers:
            kind = type(controller)
            for name in set(dir(kind)) - set(dir(QObject)):
                if isinstance(getattr(kind, name), pyqtSignal):
                    getattr(controller, name).connect(
                        partial(self._note, name), Qt.ConnectionType.DirectConnection
                    )

    def _note(self, name, *args):
        self.all.append((name, args))

    def of(self, name):
        """What a signal told each time: its arguments."""
        return [args for told, args in list(self.all) if told == name]

    def clear(self):
        self.all.clear()

    def until(self, name, condition=lambda *_: True, times=1, timeout_s=PATIENCE_S):
        """Wait until a signal has told so often what fulfils a condition."""
        end = time.monotonic() + timeout_s
        while True:
            fit = [args for args in self.of(name) if condition(*args)]
            if len(fit) >= times:
                return fit[times - 1]
            assert time.monotonic() < end, [told for told, _ in self.all]
            time.sleep(0.005)
