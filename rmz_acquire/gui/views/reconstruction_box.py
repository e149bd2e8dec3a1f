"""What makes the volume: estimator, model with its fit, optics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rmz_acquire.errors import InputError
from rmz_acquire.gui.models.settings import NEEDS_OPTICS
from rmz_acquire.gui.views.fields import number, restyle
from rmz_acquire.models import list_models, read_card

if TYPE_CHECKING:
    from rmz_acquire.gui.models.settings import ScanSettings
    from rmz_acquire.optics import Optics

__all__ = ["ReconstructionBox"]

ESTIMATORS = {
    "recurrent-mz": "Recurrent-MZ network",
    "wiener": "Wiener filter (no training)",
    "linear": "Linear interpolation",
    "nearest": "Nearest plane",
}
_OTHER = "Choose a folder…"


class ReconstructionBox(QWidget):
    """Estimator, model and optics, and a plain word on whether they fit."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._known: Optics | None = None
        self._range_um: tuple[float, float] | None = None
        self.estimator = QComboBox()
        for name, text in ESTIMATORS.items():
            self.estimator.addItem(text, name)
        self.estimator.setToolTip("What makes the volume of the planes")
        self.model = QComboBox()
        self.model.setToolTip("The trained network; its card says what it is for")
        self.fit = QLabel()
        self.fit.setWordWrap(True)
        self.optics = QLabel()
        self.optics.setObjectName("muted")
        self.optics.setWordWrap(True)
        self.optics_more = QToolButton()
        self.optics_more.setText("Edit")
        self.optics_more.setCheckable(True)
        self.optics_more.setToolTip("Type optics in place of the configuration's")
        self.na, self.immersion = QLineEdit(), QLineEdit()
        self.wavelength, self.pixel = QLineEdit(), QLineEdit()
        for field, tip in (
            (self.na, "Numerical aperture; empty takes the configuration's"),
            (self.immersion, "Refractive index of the immersion: 1, 1.33, 1.515"),
            (self.wavelength, "Emission wavelength, nm"),
            (self.pixel, "Pixel size at the sample, binning counted, µm"),
        ):
            field.setToolTip(tip)
        self._lay_out()
        self.refresh_models()
        for field in self.optics_inputs:
            field.textChanged.connect(self.changed)
        self.estimator.currentIndexChanged.connect(self.show_what_counts)
        self.estimator.currentIndexChanged.connect(self.changed)
        self.model.activated.connect(self._model_chosen)
        self.optics_more.toggled.connect(self.optics_fields.setVisible)
        self.show_what_counts()

    @property
    def optics_inputs(self) -> tuple[QLineEdit, ...]:
        """The fields for optics."""
        return self.na, self.immersion, self.wavelength, self.pixel

    def values(self) -> dict[str, Any]:
        """Give what is chosen, as fields of `ScanSettings`."""
        return {
            "estimator": self.estimator.currentData(),
            "model": self.model.currentData(),
            "na": number(self.na),
            "immersion_index": number(self.immersion),
            "wavelength_um": number(self.wavelength, 1000),
            "pixel_size_um": number(self.pixel),
        }

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        self.estimator.setCurrentIndex(self.estimator.findData(settings.estimator))
        if settings.model is not None:
            self.add_model(settings.model)
        given = (settings.na, settings.immersion_index, settings.wavelength_um)
        values = (*given, settings.pixel_size_um)
        scales = (1.0, 1.0, 1000.0, 1.0)
        for field, value, scale in zip(self.optics_inputs, values, scales, strict=True):
            field.setText("" if value is None else f"{value * scale:g}")
        self.show_what_counts()

    def set_optics(self, optics: Optics | None) -> None:
        """Show the optics in use."""
        self._known = optics
        if optics is None:
            self.optics.setText("not known: type them in below")
            self.optics_more.setChecked(True)
        else:
            self.optics.setText(
                f"NA {optics.na:g} · n {optics.immersion_index:g} · "
                f"{1000 * optics.wavelength_um:.0f} nm · "
                f"{optics.pixel_size_um:.3g} µm pixel"
            )
            known = (optics.na, optics.immersion_index, 1000 * optics.wavelength_um)
            values = (*known, optics.pixel_size_um)
            for field, value in zip(self.optics_inputs, values, strict=True):
                field.setPlaceholderText(f"{value:g}")
        self._show_fit()

    def set_range(self, bottom_um: float | None, top_um: float | None) -> None:
        """Take the z range, which a model may be too short for."""
        whole = bottom_um is not None and top_um is not None and top_um > bottom_um
        self._range_um = (bottom_um, top_um) if whole else None  # type: ignore[assignment]
        self._show_fit()

    def refresh_models(self) -> None:
        """List the models in the box."""
        had = self.model.currentData()
        self.model.blockSignals(True)
        self.model.clear()
        for name in list_models(for_scans=True):
            self.model.addItem(name, name)
        if not self.model.count():
            self.model.addItem("none installed", None)
        self.model.insertSeparator(self.model.count())
        self.model.addItem(_OTHER, _OTHER)
        self.model.blockSignals(False)
        if had is not None:
            self.add_model(had)
        if not list_models() and self.estimator.currentData() == "recurrent-mz":
            self.estimator.setCurrentIndex(self.estimator.findData("wiener"))

    def add_model(self, name: str) -> None:
        """Choose a model by its name or folder, which need not be in the list."""
        index = self.model.findData(name)
        if index < 0:
            self.model.insertItem(0, Path(name).name, name)
            index = 0
        self.model.setCurrentIndex(index)
        self._show_fit()

    def show_what_counts(self) -> None:
        """Show the fields that the estimator needs."""
        name = self.estimator.currentData()
        self.model.setVisible(name == "recurrent-mz")
        optics = name in NEEDS_OPTICS
        for widget in (self.optics, self.optics_more):
            widget.setVisible(optics)
        self.optics_fields.setVisible(optics and self.optics_more.isChecked())
        self._show_fit()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self.estimator)
        column.addWidget(self.model)
        column.addWidget(self.fit)
        line = QHBoxLayout()
        line.addWidget(self.optics, 1)
        line.addWidget(self.optics_more, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(line)
        self.optics_fields = QWidget()
        grid = QGridLayout(self.optics_fields)
        grid.setContentsMargins(0, 0, 0, 0)
        names = "NA", "Index n", "λ (nm)", "Pixel (µm)"
        for i, (text, field) in enumerate(zip(names, self.optics_inputs, strict=True)):
            grid.addWidget(QLabel(text), i // 2, 2 * (i % 2))
            grid.addWidget(field, i // 2, 2 * (i % 2) + 1)
        self.optics_fields.hide()
        column.addWidget(self.optics_fields)

    def _model_chosen(self) -> None:
        if self.model.currentData() == _OTHER:
            chosen = QFileDialog.getExistingDirectory(self, "Folder of a model")
            self.model.setCurrentIndex(0)
            if chosen:
                self.add_model(chosen)
        self._show_fit()
        self.changed.emit()

    def _show_fit(self) -> None:
        """Say plainly whether the model fits this objective."""
        name, kind = self.estimator.currentData(), "muted"
        model = self.model.currentData()
        if name == "wiener":
            text = "Needs no training: it works from the optics alone."
        elif name != "recurrent-mz":
            text = "Knows nothing of optics: for comparison."
        elif model is None:
            text, kind = "No model is chosen.", "warn"
        else:
            text, kind = self._card_fit(model)
        self.fit.setText(text)
        self.fit.setObjectName(kind)
        restyle(self.fit)

    def _card_fit(self, model: str) -> tuple[str, str]:
        try:
            card = read_card(model)
        except InputError as error:
            return str(error), "bad"
        if self._known is None:
            return "Whether it fits is not known without the optics.", "warn"
        off = card.check(self._known, self._range_um or [0.0, card.z_range_um])
        if off:
            said = "; ".join(line.split(" was trained at ")[-1] for line in off)
            return f"Does not fit this microscope. Trained at {said}.", "warn"
        return "Fits this objective, pixel size and range.", "good"
