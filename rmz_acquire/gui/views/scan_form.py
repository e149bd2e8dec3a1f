"""The form of a scan: what is typed becomes `ScanSettings`, what is wrong is marked."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.errors import InputError
from rmz_acquire.gui.models.settings import NEEDS_OPTICS, ScanSettings
from rmz_acquire.models import list_models, read_card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.optics import Optics

__all__ = ["ScanForm"]

ESTIMATORS = {
    "recurrent-mz": "Recurrent-MZ network",
    "wiener": "Wiener filter (no training)",
    "linear": "Linear interpolation",
    "nearest": "Nearest plane",
}
POLICIES: dict[Literal["bisect", "uniform"], str] = {
    "bisect": "Middle of the largest gap",
    "uniform": "Equal spacing",
}
_OTHER = "Choose a folder…"


class ZBox(QDoubleSpinBox):
    """A position, µm, that is empty until it is set."""

    _EMPTY = -100_000.0

    def __init__(self) -> None:
        super().__init__()
        self.setRange(self._EMPTY, 100_000)
        self.setDecimals(2)
        self.setSuffix(" µm")
        self.setSpecialValueText("not set")
        self.setValue(self._EMPTY)
        self.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def um(self) -> float | None:
        """Position, or None."""
        value = self.value()
        return None if value <= self._EMPTY else value

    def set_um(self, z_um: float | None) -> None:
        """Set the position, or None."""
        self.setValue(self._EMPTY if z_um is None else z_um)

    def textFromValue(self, value: float) -> str:
        """Without the suffix's number format of the locale."""
        return f"{value:.2f}"

    def valueFromText(self, text: str | None) -> float:
        """Read what was typed; empty means not set."""
        said = (text or "").removesuffix("µm").strip().replace(",", ".")
        try:
            return float(said)
        except ValueError:
            return self._EMPTY


class ScanForm(QWidget):
    """Everything that a scan needs, in the order in which one thinks of it."""

    changed = pyqtSignal()
    bottom_asked = pyqtSignal()
    top_asked = pyqtSignal()
    start_asked = pyqtSignal()

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._context = ScanSettings()
        self._optics: Optics | None = None
        self._muted = False
        self._make_fields(root)
        body = QWidget()
        form = QVBoxLayout(body)
        form.setContentsMargins(12, 8, 12, 8)
        form.setSpacing(4)
        for heading, block in (
            ("RANGE", self._range()),
            ("RECONSTRUCTION", self._reconstruction()),
            ("STOP", self._stop()),
            ("SAVE IN", self._folder()),
        ):
            label = QLabel(heading)
            label.setObjectName("section")
            form.addWidget(label)
            form.addLayout(block)
            form.addSpacing(5)
        form.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        self.body = body
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 6, 12, 10)
        foot.setSpacing(5)
        foot.addWidget(self.reason)
        foot.addWidget(self.start)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(area, 1)
        whole.addLayout(foot)
        self.setMinimumWidth(max(290, body.minimumSizeHint().width() + 10))
        self.refresh_models()
        self._connect()
        self._estimator_changed()

    # ---- what is typed ------------------------------------------------------------

    def settings(self) -> ScanSettings:
        """Give what is typed, with exposure and channel of the microscope."""
        most, light = self.max_planes.value(), self.max_light.value()
        return replace(
            self._context,
            bottom_um=self.bottom.um(),
            top_um=self.top.um(),
            step_um=self.step.value(),
            estimator=self.estimator.currentData(),
            model=self.model.currentData(),
            epsilon=self.epsilon.value() / 100,
            policy=self.policy.currentData(),
            min_planes=self.min_planes.value(),
            max_planes=most or None,
            max_light_ms=light or None,
            na=_number(self.na),
            immersion_index=_number(self.immersion),
            wavelength_um=_number(self.wavelength, 1000),
            pixel_size_um=_number(self.pixel),
        )

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill the form in."""
        self._muted = True
        self.bottom.set_um(settings.bottom_um)
        self.top.set_um(settings.top_um)
        self.step.setValue(settings.step_um)
        self.estimator.setCurrentIndex(self.estimator.findData(settings.estimator))
        if settings.model is not None:
            self._add_model(settings.model)
        self.epsilon.setValue(100 * settings.epsilon)
        self.policy.setCurrentIndex(self.policy.findData(settings.policy))
        self.min_planes.setValue(settings.min_planes)
        self.max_planes.setValue(settings.max_planes or 0)
        self.max_light.setValue(settings.max_light_ms or 0)
        given = (
            (self.na, settings.na, 1.0),
            (self.immersion, settings.immersion_index, 1.0),
            (self.wavelength, settings.wavelength_um, 1000.0),
            (self.pixel, settings.pixel_size_um, 1.0),
        )
        for field, value, scale in given:
            field.setText("" if value is None else f"{value * scale:g}")
        self._muted = False
        self._estimator_changed()

    def set_context(
        self, exposure_ms: float, channel: tuple[str, str] | None = None
    ) -> None:
        """Take exposure and channel from the microscope."""
        new = replace(self._context, exposure_ms=exposure_ms, channel=channel)
        if new != self._context:
            self._context = new
            self._tell()

    def set_optics(self, optics: Optics | None) -> None:
        """Show the optics in use."""
        self._optics = optics
        if optics is None:
            self.optics.setText("not known: type them in below")
            self.optics_more.setChecked(True)
        else:
            self.optics.setText(
                f"NA {optics.na:g} · n {optics.immersion_index:g} · "
                f"{1000 * optics.wavelength_um:.0f} nm · "
                f"{optics.pixel_size_um:.3g} µm pixel"
            )
            for field, value in (
                (self.na, optics.na),
                (self.immersion, optics.immersion_index),
                (self.wavelength, 1000 * optics.wavelength_um),
                (self.pixel, optics.pixel_size_um),
            ):
                field.setPlaceholderText(f"{value:g}")
        self._show_fit()

    def root(self) -> Path:
        """Folder in which every run gets a folder of its own."""
        return Path(self.folder.text()).expanduser()

    # ---- what is wrong ------------------------------------------------------------

    def mark(self, problems: Mapping[str, str], busy: str | None = None) -> None:
        """Mark the fields that are wrong and say why Start is off.

        Parameters
        ----------
        problems : mapping
            As of `ScanSettings.problems`.
        busy : str, optional
            Why nothing can start now, whatever is typed.
        """
        fields: dict[str, tuple[QWidget, ...]] = {
            "bottom_um": (self.bottom,),
            "top_um": (self.top,),
            "step_um": (self.step,),
            "epsilon": (self.epsilon,),
            "min_planes": (self.min_planes,),
            "max_planes": (self.max_planes,),
            "max_light_ms": (self.max_light,),
            "model": (self.model,),
            "optics": (self.na, self.immersion, self.wavelength, self.pixel),
        }
        for name, widgets in fields.items():
            said = problems.get(name, "")
            unset = said.startswith("set the")
            for widget in widgets:
                _mark(widget, bool(said) and not unset, said)
        first = busy or next(iter(problems.values()), None)
        self.start.setEnabled(first is None)
        self.reason.setVisible(True)
        settings = self.settings()
        if first is not None:
            self.reason.setText(f"Start is off: {first}.")
            self.reason.setObjectName("warn" if problems and not busy else "muted")
        else:
            most = settings.most_planes or 0
            self.reason.setText(
                f"At most {most} planes, {most * settings.exposure_ms:g} ms of light."
            )
            self.reason.setObjectName("muted")
        _restyle(self.reason)
        full = settings.full_planes
        self.full.setText(f"{full} planes a full stack" if full else "")

    def refresh_models(self) -> None:
        """List the models in the box."""
        had = self.model.currentData()
        self.model.blockSignals(True)
        self.model.clear()
        for name in list_models():
            self.model.addItem(name, name)
        if not self.model.count():
            self.model.addItem("none installed", None)
        self.model.insertSeparator(self.model.count())
        self.model.addItem(_OTHER, _OTHER)
        self.model.blockSignals(False)
        if had is not None:
            self._add_model(had)
        if not list_models() and self.estimator.currentData() == "recurrent-mz":
            self.estimator.setCurrentIndex(self.estimator.findData("wiener"))

    # ---- how it is built ----------------------------------------------------------

    def _make_fields(self, root: Path) -> None:
        self.top, self.bottom = ZBox(), ZBox()
        self.set_top = QPushButton(QIconifyIcon("mdi:arrow-collapse-up"), "Set top")
        self.set_bottom = QPushButton(
            QIconifyIcon("mdi:arrow-collapse-down"), "Set bottom"
        )
        self.set_top.setToolTip("Take the focus now as the top of the range  ( ] )")
        self.set_bottom.setToolTip(
            "Take the focus now as the bottom of the range  ( [ )"
        )
        self.step = _spin(0.01, 100.0, 0.5, " µm", 2, "Distance of output planes, µm")
        self.full = QLabel()
        self.full.setObjectName("muted")
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
        self.epsilon = _spin(
            0.1,
            99.0,
            5.0,
            " %",
            1,
            "The scan stops when a plane changes the volume by less (epsilon)",
        )
        self.min_planes = _whole(1, 999, 4, "Never stop with fewer planes")
        self.max_planes = _whole(0, 9999, 0, "Stop with so many planes at the latest")
        self.max_planes.setSpecialValueText("no limit")
        self.max_light = _spin(
            0, 1e7, 0, " ms", 0, "All exposures together, ms: the light budget"
        )
        self.max_light.setSpecialValueText("no limit")
        self.policy = QComboBox()
        for key, text in POLICIES.items():
            self.policy.addItem(text, key)
        self.policy.setToolTip("Where the next plane is taken")
        self.folder = QLineEdit(str(root))
        self.folder.setToolTip("Each run gets a folder of its own in here")
        self.browse = QPushButton("…")
        self.browse.setToolTip("Choose the folder")
        self.browse.setFixedWidth(34)
        self.reason = QLabel()
        self.reason.setWordWrap(True)
        self.start = QPushButton(QIconifyIcon("mdi:play", color="white"), "Start scan")
        self.start.setObjectName("primary")
        self.start.setToolTip("Take planes until the volume stops changing  (F5)")

    def _range(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(5)
        grid.addWidget(self.set_top, 0, 0)
        grid.addWidget(self.top, 0, 1)
        grid.addWidget(self.set_bottom, 1, 0)
        grid.addWidget(self.bottom, 1, 1)
        grid.addWidget(QLabel("Step"), 2, 0)
        grid.addWidget(self.step, 2, 1)
        grid.addWidget(self.full, 3, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _reconstruction(self) -> QVBoxLayout:
        column = QVBoxLayout()
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
        for i, (text, field) in enumerate(
            (
                ("NA", self.na),
                ("Index n", self.immersion),
                ("λ (nm)", self.wavelength),
                ("Pixel (µm)", self.pixel),
            )
        ):
            grid.addWidget(QLabel(text), i // 2, 2 * (i % 2))
            grid.addWidget(field, i // 2, 2 * (i % 2) + 1)
        self.optics_fields.hide()
        column.addWidget(self.optics_fields)
        return column

    def _stop(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(5)
        grid.setColumnStretch(1, 1)
        for row, (text, field) in enumerate(
            (
                ("Change below", self.epsilon),
                ("At least", self.min_planes),
                ("At most", self.max_planes),
                ("Light at most", self.max_light),
                ("Next plane", self.policy),
            )
        ):
            grid.addWidget(QLabel(text), row, 0)
            grid.addWidget(field, row, 1)
        return grid

    def _folder(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        return row

    def _connect(self) -> None:
        for spin in (self.top, self.bottom, self.step, self.epsilon, self.max_light):
            spin.valueChanged.connect(self._tell)
        for number in (self.min_planes, self.max_planes):
            number.valueChanged.connect(self._tell)
        for field in (self.na, self.immersion, self.wavelength, self.pixel):
            field.textChanged.connect(self._tell)
        self.folder.textChanged.connect(self._tell)
        self.policy.currentIndexChanged.connect(self._tell)
        self.estimator.currentIndexChanged.connect(self._estimator_changed)
        self.model.activated.connect(self._model_chosen)
        self.optics_more.toggled.connect(self.optics_fields.setVisible)
        self.set_bottom.clicked.connect(self.bottom_asked)
        self.set_top.clicked.connect(self.top_asked)
        self.start.clicked.connect(self.start_asked)
        self.browse.clicked.connect(self._browse)

    def _tell(self) -> None:
        if not self._muted:
            self._show_fit()
            self.changed.emit()

    def _estimator_changed(self) -> None:
        name = self.estimator.currentData()
        self.model.setVisible(name == "recurrent-mz")
        optics = name in NEEDS_OPTICS
        for widget in (self.optics, self.optics_more):
            widget.setVisible(optics)
        self.optics_fields.setVisible(optics and self.optics_more.isChecked())
        self._tell()

    def _model_chosen(self) -> None:
        if self.model.currentData() == _OTHER:
            chosen = QFileDialog.getExistingDirectory(self, "Folder of a model")
            self.model.setCurrentIndex(0)
            if chosen:
                self._add_model(chosen)
        self._tell()

    def _add_model(self, name: str) -> None:
        index = self.model.findData(name)
        if index < 0:
            self.model.insertItem(0, Path(name).name, name)
            index = 0
        self.model.setCurrentIndex(index)

    def _show_fit(self) -> None:
        """Say plainly whether the model fits this objective."""
        name, kind = self.estimator.currentData(), "muted"
        settings = self.settings()
        if name == "wiener":
            text = "Needs no training: it works from the optics alone."
        elif name != "recurrent-mz":
            text = "Knows nothing of optics: for comparison."
        elif settings.model is None:
            text, kind = "No model is chosen.", "warn"
        else:
            text, kind = self._card_fit(settings)
        self.fit.setText(text)
        self.fit.setObjectName(kind)
        _restyle(self.fit)

    def _card_fit(self, settings: ScanSettings) -> tuple[str, str]:
        assert settings.model is not None
        try:
            card = read_card(settings.model)
        except InputError as error:
            return str(error), "bad"
        if self._optics is None:
            return "Whether it fits is not known without the optics.", "warn"
        bottom, top = settings.bottom_um, settings.top_um
        if bottom is None or top is None or top <= bottom:
            grid = [0.0, card.z_range_um]
        else:
            grid = [bottom, top]
        off = card.check(self._optics, grid)
        if off:
            said = "; ".join(line.split(" was trained at ")[-1] for line in off)
            return f"Does not fit this microscope. Trained at {said}.", "warn"
        return "Fits this objective, pixel size and range.", "good"

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Folder for runs", self.folder.text()
        )
        if chosen:
            self.folder.setText(chosen)


def _mark(widget: QWidget, wrong: bool, said: str) -> None:
    if widget.property("told") is None:
        widget.setProperty("told", widget.toolTip())
    widget.setToolTip(said if wrong else widget.property("told"))
    if bool(widget.property("wrong")) != wrong:
        widget.setProperty("wrong", wrong)
        _restyle(widget)


def _restyle(widget: QWidget) -> None:
    style = widget.style()
    assert style is not None
    style.unpolish(widget)
    style.polish(widget)


def _spin(
    low: float, high: float, value: float, unit: str, decimals: int, tip: str
) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setDecimals(decimals)
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setSuffix(unit)
    spin.setToolTip(tip)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    return spin


def _whole(low: int, high: int, value: int, tip: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setSuffix(" planes")
    spin.setToolTip(tip)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    return spin


def _number(field: QLineEdit, scale: float = 1.0) -> float | None:
    """What was typed; NaN where it is no number, so that it is refused, not ignored."""
    text = field.text().strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text) / scale
    except ValueError:
        return math.nan
