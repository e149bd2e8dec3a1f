"""``rmz-acquire acquire-stacks``: dense stacks of one's own microscope to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.checks import check_config
from rmz_acquire.cli.console import busy, console, microscope_errors, stderr
from rmz_acquire.cli.flags import flagged
from rmz_acquire.cli.options import PixelSize, positive, preset_of
from rmz_acquire.errors import InputError

__all__ = ["acquire_stacks"]

_FLAGS = {
    "pixel_size_um": "--pixel-size",
    "leave out positions": "leave out --positions",
}


def acquire_stacks(
    out: Annotated[Path, typer.Option("--out", help="A new folder for the stacks.")],
    z_range: Annotated[
        float, typer.Option("--range", help="Length of each stack, µm.")
    ],
    step: Annotated[float, typer.Option("--step", help="Distance between planes, µm.")],
    config: Annotated[
        str,
        typer.Option(
            "--config", help="A Micro-Manager .cfg, simulated, or MMConfig_demo."
        ),
    ] = "simulated",
    positions: Annotated[
        Path | None,
        typer.Option(
            "--positions",
            help="CSV with x_um,y_um[,z_um][,specimen]; by default only here.",
        ),
    ] = None,
    exposure_ms: Annotated[
        float, typer.Option("--exposure", help="Exposure of every plane, ms.")
    ] = 50.0,
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="GROUP:PRESET", help="Channel to use."),
    ] = None,
    pixel_size: PixelSize = None,
) -> None:
    """Take full z stacks at a list of positions, for training a model on them.

    Each stack is centred on the focus of its position. Writes an OME-TIFF for each, and
    stacks.yaml with the lines that a training configuration needs.
    """
    for value, option in ((z_range, "--range"), (step, "--step")):
        positive(value, option)
    positive(exposure_ms, "--exposure", " ms")
    if pixel_size is not None:
        positive(pixel_size, "--pixel-size")
    if z_range < step:
        msg = f"--range {z_range:g} µm is shorter than one --step of {step:g} µm"
        raise InputError(msg)
    preset = preset_of(channel)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        msg = f"{out} is not an empty folder: choose another --out"
        raise InputError(msg)
    if positions is not None and not positions.is_file():
        msg = f"--positions {positions}: no such file"
        raise InputError(msg)
    check_config(config)
    with busy("starting the microscope"):
        from rmz_acquire.acquisition import close_core, open_core
        from rmz_acquire.experiments.dense_stacks import acquire_stacks as take
        from rmz_acquire.experiments.dense_stacks import read_positions

        places = None if positions is None else read_positions(positions)
        core = open_core(config)
    try:
        with flagged(_FLAGS), microscope_errors():
            files = take(
                core,
                places,
                out,
                range_um=z_range,
                step_um=step,
                exposure_ms=exposure_ms,
                channel=preset,
                pixel_size_um=pixel_size,
                config=config,
                on_step=lambda line: stderr.print(line),
            )
    finally:
        close_core(core)
    for path in files:
        console.print(f"stack  {path}", soft_wrap=True)
    console.print(f"list   {out / 'stacks.yaml'}", soft_wrap=True)
