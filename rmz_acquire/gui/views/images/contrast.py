"""Black and white: a histogram with two lines to drag, and automatic contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QBrush, QColor, QFont, QGradient, QLinearGradient
from PyQt6.QtWidgets import QBoxLayout, QPushButton, QWidget

from rmz_acquire.gui.models.display_levels import histogram_of, levels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.gui.theme import Theme

__all__ = ["ContrastBar"]

_HEIGHT, _WIDTH = 58, 84


class _Histogram(pg.HistogramLUTItem):  # type: ignore[misc]
    """pyqtgraph's, made slim: counts, histogram and colours side by side."""

    def __init__(self, *, upright: bool) -> None:
        super().__init__(
            gradientPosition="right" if upright else "bottom",
            orientation="vertical" if upright else "horizontal",
        )
        self.vb.setMinimumHeight(18)
        self.vb.setMinimumWidth(18)
        self.vb.setMenuEnabled(False)
        self.vb.setMouseEnabled(x=False, y=False)
        # of the gradient only the colours are wanted, not its ticks and menus
        self.gradient.showTicks(False)
        self.gradient.tickSize = 0
        self.gradient.rectSize = 6
        self.gradient.setMaxDim(6)
        self.gradient.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.gradient.setEnabled(False)
        font = QFont(self.axis.font())
        font.setPointSizeF(7.5)
        self.axis.setStyle(tickFont=font, tickTextOffset=2, maxTickLevel=0)
        self.axis.enableAutoSIPrefix(False)
        if upright:
            self.axis.setWidth(36)
        else:
            self.axis.setHeight(16)

    def paint(self, *_: object) -> None:
        """Without lines to the gradient: each colour is beside its count."""


class ContrastBar(QWidget):
    """Shows how often each count comes, and which are black and white.

    Whoever drags a line keeps black and white from then on; *Auto* lets them follow
    each picture again.

    Parameters
    ----------
    upright : bool
        Whether it stands beside a picture, not lies beneath it.
    """

    changed = pyqtSignal(float, float)

    def __init__(self, *, upright: bool = False) -> None:
        super().__init__()
        self.histogram = _Histogram(upright=upright)
        self.canvas = pg.GraphicsView(background=None)
        self.canvas.setCentralItem(self.histogram)
        self.canvas.setMinimumSize(50, 50)
        self.canvas.setToolTip("Drag the lines: what is drawn black, and what white")
        self.auto = QPushButton("Auto")
        self.auto.setCheckable(True)
        self.auto.setChecked(True)
        self.auto.setToolTip(
            "Black and white follow each picture: 0.5 % of its pixels are black,\n"
            "0.1 % white. Drag a line of the histogram to hold them"
        )
        direction = QBoxLayout.Direction
        line = QBoxLayout(
            direction.TopToBottom if upright else direction.LeftToRight, self
        )
        line.setContentsMargins(6, 3, 6, 5)
        line.setSpacing(4)
        line.addWidget(self.canvas, 1)
        line.addWidget(self.auto, 0, Qt.AlignmentFlag.AlignCenter)
        if upright:
            self.setFixedWidth(_WIDTH)
        else:
            self.setFixedHeight(_HEIGHT)
        #: Whether it stands beside a picture.
        self.upright = upright
        self._values: NDArray[Any] | None = None
        self._table = np.zeros((256, 3), np.uint8)
        self.levels = (0.0, 1.0)
        self.histogram.region.sigRegionChanged.connect(self._dragged)
        self.histogram.gradient.sigTicksChanged.connect(self._paint_colours)
        self.auto.toggled.connect(self._auto_toggled)

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        histogram = self.histogram
        self.canvas.setBackground(theme.panel)
        histogram.axis.setPen(theme.border)
        histogram.axis.setTextPen(theme.muted)
        histogram.plot.setPen(theme.muted)
        fill = pg.mkColor(theme.muted)
        fill.setAlpha(110)
        histogram.fillHistogram(True, color=fill)
        region = histogram.region
        band = pg.mkColor(theme.accent)
        band.setAlpha(45)
        region.setBrush(band)
        band.setAlpha(80)
        region.setHoverBrush(band)
        for line in region.lines:
            line.setPen(pg.mkPen(theme.text, width=2))
            line.setHoverPen(pg.mkPen(theme.accent, width=4))

    def set_colours(self, table: NDArray[np.uint8]) -> None:
        """Show a table of colours, (256, 3)."""
        self._table = table
        self._paint_colours()

    def look(
        self, values: NDArray[Any], proposed: tuple[float, float] | None = None
    ) -> tuple[float, float]:
        """Take a new picture or volume, and give its black and white.

        Parameters
        ----------
        values : ndarray
            Counts.
        proposed : (float, float), optional
            What `levels_of` says of them, where that is known already.
        """
        self._values = values
        if self.auto.isChecked():
            self._set(levels_of(values) if proposed is None else proposed)
        if self.isVisible():
            self._draw()
        return self.levels

    def restart(self) -> None:
        """Follow the pictures again, as another run has begun."""
        self.auto.setChecked(True)

    def showEvent(self, event: Any) -> None:
        """Draw what came while it was hidden."""
        super().showEvent(event)
        self._draw()

    def _set(self, levels: tuple[float, float]) -> None:
        self.levels = levels
        region = self.histogram.region
        region.blockSignals(True)
        region.setRegion(levels)
        region.blockSignals(False)

    def _draw(self) -> None:
        if self._values is None:
            return
        edges, height = histogram_of(self._values)
        self.histogram.plot.setData(
            np.repeat(edges, 2)[1:-1], np.repeat(height, 2), fillLevel=0.0
        )
        low = min(float(edges[0]), self.levels[0])
        high = max(float(edges[-1]), self.levels[1])
        self.histogram.setHistogramRange(low, high, padding=0.03)
        most = float(height.max()) * 1.05 or 1.0
        if self.upright:
            # pyqtgraph turns the curve, so that it grows to the left
            self.histogram.vb.setXRange(-most, 0, padding=0)
        else:
            self.histogram.vb.setYRange(0, most, padding=0)
        self._paint_colours()

    def _paint_colours(self) -> None:
        """Show beside each count the colour in which it is drawn."""
        first, last = self.histogram.getHistogramRange()
        low, high = ((level - first) / (last - first) for level in self.levels)
        colours = QLinearGradient(0, 0, 1, 0)
        colours.setCoordinateMode(QGradient.CoordinateMode.ObjectBoundingMode)
        for part in np.linspace(0, 1, 17):
            red, green, blue = (int(v) for v in self._table[round(255 * part)])
            place = min(max(low + part * (high - low), 0.0), 1.0)
            colours.setColorAt(place, QColor(red, green, blue))
        self.histogram.gradient.gradRect.setBrush(QBrush(colours))

    def _dragged(self) -> None:
        low, high = (float(v) for v in self.histogram.region.getRegion())
        if (low, high) == self.levels:
            return
        self.auto.setChecked(False)
        self.levels = low, max(high, low + 1e-6)
        self._paint_colours()
        self.changed.emit(*self.levels)

    def _auto_toggled(self, on: bool) -> None:
        if on and self._values is not None:
            self._set(levels_of(self._values))
            self._draw()
            self.changed.emit(*self.levels)
