"""Where regions lie in a picture, and what of it is only interpolated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QPainterPath
from PyQt6.QtWidgets import QGraphicsPathItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QPainter
    from PyQt6.QtWidgets import QStyleOptionGraphicsItem, QWidget

__all__ = ["RegionMarks"]

OUTLINE = "#e69f00"
_DARK = QColor(0, 0, 0, 105)
_HATCH = QColor(255, 255, 255, 70)


class RegionMarks:
    """Outlines of regions, and a hatched veil over all that lies beside them.

    Parameters
    ----------
    box : pg.ViewBox
        Over whose pictures.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self._veil = _Veil()
        self._outlines = QGraphicsPathItem()
        self._outlines.setPen(pg.mkPen(OUTLINE, width=2))
        for item, height in ((self._veil, 7), (self._outlines, 9)):
            item.setZValue(height)
            box.addItem(item, ignoreBounds=True)

    def show_outlines(self, frames: Sequence[QRectF]) -> None:
        """Draw outlines, in the units of the drawing."""
        path = QPainterPath()
        for frame in frames:
            path.addRect(frame)
        self._outlines.setPath(path)

    def show_veil(self, pictures: Sequence[tuple[QRectF, Sequence[QRectF]]]) -> None:
        """Hatch pictures, each but for some parts of it."""
        veil = QPainterPath()
        for whole, clear in pictures:
            path, inside = QPainterPath(), QPainterPath()
            path.addRect(whole)
            for part in clear:
                one = QPainterPath()
                one.addRect(part)
                inside = inside.united(one)
            veil.addPath(path.subtracted(inside))
        self._veil.setPath(veil)

    def clear(self) -> None:
        """Mark nothing."""
        self.show_outlines(())
        self.show_veil(())


class _Veil(QGraphicsPathItem):
    """Darker, and hatched with lines that are as thick at any zoom."""

    def paint(
        self,
        painter: QPainter | None,
        option: QStyleOptionGraphicsItem | None,
        widget: QWidget | None = None,
    ) -> None:
        """Draw it; also where the picture is black."""
        assert painter is not None
        path = self.path()
        painter.fillPath(path, _DARK)
        hatch = QBrush(_HATCH, Qt.BrushStyle.BDiagPattern)
        hatch.setTransform(painter.worldTransform().inverted()[0])
        painter.fillPath(path, hatch)
