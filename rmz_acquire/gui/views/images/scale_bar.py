"""A scale bar of a round length that stays in its corner and is read on any picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QGraphicsRectItem

if TYPE_CHECKING:
    from PyQt6.QtCore import QRectF

__all__ = ["ScaleBar", "nice_length"]

_THICK = 3
_MARGIN = 5


def nice_length(width_um: float) -> float:
    """A round length near a fifth of a width, µm."""
    wanted = width_um / 5
    scale = 10.0 ** math.floor(math.log10(wanted))
    # of 0.3, 0.1 × 3 is more
    return max(m * scale for m in (1, 2, 5) if m * scale <= wanted * (1 + 1e-9))


class ScaleBar(pg.ScaleBar):  # type: ignore[misc]
    """A light bar with its length on a dark plate; as long as the zoom asks for."""

    def __init__(self, box: pg.ViewBox) -> None:
        self._unit: str | None = None
        self._plate = QGraphicsRectItem()
        self._plate.setBrush(QColor(0, 0, 0, 150))
        self._plate.setPen(QColor(0, 0, 0, 0))
        super().__init__(1.0, _THICK, "w", pg.mkPen(None), "", (-10, -10))
        self._plate.setParentItem(self)
        self._plate.setFlag(self._plate.GraphicsItemFlag.ItemStacksBehindParent)
        self.text.setColor("w")
        self.setZValue(30)
        self.setParentItem(box)

    def set_unit(self, unit: str) -> None:
        """Say in what the picture is drawn: µm, or px where that is not known."""
        self._unit = unit
        self.updateBar()

    def updateBar(self) -> None:
        """Follow the zoom."""
        box: Any = self.parentItem()
        if box is None or self._unit is None:
            return
        self.size = nice_length(box.viewRect().width())
        self.text.setText(f"{self.size:g} {self._unit}")
        super().updateBar()
        bar: QRectF = self.bar.rect()
        words: QRectF = self.text.mapRectToParent(self.text.boundingRect())
        both = bar.united(words)
        self._plate.setRect(both.adjusted(-_MARGIN, 0, _MARGIN, _MARGIN))
        self._plate.setVisible(True)

    def paint(self, *_: object) -> None:
        """Nothing of its own."""

    @property
    def said(self) -> str:
        """The length in words."""
        return str(self.text.toPlainText())
