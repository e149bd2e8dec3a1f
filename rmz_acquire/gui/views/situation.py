"""What decides what can be asked for, as the window has it; and whether it listens."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from rmz_acquire.gui.controllers.allowed import Situation
from rmz_acquire.gui.controllers.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.gui.views.run_view import ShownRun

__all__ = ["situation_of", "until_closing"]

P = ParamSpec("P")


class _Closes(Protocol):
    """What closes: ``ending`` is None until it does."""

    @property
    def ending(self) -> object: ...


C = TypeVar("C", bound=_Closes)


def until_closing(
    told: Callable[Concatenate[C, P], None],
) -> Callable[Concatenate[C, P], None]:
    """Hear nothing more once the window closes: the views of the core are gone."""

    @wraps(told)
    def hears(listener: C, /, *args: P.args, **given: P.kwargs) -> None:
        if listener.ending is None:
            told(listener, *args, **given)

    return hears


def situation_of(
    window: MainWindow, shown: ShownRun, state: State, *, startable: bool, napari: bool
) -> Situation:
    """Give all that decides what can be asked for now.

    Parameters
    ----------
    window : MainWindow
        Has the form and the volume.
    shown : ShownRun
        The run that it shows.
    state : State
        Of the microscope.
    startable : bool
        Whether what the form says could be run.
    napari : bool
        Whether napari is installed.
    """
    run, free = shown.run, state in (State.ready, State.live)
    return Situation(
        state,
        startable=free and startable,
        absolute=not window.form.counts.currentData(),
        folder=shown.folder is not None,
        experiment=run is not None and run.experiment and shown.key is not None,
        left=run is not None and (not run.complete or shown.z_left),
        to_render=run is not None and run.renders,
        volume=window.volume.shown is not None,
        whole=window.volume.volume is not None,
        made=shown.made,
        stack=shown.in_stack,
        napari=napari,
    )
