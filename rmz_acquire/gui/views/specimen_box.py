"""Chooses what lies under the simulated microscope."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QWidget

from rmz_acquire.gui.models.specimen import SPECIMEN_NAMES, SimulatedSpecimen

__all__ = ["SpecimenBox"]

_SEEDS = 9999


class SpecimenBox(QWidget):
    """A kind of specimen, and which one of it."""

    changed = pyqtSignal(object)

    def __init__(self, now: SimulatedSpecimen | None = None) -> None:
        super().__init__()
        now = now or SimulatedSpecimen()
        self.name = QComboBox()
        self.name.setToolTip("What lies under the simulated microscope")
        for name in SPECIMEN_NAMES:
            self.name.addItem(name.capitalize(), name)
        if self.name.findData(now.name) < 0:
            self.name.addItem(now.name, now.name)
        self.name.setCurrentIndex(self.name.findData(now.name))
        self.seed = QSpinBox()
        self.seed.setRange(0, _SEEDS)
        self.seed.setValue(now.seed)
        self.seed.setPrefix("no. ")
        self.seed.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.seed.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.seed.setFixedWidth(76)
        self.seed.setToolTip("Seed: another number gives another specimen of this kind")
        # a number is made once it is typed, not with its first digit
        self.seed.setKeyboardTracking(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.name, 1)
        row.addWidget(self.seed)
        self.name.activated.connect(self._changed)
        self.seed.valueChanged.connect(self._changed)

    def value(self) -> SimulatedSpecimen:
        """What is chosen."""
        return SimulatedSpecimen(str(self.name.currentData()), self.seed.value())

    def _changed(self, *_: object) -> None:
        self.changed.emit(self.value())
