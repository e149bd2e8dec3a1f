"""Regions that decide, drawn with the mouse in the camera's picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

if TYPE_CHECKING:
    from rmz_acquire.gui.views.presenter import Presenter
    from rmz_acquire.scanning import Region

__all__ = ["RegionDrawing"]


class RegionDrawing(QObject):
    """Takes what is drawn into the form, or says why not.

    Parameters
    ----------
    presenter : Presenter
        Runs the window.
    """

    def __init__(self, presenter: Presenter) -> None:
        super().__init__(presenter)
        self._presenter = presenter
        self._camera = presenter.window.camera
        self._box = presenter.window.form.deciding
        self._shown: tuple[Region, ...] = ()
        self._box.draw_asked.connect(self._draw)
        self._camera.drawn.connect(self._drawn)
        self._camera.drawing_ended.connect(self._box.stop_drawing)
        presenter.refreshed.connect(self.show_drawn)

    def show_drawn(self) -> None:
        """Outline what was drawn in what the camera sees; a scan shows its own."""
        if self._presenter.state.busy:
            self._box.stop_drawing()
        elif self._box.drawn != self._shown:
            self._shown = self._box.drawn
            self._camera.show_regions(self._shown)

    def _draw(self, on: bool) -> None:
        if on and not self._camera.has_picture:
            self._box.stop_drawing()
            self._presenter.note("there is nothing to draw in yet: press Live or Snap")
            return
        self._camera.set_drawing(on)
        if on:
            self._presenter.note("drag rectangles in the camera’s picture; Esc ends it")

    def _drawn(self, region: Region) -> None:
        fault = self._presenter.form.region_fault(region)
        if fault:
            self._presenter.note(f"not taken: {fault}")
        else:
            self._box.add(region)
