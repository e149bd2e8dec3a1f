"""The form of a scan: what is typed becomes `ScanSettings`, what is wrong is marked.

Simple first: range, channels, quality, Start. Everything else is under More, and an
experiment that was loaded keeps it all.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.models.fitting import untold
from rmz_acquire.gui.models.quality import CUSTOM, quality_of, with_quality
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.gui.views.channel_picker import ChannelPicker
from rmz_acquire.gui.views.deciding_box import DecidingBox
from rmz_acquire.gui.views.form_fields import mark, restyle, scrolled
from rmz_acquire.gui.views.quality_box import QualityBox
from rmz_acquire.gui.views.range_box import RangeBox
from rmz_acquire.gui.views.reconstruction_box import ReconstructionBox
from rmz_acquire.gui.views.stop_box import StopBox

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ScanForm"]


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
        self._opened_for: frozenset[str] = frozenset()
        self._make_parts(root)
        self.body = self._lay_out_body()
        self.area = scrolled()
        self.area.setWidget(self.body)
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 6, 12, 10)
        foot.setSpacing(5)
        for widget in (self.reason, self.slow, self.start):
            foot.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.area, 1)
        outer.addLayout(foot)
        # also with what is folded away, and the bar to scroll it
        self.setMinimumWidth(max(274, self.folded.minimumSizeHint().width() + 28))
        self._connect()

    # ---- what is typed ------------------------------------------------------------

    def settings(self) -> ScanSettings:
        """Give what is typed, with exposure and channel of the microscope."""
        return replace(
            self._context,
            bottom_um=self.bottom.um(),
            top_um=self.top.um(),
            step_um=self.step.value(),
            relative=self.counts.currentData(),
            **self.stop.values(),
            **self.deciding.values(),
            **self.reconstruction.values(),
        )

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill the form in."""
        self._muted = True
        self._context = replace(self._context, base=settings.base)
        self.range.set_settings(settings)
        self.stop.set_settings(settings)
        self.deciding.set_settings(settings)
        self.reconstruction.set_settings(settings)
        self._muted = False
        if quality_of(settings) == CUSTOM or not settings.calibration.nominal:
            self.more.setChecked(True)
        self._tell()

    def set_context(
        self, exposure_ms: float, channel: tuple[str, str] | None = None
    ) -> None:
        """Take exposure and channel from the microscope."""
        new = replace(self._context, exposure_ms=exposure_ms, channel=channel)
        if new != self._context:
            self._context = new
            self._tell()

    def root(self) -> Path:
        """Folder in which every run gets a folder of its own."""
        return Path(self.folder.text()).expanduser()

    # ---- what is wrong, and what it costs ------------------------------------------

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
        fields: dict[str, QWidget] = {
            "bottom_um": self.bottom,
            "top_um": self.top,
            "step_um": self.step,
            "epsilon": self.epsilon,
            "tau": self.tau,
            "min_planes": self.min_planes,
            "max_planes": self.max_planes,
            "max_light_ms": self.max_light,
        }
        for name, widget in fields.items():
            said = problems.get(name, "")
            mark(widget, bool(said) and not said.startswith("set the"), said)
        for part in (self.stop, self.reconstruction):
            part.mark(problems)
        self.deciding.mark(problems)
        self._say_untold()
        first = busy or next(iter(problems.values()), None)
        self.start.setEnabled(first is None)
        if first is not None:
            self.say(f"Cannot start: {first}.", wrong=bool(problems) and not busy)
        self.range.say_full(settings.full_planes)
        self.quality.show_quality(quality_of(settings))
        self._open_for(frozenset(problems) - {"bottom_um", "top_um", "step_um"})

    def say(self, text: str, *, wrong: bool = False, slow: str = "") -> None:
        """Say above Start what it costs, or why it is off; and what takes long."""
        self.reason.setText(text)
        self.reason.setObjectName("warn" if wrong else "muted")
        restyle(self.reason)
        self.slow.setText(slow)
        self.slow.setVisible(bool(slow))

    def _open_for(self, wrong: frozenset[str]) -> None:
        """Show what is wrong where it is folded away, once for each."""
        if wrong - self._opened_for - {"positions", "exposure_ms"}:
            self.more.setChecked(True)
        self._opened_for = wrong

    # ---- how it is built ----------------------------------------------------------

    def _make_parts(self, root: Path) -> None:
        self.range = RangeBox()
        self.top, self.bottom = self.range.top, self.range.bottom
        self.step, self.counts = self.range.step, self.range.counts
        self.set_top, self.set_bottom = self.range.set_top, self.range.set_bottom
        self.channels = ChannelPicker()
        self.quality = QualityBox()
        self.more = QToolButton()
        self.more.setObjectName("fold")
        self.more.setText("More")
        self.more.setCheckable(True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolTip(
            "Reconstruction, when to stop, what decides, where to save"
        )
        self.reconstruction = ReconstructionBox()
        self.stop = StopBox()
        self.deciding = DecidingBox()
        self.epsilon, self.tau = self.stop.epsilon, self.stop.tau
        self.min_planes, self.max_planes = self.stop.min_planes, self.stop.max_planes
        self.max_light = self.stop.max_light
        self.folder = QLineEdit(str(root))
        self.folder.setToolTip("Each run gets a folder of its own in here")
        self.browse = QPushButton("…")
        self.browse.setToolTip("Choose the folder")
        self.browse.setFixedWidth(34)
        self.reason, self.slow = QLabel(), QLabel()
        self.slow.setObjectName("warn")
        for label in (self.reason, self.slow):
            label.setWordWrap(True)
        self.slow.hide()
        self.start = QPushButton(QIconifyIcon("mdi:play", color="white"), "Start scan")
        self.start.setObjectName("primary")
        self.start.setToolTip("Take planes until the volume stops changing  (F5)")

    def _lay_out_body(self) -> QWidget:
        folder = QWidget()
        row = QHBoxLayout(folder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder, 1)
        row.addWidget(self.browse)
        self.folded = QWidget()
        self.folded.hide()
        inside = QVBoxLayout(self.folded)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(4)
        _stack(
            inside,
            {
                "RECONSTRUCTION": self.reconstruction,
                "STOP": self.stop,
                "SPEED": self.deciding,
                "RANGE COUNTS FROM": self.counts,
                "SAVE IN": folder,
            },
        )
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(10, 8, 8, 8)
        column.setSpacing(4)
        simple = {
            "RANGE": self.range,
            "CHANNELS": self.channels,
            "QUALITY": self.quality,
        }
        _stack(column, simple)
        column.addWidget(self.more)
        column.addWidget(self.folded)
        column.addStretch(1)
        return body

    def _connect(self) -> None:
        for part in (self.range, self.stop, self.deciding, self.reconstruction):
            part.changed.connect(self._tell)
        self.quality.chosen.connect(self._take_quality)
        self.more.toggled.connect(self._fold)
        self.folder.textChanged.connect(self._tell)
        self.set_bottom.clicked.connect(self.bottom_asked)
        self.set_top.clicked.connect(self.top_asked)
        self.start.clicked.connect(self.start_asked)
        self.browse.clicked.connect(self._browse)

    def _take_quality(self, name: str) -> None:
        settings = with_quality(self.settings(), name)
        self._muted = True
        self._context = replace(self._context, base=settings.base)
        self.stop.set_settings(settings)
        self._muted = False
        self._tell()

    def _fold(self, on: bool) -> None:
        self.folded.setVisible(on)
        arrow = Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow
        self.more.setArrowType(arrow)

    def _tell(self) -> None:
        self._say_untold()
        if not self._muted:
            self.changed.emit()

    def _say_untold(self) -> None:
        proposed = self.reconstruction.choice.site.proposed()
        self.stop.say_untold(untold(self.settings(), proposed))

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Folder for runs", self.folder.text()
        )
        if chosen:
            self.folder.setText(chosen)


def _stack(column: QVBoxLayout, blocks: Mapping[str, QWidget]) -> None:
    """Put blocks under each other, each below its heading."""
    for heading, block in blocks.items():
        label = QLabel(heading)
        label.setObjectName("section")
        column.addWidget(label)
        column.addWidget(block)
        column.addSpacing(5)
