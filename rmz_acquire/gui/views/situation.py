"""What decides what can be asked for, as the window has it; and whether it listens."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from rmz_acquire.gui.controllers.allowed import Situation
from rmz_acquire.gui.controllers.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.gui.views.presenter import Presenter

__all__ = ["situation_of", "until_closing"]

P = ParamSpec("P")


def until_closing(
    told: Callable[Concatenate[Presenter, P], None],
) -> Callable[Concatenate[Presenter, P], None]:
    """Hear nothing more once the window closes: the views of the core are gone."""

    @wraps(told)
    def hears(presenter: Presenter, /, *args: P.args, **given: P.kwargs) -> None:
        if presenter.ending is None:
            told(presenter, *args, **given)

    return hears


def situation_of(presenter: Presenter) -> Situation:
    """Give all that decides what can be asked for now."""
    shown, window, state = presenter.shown, presenter.window, presenter.state
    run, free = shown.run, state in (State.ready, State.live)
    return Situation(
        state,
        startable=free and presenter.startable,
        absolute=not window.form.counts.currentData(),
        folder=shown.folder is not None,
        experiment=run is not None and run.experiment and shown.key is not None,
        left=run is not None and (not run.complete or shown.z_left),
        to_render=run is not None and run.renders,
        volume=window.volume.shown is not None,
        whole=window.volume.volume is not None,
        made=shown.made,
        stack=shown.in_stack,
        napari=presenter.napari,
    )
