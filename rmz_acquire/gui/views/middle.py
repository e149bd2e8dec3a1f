"""The middle of the window: state, pictures and curves, any of which can fill it."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from rmz_acquire.gui.views.curves import ChangePlot, DepthPlot
from rmz_acquire.gui.views.images import COLOUR_MAPS, PictureView, SliceView
from rmz_acquire.gui.views.made_of_line import MadeOfLine
from rmz_acquire.gui.views.rule_lights import RuleLights
from rmz_acquire.gui.views.status import StatusCard

__all__ = ["Middle"]


class Middle(QWidget):
    """The card with the state over camera, volume, planes along z, and convergence."""

    def __init__(self) -> None:
        super().__init__()
        self.status = StatusCard()
        self.camera = PictureView()
        self.volume = SliceView()
        self.along_z = DepthPlot()
        self.change = ChangePlot()
        self.rule = RuleLights()
        self.made_of = MadeOfLine()
        self._make_choices()
        pictures = QSplitter(Qt.Orientation.Horizontal)
        pictures.addWidget(self.camera)
        pictures.addWidget(self.volume)
        pictures.setStretchFactor(0, 2)
        pictures.setStretchFactor(1, 3)
        curves = QSplitter(Qt.Orientation.Horizontal)
        curves.addWidget(self.along_z)
        curves.addWidget(self.change)
        curves.setSizes([360, 290])
        self._below = QWidget()
        below = QVBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(2)
        below.addWidget(curves, 1)
        below.addWidget(self.rule)
        below.addWidget(self.made_of)
        for card in (self.along_z, self.change):
            # the lines below them, two rows of lights too, fit into the smallest window
            card.plot.setMinimumHeight(40)
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.addWidget(pictures)
        rows.addWidget(self._below)
        rows.setStretchFactor(0, 5)
        rows.setStretchFactor(1, 2)
        for splitter in (pictures, curves, rows):
            splitter.setHandleWidth(6)
            splitter.setChildrenCollapsible(False)
        pictures.setSizes([280, 400])
        rows.setSizes([390, 215])
        #: By the names under which they are remembered.
        self.splitters = {"pictures": pictures, "curves": curves, "rows": rows}
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(6)
        column.addWidget(self.status)
        column.addWidget(rows, 1)
        for pane in self.panes:
            pane.enlarge_asked.connect(lambda p=pane: self.enlarge(p))

    @property
    def panes(self) -> tuple[PictureView, SliceView]:
        """Both pictures."""
        return self.camera, self.volume

    def enlarge(self, pane: PictureView | SliceView | None) -> None:
        """Let a picture take the whole middle; again, or None: all as before."""
        if pane is not None and self._alone(pane):
            pane = None
        for other in self.panes:
            other.setVisible(pane is None or other is pane)
            other.show_enlarged(other is pane)
        self._below.setVisible(pane is None)

    def _alone(self, pane: PictureView | SliceView) -> bool:
        return not any(p.isVisibleTo(self) for p in self.panes if p is not pane)

    def _make_choices(self) -> None:
        contents = QComboBox.SizeAdjustPolicy.AdjustToContents
        self.compare = QComboBox()
        self.compare.setSizeAdjustPolicy(contents)
        self.compare.setToolTip("What is shown: the volume, or another one to compare")
        self.colours = QComboBox()
        self.colours.setSizeAdjustPolicy(contents)
        self.colours.addItems(list(COLOUR_MAPS))
        self.colours.setToolTip(
            "Colours of all pictures. By channel: blue for DAPI, green for GFP and "
            "so on;\nView > Channel colours… sets others"
        )
        self.maximum = QCheckBox("Max")
        self.maximum.setToolTip("Largest value along each direction, not a cut")
        self.which = QComboBox()
        self.which.setSizeAdjustPolicy(contents)
        self.which.setToolTip("Which volume of the series is shown")
        self.which.hide()
        head = self.volume.head
        head.insertWidget(0, self.which)
        for widget in (self.compare, self.maximum):
            head.insertWidget(head.count() - 1, widget)
        for pane in self.panes:
            self.colours.currentTextChanged.connect(pane.set_colours)
        self.maximum.toggled.connect(self.volume.set_maximum)
        self.along_z.z_changed.connect(self.volume.set_z)
        self.volume.z_changed.connect(self.along_z.show_z)
