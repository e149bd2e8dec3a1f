"""The optics in use, and fields for what the configuration does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

from rmz_acquire.gui.views.fields import mark, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.gui.models.settings import ScanSettings
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
    """What is in use in one line, and the four numbers to type in its place."""

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
        self.fields = QWidget()
        self.inputs = {name: QLineEdit() for name in _FIELDS}
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
        column.addWidget(self.fields)
        self.more.toggled.connect(self.fields.setVisible)

    def values(self) -> dict[str, float | None]:
        """Give what is typed, as fields of `ScanSettings`."""
        return {
            name: number(self.inputs[name], unit)
            for name, (_, unit, _) in _FIELDS.items()
        }

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        for name, (_, unit, _) in _FIELDS.items():
            value = getattr(settings, name)
            self.inputs[name].setText("" if value is None else f"{value * unit:g}")

    def show_optics(
        self, optics: Optics | None, told: Mapping[str, float | None]
    ) -> None:
        """Show the optics in use, and in each field what Micro-Manager tells."""
        if optics is None:
            self.line.setText("Not known whole: type in what is missing")
            self.more.setChecked(True)
        else:
            self.line.setText(
                f"NA {optics.na:g} · n {optics.immersion_index:g} · "
                f"{_NM * optics.wavelength_um:.0f} nm · "
                f"{optics.pixel_size_um:.3g} µm pixel"
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
