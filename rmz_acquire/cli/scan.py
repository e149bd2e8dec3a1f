"""``rmz-acquire scan``: an experiment on a microscope, its resumption, its replay."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from rmz_acquire.cli.checks import check_config, check_run_folder
from rmz_acquire.cli.console import busy, stdout
from rmz_acquire.cli.flags import FOLDER, flagged
from rmz_acquire.cli.open_names import PLUGINS, Plugins, allow_plugins
from rmz_acquire.cli.optics_file import optics_of_flag
from rmz_acquire.cli.options import OverlapName, Overwrite
from rmz_acquire.cli.resuming import resume_and_print
from rmz_acquire.cli.running import opened, run_and_print
from rmz_acquire.cli.target_options import (
    CalibrationFile,
    Confidence,
    Misfit,
    TargetNrmse,
)
from rmz_acquire.errors import InputError, ScanFailed

__all__ = ["scan"]


def scan(
    experiment: Annotated[
        Path | None,
        typer.Argument(
            help="YAML of a useq MDASequence with metadata.rmz_acquire in it.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            help="Micro-Manager configuration: a .cfg, simulated, or MMConfig_demo.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the experiment.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume", help="Go on with the experiment in this folder.", metavar="DIR"
        ),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option(
            "--verify",
            help="Repeat all decisions from the planes in this folder, and compare.",
            metavar="DIR",
        ),
    ] = None,
    optics: Annotated[
        Path | None,
        typer.Option(
            "--optics",
            help="Optics that `calibrate-optics` wrote, for EXPERIMENT.yaml.",
        ),
    ] = None,
    target_nrmse: TargetNrmse = None,
    confidence: Confidence = None,
    calibration: CalibrationFile = None,
    misfit: Misfit = None,
    overlap: OverlapName = None,
    plugins: Plugins = None,
    overwrite: Overwrite = False,
) -> None:
    """Run an experiment: every z-stack of it becomes an adaptive scan.

    Time points, positions, grids, channels and autofocus are those of the useq
    sequence, in its order; the z_plan limits the range. Ctrl-C ends it safely, and
    --resume continues with the next plane.
    """
    given = [experiment is not None, resume is not None, verify is not None]
    if sum(given) != 1:
        msg = "give an EXPERIMENT.yaml with --config and --out, or --resume DIR"
        raise InputError(msg)
    target: dict[str, Any] = {
        "target_nrmse": target_nrmse,
        "confidence": confidence,
        "calibration": calibration,
    }
    for option, value in (
        ("optics", optics),
        ("overlap", overlap),
        ("misfit", misfit),
        *((key.replace("_", "-"), value) for key, value in target.items()),
    ):
        if value is not None and experiment is None:
            goes = f"--{option} goes with EXPERIMENT.yaml"
            msg = f"{goes}: what was begun keeps its {option}"
            raise InputError(msg)
    allow_plugins(plugins)
    if verify is not None:
        check_run_folder(verify, "--verify")
        with flagged(PLUGINS):
            _verify(verify)
        return
    if experiment is not None:
        missing = "--config" if config is None else "--out" if out is None else None
        if missing is not None:
            msg = f"{missing} is missing"
            raise InputError(msg)
    if config is not None:
        check_config(config)
    if resume is not None:
        check_run_folder(resume, "--resume")
        resume_and_print(resume, config)
        return
    assert experiment is not None and out is not None and config is not None
    with busy("reading"):
        from rmz_acquire import experiments
        from rmz_acquire.recording import check_folder

        sequence = experiments.read_experiment(experiment)
        if optics is not None:
            sequence = experiments.with_optics(sequence, optics_of_flag(optics))
        if overlap is not None:
            sequence = experiments.with_overlap(sequence, overlap)
        sequence = experiments.with_target(sequence, **target, misfit=misfit)
        with flagged(FOLDER):
            check_folder(out, overwrite=overwrite)
    with opened(config) as core, flagged(PLUGINS):
        run_and_print(
            partial(
                experiments.run,
                core,
                sequence,
                out,
                overwrite=overwrite,
                config=config,
            ),
            out,
        )


def _verify(folder: Path) -> None:
    with busy("deciding again"):
        from rmz_acquire.experiments.verify import verify

        result = verify(folder, reverse=True)
    if result.differences:
        first = result.differences[0]
        msg = f"{len(result.differences)} of {result.decisions} differ: {first}"
        raise ScanFailed(msg)
    stdout.print(f"{result.decisions} decisions made again from the planes: the same")
    if result.order:
        name, most = max(result.order.items(), key=itemgetter(1))
        said = f"planes in reverse order change {name} by {most:.1%} of its light"
        more = "" if len(result.order) == 1 else f", the most of {len(result.order)}"
        stdout.print(f"{said}{more}", markup=False)
