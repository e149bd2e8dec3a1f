"""Curves: along z, and against the number of planes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from rmz_acquire.defaults import EPSILON
from rmz_acquire.gui.views.error_curve import ErrorCurve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PyQt6.QtGui import QPaintEvent, QResizeEvent

    from rmz_acquire.gui.theme import Theme

__all__ = ["ChangePlot", "DepthPlot", "PlotCard"]


_LOW = 130
"""Height of a card, pixels, below which its curves have no room to spare."""


class _Legend(QLabel):
    """Takes the room that is left, and shows itself only where all of it fits."""

    def __init__(self) -> None:
        super().__init__()
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Ignored, policy.Preferred)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint nothing rather than a part."""
        if self.width() >= self.sizeHint().width():
            super().paintEvent(event)


class PlotCard(QFrame):
    """A card with a heading, a legend in colour, and a plot."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.hint = QLabel(hint)
        self.hint.setObjectName("muted")
        self.hint.setWordWrap(True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setContentsMargins(24, 8, 24, 8)
        heading = QLabel(title)
        heading.setObjectName("heading")
        heading.setMinimumHeight(32)
        self.legend = _Legend()
        self.legend.setObjectName("muted")
        self.head = QHBoxLayout()
        self.head.setContentsMargins(10, 5, 6, 4)
        self.head.addWidget(heading)
        self.head.addSpacing(8)
        self.head.addWidget(self.legend, 1)
        self.plot = pg.PlotWidget(enableMenu=False, axisItems=self.axes())
        self.plot.hideButtons()
        self.plot.setMinimumHeight(110)
        self.plot.getPlotItem().setContentsMargins(2, 6, 12, 2)
        body = QVBoxLayout(self)
        body.setContentsMargins(1, 1, 1, 1)
        body.setSpacing(0)
        body.addLayout(self.head)
        body.addWidget(self.plot, 1)
        body.addWidget(self.hint, 1)
        self.plot.hide()
        self.legend.hide()

    def begin(self) -> None:
        """Show the plot in place of the hint."""
        self.hint.hide()
        self.plot.show()
        self.legend.show()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """In the smallest window the curves go before their label."""
        super().resizeEvent(event)
        axis = self.plot.getAxis("bottom")
        if axis.labelText:
            axis.showLabel(self.height() > _LOW)

    def axes(self) -> dict[str, pg.AxisItem]:
        """Axes other than the usual ones."""
        return {}

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self.plot.setBackground(theme.plot)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(theme.border)
            axis.setTextPen(theme.muted)

    @staticmethod
    def key(pairs: Sequence[tuple[str, str, str]]) -> str:
        """Legend as rich text: sign, colour, name."""
        return "&nbsp;&nbsp; ".join(
            f'<span style="color:{colour}">{sign}</span> {name}'
            for sign, colour, name in pairs
        )


class _PercentAxis(pg.AxisItem):  # type: ignore[misc]
    """Marks 1, 2 and 5 of every power of ten, in plain numbers."""

    def tickValues(self, low: float, high: float, size: float) -> list[Any]:
        """Where the marks are, in powers of ten."""
        powers = range(math.floor(low), math.ceil(high) + 1)
        marks = [p + math.log10(m) for p in powers for m in (1, 2, 5)]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) > 7:
            marks = [mark for mark in marks if abs(mark - round(mark)) < 1e-9]
        return [(1.0, marks)]

    def tickStrings(
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        """The numbers at them."""
        return [f"{10**value:.3g}" for value in values]


class ChangePlot(PlotCard):
    """Change and innovation against the number of planes, with ε and τ."""

    def __init__(self) -> None:
        super().__init__(
            "Convergence",
            "By how much each plane changed the volume, and the limit ε.",
        )
        self.plot.setLabel("bottom", "planes taken")
        self.plot.setLabel("left", "%")
        self.plot.setLogMode(y=True)
        self.plot.showGrid(y=True, alpha=0.2)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self._rows: list[tuple[int, float | None, float | None]] = []
        self.change = self.plot.plot(symbol="o", symbolSize=6)
        self.innovation = self.plot.plot(symbol="t", symbolSize=6)
        at_left = {"position": 0.02, "anchors": [(0, 1.05), (0, 1.05)]}
        at_right = {"position": 0.98, "anchors": [(1, 1.05), (1, 1.05)]}
        self.limit = pg.InfiniteLine(angle=0, label="ε", labelOpts=at_left)
        self.tau = pg.InfiniteLine(angle=0, label="τ", labelOpts=at_right)
        for line in (self.limit, self.tau):
            self.plot.addItem(line)
        self.clear(EPSILON, None, 12)

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        super().dress(theme)
        for curve, colour in (
            (self.change, theme.change),
            (self.innovation, theme.innovation),
        ):
            curve.setPen(pg.mkPen(colour, width=2))
            curve.setSymbolBrush(colour)
            curve.setSymbolPen(colour)
        for line, colour in (
            (self.limit, theme.change),
            (self.tau, theme.innovation),
        ):
            line.setPen(pg.mkPen(colour, style=Qt.PenStyle.DashLine))
            line.label.setColor(colour)
        self.legend.setText(
            self.key(
                [
                    ("●", theme.change, "change"),
                    ("▼", theme.innovation, "innovation"),
                ]
            )
        )

    def axes(self) -> dict[str, pg.AxisItem]:
        """Per cent along a logarithm."""
        return {"left": _PercentAxis("left")}

    def clear(self, epsilon: float | None, tau: float | None, most: int) -> None:
        """Begin anew with limits on change and innovation and the most planes."""
        self._rows.clear()
        limits = ((self.limit, "ε", epsilon), (self.tau, "τ", tau))
        self._limits = [at for _, _, at in limits if at is not None]
        self.change.setData([], [])
        self.innovation.setData([], [])
        for line, sign, at in limits:
            line.setVisible(at is not None)
            if at is not None:
                line.setPos(np.log10(100 * at))
                line.label.setFormat(f"{sign} = {100 * at:g} %")
        self.plot.setXRange(1, max(4, min(most, 12)), padding=0.04)
        self._fit()

    def add(self, number: int, change: float | None, innovation: float | None) -> None:
        """Add what a plane said: relative change and innovation, None if unknown."""
        self._rows.append((number, change, innovation))
        changes = [(row[0], row[1]) for row in self._rows]
        innovations = [(row[0], row[2]) for row in self._rows]
        for curve, pairs in ((self.change, changes), (self.innovation, innovations)):
            known = [(n, 100 * v) for n, v in pairs if v is not None and v > 0]
            curve.setData([n for n, _ in known], [v for _, v in known])
        last = self._rows[-1][0]
        self.plot.setXRange(1, max(4, last, min(12, last + 4)), padding=0.04)
        self._fit()

    def _fit(self) -> None:
        values = [100 * limit for limit in self._limits]
        for _, change, innovation in self._rows:
            values += [100 * v for v in (change, innovation) if v]
        values = values or [1.0]
        low, high = np.log10(min(values)), np.log10(max(values))
        self.plot.setYRange(low - 0.25, max(high, low + 0.8) + 0.15, padding=0)


class DepthPlot(PlotCard):
    """Along z: contrast of the volume, the planes taken, the next, the one shown."""

    z_changed = pyqtSignal(float)
    plane_asked = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__(
            "Along z",
            "Where planes were taken, and the contrast of the volume between them.",
        )
        self.ask = QPushButton("Plane here")
        self.ask.setToolTip(
            "Take one more plane at the z shown: after the current one, or after\n"
            "the stop (Ctrl+K). "
            "Drag the line, or double-click in the plot."
        )
        self.ask.setEnabled(False)
        self.ask.hide()
        self.ask.clicked.connect(lambda: self.plane_asked.emit(self.shown.value()))
        self.head.addWidget(self.ask)
        self.plot.setLabel("bottom", "z (µm)")
        self.plot.setLabel("left", "contrast")
        self.plot.getAxis("left").setStyle(showValues=False)
        self.plot.getAxis("left").setWidth(24)
        self.plot.setMouseEnabled(x=False, y=False)
        self.inferred = self.plot.plot()
        self.taken = pg.ScatterPlotItem(size=9)
        self.next_plane = pg.InfiniteLine(angle=90, label="next")
        self.next_plane.label.setPosition(0.9)
        self.next_plane.hide()
        self.shown = pg.InfiniteLine(angle=90, movable=True)
        for item in (self.taken, self.next_plane, self.shown):
            self.plot.addItem(item)
        self._numbers: list[pg.TextItem] = []
        self._points: list[tuple[float, float]] = []
        self._colour = "w"
        self._keys: list[tuple[str, str, str]] = []
        self._error_key = ("", "", "")
        self.error = ErrorCurve(self.plot)
        self.shown.sigPositionChanged.connect(self._moved)
        self.plot.scene().sigMouseClicked.connect(self._clicked)
        self.clear(0.0, 1.0)

    def begin(self) -> None:
        """Show the plot, and the button for a plane by hand."""
        super().begin()
        self.ask.show()

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        super().dress(theme)
        self.inferred.setPen(pg.mkPen(theme.change, width=2))
        self.taken.setBrush(theme.measured)
        self.taken.setPen(theme.plot)
        self.next_plane.setPen(
            pg.mkPen(theme.next_plane, width=2, style=Qt.PenStyle.DashLine)
        )
        self.next_plane.label.setColor(theme.next_plane)
        self.shown.setPen(pg.mkPen(theme.text, width=1))
        self.shown.setHoverPen(pg.mkPen(theme.accent, width=3))
        self._colour = theme.muted
        self.error.dress(theme)
        self._keys = [
            ("━", theme.change, "volume"),
            ("●", theme.measured, "taken"),
            ("┄", theme.next_plane, "next"),
        ]
        self._error_key = ("□", theme.bad, "inferred")
        self._tell_keys()

    def show_error(self, on: bool) -> None:
        """Show, or no longer, the predicted error, and which planes are inferred."""
        self.error.show(on)
        self._tell_keys()

    def _tell_keys(self) -> None:
        keys = self._keys
        if self.error.shown:
            # the line of the next plane says itself what it is
            keys = [*keys[:2], self._error_key]
        self.legend.setText(self.key(keys))

    def clear(self, bottom_um: float, top_um: float) -> None:
        """Begin anew over a range, µm."""
        self._points = []
        for number in self._numbers:
            self.plot.removeItem(number)
        self._numbers = []
        self.inferred.setData([], [])
        self.taken.setData([], [])
        self.error.set_planes(None)
        self.next_plane.hide()
        self.plot.setXRange(bottom_um, top_um, padding=0.03)
        self.plot.setYRange(0, 1)
        self.shown.setBounds((bottom_um, top_um))
        self.shown.setPos((bottom_um + top_um) / 2)

    def add_plane(self, z_um: float, image: NDArray[Any]) -> None:
        """Mark a plane that was taken, (Y, X) counts."""
        contrast = float(image[::2, ::2].std())
        self._points.append((z_um, contrast))
        self.taken.setData([p[0] for p in self._points], [p[1] for p in self._points])
        number = pg.TextItem(
            str(len(self._points)), color=self._colour, anchor=(0.5, 1.15)
        )
        number.setPos(z_um, contrast)
        self.plot.addItem(number, ignoreBounds=True)
        self._numbers.append(number)
        self._fit()

    def set_contrast(
        self, contrast: NDArray[np.float64], z_um: Sequence[float]
    ) -> None:
        """Draw the contrast of every plane of a volume, (Z,)."""
        self.inferred.setData(np.asarray(z_um, dtype=float), contrast)
        self._fit()

    def set_next(self, z_um: float | None) -> None:
        """Show where the next plane will be."""
        self.next_plane.setVisible(z_um is not None)
        if z_um is not None:
            self.next_plane.setPos(z_um)

    def show_z(self, z_um: float) -> None:
        """Move the line of the plane shown."""
        if abs(self.shown.value() - z_um) > 1e-6:
            self.shown.blockSignals(True)
            self.shown.setPos(z_um)
            self.shown.blockSignals(False)

    def _fit(self) -> None:
        values = [value for _, value in self._points]
        _, drawn = self.inferred.getData()
        if drawn is not None and len(drawn):
            values += [float(drawn.min()), float(drawn.max())]
        if values:
            low, high = min(values), max(values)
            room = (high - low) or 1.0
            self.plot.setYRange(low - 0.12 * room, high + 0.45 * room, padding=0)

    def _moved(self) -> None:
        self.z_changed.emit(float(self.shown.value()))

    def _clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = self.plot.getViewBox().mapSceneToView(event.scenePos()).x()
        self.shown.setPos(at)
        if event.double() and self.ask.isEnabled():
            self.plane_asked.emit(float(self.shown.value()))
