"""A card with a picture: heading, picture or hint, histogram, what is pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel, QIconifyIcon

from rmz_acquire.gui.views.images.colour_maps import BY_CHANNEL, lookup
from rmz_acquire.gui.views.images.plate import Plate
from rmz_acquire.gui.views.images.scale_bar import ScaleBar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PyQt6.QtGui import QResizeEvent

    from rmz_acquire.gui.theme import Theme
    from rmz_acquire.gui.views.images.contrast import ContrastBar

__all__ = ["Pane", "image_item"]

# below which the histogram would leave too little to the picture
_LEAST_WIDTH, _LEAST_HEIGHT = 280, 220


def image_item() -> pg.ImageItem:
    """Give an item whose arrays are (Y, X): rows run down, columns to the right.

    Said of each item, since pyqtgraph's global option holds only for those made after
    it was set, and is the other way round at first.
    """
    return pg.ImageItem(axisOrder="row-major")


class Pane(QFrame):
    """A heading line over a picture, or a hint in its place.

    The wheel zooms, dragging moves, a double click shows the whole again.
    """

    enlarge_asked = pyqtSignal()

    def __init__(self, title: str, hint: str, contrast: ContrastBar) -> None:
        super().__init__()
        self.setObjectName("card")
        self.heading = QLabel(title)
        self.heading.setObjectName("heading")
        self.heading.setMinimumHeight(30)
        self.note = QElidingLabel()
        self.note.setObjectName("muted")
        self.note.setMinimumHeight(30)
        self.note.setMinimumWidth(0)
        self.enlarge = QToolButton()
        self.enlarge.setCheckable(True)
        self.enlarge.setAutoRaise(True)
        self.enlarge.clicked.connect(lambda: self.enlarge_asked.emit())
        self.head = QHBoxLayout()
        self.head.setContentsMargins(10, 5, 6, 5)
        self.head.setSpacing(8)
        self.head.addWidget(self.heading)
        self.head.addWidget(self.note, 1)
        self.head.addWidget(self.enlarge)
        self.box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self.box.setDefaultPadding(0.02)
        self.canvas = pg.GraphicsView(background=None)
        self.canvas.setCentralItem(self.box)
        self.canvas.setMinimumSize(100, 80)
        self.bar = ScaleBar(self.box)
        self.contrast = contrast
        self.readout = Plate(self.canvas)
        self.alarm = Plate(self.canvas, below=True)
        self.alarm.setObjectName("plate-alarm")
        self.hint = QLabel(hint)
        self.hint.setObjectName("muted")
        self.hint.setWordWrap(True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setContentsMargins(24, 12, 24, 12)
        policy = QSizePolicy.Policy
        self.hint.setSizePolicy(policy.Preferred, policy.Ignored)
        direction = QBoxLayout.Direction
        self._picture = QWidget()
        shown = QBoxLayout(
            direction.LeftToRight if contrast.upright else direction.TopToBottom,
            self._picture,
        )
        shown.setContentsMargins(0, 0, 0, 0)
        shown.setSpacing(0)
        shown.addWidget(self.canvas, 1)
        shown.addWidget(self.contrast)
        self.body = body = QVBoxLayout(self)
        body.setContentsMargins(1, 1, 1, 1)
        body.setSpacing(0)
        body.addLayout(self.head)
        body.addWidget(self._picture, 1)
        body.addWidget(self.hint, 1)
        self._whole = QRectF(0, 0, 1, 1)
        self._moved = False
        self._histogram_wanted = True
        self._pointed_at: QPointF | None = None
        self._map, self._channel_colour = BY_CHANNEL, "#ffffff"
        self.box.sigResized.connect(self._resized)
        self.box.sigRangeChangedManually.connect(self._moved_by_hand)
        scene = self.box.scene()
        scene.sigMouseClicked.connect(self._clicked)
        scene.sigMouseMoved.connect(self._pointed)
        self.canvas.viewport().installEventFilter(self)
        self.contrast.changed.connect(self._apply_levels)
        self.show_enlarged(False)
        self.show_hint()

    # ---- what is shown ------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole picture."""
        self._moved = False
        self.box.setRange(self._whole, padding=0.02)

    def show_hint(self, text: str | None = None) -> None:
        """Show words instead of a picture."""
        if text is not None:
            self.hint.setText(text)
        self._picture.hide()
        self.hint.show()

    def show_picture(self) -> None:
        """Show the picture."""
        if self.hint.isVisibleTo(self):
            self.hint.hide()
            self._picture.show()

    def show_histogram(self, on: bool) -> None:
        """Show the histogram beneath the picture, or not."""
        self._histogram_wanted = on
        self._show_contrast()

    def show_enlarged(self, on: bool) -> None:
        """Say by the button whether it fills the middle of the window."""
        self.enlarge.setChecked(on)
        what = self.heading.text().lower()
        self.enlarge.setToolTip(
            "Show the other pictures and curves again"
            if on
            else f"Let the {what} take the whole middle of the window"
        )

    # ---- how it looks -------------------------------------------------------------

    def dress(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self.canvas.setBackground(theme.plot)
        self.contrast.dress(theme)
        icon = QIconifyIcon("mdi:arrow-expand", color=theme.muted)
        on = QIconifyIcon.State.On
        icon.addKey("mdi:arrow-collapse", color=theme.accent, state=on)
        self.enlarge.setIcon(icon)

    def set_colours(self, name: str) -> None:
        """Choose the colour map by its name."""
        self._map = name
        self._recolour()

    def set_channel_colour(self, colour: str) -> None:
        """Say the colour of the channel that is shown, #rrggbb."""
        if colour != self._channel_colour:
            self._channel_colour = colour
            self._recolour()

    def _recolour(self) -> None:
        table = lookup(self._map, self._channel_colour)
        self.contrast.set_colours(table)
        self._apply_colours(table)

    def _apply_colours(self, table: NDArray[np.uint8]) -> None:
        """Colour the items by a table, (256, 3)."""
        raise NotImplementedError

    def _apply_levels(self, low: float, high: float) -> None:
        """Draw the items with these counts as black and white."""
        raise NotImplementedError

    # ---- what the mouse does ------------------------------------------------------

    def value_at(self, across: float, down: float) -> str:
        """Say what is at a point, in the units of the drawing; empty beside them."""
        raise NotImplementedError

    def press(self, across: float, down: float) -> None:
        """Somebody clicked at a point, in the units of the drawing."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Fit on a double click, forget the mouse that leaves, keep plates in place."""
        kind = None if event is None else event.type()
        if isinstance(event, QMouseEvent) and kind is QEvent.Type.MouseButtonDblClick:
            if event.button() is Qt.MouseButton.LeftButton:
                self.fit()
        elif kind is QEvent.Type.Leave:
            self._pointed_at = None
            self.tell()
        elif kind is QEvent.Type.Resize:
            self.readout.place()
            self.alarm.place()
        return super().eventFilter(watched, event)

    def _clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.double():
            return
        at = self.box.mapSceneToView(event.scenePos())
        self.press(at.x(), at.y())

    def _pointed(self, at: Any) -> None:
        self._pointed_at = at
        self.tell()

    def tell(self) -> None:
        """Say what is under the mouse, in a picture that may be new."""
        if self._pointed_at is None:
            self.readout.say("")
            return
        point = self.box.mapSceneToView(self._pointed_at)
        self.readout.say(self.value_at(point.x(), point.y()))
        self.readout.make_way(self.canvas.mapFromScene(self._pointed_at))

    def _moved_by_hand(self, *_: object) -> None:
        self._moved = True

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave a small pane to its picture."""
        super().resizeEvent(event)
        self._show_contrast()

    def _show_contrast(self) -> None:
        beside = self.contrast.upright
        room = self.width() if beside else self.height()
        least = _LEAST_WIDTH if beside else _LEAST_HEIGHT
        self.contrast.setVisible(self._histogram_wanted and room >= least)

    def _resized(self) -> None:
        if not self._moved:
            self.fit()
