"""The predicted error of every output plane, over the plot along z."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg

if TYPE_CHECKING:
    from rmz_acquire.gui.theme import Theme
    from rmz_acquire.scanning.output_planes import OutputPlanes

__all__ = ["ErrorCurve"]

_FILL_ALPHA = 50


class ErrorCurve:
    """Per cent of the light on an axis at the right; inferred planes are hollow.

    Parameters
    ----------
    plot : pyqtgraph.PlotWidget
        Over which it is drawn, along its x.
    """

    def __init__(self, plot: pg.PlotWidget) -> None:
        self._item = plot.getPlotItem()
        self._axis = plot.getAxis("right")
        self._axis.setLabel("error (%)")
        self._axis.enableAutoSIPrefix(False)
        self._box = pg.ViewBox(enableMenu=False)
        self._box.setMouseEnabled(x=False, y=False)
        self._box.setZValue(-10)
        plot.scene().addItem(self._box)
        self._axis.linkToView(self._box)
        self._box.setXLink(self._item.vb)
        self.line = pg.PlotDataItem(fillLevel=0.0)
        self.inferred = pg.ScatterPlotItem(size=6, symbol="s")
        self._box.addItem(self.line)
        self._box.addItem(self.inferred)
        self._item.vb.sigResized.connect(self._follow)
        self.show(False)

    @property
    def shown(self) -> bool:
        """Whether it is on."""
        return bool(self._box.isVisible())

    def show(self, on: bool) -> None:
        """Show it with its axis, or neither."""
        self._box.setVisible(on)
        self._item.showAxis("right", on)
        self._follow()

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._axis.setPen(theme.border)
        self._axis.setTextPen(theme.bad)
        fill = pg.mkColor(theme.bad)
        fill.setAlpha(_FILL_ALPHA)
        self.line.setPen(pg.mkPen(theme.bad, width=1.5))
        self.line.setBrush(fill)
        self.inferred.setPen(pg.mkPen(theme.bad))
        self.inferred.setBrush(pg.mkBrush(theme.plot))

    def set_planes(self, planes: OutputPlanes | None) -> None:
        """Draw what is known of the planes of a volume; None where it is nothing."""
        if planes is None or planes.predicted_error is None:
            self.line.setData([], [])
            self.inferred.setData([], [])
            return
        z_um = np.array(planes.z_um)
        error = 100 * np.array(planes.predicted_error, float)
        inferred = ~np.array(planes.measured)
        self.line.setData(z_um, error)
        self.inferred.setData(z_um[inferred], error[inferred])
        highest = float(np.nanmax(error, initial=0.0)) or 1.0
        self._box.setYRange(0, 1.3 * highest, padding=0)

    def _follow(self) -> None:
        self._box.setGeometry(self._item.vb.sceneBoundingRect())
        self._box.linkedViewChanged(self._item.vb, self._box.XAxis)
