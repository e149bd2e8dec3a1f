"""The range of a scan: top, bottom and step, from the focus or typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QLabel, QPushButton, QWidget
from superqt import QIconifyIcon

from rmz_acquire.gui.views.form_fields import ZBox, may_shrink, spin

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["RangeBox"]


class RangeBox(QWidget):
    """Top, bottom and step; `counts` says from where, and has its place elsewhere."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.top, self.bottom = ZBox(), ZBox()
        self.set_top = QPushButton(QIconifyIcon("mdi:arrow-collapse-up"), "Set top")
        self.set_bottom = QPushButton(
            QIconifyIcon("mdi:arrow-collapse-down"), "Set bottom"
        )
        self.set_top.setToolTip("Take the focus now as the top of the range  ( ] )")
        self.set_bottom.setToolTip(
            "Take the focus now as the bottom of the range  ( [ )"
        )
        self.step = spin(
            0.01, 100.0, 0.5, " µm", 2, "Distance between output planes, µm"
        )
        self.full = QLabel()
        self.full.setObjectName("muted")
        self.full.hide()
        self.counts = may_shrink(QComboBox())
        self.counts.addItem("Positions of the stage", False)
        self.counts.addItem("Around each position's z", True)
        self.counts.setToolTip(
            "Whether top and bottom are the stage's own, or count from the z of each\n"
            "position (from where the focus stands, if there are no positions)"
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(5)
        grid.addWidget(self.set_top, 0, 0)
        grid.addWidget(self.top, 0, 1)
        grid.addWidget(self.set_bottom, 1, 0)
        grid.addWidget(self.bottom, 1, 1)
        grid.addWidget(QLabel("Step"), 2, 0)
        grid.addWidget(self.step, 2, 1)
        grid.addWidget(self.full, 3, 1)
        grid.setColumnStretch(1, 1)
        for box in (self.top, self.bottom, self.step):
            box.valueChanged.connect(self.changed)
        self.counts.currentIndexChanged.connect(self._counts_changed)

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        self.counts.setCurrentIndex(self.counts.findData(settings.relative))
        self.bottom.set_um(settings.bottom_um)
        self.top.set_um(settings.top_um)
        self.step.setValue(settings.step_um)

    def say_full(self, planes: int | None) -> None:
        """Say how many planes the full stack has."""
        self.full.setText(f"full stack: {planes} planes" if planes else "")
        self.full.setVisible(bool(planes))

    def _counts_changed(self) -> None:
        relative = self.counts.currentData()
        for button in (self.set_top, self.set_bottom):
            button.setEnabled(not relative)
        self.changed.emit()
