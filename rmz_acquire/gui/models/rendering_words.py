"""How far the volumes are that are rendered behind the scans, in words."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rmz_acquire.gui.models.time_left import left_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.experiments.callbacks import Rendered
    from rmz_acquire.gui.models.composite import Composite

__all__ = ["HowFar", "decided_words"]


@dataclass(slots=True)
class HowFar:
    """What was last heard of the rendering, with its time left counted down.

    Parameters
    ----------
    clock : callable
        Seconds, ever growing.
    """

    clock: Callable[[], float] = time.monotonic
    _told: Rendered | None = field(default=None)
    _since: float = 0.0

    def take(self, told: Rendered) -> None:
        """It is so far now."""
        self._told, self._since = told, self.clock()

    def forget(self) -> None:
        """Another run begins."""
        self._told = None

    @property
    def part(self) -> float:
        """How much of all is rendered, 0 to 1."""
        told = self._told
        return 0.0 if told is None or not told.of else (told.done + told.part) / told.of

    @property
    def headline(self) -> str:
        """What is being done."""
        told = self._told
        if told is None or told.of == 1:
            return "Rendering the whole volume"
        return f"Rendering volume {min(told.done + 1, told.of)} of {told.of}"

    @property
    def detail(self) -> str:
        """How far it is, and what an abort costs."""
        said = [f"{self.part:.0%} rendered", self._left()]
        safe = "All planes are on disk: stopping now loses none, and it can be "
        return f"{' · '.join(s for s in said if s)}. {safe}rendered later."

    @property
    def beside(self) -> str:
        """The same beside a scan; empty where nothing is rendered."""
        told = self._told
        if told is None or told.done == told.of:
            return ""
        said = f"rendering volume {told.done + 1} of {told.of} behind it"
        left = self._left()
        return f"{said}, {left}" if left else said

    def _left(self) -> str:
        told = self._told
        if told is None or told.left_s is None:
            return ""
        left_s = max(0.0, told.left_s - (self.clock() - self._since))
        return left_words(left_s, most=False)


def decided_words(number: int, volume: Composite | None) -> str:
    """Say on what a scan decides, and what of the picture that leaves open.

    Parameters
    ----------
    number : int
        Of regions; 0 where the whole picture decides.
    volume : Composite or None
        What is shown of a volume that is not rendered; None where it is.
    """
    if not number:
        return ""
    said = f"Decided on {number} region{'' if number == 1 else 's'}; "
    if volume is None:
        return f"{said}the whole volume is rendered"
    if volume.made:
        return f"{said}elsewhere interpolated until the volume is rendered"
    return f"{said}not rendered yet: all of it is interpolated between the planes"
