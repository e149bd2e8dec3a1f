"""Fields of a stop at a stated error: what is asked for, and the calibration's file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from rmz_acquire.gui.models.stop_target import StopTarget
from rmz_acquire.gui.views.form_fields import mark, spin

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TargetFields"]

_USUAL = "as calibrated"


class TargetFields(QWidget):
    """NRMSE, confidence, the file, and what that promises."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._read = StopTarget()
        self.nrmse = spin(
            0.0,
            9.999,
            0.0,
            "",
            3,
            "RMS error over the standard deviation of the specimen, at planes that are "
            "not taken (target_nrmse)",
        )
        self.nrmse.setSingleStep(0.01)
        self.confidence = spin(
            0.0, 99.9, 0.0, " %", 1, "That the calibration keeps this (confidence)"
        )
        for box in (self.nrmse, self.confidence):
            box.setSpecialValueText(_USUAL)
        self.file = QLineEdit()
        self.file.setToolTip("What the command calibrate wrote (calibration)")
        self.browse = QPushButton("…")
        self.browse.setToolTip("Choose the calibration")
        self.browse.setFixedWidth(34)
        self.promise = QLabel()
        self.promise.setObjectName("muted")
        self.promise.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(self.file, 1)
        row.addWidget(self.browse)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(5)
        grid.setColumnStretch(1, 1)
        for number, (text, field) in enumerate(
            (("NRMSE below", self.nrmse), ("Confidence", self.confidence))
        ):
            grid.addWidget(QLabel(text), number, 0)
            grid.addWidget(field, number, 1)
        grid.addWidget(QLabel("Calibration"), 2, 0)
        grid.addLayout(row, 2, 1)
        grid.addWidget(self.promise, 3, 0, 1, 2)
        for box in (self.nrmse, self.confidence):
            box.valueChanged.connect(self.changed)
        self.file.editingFinished.connect(self._take)
        self.browse.clicked.connect(self._browse)
        self._show()

    def target(self) -> StopTarget:
        """Give what is typed."""
        nrmse, confidence = self.nrmse.value(), self.confidence.value()
        return replace(
            self._read,
            nrmse=round(nrmse, 6) or None,
            confidence=round(confidence / 100, 6) or None,
        )

    def set_target(self, target: StopTarget) -> None:
        """Fill it in."""
        self._read = target
        self.nrmse.setValue(target.nrmse or 0.0)
        self.confidence.setValue(100 * (target.confidence or 0.0))
        self.file.setText(target.file)
        self._show()

    def mark(self, problems: Mapping[str, str]) -> None:
        """Mark what is wrong."""
        for key, widget in (
            ("target_nrmse", self.nrmse),
            ("confidence", self.confidence),
            ("calibration", self.file),
        ):
            said = problems.get(key, "")
            mark(widget, bool(said), said)

    def _take(self) -> None:
        file = self.file.text().strip()
        if file == self._read.file:
            return
        self._read = StopTarget.read(file) if file else StopTarget()
        self._show()
        self.changed.emit()

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Calibration", self.file.text(), "YAML (*.yaml *.yml)"
        )
        if name:
            self.file.setText(name)
            self._take()

    def _show(self) -> None:
        kept = self._read.card is not None and not self._read.file
        self.file.setPlaceholderText("kept in the experiment" if kept else "not set")
        self.promise.setText(self._read.promise())
        self.promise.setVisible(bool(self._read.promise()))
