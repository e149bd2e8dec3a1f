"""Switches buttons, menus, keys and panels on and off, as the table says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.gui.controllers.allowed import ALLOWED, BUSY
from rmz_acquire.gui.controllers.state import State

if TYPE_CHECKING:
    from PyQt6.QtGui import QAction
    from PyQt6.QtWidgets import QWidget

    from rmz_acquire.gui.controllers.allowed import Situation
    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.gui.views.status import StatusCard

__all__ = ["allow", "controls", "show_busy"]


def controls(window: MainWindow) -> dict[str, tuple[QAction | QWidget, ...]]:
    """Give everything that asks for an action: its menu entry with its key, buttons."""
    status, form = window.status, window.form
    return {
        "connect": (
            window.connect_simulated,
            window.connect_demo,
            window.connect_config,
        ),
        "live": (window.live,),
        "snap": (window.snap,),
        "focus": (window.focus_up, window.focus_down),
        "set_end": (
            *(window.set_top, window.set_bottom),
            *(form.set_top, form.set_bottom),
        ),
        "start": (window.start, form.start),
        "load_settings": (window.load_settings,),
        "load_optics": (window.load_optics,),
        "save_settings": (window.save_settings,),
        "pause": (window.pause, status.pause),
        "keep": (window.keep, status.keep),
        "abort": (window.abort, status.abort),
        "plane_here": (window.plane_here, window.along_z.ask),
        "go_on": (window.go_on, status.go_on, status.more),
        "full_stack": (window.full_stack, status.compare),
        "render": (window.render_now, status.render_now),
        "open_run": (window.open_run,),
        "open_folder": (window.open_folder, status.open),
        "show_3d": (window.show_3d,),
        "export": (window.export, status.export),
        "slice": (window.slice_up, window.slice_down),
        "napari": (window.napari, status.napari),
        "train": (window.train,),
    }


def allow(window: MainWindow, now: Situation) -> None:
    """Switch actions, buttons and panels on and off.

    Parameters
    ----------
    window : MainWindow
        Whose they are.
    now : Situation
        What decides.
    """
    free = now.state in (State.ready, State.live)
    window.welcome.show_busy(now.state is State.connecting)
    for panel in (window.microscope, window.form.body, window.series):
        panel.setEnabled(free)
    asking = controls(window)
    for action in ALLOWED:
        on = now.allows(action)
        for control in asking[action]:
            control.setEnabled(on)
    window.status.explain(
        go_on="" if now.left else "every z of the range is taken",
        busy=BUSY.get(now.state, ""),
        napari=now.napari,
    )


def show_busy(status: StatusCard, state: State) -> None:
    """Show the buttons for what goes on, if something does."""
    if state in (State.collecting, State.rendering):
        status.show_endable(later=state is State.rendering)
    elif state.busy:
        status.show_scan(paused=state is State.paused)
