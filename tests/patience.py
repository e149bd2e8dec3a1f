"""Time in tests: waits end with an event, and promises are kept to by a fair clock."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PATIENCE_S", "Pulse", "wait_for"]

PATIENCE_S = 240.0
"""How long to wait for what must happen: only a hang takes so long, however loaded.

Less than half the time that a test has at all, so that it can still say what hung.
"""


def wait_for(condition: Callable[[], object], what: object = "") -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what or "it did not happen"
        time.sleep(0.005)


class Pulse:
    """A clock that stands still while the machine has no time for this process.

    A thread counts naps of 10 ms. On a loaded machine the naps become longer, and a
    second of the pulse longer than one on the wall; never shorter. So a promise of
    "within a second" can be tested while others use the machine, and code that really
    waits longer breaks it all the same.
    """

    NAP_S = 0.01

    def __init__(self) -> None:
        self._beats = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def __call__(self) -> float:
        """Seconds so far."""
        return self._beats * self.NAP_S

    def rest(self, seconds: float) -> None:
        """Wait, on this clock."""
        until = self() + seconds
        while self() < until:
            time.sleep(self.NAP_S)

    def _beat(self) -> None:
        while not self._end.wait(self.NAP_S):
            self._beats += 1
