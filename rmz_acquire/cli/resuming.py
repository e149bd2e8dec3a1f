"""Goes on with a run that was cut short, on what it began on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.cli.console import busy
from rmz_acquire.cli.flags import flagged
from rmz_acquire.cli.open_names import PLUGINS
from rmz_acquire.cli.running import opened, run_and_print
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.experiments import Truth
    from rmz_acquire.simulation.recorded import RecordedMicroscope

__all__ = ["resume_and_print"]


def resume_and_print(folder: Path, config: str | None) -> None:
    """Go on with a run, and print what it came to.

    Parameters
    ----------
    folder : Path
        Of the run.
    config : str or None
        The configuration of the microscope; by default that which it began with.

    Raises
    ------
    InputError
        If what it began on is not known, or not there.
    ScanFailed
        If it failed or was stopped; names the folder.
    """
    with busy("reading"):
        from rmz_acquire import experiments
        from rmz_acquire.recording.experiment_folder import read_run

        told = read_run(folder)
        recorded = told.get("recorded")
        stack = None if recorded is None else _stack_of(folder, recorded)
        truth = _truth_of(told, stack)
    if stack is not None:
        if config is not None:
            msg = f"--config: {folder} goes on with its stack, not on a microscope"
            raise InputError(msg)
        with flagged(PLUGINS):
            run_and_print(
                partial(experiments.resume, stack, folder, truth=truth), folder
            )
        return
    config = config or told["config"]
    if config is None:
        msg = f"{folder}/run.json names no configuration: give --config"
        raise InputError(msg)
    with opened(config) as core, flagged(PLUGINS):
        if truth is None and told.get("truth") is not None:
            from rmz_acquire.simulation.camera import simulated_camera

            # once the microscope is set as it was
            truth = experiments.Truth(
                lambda volume: simulated_camera(core).expected(sorted(volume.z_um))
            )
        run_and_print(partial(experiments.resume, core, folder, truth=truth), folder)


def _stack_of(folder: Path, recorded: Mapping[str, Any]) -> RecordedMicroscope:
    """Read the stack that a run is over."""
    from rmz_acquire.simulation.recorded import RecordedMicroscope
    from rmz_acquire.stacks import Given, read_stack

    path = recorded.get("path")
    if path is None:
        msg = f"{folder}/run.json names no file of its stack: go on from Python"
        raise InputError(msg)
    stack = read_stack(Path(path), Given(z_axis=recorded["z_axis"]))
    return RecordedMicroscope(
        stack.data,
        recorded["z_um"],
        pixel_size_um=recorded["pixel_size_um"],
        source={key: recorded[key] for key in ("path", "z_axis")},
    )


def _truth_of(
    told: Mapping[str, Any], microscope: RecordedMicroscope | None
) -> Truth | None:
    """What a run over a stack is scored against, as it began."""
    from rmz_acquire.experiments import Truth
    from rmz_acquire.stacks import Given, read_stack

    against = told.get("truth")
    if against is None or microscope is None:
        return None
    kind, path = against["kind"], against["path"]
    if path is None:
        return Truth(microscope.stack, kind)
    given = Given(z_axis=told["recorded"]["z_axis"])
    return Truth(read_stack(Path(path), given).data, kind, path=path)
