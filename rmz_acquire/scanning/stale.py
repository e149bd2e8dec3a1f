"""Notices a camera that hands out a frame once more in place of a new one.

Noise makes two exposures differ, so frames that are equal to the last bit are one: of a
driver that returns its buffer again, a trigger that did not come, a ring of buffers
that is read in the wrong place. That holds for frames that show noise at all. Of one
value everywhere, of nothing but clipped pixels, or of a camera that is known to have no
noise (`Plane.noise_free`), equality proves nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmz_acquire.scanning.frame_quality import FrameFacts
    from rmz_acquire.scanning.records import Plane

__all__ = ["RecentFrames", "StaleFramesError"]


class StaleFramesError(RuntimeError):
    """The camera gives no new frames."""


@dataclass(frozen=True, slots=True)
class _Frame:
    digest: str
    volume: str
    number: int


class RecentFrames:
    """The last exposures of a camera, also across the volumes of an acquisition."""

    #: How many. A ring of buffers is no longer; and Micro-Manager's demo camera, which
    #: has no noise in its waves, gives a picture again after eight.
    REMEMBERED = 6

    def __init__(self) -> None:
        self._frames: deque[_Frame | None] = deque(maxlen=self.REMEMBERED)
        self._volume = ""
        #: How many of the last frames, without one between, were old ones.
        self.in_a_row = 0

    def begin(self, volume: str) -> RecentFrames:
        """Go on to a volume, by its name.

        Returns
        -------
        RecentFrames
            Itself.
        """
        self._volume = volume
        return self

    def copy(self) -> RecentFrames:
        """Give another one that remembers the same."""
        other = RecentFrames()
        other._frames.extend(self._frames)
        other._volume = self._volume
        other.in_a_row = self.in_a_row
        return other

    def forget(self) -> None:
        """Remember nothing."""
        self._frames.clear()
        self.in_a_row = 0

    def skip(self, exposures: int) -> None:
        """Let exposures pass that nobody compares."""
        self._frames.extend([None] * exposures)

    def find(self, frame: FrameFacts, plane: Plane, number: int) -> str | None:
        """Look whether a frame was handed out before, and remember it.

        Parameters
        ----------
        frame : FrameFacts
            The frame.
        plane : Plane
            Its plane; one that is the `after_resume` is compared with none.
        number : int
            Its place in the volume, from 1.

        Returns
        -------
        str or None
            Which frame it is, "plane 2"; None for a new one.
        """
        if plane.after_resume:
            self.forget()
        same = None
        if frame.telling and not plane.noise_free:
            known = (f for f in self._frames if f is not None)
            same = next((f for f in known if f.digest == frame.digest), None)
        self._frames.append(same or _Frame(frame.digest, self._volume, number))
        if same is None:
            self.in_a_row = 0
            return None
        self.in_a_row += 1
        here = same.volume == self._volume
        return f"plane {same.number}" + ("" if here else f" of {same.volume}")
