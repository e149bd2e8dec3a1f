"""``rmz-acquire train``: a model from a configuration."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.console import busy, console, stderr
from rmz_acquire.errors import InputError, ScanFailed

__all__ = ["need_training", "train"]


def need_training() -> None:
    """Say what to install where training cannot run."""
    for package in ("lightning", "tensorboard"):
        if importlib.util.find_spec(package) is None:
            msg = f"training needs {package}: pip install 'rmz-acquire[train]'"
            raise InputError(msg)


def train(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG", help="A YAML file, or the name of a shipped one."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder of the run; one cut off is gone on with."),
    ],
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes that simulate.")
    ] = 1,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Threads of torch.")
    ] = None,
    finetune: Annotated[
        str | None,
        typer.Option(
            "--finetune",
            metavar="MODEL",
            help="Start from the weights of this model: a name, or its folder.",
        ),
    ] = None,
    min_gain: Annotated[
        float | None,
        typer.Option(
            "--min-gain",
            metavar="DB",
            help="Release it only for the range in which it gains so much over "
            "wiener and linear. [default: the configuration's, -0.1]",
        ),
    ] = None,
) -> None:
    """Train a model on dense stacks or simulated specimens, score it, write its card.

    It may take hours. Stop it with ctrl-C and go on later with the same command.
    """
    need_training()
    path = _config_path(config)
    if out.exists() and not out.is_dir():
        msg = f"{out} is a file: name a folder for the run"
        raise InputError(msg)
    with busy("loading"):
        from rmz_acquire.training import train as run_training
    # its tips are not about this training
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "Using ModelCheckpoint with manual optimization")
    try:
        model = run_training(
            path,
            out,
            workers=workers,
            threads=threads,
            finetune=finetune,
            min_gain_db=min_gain,
            on_step=lambda step: stderr.print(f"scoring {step}"),
        )
    except (KeyboardInterrupt, SystemExit) as error:
        again = f" --finetune {finetune}" if finetune else ""
        msg = f"stopped; go on with: rmz-acquire train {config} --out {out}{again}"
        raise ScanFailed(msg) from error
    if model is None:  # not the first of several processes
        return
    console.print(f"model  {out / model.card.name}", soft_wrap=True)
    console.print(f"try    rmz-acquire models {out / model.card.name}", soft_wrap=True)


def _config_path(given: Path) -> Path:
    from rmz_acquire.resources import resource_dir

    shipped = resource_dir("configs") / "training"
    for path in (given, shipped / given, shipped / f"{given}.yaml"):
        if path.is_file():
            return path
    names = ", ".join(sorted(path.stem for path in shipped.glob("*.yaml"))) or "none"
    msg = f"{given}: no such configuration; give a YAML file, or one of {names}"
    raise InputError(msg)
