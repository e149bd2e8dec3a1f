"""The list beside the volume's heading: the volume, and others to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PyQt6.QtWidgets import QComboBox

    from rmz_acquire.gui.controllers.run_reader import RunReader
    from rmz_acquire.gui.models.composite import Composite
    from rmz_acquire.gui.models.stored_runs import StoredVolume

__all__ = ["Comparison"]

_OTHERS = {
    **{m.name: m.short for m in METHODS.values() if m.baseline},
    "full stack": "Full stack",
}


class Comparison:
    """Has the volumes made of the same planes, and draws the one that is chosen.

    Parameters
    ----------
    box : QComboBox
        The list.
    reader : RunReader
        Makes those that are not there.
    draw : callable
        Draws one.
    """

    def __init__(
        self,
        box: QComboBox,
        reader: RunReader,
        draw: Callable[[NDArray[np.float32] | Composite], None],
    ) -> None:
        self._box, self._reader, self._draw = box, reader, draw
        self._pictures: dict[str, NDArray[np.float32]] = {}
        self.offer(None)

    def begin(self) -> None:
        """Forget those of another volume."""
        self._pictures = {}
        self.offer(None)

    def take(self, volume: NDArray[np.float32]) -> None:
        """Take the volume itself."""
        self._pictures["volume"] = volume

    def offer(self, volume: StoredVolume | None) -> None:
        """Offer what the volume can be compared with, once it has ended."""
        box = self._box
        box.clear()
        box.addItem("Result", "volume")
        ended = volume is not None and "volume" in self._pictures
        if ended and volume is not None:
            for method in METHODS.values():
                if method.baseline and not (method.optics and volume.optics is None):
                    box.addItem(method.short, method.name)
        box.setEnabled(ended)

    def choose(self, volume: StoredVolume | None) -> None:
        """Show what is chosen in the list."""
        name = self._box.currentData()
        if name in self._pictures:
            self._draw(self._pictures[name])
        elif volume is not None and volume.made:
            self._reader.compare(volume, name)

    def add(self, name: str, volume: NDArray[np.float32]) -> None:
        """Another volume is there."""
        self._pictures[name] = volume
        if self._box.findData(name) < 0:
            self._box.addItem(_OTHERS[name], name)
        if self._box.currentData() == name:
            self._draw(volume)
