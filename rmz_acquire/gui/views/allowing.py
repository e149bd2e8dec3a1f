"""What can be asked for in which state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.gui.controllers.events import State

if TYPE_CHECKING:
    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.gui.views.status import StatusCard

__all__ = ["BUSY", "allow", "show_busy"]

BUSY = {
    State.empty: "no microscope is connected",
    State.connecting: "the microscope is being loaded",
    State.scanning: "a scan is running",
    State.collecting: "stacks are being taken",
    State.paused: "a scan is paused",
    State.ending: "a scan is ending",
    State.closed: "the window is closing",
}
"""Why nothing can be started, in words."""


def allow(
    window: MainWindow, state: State, *, can_go_on: bool, folder: bool, napari: bool
) -> None:
    """Switch actions and panels on and off.

    Parameters
    ----------
    window : MainWindow
        Whose they are.
    state : State
        What the microscope is doing.
    can_go_on : bool
        Whether the run that is shown can go on now.
    folder : bool
        Whether there is one to open.
    napari : bool
        Whether it can show the run.
    """
    free = state in (State.ready, State.live)
    running = state in (State.scanning, State.paused)
    volume = window.volume.volume is not None
    window.welcome.show_busy(state is State.connecting)
    for panel in (window.microscope, window.form.body, window.series):
        panel.setEnabled(free)
    for actions, on in (
        ((window.live, window.snap, window.focus_up, window.focus_down), free),
        ((window.set_top, window.set_bottom, window.start), free),
        ((window.load_settings,), free),
        (
            (window.connect_simulated, window.connect_demo, window.connect_config),
            free or state is State.empty,
        ),
        ((window.pause, window.keep), running),
        ((window.abort,), state.busy),
        ((window.go_on, window.full_stack), can_go_on),
        ((window.plane_here, window.along_z.ask), running or can_go_on),
        ((window.open_run,), not state.busy),
        ((window.open_folder,), folder),
        ((window.export, window.show_3d), volume),
        ((window.napari,), napari),
    ):
        for action in actions:
            action.setEnabled(on)


def show_busy(status: StatusCard, state: State) -> None:
    """Show the buttons for what goes on, if something does."""
    if state is State.collecting:
        status.show_stacks()
    elif state.busy:
        paused, ending = state is State.paused, state is State.ending
        status.show_scan(paused=paused, ending=ending)
