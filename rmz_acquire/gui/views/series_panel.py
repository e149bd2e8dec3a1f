"""The series: channels, positions and time points, from pymmcore-widgets' tables.

The tables do not show all that useq knows (a well plate, six digits of a micrometre).
So what was put into one is given back as it came, unless somebody changed it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import useq
from pymmcore_widgets.useq_widgets import ChannelTable, PositionTable, TimePlanWidget
from PyQt6.QtCore import QSize, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from rmz_acquire.gui.views.form_fields import mark, scrolled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["SeriesPanel"]

_HIGH = 122


class _Table(QFrame):
    """One axis: a heading to switch it on, and its table.

    Parameters
    ----------
    title, tip : str
        Of the switch.
    table : QWidget
        With value() and setValue().
    """

    changed = pyqtSignal()

    def __init__(self, title: str, tip: str, table: Any) -> None:
        super().__init__()
        self.switch = QCheckBox(title)
        self.switch.setToolTip(tip)
        self.table = table
        self._given: Any = None
        self._as_shown: Any = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.switch)
        column.addWidget(table)
        inner = table.table()
        inner.setFixedHeight(_HIGH)
        inner.setHorizontalScrollMode(QTableWidget.ScrollMode.ScrollPerPixel)
        header = inner.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(74)
        table.toolBar().setIconSize(QSize(18, 18))
        for button in table.findChildren(QPushButton):
            # a wizard with pictures of its own, and files of another kind
            if button.text() in ("Well Plate...", "Save...", "Load..."):
                button.hide()
        table.setVisible(False)
        self.switch.toggled.connect(table.setVisible)
        self.switch.toggled.connect(self.changed)
        table.valueChanged.connect(self.changed)

    def add(self, widget: QWidget) -> None:
        """Put something beneath the table that is shown with it."""
        layout = self.layout()
        assert layout is not None
        layout.addWidget(widget)
        widget.setVisible(False)
        self.switch.toggled.connect(widget.setVisible)

    def value(self) -> Any:
        """Give what the table holds; None where it is off or empty."""
        if not self.switch.isChecked() or not self.table.table().rowCount():
            return None
        now = self.table.value()
        return self._given if now == self._as_shown else now

    def set_value(self, value: Any) -> None:
        """Fill it in; an empty value switches it off."""
        self.table.setValue(value)
        self._given, self._as_shown = value, self.table.value()
        self.switch.setChecked(bool(value))


class SeriesPanel(QWidget):
    """Channels, positions and time points of a scan."""

    changed = pyqtSignal()
    go_asked = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.area = scrolled()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.area)
        self.channels: _Table | None = None
        self.positions: _Table | None = None
        self.times: _Table | None = None
        self._muted = False
        self._groups: dict[str, list[str]] = {}
        self._ms: Callable[[], float] = lambda: 50.0
        #: Of the channel group.
        self.presets: list[str] = []
        self.set_core(None)

    def set_core(self, core: CMMCorePlus | None) -> None:
        """Offer what a microscope has, or a hint without one."""
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(10)
        if core is None:
            self.channels = self.positions = self.times = None
            self._groups, self.presets = {}, []
            hint = QLabel("No microscope is connected.")
            hint.setObjectName("muted")
            column.addWidget(hint)
        else:
            said = QLabel(
                "Without these a scan takes one volume: here, now, in the current "
                "channel."
            )
            said.setObjectName("muted")
            said.setWordWrap(True)
            column.addWidget(said)
            self.channels = _Table(
                "Channels",
                "Each is a volume of its own, with its exposure, ms",
                ChannelTable(),
            )
            self.positions = _Table(
                "Positions",
                "Places of the stages, µm; the range may count from their z",
                PositionTable(),
            )
            self._groups = _groups(core)
            self.presets = next(iter(self._groups.values()), [])
            self._ms = lambda: max(0.001, float(core.getExposure()))
            self.channels.table.setChannelGroups(self._groups)
            self.positions.add(self._here(core))
            self.positions.table.af_per_position.setVisible(
                bool(core.getAutoFocusDevice())
            )
            self.times = _Table(
                "Time points", "How often, and at which interval", TimePlanWidget()
            )
            for table in (self.channels, self.positions, self.times):
                table.changed.connect(self._tell)
                column.addWidget(table)
        column.addStretch(1)
        self.body = body
        old = self.area.takeWidget()
        self.area.setWidget(body)
        if old is not None:
            old.deleteLater()

    def set_channels(self, names: list[str]) -> None:
        """Take these presets of the channel group; rows that are there stay as is."""
        if self.channels is None:
            return
        had = {channel.config: channel for channel in self.channels.value() or ()}
        group = next(iter(self._groups), "Channel")
        made = [
            had.get(name) or useq.Channel(config=name, group=group, exposure=self._ms())
            for name in names
        ]
        others = [c for name, c in had.items() if name not in self.presets]
        self.channels.set_value((*made, *others))
        self._tell()

    def values(self) -> dict[str, Any]:
        """Give what is switched on, as fields of `ScanSettings`."""
        if self.channels is None or self.positions is None or self.times is None:
            return {}
        return {
            "channels": tuple(self.channels.value() or ()),
            "positions": tuple(self.positions.value() or ()),
            "time_plan": self.times.value(),
        }

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill the tables in."""
        if self.channels is None or self.positions is None or self.times is None:
            return
        self._muted = True
        self.channels.set_value(settings.channels)
        self.positions.set_value(settings.positions)
        self.times.set_value(settings.time_plan)
        self._muted = False
        self._tell()

    def mark(self, problems: Mapping[str, str]) -> None:
        """Mark what is wrong."""
        if self.positions is not None:
            said = problems.get("positions", "")
            mark(self.positions.switch, bool(said), said)

    def _here(self, core: CMMCorePlus) -> QWidget:
        """The buttons that know where the stages are."""
        add, go = QPushButton("Add this place"), QPushButton("Go there")
        add.setToolTip("Add the place where the stages stand now")
        go.setToolTip("Move the stages to the place that is selected")
        add.clicked.connect(lambda: self._add_place(core))
        go.clicked.connect(self._go)
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(add)
        row.addWidget(go)
        row.addStretch(1)
        self.add_place, self.go_there = add, go
        return widget

    def _add_place(self, core: CMMCorePlus) -> None:
        place: dict[str, Any] = {}
        if core.getXYStageDevice():
            place["x"], place["y"] = (float(v) for v in core.getXYPosition())
        if core.getFocusDevice():
            place["z"] = float(core.getPosition())
        if self.positions is not None:
            have = tuple(self.positions.value() or ())
            self.positions.set_value((*have, useq.Position(**place)))
            self._tell()

    def _go(self) -> None:
        if self.positions is None:
            return
        row = self.positions.table.table().currentRow()
        places = self.positions.table.value(exclude_unchecked=False)
        if 0 <= row < len(places):
            self.go_asked.emit(places[row])

    def _tell(self) -> None:
        if not self._muted:
            self.changed.emit()


def _groups(core: CMMCorePlus) -> dict[str, list[str]]:
    """The channel group of a microscope with its presets; without one, all groups."""
    channel = core.getOrGuessChannelGroup()
    names = channel[:1] or list(core.getAvailableConfigGroups())
    return {
        str(name): [str(c) for c in core.getAvailableConfigs(name)] for name in names
    }
