"""``rmz-acquire evaluate``: the paper's experiments on data that anyone can make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from rmz_acquire.cli.checks import shipped_config
from rmz_acquire.cli.console import busy, console, stderr
from rmz_acquire.errors import InputError, ScanFailed

__all__ = ["EXPERIMENTS", "evaluate"]

EXPERIMENTS = (
    "exposures",
    *("fig2", "claims", "fig4", "S3", "fig5", "fig6", "fig7", "S1"),
    *("fig3", "timing", "objectives", "real", "stopping"),
)
"""Those of `rmz_acquire.evaluation.runner`, known before it is imported."""


def evaluate(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for tables and figures.")
    ] = Path("evaluation"),
    config: Annotated[
        Path,
        typer.Option("--config", help="A YAML file, or the name of a shipped one."),
    ] = Path("paper"),
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A smaller version: minutes on two cores."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME,...",
            help="Only these, such as fig3,fig5; may be given again.",
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Also repeat what the folder already holds."),
    ] = False,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="FILE",
            help="Write short tables into this Markdown file, and figures next to it.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of everything random.")
    ] = None,
) -> None:
    """Run the paper's experiments against its competitors and plain interpolation.

    Uses simulated specimens that no training has seen, with the paper's optics.
    Networks without a model are listed as missing. Writes results.json, a CSV and a
    figure for each experiment, table.md and goals.csv. If it was stopped, the same
    command continues; several with different --only may share a folder at a time.
    """
    if out.exists() and not out.is_dir():
        msg = f"{out} is a file: name a folder"
        raise InputError(msg)
    path = shipped_config(config, "evaluation")
    names = [n.strip() for part in only or () for n in part.split(",") if n.strip()]
    known = {name.lower() for name in EXPERIMENTS}
    for name in names:
        if name.lower() not in known:
            msg = f"--only {name}: choose from {', '.join(EXPERIMENTS)}"
            raise InputError(msg)
    with busy("reading"):
        from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
        from rmz_acquire.evaluation.tables import (
            full_table,
            place_of,
            put_figures,
            put_table,
            short_table,
        )

        if table is not None:
            place_of(table)  # before anything runs
        settings = EvaluationConfig.from_yaml(path)
    if seed is not None:
        settings = settings.model_copy(update={"seed": seed})
    with busy("loading"):
        from rmz_acquire.evaluation.runner import evaluate as run
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    hidden = not stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=None)
        try:
            found = run(
                settings,
                out,
                quick=quick,
                only=names or None,
                again=again,
                on_step=lambda step: progress.update(task, description=step),
            )
        except KeyboardInterrupt as error:
            msg = f"stopped; the experiments that were done are in {out}"
            raise ScanFailed(msg) from error
    console.print(full_table(found), soft_wrap=True, markup=False)
    if table is not None:
        put_table(table, short_table(found, put_figures(table, found, out)))
    console.print(f"table    {out / 'table.md'}", soft_wrap=True)
    console.print(f"results  {out / 'results.json'}", soft_wrap=True)
