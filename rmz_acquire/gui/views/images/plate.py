"""Words on a dark plate in a corner of a picture, read on any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel

if TYPE_CHECKING:
    from PyQt6.QtCore import QPoint
    from PyQt6.QtWidgets import QWidget

__all__ = ["Plate"]

_AWAY = 6


class Plate(QLabel):
    """A few words over a picture, hidden while there are none.

    Parameters
    ----------
    over : QWidget
        The picture.
    below : bool
        Whether it stands in the lower left corner, not the upper.
    """

    def __init__(self, over: QWidget, *, below: bool = False) -> None:
        super().__init__(over)
        self._below = below
        self.setObjectName("plate")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, text: str) -> None:
        """Put words, or none."""
        if text != self.text():
            self.setText(text)
            self.place()
        self.setVisible(bool(text))

    def place(self) -> None:
        """Go to the corner, as wide as the words."""
        over = self.parentWidget()
        assert over is not None
        self.adjustSize()
        bottom = over.height() - self.height() - _AWAY
        self.move(_AWAY, bottom if self._below else _AWAY)

    def make_way(self, mouse: QPoint) -> None:
        """Go to the other corner where the mouse points at what is underneath."""
        if self.isVisible() and self.geometry().contains(mouse):
            self._below = not self._below
            self.place()
