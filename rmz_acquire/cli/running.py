"""A run as seen from the command line: its options, its progress, its end."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.cli.checks import check_estimator, check_optics
from rmz_acquire.cli.console import busy, microscope_errors, warn
from rmz_acquire.cli.flags import BLOCK, FOLDER, PLAN, flagged
from rmz_acquire.cli.open_names import PLUGINS, load_named
from rmz_acquire.cli.result import print_summary
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.plugins import ESTIMATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments import FinishedRun
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator

__all__ = [
    "block_of",
    "estimator_for",
    "in_the_words_of_flags",
    "model_for",
    "opened",
    "run_and_print",
]


def block_of(optics: Optics | None = None, **given: Any) -> dict[str, Any]:
    """Make the block of an experiment of options as they were given.

    Parameters
    ----------
    optics : Optics, optional
        What the microscope does not tell.
    **given
        Keys of the block; None leaves one out.
    """
    block = {key: value for key, value in given.items() if value is not None}
    if optics is not None:
        told = optics.model_dump(exclude_none=True)
        block["optics"] = told
    return {"version": 1, **block}


@contextmanager
def in_the_words_of_flags() -> Iterator[None]:
    """Say what is wrong with a run in the words of the command line."""
    with flagged(BLOCK), flagged(FOLDER, PLAN, PLUGINS):
        yield


@contextmanager
def opened(config: str) -> Iterator[CMMCorePlus]:
    """Open a microscope, and close it in the end."""
    with busy("starting the microscope"):
        from rmz_acquire.acquisition import open_core

        core = open_core(config)
    try:
        yield core
    finally:
        _close(core)


def _close(core: CMMCorePlus) -> None:
    from rmz_acquire.acquisition import close_core

    try:
        close_core(core)
    except RuntimeError as error:
        warn(f"the microscope could not be closed: {error}")


def run_and_print(
    run: Callable[..., FinishedRun], folder: Path, *, most: int | None = None
) -> None:
    """Run under a progress bar, and print what it came to.

    Parameters
    ----------
    run : callable
        `rmz_acquire.experiments.run` or `resume` with all that it takes but what looks
        on, ``watcher``.
    folder : Path
        Of the run.
    most : int, optional
        The most planes that it may take, where that is known.

    Raises
    ------
    ScanFailed
        If it failed or was stopped; names the folder.
    """
    with busy("loading"):
        from rmz_acquire.cli.progress import RunProgress
    try:
        with RunProgress(most) as progress, microscope_errors():
            summary = run(watcher=progress).summary
    except KeyboardInterrupt:
        # the scan itself ends well on ctrl-C: this came while it was scored
        msg = f"stopped before its scores were there; the run is in {folder}"
        raise ScanFailed(msg) from None
    print_summary(summary, folder)


def estimator_for(
    name: str,
    z_um: Sequence[float],
    optics: Optics | None,
    *,
    model: str | None,
    device: str,
    strict: bool,
) -> Estimator:
    """Make the estimator that was asked for, with its model if it has one.

    Says by how much the microscope is off what the model was trained for.

    Raises
    ------
    InputError
        If something is missing, or with `strict` where the model does not fit.
    """
    from rmz_acquire.methods import METHODS
    from rmz_acquire.models import load_model

    check_estimator(name, model=model, device=device)
    check_optics(name, optics)
    if name not in METHODS:
        from rmz_acquire.scanning import own_estimator

        return own_estimator(load_named(ESTIMATOR, name, "--estimator"), z_um, optics)
    loaded = None
    name, fitting, misfits = model_for(name, z_um, optics, model=model, strict=strict)
    for line in misfits:
        warn(line)
    if fitting is not None:
        with busy("loading"):
            _check_device(device)
            loaded = load_model(fitting)
    with busy("loading"):
        from rmz_acquire.reconstruction import make_estimator
    return make_estimator(name, z_um, optics, model=loaded, device=device)


def model_for(
    name: str,
    z_um: Sequence[float],
    optics: Optics | None,
    *,
    model: str | None,
    strict: bool,
) -> tuple[str, str | None, list[str]]:
    """Find the model of an estimator, and by how much it is off; loads nothing.

    Returns
    -------
    str
        Name of the estimator; of the default, what it comes to here.
    str or None
        Name or folder; None where the estimator has none.
    list of str
        By how much, and which other one would fit.

    Raises
    ------
    InputError
        With `strict`, where it does not fit.
    """
    from rmz_acquire.methods import AUTO, method_of
    from rmz_acquire.models import default_for, misfits_of, read_card, suitable_model

    if name == AUTO and optics is not None:
        made = default_for([(optics, z_um)])
        return made.estimator, made.model, [made.why] if made.why else []
    if not method_of(name).model or optics is None:
        return name, None, []
    card = read_card(model or suitable_model(optics, z_um))
    with flagged(BLOCK):
        misfits = misfits_of(card, optics, z_um, strict=strict)
    return name, model or card.name, misfits


def _check_device(device: str) -> None:
    from rmz_acquire.reconstruction.torch_device import check_device

    try:
        check_device(device)
    except InputError as error:
        raise InputError(f"--device {error}") from error
