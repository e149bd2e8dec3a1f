"""A volume as xy, with xz beneath and yz beside it, cut where one clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtWidgets import QLabel

from rmz_acquire.gui.models.composite import Composite, Cuts
from rmz_acquire.gui.models.slice_layout import Point, SliceLayout
from rmz_acquire.gui.views.images.contrast import ContrastBar
from rmz_acquire.gui.views.images.cutter import Cutter, Wanted
from rmz_acquire.gui.views.images.pane import Pane, image_item
from rmz_acquire.gui.views.images.region_marks import RegionMarks
from rmz_acquire.gui.views.redraw import hear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["SliceView"]

_HINT = (
    "The volume appears here.\n\n"
    "1  Find the sample with Live.\n"
    "2  Focus below it: Set bottom. Above it: Set top.\n"
    "3  Start the scan."
)


class SliceView(Pane):
    """Three cuts of one volume, with lines in each where the others are."""

    z_changed = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__("Volume", _HINT, ContrastBar(upright=True))
        self.xy, self.xz, self.yz = (image_item() for _ in range(3))
        self.items = (self.xy, self.xz, self.yz)
        self.state = QLabel()
        self.state.setObjectName("muted")
        self.state.setWordWrap(True)
        self.state.setContentsMargins(10, 0, 10, 4)
        self.state.hide()
        self.body.insertWidget(1, self.state)
        for item in self.items:
            self.box.addItem(item)
        self._lines = [pg.PlotCurveItem() for _ in range(6)]
        for line in self._lines:
            line.setZValue(10)
            self.box.addItem(line, ignoreBounds=True)
        self._words = [
            pg.TextItem(name, "w", anchor=(0.0, 0.0), fill=(0, 0, 0, 110))
            for name in ("xy", "xz", "yz")
        ]
        for word in self._words:
            word.setZValue(20)
            self.box.addItem(word, ignoreBounds=True)
        self._volume: NDArray[np.float32] | Composite | None = None
        self._marks = RegionMarks(self.box)
        self._cutter = Cutter(self)
        hear(self._cutter.cut, self._show_cut)
        self._z_um = np.zeros(0)
        self._pixel = 1.0
        self._known = False
        self._layout: SliceLayout | None = None
        self._at = [0, 0, 0]
        self._maximum = False
        self._levels = (0.0, 1.0)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._recolour()

    @property
    def volume(self) -> NDArray[np.float32] | None:
        """What is shown, (Z, Y, X); None also where parts of it are interpolated."""
        return None if isinstance(self._volume, Composite) else self._volume

    @property
    def shown(self) -> NDArray[np.float32] | Composite | None:
        """What is shown, rendered or not."""
        return self._volume

    @property
    def z_um(self) -> float | None:
        """Where xy is cut, µm."""
        if self._volume is None:
            return None
        return float(self._z_um[self._at[0]])

    def tell_state(self, text: str) -> None:
        """Say in a line above it what of it is not as it will be; empty: nothing."""
        self.state.setText(text)
        self.state.setVisible(bool(text))

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
        self._cutter.forget()
        self._marks.clear()
        self.note.setText("")
        self.show_hint()

    def set_volume(
        self,
        volume: NDArray[np.float32] | Composite,
        z_um: Sequence[float],
        pixel_um: float | None,
        levels: tuple[float, float] | None = None,
    ) -> None:
        """Show a volume.

        Parameters
        ----------
        volume : ndarray of float32, (Z, Y, X), or Composite
            Counts. What is not rendered yet is cut on another thread, and marked.
        z_um : sequence of float
            (Z,) its grid, µm, ascending.
        pixel_um : float or None
            Pixel at the sample, µm; None draws in pixels, one for each step of z.
        levels : (float, float), optional
            Black and white, counts; by default what `levels_of` says. Somebody who
            has set them by hand keeps them.
        """
        fresh = self._volume is None or self._volume.shape != volume.shape
        self._volume, self._z_um = volume, np.asarray(z_um, dtype=float)
        if fresh:
            self._at = [n // 2 for n in volume.shape]
        self._known = pixel_um is not None
        self._pixel = pixel_um or 1.0
        depth, high, wide = volume.shape
        drawn = self._z_um.tolist() if self._known else list(range(depth))
        layout = SliceLayout.of((depth, high, wide), drawn, self._pixel)
        self.show_picture()
        some = volume.sample if isinstance(volume, Composite) else volume
        self._levels = self.contrast.look(some, levels)
        if layout != self._layout:
            self._layout = layout
            self._lay_out(layout)
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
            index = min(max(self._at[0] + planes, 0), self._volume.shape[0] - 1)
            self._cut(Point(index, None, None))

    def press(self, across: float, down: float) -> None:
        """Cut where one clicks."""
        if self._volume is not None:
            self.look_at(across, down)

    def look_at(self, across: float, down: float) -> None:
        """Cut where one points at, in the units of the drawing."""
        assert self._layout is not None
        point = self._layout.at(across, down)
        if point is not None:
            self._cut(point)

    def value_at(self, across: float, down: float) -> str:
        """Say the position and the counts there."""
        point = None if self._layout is None else self._layout.at(across, down)
        if point is None or self._volume is None:
            return ""
        index = [self._at[k] if i is None else i for k, i in enumerate(point)]
        where = []
        unit = "" if self._known else " px"
        for axis, k in ((2, f"x {{}}{unit}"), (1, f"y {{}}{unit}"), (0, "z {} µm")):
            # the largest value along a direction has no place in it
            if not self._maximum or point[axis] is not None:
                where.append(k.format(self._position(axis, index[axis])))
        if isinstance(self._volume, Composite):
            if self._maximum:
                return "  ".join(where)
            value = self._volume.value(*index)
        elif self._maximum:
            along = next(axis for axis, i in enumerate(point) if i is None)
            line = tuple(slice(None) if k == along else i for k, i in enumerate(index))
            value = float(self._volume[line].max())
        else:
            value = float(self._volume[tuple(index)])
        return f"{'  '.join(where)}   {value:.4g} counts"

    def _position(self, axis: int, index: int) -> str:
        if axis == 0:
            return f"{self._z_um[index]:.2f}"
        return f"{(index + 0.5) * self._pixel:.1f}" if self._known else str(index)

    def _lay_out(self, layout: SliceLayout) -> None:
        self._places = [QRectF(*box) for box in layout.boxes]
        self.bar.set_unit("µm" if self._known else "px")
        times = f"  z ×{layout.stretch}" if layout.stretch > 1 else ""
        for word, text, place in zip(
            self._words, ("xy", f"xz{times}", "yz"), self._places, strict=True
        ):
            word.setText(text)
            word.setPos(place.left(), place.top())
        self._whole = QRectF(*layout.whole)
        self.fit()

    def _draw(self) -> None:
        volume = self._volume
        if volume is None:
            return
        z, y, x = self._at
        if isinstance(volume, Composite):
            self._cutter.ask(Wanted(volume, (z, y, x), self._maximum))
        elif self._maximum:
            self._show_cuts(Cuts(*(volume.max(axis=axis) for axis in range(3))))
        else:
            self._show_cuts(Cuts(volume[z], volume[:, y, :], volume[:, :, x]))
        self._mark()
        assert self._layout is not None
        lines = self._layout.crosshair(self._at)
        for line, (across, down) in zip(self._lines, lines, strict=True):
            line.setData(list(across), list(down))
            line.setVisible(not self._maximum)
        self.note.setText(
            "largest values" if self._maximum else f"z = {self._z_um[z]:.2f} µm"
        )
        self.tell()

    def _show_cut(self, wanted: Wanted, cuts: Cuts) -> None:
        """Show what was cut elsewhere, unless something else is shown by now."""
        if wanted.source is self._volume and wanted.maximum == self._maximum:
            self._show_cuts(cuts)

    def _show_cuts(self, cuts: Cuts) -> None:
        # in xz the highest z is at the top
        pictures = cuts.xy, cuts.xz[::-1], cuts.yz.T
        for item, cut, place in zip(self.items, pictures, self._places, strict=True):
            item.setImage(cut, autoLevels=False, levels=self._levels)
            item.setRect(place)

    def _mark(self) -> None:
        """Mark what is interpolated, and where regions decide."""
        volume, layout = self._volume, self._layout
        if not isinstance(volume, Composite) or layout is None:
            self._marks.clear()
            return
        _, y, x = self._at
        at = (None, None) if self._maximum else (y, x)
        made = [layout.region(one, *at) for one in volume.made]
        self._marks.show_veil(
            [
                (whole, [QRectF(*box) for boxes in made if (box := boxes[number])])
                for number, whole in enumerate(self._places)
            ]
        )
        frames = [layout.region(one, *at) for one in volume.decided_on]
        self._marks.show_outlines(
            [QRectF(*box) for boxes in frames for box in boxes if box]
        )

    def _cut(self, point: Point) -> None:
        for axis, index in enumerate(point):
            if index is not None:
                self._at[axis] = index
        self._draw()
        if point.z is not None:
            self.z_changed.emit(float(self._z_um[point.z]))

    def _apply_colours(self, table: NDArray[np.uint8]) -> None:
        for item in (self.xy, self.xz, self.yz):
            item.setLookupTable(table)

    def _apply_levels(self, low: float, high: float) -> None:
        self._levels = low, high
        for item in self.items:
            item.setLevels((low, high))
