"""One plane: live, snapped, or the last that a scan has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QShortcut

from rmz_acquire.gui.models.display_levels import saturated
from rmz_acquire.gui.views.images.colour_maps import mark_colour
from rmz_acquire.gui.views.images.contrast import ContrastBar
from rmz_acquire.gui.views.images.pane import Pane, image_item
from rmz_acquire.gui.views.images.region_marks import RegionMarks
from rmz_acquire.gui.views.images.saturation import SaturationMarks
from rmz_acquire.scanning import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["PictureView"]


class PictureView(Pane):
    """The camera's picture, with its saturated pixels marked; one may draw in it."""

    #: A rectangle was drawn, pixels of the camera, as far as the picture goes.
    drawn = pyqtSignal(Region)
    #: Somebody has enough of drawing.
    drawing_ended = pyqtSignal()

    def __init__(self) -> None:
        hint = "Press Live to see what the camera sees."
        super().__init__("Camera", hint, ContrastBar())
        self.item = image_item()
        self.box.addItem(self.item)
        self.marks = SaturationMarks(self.box)
        self._outlines = RegionMarks(self.box)
        self._regions: tuple[Region, ...] = ()
        self._rubber = RegionMarks(self.box)
        self._drawing = False
        self._from: QPointF | None = None
        self._escape = QShortcut(Qt.Key.Key_Escape, self)
        self._escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._escape.setEnabled(False)
        self._escape.activated.connect(self.drawing_ended)
        self._image: NDArray[Any] | None = None
        self._size: tuple[Any, ...] | None = None
        self._pixel = 1.0
        self._unit = "px"
        #: Pixel at the sample, µm, of the pictures to come; None draws in pixels.
        self.pixel_size_um: float | None = None
        #: Bits of the camera's converter, where it tells them.
        self.bit_depth: int | None = None
        self._recolour()

    def set_image(self, image: NDArray[Any], note: str) -> None:
        """Show a plane, (Y, X) counts, with a word about it."""
        self._pixel = self.pixel_size_um or 1.0
        self._unit = "µm" if self.pixel_size_um else "px"
        height, width = (n * self._pixel for n in image.shape)
        place = QRectF(0, 0, width, height)
        self._image = image
        self.show_picture()
        levels = self.contrast.look(image)
        self.item.setImage(image, autoLevels=False, levels=levels)
        self.note.setText(note)
        size = (*image.shape, self._pixel, self._unit)
        if size != self._size:
            self._size = size
            self.item.setRect(place)
            self.bar.set_unit(self._unit)
            self._whole = place
            self.fit()
            self.show_regions(self._regions)
        self._mark(image, place)
        self.tell()

    def show_regions(self, regions: Sequence[Region]) -> None:
        """Outline parts of the picture, pixels."""
        self._regions, n = tuple(regions), self._pixel
        self._outlines.show_outlines(
            [QRectF(r.x * n, r.y * n, r.width * n, r.height * n) for r in regions]
        )

    @property
    def has_picture(self) -> bool:
        """Whether there is something to draw in."""
        return self._image is not None

    def set_drawing(self, on: bool) -> None:
        """Let the mouse draw rectangles, in place of moving the picture."""
        self._drawing, self._from = on, None
        self._escape.setEnabled(on)
        self._rubber.show_outlines(())
        cross = Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor
        self.canvas.setCursor(cross)
        if on:
            self.canvas.setFocus()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take the left button while rectangles are drawn."""
        if self._drawing and self._draw(event):
            return True
        return super().eventFilter(watched, event)

    def _draw(self, event: QEvent | None) -> bool:
        """Follow the mouse with a rectangle; whether the event was for that."""
        if not isinstance(event, QMouseEvent):
            return False
        scene = self.canvas.mapToScene(event.position().toPoint())
        at = self.box.mapSceneToView(scene)
        kind, left = event.type(), Qt.MouseButton.LeftButton
        if kind is QEvent.Type.MouseButtonPress and event.button() is left:
            self._from = at
            return True
        if self._from is None:
            return kind is QEvent.Type.MouseButtonDblClick
        frame = QRectF(self._from, at).normalized()
        if kind is QEvent.Type.MouseMove:
            self._rubber.show_outlines([frame])
            return True
        if kind is not QEvent.Type.MouseButtonRelease or event.button() is not left:
            return False
        self._from = None
        self._rubber.show_outlines(())
        frame = frame.intersected(self._whole)
        n = self._pixel
        # a click is no rectangle
        if min(frame.width(), frame.height()) >= n:
            y, x = round(frame.top() / n), round(frame.left() / n)
            bottom, right = round(frame.bottom() / n), round(frame.right() / n)
            self.drawn.emit(Region(y, x, bottom - y, right - x))
        return True

    def value_at(self, across: float, down: float) -> str:
        """Say the position and the counts there."""
        image = self._image
        if image is None:
            return ""
        row, column = int(down // self._pixel), int(across // self._pixel)
        if not (0 <= row < image.shape[0] and 0 <= column < image.shape[1]):
            return ""
        value = f"{image[row, column]:g} counts"
        if self._unit == "px":
            return f"x {column}  y {row} px   {value}"
        return f"x {across:.1f}  y {down:.1f} µm   {value}"

    def _mark(self, image: NDArray[Any], place: QRectF) -> None:
        mask = saturated(image, self.bit_depth)
        self.marks.show_mask(mask, place)
        if mask is None:
            self.alarm.say("")
            return
        number = int(np.count_nonzero(mask))
        self.alarm.say(f"{number} px saturated")
        self.alarm.setToolTip(
            f"{number} of {mask.size} pixels ({number / mask.size:.2%}) are at the "
            f"highest count, {image.max():g}:\nless exposure or light shows what is "
            "there. They are marked in the picture"
        )

    def _apply_colours(self, table: NDArray[np.uint8]) -> None:
        self.item.setLookupTable(table)
        self.marks.set_colour(mark_colour(table))

    def _apply_levels(self, low: float, high: float) -> None:
        self.item.setLevels((low, high))
