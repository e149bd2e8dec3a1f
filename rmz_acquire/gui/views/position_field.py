"""A field that shows where a stage stands, and is typed into to send it somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QDoubleSpinBox

__all__ = ["PositionField"]

_DECIMALS = 2


class PositionField:
    """Keeps what is read and what is typed apart.

    Parameters
    ----------
    box : QDoubleSpinBox
        The field, of a StageWidget, which moves the stage once typing ends.
    """

    def __init__(self, box: QDoubleSpinBox) -> None:
        self.box = box
        #: Whether somebody types, and the field is not the stage's.
        self.typing = False
        self._read_um: float | None = None
        box.setDecimals(_DECIMALS)
        line = box.lineEdit()
        assert line is not None
        line.textEdited.connect(self._begin)
        box.editingFinished.connect(self._end)

    @property
    def um(self) -> float:
        """What it shows, µm, with the digits that it has no room for."""
        shown, read = self.box.value(), self._read_um
        if read is not None and abs(read - shown) <= 0.51 * 10**-_DECIMALS:
            return read
        return shown

    def show_um(self, value: float) -> None:
        """Show where the stage stands, µm."""
        self._read_um = value
        if not self.typing:
            self.box.setValue(value)

    def _begin(self) -> None:
        self.typing = True

    def _end(self) -> None:
        self.typing = False
