"""Pictures: one plane, and a volume as xy with its xz and yz slices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rmz_acquire.gui.models.looks import levels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["COLOUR_MAPS", "PictureView", "SliceView"]

COLOUR_MAPS = {
    "Grey": None,
    "Viridis": "viridis",
    "Cividis": "cividis",
    "Magma": "magma",
}
"""Maps that grow evenly in lightness, so that all colour vision reads them alike."""


def lookup(name: str) -> NDArray[np.uint8]:
    """Table of a colour map, (256, 3)."""
    file = COLOUR_MAPS[name]
    if file is None:
        return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    table: NDArray[np.uint8] = pg.colormap.get(file).getLookupTable(nPts=256)
    return table[:, :3]


def image_item() -> pg.ImageItem:
    """Give an item whose arrays are (Y, X): rows run down, columns to the right.

    Said of each item, since pyqtgraph's global option holds only for those made after
    it was set, and is the other way round at first.
    """
    return pg.ImageItem(axisOrder="row-major")


def nice_length(width_um: float) -> float:
    """A round length near a fifth of a width, µm."""
    wanted = width_um / 5
    scale = 10.0 ** math.floor(math.log10(wanted))
    return max(m * scale for m in (1, 2, 5) if m * scale <= wanted)


class _Pane(QFrame):
    """A card with a heading line over a picture, or a hint in its place."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.heading = QLabel(title)
        self.heading.setObjectName("heading")
        self.heading.setMinimumHeight(30)
        self.note = QLabel()
        self.note.setObjectName("muted")
        self.note.setMinimumHeight(30)
        self.head = QHBoxLayout()
        self.head.setContentsMargins(10, 5, 6, 5)
        self.head.setSpacing(8)
        self.head.addWidget(self.heading)
        self.head.addWidget(self.note, 1)
        self.box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self.box.setDefaultPadding(0.02)
        self.canvas = pg.GraphicsView(background=None)
        self.canvas.setCentralItem(self.box)
        self.canvas.setMinimumSize(160, 120)
        self._whole = QRectF(0, 0, 1, 1)
        self.box.sigResized.connect(self.fit)
        self.hint = QLabel(hint)
        self.hint.setObjectName("muted")
        self.hint.setWordWrap(True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setContentsMargins(24, 12, 24, 12)
        body = QVBoxLayout(self)
        body.setContentsMargins(1, 1, 1, 1)
        body.setSpacing(0)
        body.addLayout(self.head)
        body.addWidget(self.canvas, 1)
        body.addWidget(self.hint, 1)
        self.canvas.hide()

    def fit(self) -> None:
        """Show the whole picture."""
        self.box.setRange(self._whole, padding=0.02)

    def show_hint(self, text: str | None = None) -> None:
        """Show words instead of a picture."""
        if text is not None:
            self.hint.setText(text)
        self.canvas.hide()
        self.hint.show()

    def show_picture(self) -> None:
        """Show the picture."""
        if self.hint.isVisibleTo(self):
            self.hint.hide()
            self.canvas.show()

    def dress(self, colour: str) -> None:
        """Set the ground behind the picture."""
        self.canvas.setBackground(colour)


class _ScaleBar:
    """A bar of a round length with its length beneath the picture."""

    def __init__(self, box: pg.ViewBox) -> None:
        self._line = pg.PlotCurveItem(pen=pg.mkPen("w", width=3))
        self._text = pg.TextItem("", color="w", anchor=(0.5, 1.0))
        for item in (self._line, self._text):
            item.setZValue(20)
            box.addItem(item, ignoreBounds=True)

    def place(self, width: float, height: float, unit: str) -> None:
        """Put it into the lower left of a picture of that size."""
        length = nice_length(width)
        x, y = width * 0.04, height * 0.955
        self._line.setData([x, x + length], [y, y])
        self._text.setText(f"{length:g} {unit}")
        self._text.setPos(x + length / 2, y)


class PictureView(_Pane):
    """One plane: live, snapped, or the last that a scan has taken."""

    def __init__(self) -> None:
        super().__init__("Camera", "Press Live to see what the camera sees.")
        self.item = image_item()
        self.box.addItem(self.item)
        self._bar = _ScaleBar(self.box)
        self._size: tuple[Any, ...] | None = None
        self.pixel_size_um: float | None = None
        self.set_colours("Grey")

    def set_colours(self, name: str) -> None:
        """Choose the colour map by its name."""
        self.item.setLookupTable(lookup(name))

    def set_image(self, image: NDArray[Any], note: str) -> None:
        """Show a plane, (Y, X) counts, with a word about it."""
        pixel = self.pixel_size_um or 1.0
        height, width = image.shape[0] * pixel, image.shape[1] * pixel
        self.item.setImage(image, autoLevels=False, levels=levels_of(image))
        self.note.setText(note)
        self.show_picture()
        size = (*image.shape, pixel)
        if size != self._size:
            self._size = size
            self.item.setRect(QRectF(0, 0, width, height))
            self._bar.place(width, height, "µm" if self.pixel_size_um else "px")
            self._whole = QRectF(0, 0, width, height)
            self.fit()


class SliceView(_Pane):
    """A volume as xy, with xz beneath and yz beside it, cut where one clicks."""

    z_changed = pyqtSignal(float)

    def __init__(self) -> None:
        hint = (
            "The volume comes into being here.\n\n"
            "1  Find the sample with Live.\n"
            "2  Focus below it: Set bottom. Above it: Set top.\n"
            "3  Start the scan."
        )
        super().__init__("Volume", hint)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.xy, self.xz, self.yz = (image_item() for _ in range(3))
        for item in (self.xy, self.xz, self.yz):
            self.box.addItem(item)
        self._bar = _ScaleBar(self.box)
        self._lines = [pg.PlotCurveItem() for _ in range(6)]
        for line in self._lines:
            line.setZValue(10)
            self.box.addItem(line, ignoreBounds=True)
        names = "xy", "xz", "yz"
        self._words = [pg.TextItem(n, color="w", anchor=(0.0, 0.0)) for n in names]
        for word in self._words:
            word.setZValue(20)
            self.box.addItem(word, ignoreBounds=True)
        self._volume: NDArray[np.float32] | None = None
        self._z_um = np.zeros(0)
        self._layout: tuple[Any, ...] | None = None
        self._at = [0, 0, 0]
        self._maximum = False
        self._levels = (0.0, 1.0)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box.scene().sigMouseClicked.connect(self._clicked)
        self.set_colours("Grey")

    @property
    def volume(self) -> NDArray[np.float32] | None:
        """What is shown, (Z, Y, X)."""
        return self._volume

    @property
    def z_um(self) -> float | None:
        """Where xy is cut, µm."""
        if self._volume is None:
            return None
        return float(self._z_um[self._at[0]])

    def set_colours(self, name: str) -> None:
        """Choose the colour map by its name."""
        table = lookup(name)
        for item in (self.xy, self.xz, self.yz):
            item.setLookupTable(table)

    def set_line_colour(self, colour: str) -> None:
        """Colour of the lines that show where the others are cut."""
        for line in self._lines:
            line.setPen(pg.mkPen(colour, width=1))

    def set_maximum(self, on: bool) -> None:
        """Show the largest value along each direction instead of a cut."""
        self._maximum = on
        self._draw()

    def clear(self) -> None:
        """Forget the volume."""
        self._volume = None
        self._layout = None
        self.note.clear()
        self.show_hint()

    def set_volume(
        self,
        volume: NDArray[np.float32],
        z_um: Sequence[float],
        pixel_um: float | None,
        levels: tuple[float, float] | None = None,
    ) -> None:
        """Show a volume.

        Parameters
        ----------
        volume : ndarray of float32, (Z, Y, X)
            Counts.
        z_um : sequence of float
            (Z,) its grid, µm, ascending.
        pixel_um : float or None
            Pixel at the sample, µm; None draws a pixel as one step of z.
        levels : (float, float), optional
            Black and white, counts; by default what `levels_of` says.
        """
        fresh = self._volume is None or self._volume.shape != volume.shape
        self._volume, self._z_um = volume, np.asarray(z_um, dtype=float)
        self._levels = levels_of(volume) if levels is None else levels
        if fresh:
            self._at = [n // 2 for n in volume.shape]
        pixel = pixel_um or float(np.diff(self._z_um).mean())
        layout = (*volume.shape, pixel, self._z_um[0], self._z_um[-1])
        self.show_picture()
        if layout != self._layout:
            self._layout = layout
            self._lay_out(pixel, known=pixel_um is not None)
        self._draw()

    def set_z(self, z_um: float) -> None:
        """Cut xy at the plane nearest to a z, µm."""
        if self._volume is None:
            return
        index = int(np.argmin(np.abs(self._z_um - z_um)))
        if index != self._at[0]:
            self._at[0] = index
            self._draw()

    def step_z(self, planes: int) -> None:
        """Go up or down by planes."""
        if self._volume is not None:
            index = min(max(self._at[0] + planes, 0), len(self._volume) - 1)
            self._go(0, index)

    def _lay_out(self, pixel: float, *, known: bool) -> None:
        assert self._volume is not None
        _, high, wide = self._volume.shape
        width, height = wide * pixel, high * pixel
        depth = float(self._z_um[-1] - self._z_um[0]) * len(self._z_um)
        depth /= max(1, len(self._z_um) - 1)
        # a thin volume is drawn thicker, in words too
        stretch = max(1, math.ceil(width / 5 / depth))
        depth *= stretch
        gap = 0.015 * (width + depth)
        self._size = (width, height, depth, gap)
        self._places = (
            QRectF(0, 0, width, height),
            QRectF(0, height + gap, width, depth),
            QRectF(width + gap, 0, depth, height),
        )
        self._bar.place(width, height, "µm" if known else "px")
        times = f"  z ×{stretch}" if stretch > 1 else ""
        for word, text, at in zip(
            self._words,
            ("xy", f"xz{times}", "yz"),
            ((0.0, 0.0), (0.0, height + gap), (width + gap, 0.0)),
            strict=True,
        ):
            word.setText(text)
            word.setPos(*at)
        self._whole = QRectF(0, 0, width + gap + depth, height + gap + depth)
        self.fit()

    def _draw(self) -> None:
        volume = self._volume
        if volume is None:
            return
        z, y, x = self._at
        if self._maximum:
            cuts = volume.max(axis=0), volume.max(axis=1), volume.max(axis=2)
        else:
            cuts = volume[z], volume[:, y, :], volume[:, :, x]
        pictures = cuts[0], cuts[1][::-1], cuts[2].T
        items = self.xy, self.xz, self.yz
        for item, cut, place in zip(items, pictures, self._places, strict=True):
            item.setImage(cut, autoLevels=False, levels=self._levels)
            item.setRect(place)
        self._draw_lines()
        self.note.setText(
            "largest values" if self._maximum else f"z = {self._z_um[z]:.2f} µm"
        )

    def _draw_lines(self) -> None:
        assert self._volume is not None
        depth_n, high, wide = self._volume.shape
        width, height, depth, gap = self._size
        across = (self._at[2] + 0.5) / wide * width
        down = (self._at[1] + 0.5) / high * height
        part = (self._at[0] + 0.5) / depth_n * depth
        under, beside = height + gap, width + gap
        ends = (
            ([across, across], [0, height]),
            ([0, width], [down, down]),
            ([across, across], [under, under + depth]),
            ([0, width], [under + depth - part] * 2),
            ([beside, beside + depth], [down, down]),
            ([beside + part] * 2, [0, height]),
        )
        for line, (xs, ys) in zip(self._lines, ends, strict=True):
            line.setData(xs, ys)
            line.setVisible(not self._maximum)

    def _clicked(self, event: Any) -> None:
        if self._volume is None or event.button() != Qt.MouseButton.LeftButton:
            return
        at: QPointF = self.box.mapSceneToView(event.scenePos())
        self.look_at(at.x(), at.y())

    def look_at(self, across: float, down: float) -> None:
        """Cut where one points at, in the units of the drawing."""
        assert self._volume is not None
        depth_n, high, wide = self._volume.shape
        width, height, depth, gap = self._size

        def index(part: float, count: int) -> int:
            return min(max(int(part * count), 0), count - 1)

        x = index(across / width, wide)
        y = index(down / height, high)
        if 0 <= across <= width and 0 <= down <= height:
            self._at[1:] = [y, x]
            self._draw()
        elif 0 <= across <= width and height + gap <= down <= height + gap + depth:
            self._at[2] = x
            part = 1 - (down - height - gap) / depth
            self._go(0, index(part, depth_n))
        elif 0 <= down <= height and width + gap <= across <= width + gap + depth:
            self._at[1] = y
            self._go(0, index((across - width - gap) / depth, depth_n))

    def _go(self, axis: int, index: int) -> None:
        self._at[axis] = index
        self._draw()
        self.z_changed.emit(float(self._z_um[self._at[0]]))


def spacer() -> QWidget:
    """Something that takes the room that is left over."""
    widget = QWidget()
    policy = widget.sizePolicy()
    policy.setHorizontalPolicy(policy.Policy.Expanding)
    widget.setSizePolicy(policy)
    return widget
