"""One line that says what a calibration found, with a way to drop it."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from rmz_acquire.gui.models.fitted_optics import Calibration
from rmz_acquire.gui.views.form_fields import restyle

__all__ = ["CalibrationLine"]


class CalibrationLine(QWidget):
    """Holds a calibration, and is there only where it changes something."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.calibration = Calibration()
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setObjectName("muted")
        self.line.setToolTip(
            "Steps of the focus over steps of the stage, and spherical aberration,\n"
            "as rmz-acquire calibrate-optics found them; scans and saved settings\n"
            "have them"
        )
        self.forget = QToolButton()
        self.forget.setText("Forget")
        self.forget.setToolTip("Scan without what this line says; the fields stay")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.forget, 0, Qt.AlignmentFlag.AlignTop)
        self.forget.clicked.connect(self._forget)
        self.hide()

    def set_calibration(self, calibration: Calibration) -> None:
        """Take a calibration in the place of the one before."""
        self.calibration = calibration
        self.show_at(calibration.na, calibration.immersion_index)

    def show_at(self, na: float | None, immersion_index: float | None) -> None:
        """Say it, and whether it was made at other optics than those in use."""
        other = self.calibration.misfit(na, immersion_index)
        self.line.setText(self.calibration.words(na, immersion_index))
        name = "warn" if other else "muted"
        if self.line.objectName() != name:
            self.line.setObjectName(name)
            restyle(self.line)
        self.setVisible(not self.calibration.nominal)

    def _forget(self) -> None:
        self.set_calibration(Calibration())
        self.changed.emit()
