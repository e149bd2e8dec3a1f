"""A mark on every pixel at the highest count that the camera can give."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor

from rmz_acquire.gui.models.display_levels import marks_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SaturationMarks"]

# fewer, and a mark may fall between two pixels of the screen
_LEAST_ON_SCREEN = 1.5


class SaturationMarks:
    """An overlay in one colour, at least a pixel of the screen a mark.

    Parameters
    ----------
    box : pyqtgraph.ViewBox
        Where the picture is.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self.item = pg.ImageItem(axisOrder="row-major")
        self.item.setZValue(5)
        self.item.setLevels((0, 1))
        self._box = box
        self._mask: NDArray[np.bool_] | None = None
        self._place = QRectF()
        self._block = 1
        box.addItem(self.item, ignoreBounds=True)
        box.sigRangeChanged.connect(self._zoomed)
        self.set_colour("#ff2020")
        self.show_mask(None, QRectF())

    def set_colour(self, colour: str) -> None:
        """Choose the colour of the marks."""
        code = QColor(colour)
        table = np.array(
            [[0, 0, 0, 0], [code.red(), code.green(), code.blue(), 255]], np.uint8
        )
        self.item.setLookupTable(table)

    def show_mask(self, mask: NDArray[np.bool_] | None, place: QRectF) -> None:
        """Mark the pixels of a mask, (Y, X), that fills a place; None marks none."""
        self._mask, self._place = mask, place
        self.item.setVisible(mask is not None)
        if mask is not None:
            self._block = self._wanted()
            self._draw(mask)

    def _wanted(self) -> int:
        """Pixels of the camera along the side of a mark."""
        assert self._mask is not None
        pixel: float = self._place.width() / self._mask.shape[1]
        screen = float(self._box.viewPixelSize()[0])
        return int(max(1, math.ceil(_LEAST_ON_SCREEN * screen / pixel)))

    def _draw(self, mask: NDArray[np.bool_]) -> None:
        marks = marks_of(mask, self._block)
        self.item.setImage(marks.astype(np.uint8), autoLevels=False, levels=(0, 1))
        # the last block may reach beyond the edge of the picture
        across, down = (n * self._block for n in (marks.shape[1], marks.shape[0]))
        width = self._place.width() * across / mask.shape[1]
        height = self._place.height() * down / mask.shape[0]
        self.item.setRect(QRectF(self._place.left(), self._place.top(), width, height))

    def _zoomed(self) -> None:
        if self._mask is not None and self._wanted() != self._block:
            self._block = self._wanted()
            self._draw(self._mask)
