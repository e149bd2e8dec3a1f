"""The optics in use, and fields for what the configuration does not tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rmz_acquire.gui.views.calibration_line import CalibrationLine
from rmz_acquire.gui.views.form_fields import mark, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.optics import Optics

__all__ = ["OpticsFields"]

_NM = 1000.0
_FIELDS = {
    "na": ("NA", 1.0, "Numerical aperture; empty takes the configuration's"),
    "immersion_index": (
        "Index n",
        1.0,
        "Refractive index of the immersion: 1, 1.33, 1.515",
    ),
    "wavelength_um": ("λ (nm)", _NM, "Emission wavelength, nm"),
    "pixel_size_um": (
        "Pixel (µm)",
        1.0,
        "Pixel size at the sample, binning counted, µm",
    ),
}
"""By the name in `ScanSettings`: heading, field's unit in the setting's, tip."""


class OpticsFields(QWidget):
    """What is in use in one line, what a calibration adds, and four fields."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        self.more = QToolButton()
        self.more.setText("Edit")
        self.more.setCheckable(True)
        self.more.setToolTip("Type optics in place of the configuration's")
        self.calibration = CalibrationLine()
        self.fields = QWidget()
        self.inputs = {name: QLineEdit() for name in _FIELDS}
        #: What was filled in, whole, with the digits of it that a field shows.
        self._filled: dict[str, tuple[str, float]] = {}
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        row.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout(self.fields)
        grid.setContentsMargins(0, 0, 0, 0)
        for i, (name, (heading, _, tip)) in enumerate(_FIELDS.items()):
            field = self.inputs[name]
            field.setToolTip(tip)
            field.setMinimumWidth(48)
            field.textChanged.connect(self.changed)
            grid.addWidget(QLabel(heading), i // 2, 2 * (i % 2))
            grid.addWidget(field, i // 2, 2 * (i % 2) + 1)
        self.fields.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addLayout(row)
        column.addWidget(self.calibration)
        column.addWidget(self.fields)
        self.more.toggled.connect(self.fields.setVisible)
        self.calibration.changed.connect(self.changed)

    def values(self) -> dict[str, Any]:
        """Give what is typed, as fields of `ScanSettings`."""
        typed = {name: self._value(name) for name in _FIELDS}
        return {**typed, "calibration": self.calibration.calibration}

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        for name, (_, unit, _) in _FIELDS.items():
            value = getattr(settings, name)
            text = "" if value is None else f"{value * unit:g}"
            if value is None:
                self._filled.pop(name, None)
            else:
                self._filled[name] = (text, value)
            self.inputs[name].setText(text)
        self.calibration.set_calibration(settings.calibration)

    def show_optics(
        self, optics: Optics | None, told: Mapping[str, float | None]
    ) -> None:
        """Show the optics in use, and in each field what Micro-Manager tells."""
        if optics is None:
            self.line.setText("Incomplete: type in what is missing")
            self.more.setChecked(True)
        else:
            self.line.setText(
                f"NA {optics.na:g} · n {optics.immersion_index:g} · "
                f"{_NM * optics.wavelength_um:.0f} nm · "
                f"{optics.pixel_size_um:.3g} µm pixel"
            )
        self.calibration.show_at(
            *(self._in_use(name, told) for name in ("na", "immersion_index"))
        )
        for name, (_, unit, _) in _FIELDS.items():
            value = told.get(name)
            self.inputs[name].setPlaceholderText(
                "" if value is None else f"{value * unit:.4g}"
            )

    def mark(self, problems: Mapping[str, str]) -> None:
        """Mark the fields that are wrong, and no other."""
        for name, field in self.inputs.items():
            said = problems.get(name, "")
            mark(field, bool(said), said)

    def _value(self, name: str) -> float | None:
        """What a field says; all digits of what was filled in and not changed."""
        text, whole = self._filled.get(name, ("", 0.0))
        if text and self.inputs[name].text() == text:
            return whole
        return number(self.inputs[name], _FIELDS[name][1])

    def _in_use(self, name: str, told: Mapping[str, float | None]) -> float | None:
        """What is typed, or else told; None while it makes no sense."""
        value = self._value(name)
        if value is None:
            value = told.get(name)
        return None if value is None or not math.isfinite(value) else value
