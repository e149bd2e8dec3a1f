"""``rmz-acquire train``: a model from a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.checks import check_model, shipped_config
from rmz_acquire.cli.training import (
    StopWithInput,
    Threads,
    Workers,
    need_training,
    run_training,
)

__all__ = ["train"]

_FLAGS = {"another folder": "another --out", "a lower min_gain_db": "--min-gain"}
_DEVICES = {"devices": "--devices"}


def train(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG", help="A YAML file, or the name of a shipped one."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder of the run; an interrupted run is resumed."),
    ],
    workers: Workers = 1,
    threads: Threads = None,
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
    devices: Annotated[
        int | None,
        typer.Option(
            "--devices",
            min=1,
            help="Processes that train together, one per GPU, or on the CPU. "
            "[default: the configuration's]",
        ),
    ] = None,
    stop_with_input: StopWithInput = False,
) -> None:
    """Train a model on dense stacks or simulated specimens, score it, write its card.

    It may take hours. Stop it with ctrl-C and go on later with the same command.
    """
    need_training()
    path = shipped_config(config, "training")
    if finetune is not None:
        check_model(finetune, "--finetune")
    option = f" --finetune {finetune}" if finetune else ""
    option += f" --devices {devices}" if devices else ""
    run_training(
        path,
        out,
        workers=workers,
        threads=threads,
        finetune=finetune,
        min_gain_db=min_gain,
        devices=devices,
        stop_with_input=stop_with_input,
        # a program that starts this one has no flags to tell of
        flags={} if stop_with_input else _FLAGS | (_DEVICES if devices else {}),
        again=f"rmz-acquire train {config} --out {out}{option}",
    )
