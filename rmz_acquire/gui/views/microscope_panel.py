"""The microscope by hand: the widgets of pymmcore-widgets in one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymmcore_plus import DeviceType
from pymmcore_widgets import (
    ChannelWidget,
    ExposureWidget,
    ObjectivesWidget,
    ShuttersWidget,
    StageWidget,
)
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from rmz_acquire.gui.models.specimen import SimulatedSpecimen
from rmz_acquire.gui.theme import DARK
from rmz_acquire.gui.views.form_fields import scrolled
from rmz_acquire.gui.views.position_field import PositionField
from rmz_acquire.gui.views.specimen_box import SpecimenBox
from rmz_acquire.gui.views.stage_looks import dress_stage

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.gui.theme import Theme

__all__ = ["MicroscopePanel"]

_Z_STEP_UM, _XY_STEP_UM = 10.0, 20.0


class MicroscopePanel(QWidget):
    """Objective, channel, exposure, light and stages of one core."""

    #: The focus as its field shows it, in words.
    focus_shown = pyqtSignal(str)
    specimen_asked = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.area = scrolled()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.area)
        self.setMinimumWidth(270)
        self.stages: dict[str, StageWidget] = {}
        self._fields: dict[str, list[PositionField]] = {}
        self._focus = ""
        self._theme = DARK
        self.set_core(None)

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        for stage in self.stages.values():
            dress_stage(stage, theme)

    def set_core(self, core: CMMCorePlus | None) -> None:
        """Show the devices of a core, or a hint without one."""
        self.stages, self._fields, self._focus = {}, {}, ""
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(10, 10, 8, 10)
        column.setSpacing(8)
        if core is None:
            hint = QLabel("No microscope is connected.")
            hint.setObjectName("muted")
            hint.setWordWrap(True)
            column.addWidget(hint)
        else:
            self._fill(column, core)
        column.addStretch(1)
        old = self.area.takeWidget()
        self.area.setWidget(body)
        self.setMinimumWidth(max(250, body.minimumSizeHint().width() + 10))
        if old is not None:
            old.deleteLater()

    @property
    def focus_step_um(self) -> float | None:
        """Step of the focus stage, µm, up as its buttons have it; None without one."""
        stage = self.stages.get(self._focus)
        if stage is None:
            return None
        boxes = stage.findChildren(QCheckBox)
        turned = any(b.isChecked() for b in boxes if b.text().startswith("Invert"))
        return -stage.step() if turned else float(stage.step())

    @property
    def focus_um(self) -> float | None:
        """Where the focus stands, µm, as its field shows it; None without a stage."""
        (field,) = self._fields.get(self._focus) or (None,)
        return None if field is None else field.um

    def show_stages(self, focus: str, stages: dict[str, tuple[float, ...]]) -> None:
        """Show where the stages stand, µm, wherever nobody types."""
        self._focus = focus
        for label, at_um in stages.items():
            fields = self._fields.get(label, [])
            for field, value in zip(fields, at_um, strict=False):
                field.show_um(value)
        self._tell()

    def _tell(self) -> None:
        """Say the focus in the very words of its field."""
        for field in self._fields.get(self._focus, []):
            if not field.typing:
                self.focus_shown.emit(field.box.text())

    def _fill(self, column: QVBoxLayout, core: CMMCorePlus) -> None:
        form = QGridLayout()
        form.setSpacing(6)
        form.setColumnStretch(1, 1)
        specimen = SimulatedSpecimen.under(core)
        if specimen is not None:
            box = SpecimenBox(specimen)
            box.changed.connect(self.specimen_asked)
            _row(form, "Specimen", box)
        turret = next(iter(core.guessObjectiveDevices()), None)
        if turret is not None:
            objective = ObjectivesWidget(turret, mmcore=core)
            for words in objective.findChildren(QLabel):
                if words.text().startswith("Objective"):
                    words.hide()
            _stretch(objective)
            _row(form, "Objective", objective)
        if core.getOrGuessChannelGroup():
            channel = ChannelWidget(mmcore=core)
            _tight(channel)
            _row(form, "Channel", channel)
        camera = core.getCameraDevice()
        if camera:
            # not the one that follows the default camera: it hears of loading late
            exposure = ExposureWidget(camera, mmcore=core)
            exposure.setToolTip("Exposure of live view and scan, ms")
            _tight(exposure)
            _row(form, "Exposure", exposure)
        for shutter in core.getLoadedDevicesOfType(DeviceType.Shutter):
            current = shutter == core.getShutterDevice()
            light = ShuttersWidget(
                shutter,
                autoshutter=current,
                button_text_open="on",
                button_text_closed="off",
                icon_size=16,
                mmcore=core,
            )
            light.setToolTip(
                f"Shutter {shutter}. With Auto the light is on for exposures only"
            )
            layout = light.layout()
            if isinstance(layout, QHBoxLayout):
                layout.addStretch(1)
            _row(form, _short(shutter), light)
        column.addLayout(form)
        column.addSpacing(4)
        self._focus = str(core.getFocusDevice())
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        focus = core.getFocusDevice()
        stages = list(core.getLoadedDevicesOfType(DeviceType.Stage))
        stages.sort(key=lambda label: label != focus)
        for label in stages:
            name = "Focus" if label == focus else str(label)
            tabs.addTab(self._stage(core, label, _Z_STEP_UM, 2), name)
        for label in core.getLoadedDevicesOfType(DeviceType.XYStage):
            tabs.addTab(self._stage(core, label, _XY_STEP_UM, 1), label)
        if tabs.count():
            column.addWidget(tabs)

    def _stage(
        self, core: CMMCorePlus, label: str, step_um: float, levels: int
    ) -> QWidget:
        stage = StageWidget(label, levels, absolute_positioning=True, mmcore=core)
        stage.setStep(step_um)
        stage.snap_checkbox.hide()
        fields = []
        for box in stage.findChildren(QDoubleSpinBox):
            box.setMaximumWidth(92)
            if "step size" not in box.toolTip():
                fields.append(PositionField(box))
                # its own buttons tell the widget first
                box.valueChanged.connect(self._tell)
        self._fields[label] = fields
        dress_stage(stage, self._theme)
        self.stages[label] = stage
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 6, 0, 0)
        column.addWidget(stage)
        column.addStretch(1)
        return page


def _row(form: QGridLayout, text: str, widget: QWidget) -> None:
    row = form.rowCount()
    form.addWidget(QLabel(text), row, 0)
    form.addWidget(widget, row, 1)


def _tight(widget: QWidget) -> None:
    layout = widget.layout()
    if layout is not None:
        layout.setContentsMargins(0, 0, 0, 0)


def _stretch(widget: QWidget) -> None:
    """Let the combo box in a widget take the width there is."""
    _tight(widget)
    for child in widget.findChildren(QWidget):
        if child.parent() is widget or isinstance(child, QComboBox):
            policy = child.sizePolicy()
            policy.setHorizontalPolicy(policy.Policy.Expanding)
            child.setSizePolicy(policy)
        _tight(child)


def _short(label: str) -> str:
    return label.replace("Shutter", "").strip().capitalize() or "Light"
