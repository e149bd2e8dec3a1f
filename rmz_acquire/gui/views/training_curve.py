"""The gain of a model in training over the optics alone, look by look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QSizePolicy

from rmz_acquire.gui.views.curves import PlotCard

if TYPE_CHECKING:
    from rmz_acquire.gui.theme import Theme
    from rmz_acquire.recording.progress import TrainingProgress

__all__ = ["GainPlot"]


class GainPlot(PlotCard):
    """Gain against the step; dashed, what it started from."""

    def __init__(self) -> None:
        super().__init__(
            "Gain",
            "Each evaluation on the held-out stack adds a point here: dB gained.",
        )
        self.plot.setLabel("bottom", "steps")
        self.plot.setLabel("left", "dB")
        self.plot.showGrid(y=True, alpha=0.2)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMinimumHeight(150)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.start = pg.InfiniteLine(angle=0)
        self.plot.addItem(self.start)
        self.gain = self.plot.plot(symbol="o", symbolSize=6)
        self.setFixedHeight(230)
        # the plot asks for 640 pixels, which would widen the dock
        policy = QSizePolicy.Policy
        self.plot.setSizePolicy(policy.Ignored, policy.Expanding)
        self.setToolTip(
            "PSNR gained over the optics alone (the Wiener filter) on crops of the\n"
            "held-out stack, dB; dashed: the model that it started from"
        )

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        super().dress(theme)
        self.gain.setPen(pg.mkPen(theme.change, width=2))
        self.gain.setSymbolBrush(theme.change)
        self.gain.setSymbolPen(theme.change)
        self.start.setPen(pg.mkPen(theme.muted, style=Qt.PenStyle.DashLine))
        self.legend.setText(
            self.key([("●", theme.change, "now"), ("┄", theme.muted, "at the start")])
        )

    def show_progress(self, progress: TrainingProgress) -> None:
        """Draw all looks so far."""
        if not progress.looks:
            self.plot.hide()
            self.legend.hide()
            self.hint.show()
            return
        self.begin()
        steps = [step for step, _ in progress.looks]
        gains = [gain for _, gain in progress.looks]
        self.gain.setData(steps, gains)
        self.start.setPos(gains[0])
        low, high = min(gains), max(gains)
        room = max(0.1, 0.15 * (high - low))
        self.plot.setXRange(0, max(1, progress.steps), padding=0.03)
        self.plot.setYRange(low - room, high + room, padding=0)
