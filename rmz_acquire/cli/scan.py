"""``rmz-acquire scan``: an experiment on a microscope, its resumption, its replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from rmz_acquire.cli.checks import check_config, check_experiment_folder
from rmz_acquire.cli.console import busy, microscope_errors, stderr, stdout, warn
from rmz_acquire.cli.flags import FOLDER, flagged
from rmz_acquire.cli.open_names import PLUGINS, Plugins, allow_plugins
from rmz_acquire.cli.optics_file import optics_of_flag
from rmz_acquire.cli.options import Overwrite
from rmz_acquire.cli.result import predicted
from rmz_acquire.errors import InputError, ScanFailed

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments import ExperimentSummary
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Decision, Estimate

__all__ = ["scan"]

_MOST_TOLD = 20


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
            help="Decide again from the planes in this folder, and compare.",
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
    plugins: Plugins = None,
    overwrite: Overwrite = False,
) -> None:
    """Run an experiment: every z-stack of it becomes an adaptive scan.

    Time points, positions, grids, channels and autofocus are those of the useq
    sequence, in its order; the z_plan is the outer bound. Ctrl-C ends it well, and
    --resume goes on with the next plane.
    """
    given = [experiment is not None, resume is not None, verify is not None]
    if sum(given) != 1:
        msg = "give an EXPERIMENT.yaml with --config and --out, or --resume DIR"
        raise InputError(msg)
    if optics is not None and experiment is None:
        msg = "--optics goes with EXPERIMENT.yaml: what was begun keeps its optics"
        raise InputError(msg)
    allow_plugins(plugins)
    if verify is not None:
        check_experiment_folder(verify, "--verify")
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
        check_experiment_folder(resume, "--resume")
    with busy("reading"):
        from rmz_acquire import experiments
        from rmz_acquire.recording import check_folder
        from rmz_acquire.recording.experiment_folder import EXPERIMENT_FILES, read_run

        if resume is not None:
            folder = resume
            config = config or read_run(resume)["config"]
            if config is None:
                msg = f"{resume}/run.json names no configuration: give --config"
                raise InputError(msg)
        else:
            assert experiment is not None and out is not None and config is not None
            folder = out
            sequence = experiments.read_experiment(experiment)
            if optics is not None:
                sequence = experiments.with_optics(sequence, optics_of_flag(optics))
            with flagged(FOLDER):
                check_folder(out, overwrite=overwrite, names=EXPERIMENT_FILES)
    with busy("starting the microscope"):
        from rmz_acquire.acquisition import open_core

        core = open_core(config)
    try:
        with _Progress() as progress, microscope_errors(), flagged(PLUGINS):
            if resume is not None:
                summary = experiments.resume(
                    core, resume, on_decision=progress.on_decision
                )
            else:
                summary = experiments.run(
                    core,
                    sequence,
                    folder,
                    overwrite=overwrite,
                    config=config,
                    on_decision=progress.on_decision,
                )
    finally:
        _unload(core)
    if progress.spoilt > _MOST_TOLD:
        warn(f"{progress.spoilt} planes like that in all: see frame in decisions.jsonl")
    _print(summary, folder)


class _Progress:
    """A line on the terminal that says which volume it is at."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(30),
            MofNCompleteColumn(),
            console=stderr,
            transient=True,
            disable=not stderr.is_terminal,
        )
        self._task = self._bar.add_task("planes", total=None)
        #: How many planes were blank or saturated.
        self.spoilt = 0

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def on_decision(
        self, volume: Volume, decision: Decision, _estimate: Estimate | None
    ) -> None:
        change = decision.delta_relative
        note = "" if change is None else f", change {change:.1%}"
        self._bar.update(self._task, advance=1, description=f"{volume.name}{note}")
        if decision.frame is not None:
            self.spoilt += 1
            if self.spoilt <= _MOST_TOLD:
                warn(
                    f"{volume.name}: the plane at z {decision.z_requested_um:g} µm "
                    f"{decision.frame}"
                )


def _print(summary: ExperimentSummary, folder: Path) -> None:
    if summary.focus_lock is not None:
        stderr.print(summary.focus_lock, markup=False, soft_wrap=True)
    for item in summary.late:
        warn(f"time point {item['t']:g} began {item['late_s']:.1f} s late")
    for text in summary.autofocus_failures:
        warn(text)
    for text in summary.findings[:_MOST_TOLD]:
        warn(text)
    if len(summary.findings) > _MOST_TOLD:
        warn(f"{len(summary.findings)} findings in all: see summary.json")
    if summary.status != "completed":
        said = summary.reason
        if summary.status == "failed" and not said.startswith("failed"):
            said = f"failed: {said}"
        if summary.status == "aborted":
            said = f"stopped: {said}"
        msg = f"{said}; what was taken is in {folder} (go on with --resume {folder})"
        raise ScanFailed(msg)
    saved = 1 - summary.planes_taken / max(1, summary.planes_full_scan)
    stdout.print(
        f"{summary.reason} ({saved:.0%} fewer), in {summary.wall_s:.1f} s; "
        f"{escape(str(folder))}",
        soft_wrap=True,
    )
    if summary.volumes == 1:
        for each in summary.compared:
            facts = predicted(each["candidates"], each["z_scale"])
            for label, value in facts.items():
                stdout.print(f"{label:8} {value}", markup=False, soft_wrap=True)


def _verify(folder: Path) -> None:
    with busy("deciding again"):
        from rmz_acquire.experiments.verify import verify

        result = verify(folder)
    if result.differences:
        first = result.differences[0]
        msg = f"{len(result.differences)} of {result.decisions} differ: {first}"
        raise ScanFailed(msg)
    stdout.print(f"{result.decisions} decisions made again from the planes: the same")


def _unload(core: CMMCorePlus) -> None:
    from rmz_acquire.acquisition import close_core

    try:
        close_core(core)
    except RuntimeError as error:
        warn(f"the microscope could not be closed: {error}")
