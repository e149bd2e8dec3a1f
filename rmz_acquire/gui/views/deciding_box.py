"""What a scan decides on, when the rest is rendered, and what is done ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QWidget,
)
from superqt import QIconifyIcon

from rmz_acquire.gui.views.form_fields import mark, may_shrink
from rmz_acquire.scanning import Region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["DecidingBox"]

_DRAWN = "drawn"
_REGIONS = {
    "auto": (
        "Tiles of the picture",
        "Up to four tiles with the most structure decide when to stop: a large "
        "picture is then as quick as a small one.",
    ),
    "whole": (
        "The whole picture",
        "Every plane computes the whole picture: slow, and much memory, where it is "
        "large.",
    ),
    _DRAWN: (
        "Regions that you draw",
        "What lies outside them does not count for the stop.",
    ),
}
_SMALL = "A picture this small, or one computed on a GPU, decides as a whole."
_VOLUMES = {
    "after": (
        "Afterwards",
        "While the next position is scanned; the last ones follow at the end.",
    ),
    "during": (
        "Before the next begins",
        "Each volume is ready at once; the next position or time point waits for it.",
    ),
    "none": (
        "Not at all",
        "Planes only: nothing is computed; the command reconstruct makes volumes "
        "later.",
    ),
}
_OVERLAP = {
    "stage": (
        "Stage moves ahead",
        "Saves the time of the stage; costs no light.",
    ),
    "exposure": (
        "One plane is exposed ahead",
        "Saves the time of the exposure, too; costs one plane of light at the stop.",
    ),
    "none": (
        "Nothing ahead",
        "The stage waits until the last plane is computed.",
    ),
}


class DecidingBox(QWidget):
    """Three choices with what each costs, and the regions that were drawn."""

    changed = pyqtSignal()
    #: Whether the mouse draws regions in the camera's picture.
    draw_asked = pyqtSignal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._on_regions: bool | None = None
        self._drawn: list[Region] = []
        self.decides = _choice({key: one[0] for key, one in _REGIONS.items()})
        self.volumes = _choice({key: one[0] for key, one in _VOLUMES.items()})
        self.overlap = _choice({key: one[0] for key, one in _OVERLAP.items()})
        self.decides.setToolTip("What change and innovation are computed on (regions)")
        self.volumes.setToolTip("When the whole volume is made (volumes)")
        self.overlap.setToolTip(
            "What is done for the next plane while the last is computed (overlap)"
        )
        self.draw = QPushButton(QIconifyIcon("mdi:plus-circle-outline"), "Draw")
        self.draw.setCheckable(True)
        self.draw.setToolTip(
            "Drag rectangles in the camera’s picture; Esc or a click here ends this"
        )
        self.delete = QPushButton("Delete")
        self.delete.setToolTip("Take the chosen region off the list  (Del)")
        self.auto = QPushButton("Automatic")
        self.auto.setToolTip("Go back to tiles; the regions drawn are removed")
        self.list = QListWidget()
        self.list.setMaximumHeight(76)
        self.list.setToolTip("The regions, pixels of the camera")
        self.words = {
            box: _muted() for box in (self.decides, self.volumes, self.overlap)
        }
        self._lay_out()
        for box in self.words:
            box.currentIndexChanged.connect(self._tell)
        self.draw.toggled.connect(self.draw_asked)
        self.delete.clicked.connect(self._delete)
        self.auto.clicked.connect(self._forget)
        self.list.itemSelectionChanged.connect(self._show)
        self._show()

    @property
    def drawn(self) -> tuple[Region, ...]:
        """The regions that decide, where they were drawn; else none."""
        chosen = self.decides.currentData() == _DRAWN
        return tuple(self._drawn) if chosen else ()

    def values(self) -> dict[str, Any]:
        """Give what is chosen, as fields of `ScanSettings`."""
        regions: Any = self.decides.currentData()
        if regions == _DRAWN:
            regions = tuple((r.y, r.x, r.height, r.width) for r in self._drawn)
        volumes = self.volumes.currentData()
        return {
            "regions": regions,
            "volumes": None if volumes == "after" else volumes,
            "overlap": self.overlap.currentData(),
        }

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        regions = settings.regions
        if not isinstance(regions, str):
            self._drawn = [Region(*one) for one in regions]
            regions = _DRAWN
        self.decides.setCurrentIndex(self.decides.findData(regions))
        self.volumes.setCurrentIndex(self.volumes.findData(settings.volumes or "after"))
        self.overlap.setCurrentIndex(self.overlap.findData(settings.overlap))
        self._fill()
        self._show()

    def add(self, region: Region) -> None:
        """A region was drawn: from now on those decide."""
        self._drawn.append(region)
        self._fill()
        if self.decides.currentData() == _DRAWN:
            self._tell()
        else:
            self.decides.setCurrentIndex(self.decides.findData(_DRAWN))

    def stop_drawing(self) -> None:
        """The mouse draws no more."""
        self.draw.setChecked(False)

    def show_deciders(self, on_regions: bool | None) -> None:
        """Say whether regions would decide now; None: not known."""
        if on_regions != self._on_regions:
            self._on_regions = on_regions
            self._show()

    def mark(self, problems: Mapping[str, str]) -> None:
        """Mark what is wrong."""
        said = problems.get("regions", "")
        for widget in (self.list, self.decides):
            mark(widget, bool(said), said)

    def _delete(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._drawn):
            del self._drawn[row]
            self._fill()
            self._tell()

    def _forget(self) -> None:
        self.stop_drawing()
        self._drawn = []
        self._fill()
        self.decides.setCurrentIndex(self.decides.findData("auto"))

    def _fill(self) -> None:
        self.list.clear()
        for number, one in enumerate(self._drawn, 1):
            size = f"{one.width} × {one.height} px"
            self.list.addItem(f"{number}   {size} at x {one.x}, y {one.y}")

    def _tell(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        """Show what there is to choose, each with its words."""
        decides = self.decides.currentData()
        drawn = decides == _DRAWN
        for widget in (self.list, self.delete, self.auto):
            widget.setVisible(drawn)
        self.delete.setEnabled(self.list.currentRow() >= 0)
        small = decides == "auto" and self._on_regions is False
        for box, all_words in (
            (self.decides, _REGIONS),
            (self.volumes, _VOLUMES),
            (self.overlap, _OVERLAP),
        ):
            self.words[box].setText(all_words[box.currentData()][1])
        if small:
            self.words[self.decides].setText(_SMALL)
        late = decides != "whole" and not small
        for shown in (self._volumes_label, self.volumes, self.words[self.volumes]):
            shown.setVisible(late)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(5)
        for button in (self.draw, self.delete, self.auto):
            row.addWidget(button)
        row.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(5)
        grid.setColumnStretch(1, 1)
        self._volumes_label = QLabel("Rendered")
        lines = (
            (QLabel("Decides"), self.decides),
            (self._volumes_label, self.volumes),
            (QLabel("Meanwhile"), self.overlap),
        )
        at = 0
        for label, box in lines:
            grid.addWidget(label, at, 0)
            grid.addWidget(box, at, 1)
            grid.addWidget(self.words[box], at + 1, 0, 1, 2)
            at += 2
            if box is self.decides:
                grid.addWidget(self.list, at, 0, 1, 2)
                grid.addLayout(row, at + 1, 0, 1, 2)
                at += 2


def _choice(titles: Mapping[str, str]) -> QComboBox:
    box = may_shrink(QComboBox())
    for key, title in titles.items():
        box.addItem(title, key)
    return box


def _muted() -> QLabel:
    label = QLabel()
    label.setObjectName("muted")
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label
