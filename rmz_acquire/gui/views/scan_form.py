"""The form of a scan: what is typed becomes `ScanSettings`, what is wrong is marked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.models.settings import ScanSettings
from rmz_acquire.gui.views.fields import ZBox, mark, restyle, spin, whole
from rmz_acquire.gui.views.reconstruction_box import ReconstructionBox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.optics import Optics

__all__ = ["ScanForm"]

POLICIES: dict[Literal["bisect", "uniform"], str] = {
    "bisect": "Middle of the largest gap",
    "uniform": "Equal spacing",
}


class ScanForm(QWidget):
    """Everything that a scan needs, in the order in which one thinks of it."""

    changed = pyqtSignal()
    bottom_asked = pyqtSignal()
    top_asked = pyqtSignal()
    start_asked = pyqtSignal()

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._context = ScanSettings()
        self._muted = False
        self._make_fields(root)
        body = QWidget()
        form = QVBoxLayout(body)
        form.setContentsMargins(12, 8, 12, 8)
        form.setSpacing(4)
        for heading, block in (
            ("RANGE", self._range()),
            ("RECONSTRUCTION", self.reconstruction),
            ("STOP", self._stop()),
            ("SAVE IN", self._folder()),
        ):
            label = QLabel(heading)
            label.setObjectName("section")
            form.addWidget(label)
            if isinstance(block, QWidget):
                form.addWidget(block)
            else:
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
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(area, 1)
        outer.addLayout(foot)
        self.setMinimumWidth(max(290, body.minimumSizeHint().width() + 10))
        self._connect()

    # ---- what is typed ------------------------------------------------------------

    def settings(self) -> ScanSettings:
        """Give what is typed, with exposure and channel of the microscope."""
        most, light = self.max_planes.value(), self.max_light.value()
        return replace(
            self._context,
            bottom_um=self.bottom.um(),
            top_um=self.top.um(),
            step_um=self.step.value(),
            relative=self.counts.currentData(),
            tau=self.tau.value() / 100 or None,
            epsilon=self.epsilon.value() / 100,
            policy=self.policy.currentData(),
            min_planes=self.min_planes.value(),
            max_planes=most or None,
            max_light_ms=light or None,
            **self.reconstruction.values(),
        )

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill the form in."""
        self._muted = True
        self._context = replace(self._context, base=settings.base)
        self.counts.setCurrentIndex(self.counts.findData(settings.relative))
        self.tau.setValue(100 * (settings.tau or 0))
        self.bottom.set_um(settings.bottom_um)
        self.top.set_um(settings.top_um)
        self.step.setValue(settings.step_um)
        self.epsilon.setValue(100 * settings.epsilon)
        self.policy.setCurrentIndex(self.policy.findData(settings.policy))
        self.min_planes.setValue(settings.min_planes)
        self.max_planes.setValue(settings.max_planes or 0)
        self.max_light.setValue(settings.max_light_ms or 0)
        self.reconstruction.set_settings(settings)
        self._muted = False
        self._tell()

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
        self.reconstruction.set_optics(optics)

    def root(self) -> Path:
        """Folder in which every run gets a folder of its own."""
        return Path(self.folder.text()).expanduser()

    # ---- what is wrong ------------------------------------------------------------

    def mark(
        self,
        problems: Mapping[str, str],
        settings: ScanSettings,
        busy: str | None = None,
    ) -> None:
        """Mark the fields that are wrong and say why Start is off.

        Parameters
        ----------
        problems : mapping
            As of `ScanSettings.problems`.
        settings : ScanSettings
            With the series.
        busy : str, optional
            Why nothing can start now, whatever is typed.
        """
        fields: dict[str, tuple[QWidget, ...]] = {
            "bottom_um": (self.bottom,),
            "top_um": (self.top,),
            "step_um": (self.step,),
            "epsilon": (self.epsilon,),
            "tau": (self.tau,),
            "min_planes": (self.min_planes,),
            "max_planes": (self.max_planes,),
            "max_light_ms": (self.max_light,),
            "model": (self.reconstruction.model,),
            "optics": self.reconstruction.optics_inputs,
        }
        for name, widgets in fields.items():
            said = problems.get(name, "")
            unset = said.startswith("set the")
            for widget in widgets:
                mark(widget, bool(said) and not unset, said)
        first = busy or next(iter(problems.values()), None)
        self.start.setEnabled(first is None)
        self.reason.setVisible(True)
        if first is not None:
            self.reason.setText(f"Start is off: {first}.")
            self.reason.setObjectName("warn" if problems and not busy else "muted")
        else:
            self.reason.setText(_cost(settings))
            self.reason.setObjectName("muted")
        restyle(self.reason)
        full = settings.full_planes
        self.full.setText(f"{full} planes a full stack" if full else "")

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
        self.counts = QComboBox()
        self.counts.addItem("Positions of the stage", False)
        self.counts.addItem("Around each position's z", True)
        self.counts.setToolTip(
            "Whether top and bottom are the stage's own, or count from the z of each\n"
            "position (from where the focus stands, if there are no positions)"
        )
        self.step = spin(0.01, 100.0, 0.5, " µm", 2, "Distance of output planes, µm")
        self.full = QLabel()
        self.full.setObjectName("muted")
        self.reconstruction = ReconstructionBox()
        self.epsilon = spin(
            0.1,
            99.0,
            5.0,
            " %",
            1,
            "The scan stops when a plane changes the volume by less (epsilon)",
        )
        self.tau = spin(
            0.0,
            999.0,
            0.0,
            " %",
            1,
            "And only when the last plane was foretold with a smaller error (tau)",
        )
        self.tau.setSpecialValueText("not asked")
        self.min_planes = whole(1, 999, 4, "Never stop with fewer planes")
        self.max_planes = whole(0, 9999, 0, "Stop with so many planes at the latest")
        self.max_planes.setSpecialValueText("no limit")
        self.max_light = spin(
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
        grid.addWidget(self.counts, 0, 0, 1, 2)
        grid.addWidget(self.set_top, 1, 0)
        grid.addWidget(self.top, 1, 1)
        grid.addWidget(self.set_bottom, 2, 0)
        grid.addWidget(self.bottom, 2, 1)
        grid.addWidget(QLabel("Step"), 3, 0)
        grid.addWidget(self.step, 3, 1)
        grid.addWidget(self.full, 4, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _stop(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(5)
        grid.setColumnStretch(1, 1)
        for row, (text, field) in enumerate(
            (
                ("Change below ε", self.epsilon),
                ("Innovation below τ", self.tau),
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
        numbers = self.top, self.bottom, self.step, self.epsilon, self.tau
        for box in (*numbers, self.max_light):
            box.valueChanged.connect(self._tell)
        for count in (self.min_planes, self.max_planes):
            count.valueChanged.connect(self._tell)
        self.reconstruction.changed.connect(self._tell)
        self.counts.currentIndexChanged.connect(self._counts_changed)
        self.folder.textChanged.connect(self._tell)
        self.policy.currentIndexChanged.connect(self._tell)
        self.set_bottom.clicked.connect(self.bottom_asked)
        self.set_top.clicked.connect(self.top_asked)
        self.start.clicked.connect(self.start_asked)
        self.browse.clicked.connect(self._browse)

    def _counts_changed(self) -> None:
        relative = self.counts.currentData()
        for button in (self.set_top, self.set_bottom):
            button.setEnabled(not relative)
        self._tell()

    def _tell(self) -> None:
        if not self._muted:
            self.reconstruction.set_range(self.bottom.um(), self.top.um())
            self.changed.emit()

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Folder for runs", self.folder.text()
        )
        if chosen:
            self.folder.setText(chosen)


def _cost(settings: ScanSettings) -> str:
    """Say what a scan may cost at most."""
    most, volumes = settings.most_planes or 0, settings.volumes
    light = most * settings.longest_ms
    if volumes == 1:
        return f"At most {most} planes, {light:g} ms of light."
    each = f"At most {most} planes and {light:g} ms of light a volume"
    return f"{each}, {volumes} volumes." if volumes else f"{each}."
