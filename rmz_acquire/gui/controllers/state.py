"""What the microscope of the window is doing."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["State"]


class State(StrEnum):
    """What the microscope is doing; the window shows and allows accordingly."""

    empty = "empty"
    connecting = "connecting"
    ready = "ready"
    live = "live"
    scanning = "scanning"
    collecting = "collecting"
    paused = "paused"
    rendering = "rendering"
    ending = "ending"
    closed = "closed"

    @property
    def busy(self) -> bool:
        """Whether a scan, or one who takes stacks, has the microscope."""
        return self in (
            State.scanning,
            State.collecting,
            State.paused,
            State.rendering,
            State.ending,
        )
