"""What is asked of the microscope and of scans by buttons, menus and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.runs import new_folder

if TYPE_CHECKING:
    from rmz_acquire.gui.views.presenter import Presenter

__all__ = ["Steering"]


class Steering(QObject):
    """Passes on what is asked for, where it is allowed.

    Parameters
    ----------
    presenter : Presenter
        Runs the window.
    """

    def __init__(self, presenter: Presenter) -> None:
        super().__init__(presenter)
        self._presenter = presenter
        self._window = presenter.window
        self._microscope = presenter.microscope
        self._scans = presenter.scans

    def toggle_live(self) -> None:
        """Live view on or off."""
        state = self._presenter.state
        if state is State.live:
            self._microscope.stop_live()
        elif state is State.ready:
            self._microscope.start_live()
        self._presenter.show_state()

    def set_end(self, which: str) -> None:
        """Take the focus now as the top or the bottom of the range."""
        z_um, form = self._window.microscope.focus_um, self._window.form
        if z_um is None or not self._presenter.allows("set_end"):
            return
        field = form.top if which == "top" else form.bottom
        field.set_um(z_um)

    def move_focus(self, steps: int) -> None:
        """Move the focus by steps of the panel of the stage."""
        step_um = self._window.microscope.focus_step_um
        if step_um is not None and self._presenter.allows("focus"):
            self._microscope.move_focus(steps * step_um)

    def start(self) -> None:
        """Start a scan, if all that is typed makes sense."""
        form = self._window.form
        self._presenter.refresh()
        if self._presenter.allows("start"):
            self._presenter.pace.hold(True)
            self._presenter.form.begin()
            self._scans.start(self._presenter.settings(), new_folder(form.root()))

    def pause(self) -> None:
        """Pause, or go on."""
        if self._presenter.state is State.paused:
            self._scans.resume()
        else:
            self._scans.pause()

    def ask_plane(self, z_um: float | None = None) -> None:
        """Take a plane at a z, µm, by default at the one that is shown."""
        presenter = self._presenter
        at = self._window.along_z.shown.value() if z_um is None else z_um
        if not presenter.allows("plane_here"):
            return
        if presenter.state in (State.scanning, State.paused):
            self._scans.ask_plane(at)
            presenter.note(f"a plane at {at:.2f} µm comes after the current one")
        else:
            self._go_on(z_um=at)

    def go_on(self) -> None:
        """Go on with the scan that is shown: its rest, or so many more planes."""
        run = self._presenter.shown.run
        if run is not None and self._presenter.allows("go_on"):
            self._go_on(self._window.status.more.value() if run.complete else 0)

    def render(self) -> None:
        """Render what the run that is shown has left to be rendered."""
        shown = self._presenter.shown
        run, key = shown.run, shown.key
        if run is not None and key is not None and self._presenter.allows("render"):
            shown.rendering.forget()
            self._scans.render(run.folder, key)

    def take_full_stack(self) -> None:
        """Take every plane of the run's range, to compare with."""
        shown = self._presenter.shown
        run, key = shown.run, shown.key
        if run is None or key is None or not self._presenter.allows("full_stack"):
            return
        if self._scans.take_full_stack(run.folder, key):
            shown.begin_stack()

    def _go_on(self, planes: int = 0, z_um: float | None = None) -> None:
        shown = self._presenter.shown
        if shown.run is not None and shown.key is not None:
            self._scans.go_on(shown.run.folder, shown.key, planes=planes, z_um=z_um)
