"""What can be asked for in which state: one table for buttons, menus and keys."""

from __future__ import annotations

from dataclasses import dataclass

from rmz_acquire.gui.controllers.state import State

__all__ = ["ALLOWED", "BUSY", "Situation"]

BUSY = {
    State.empty: "no microscope is connected",
    State.connecting: "the microscope is being loaded",
    State.scanning: "a scan is running",
    State.collecting: "stacks are being taken",
    State.paused: "a scan is paused",
    State.rendering: "whole volumes are being rendered",
    State.ending: "a scan is ending",
    State.closed: "the window is closing",
}
"""Why nothing can be started, in words."""

_FREE = {State.ready, State.live}
_RUNNING = {State.scanning, State.paused}
_BUSY = _RUNNING | {State.collecting, State.rendering, State.ending}
_OPEN = _FREE | _BUSY
_STILL = _FREE | {State.empty}
_ANY = _OPEN | {State.empty, State.connecting}


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what can be asked for.

    Parameters
    ----------
    state : State
        What the microscope is doing.
    startable : bool
        Whether all that is typed makes sense.
    absolute : bool
        Whether the range is typed in positions of the stage, which one can take over.
    folder : bool
        Whether the run that is shown has a folder.
    experiment : bool
        Whether it is one that can go on, and has a volume that can.
    left : bool
        Whether its grid has a z that was not taken, or the experiment a rest.
    to_render : bool
        Whether all planes of its volumes are taken, and one is not rendered yet.
    volume : bool
        Whether a volume is shown.
    whole : bool
        Whether it is rendered, and no part of it interpolated.
    made : bool
        Whether it lies on disk, to be compared and opened elsewhere.
    stack : bool
        Whether a full stack is under way, in which nobody asks for planes.
    napari : bool
        Whether it is installed.
    """

    state: State
    startable: bool = False
    absolute: bool = True
    folder: bool = False
    experiment: bool = False
    left: bool = False
    to_render: bool = False
    volume: bool = False
    whole: bool = False
    made: bool = False
    stack: bool = False
    napari: bool = False

    def allows(self, action: str) -> bool:
        """Whether it can be asked for now."""
        states, needed = ALLOWED[action]
        if action == "plane_here" and self.state in _RUNNING:
            return not self.stack
        return self.state in states and all(getattr(self, name) for name in needed)


#: By action: in which states, and what there must be.
ALLOWED: dict[str, tuple[set[State], tuple[str, ...]]] = {
    "connect": (_STILL, ()),
    "live": (_FREE, ()),
    "snap": (_FREE, ()),
    "focus": (_FREE, ()),
    "set_end": (_FREE, ("absolute",)),
    "start": (_FREE, ("startable",)),
    "load_settings": (_FREE, ()),
    "load_optics": (_FREE, ()),
    "save_settings": (_OPEN, ()),
    "pause": (_RUNNING, ()),
    "keep": (_RUNNING, ()),
    "abort": (_BUSY, ()),
    "plane_here": (_FREE, ("experiment",)),
    "go_on": (_FREE, ("experiment", "left")),
    "full_stack": (_FREE, ("experiment", "made")),
    "render": (_FREE, ("experiment", "to_render")),
    "open_run": (_STILL, ()),
    "open_folder": (_ANY, ("folder",)),
    "show_3d": (_ANY, ("whole",)),
    "export": (_ANY, ("whole",)),
    "slice": (_ANY, ("volume",)),
    "napari": (_ANY, ("made", "napari")),
    "train": (_OPEN, ()),
}
