"""``rmz-acquire check-stage``: what the focus stage does, seen in pictures."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from rich.markup import escape

from rmz_acquire.cli.checks import check_config
from rmz_acquire.cli.console import busy, console, microscope_errors, stderr
from rmz_acquire.cli.flags import flagged, in_flags
from rmz_acquire.cli.options import positive, preset_of

__all__ = ["check_stage"]

_FLAGS = {
    "exposure_ms": "--exposure",
    "range_um": "--range",
    "give specimen": "give --specimen",
}
_MARKS = {True: "[green]ok    [/]", None: "[yellow]open  [/]", False: "[red]wrong [/]"}


def check_stage(
    config: Annotated[
        str,
        typer.Option(
            "--config", help="A Micro-Manager .cfg, simulated, or MMConfig_demo."
        ),
    ],
    z_range: Annotated[
        float,
        typer.Option("--range", help="How far to go through the focus, µm."),
    ] = 10.0,
    exposure_ms: Annotated[
        float, typer.Option("--exposure", help="Exposure of every picture, ms.")
    ] = 50.0,
    channel: Annotated[
        str | None,
        typer.Option("--channel", metavar="GROUP:PRESET", help="Channel to use."),
    ] = None,
    specimen: Annotated[
        Literal["above", "below"] | None,
        typer.Option(
            "--specimen",
            help="Where the specimen lies, seen from the focus: shows which way is up.",
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", help="How long to wait for drift, s.")
    ] = 5.0,
) -> None:
    """Check what the focus stage really does: settling, backlash, drift, direction.

    Focus on a specimen first. Exits with 1 if something is wrong, and says which keys
    to set in an experiment.
    """
    positive(z_range, "--range")
    positive(exposure_ms, "--exposure", " ms")
    positive(wait, "--wait", " s")
    preset = preset_of(channel)
    check_config(config)
    with busy("starting the microscope"):
        from rmz_acquire.acquisition import close_core, open_core
        from rmz_acquire.acquisition.stage_check import check_stage_moves

        core = open_core(config)
    try:
        with flagged(_FLAGS), microscope_errors():
            found = check_stage_moves(
                core,
                range_um=z_range,
                exposure_ms=exposure_ms,
                channel=preset,
                specimen=specimen,
                wait_s=wait,
                on_step=lambda step: stderr.print(step),
            )
    finally:
        close_core(core)
    for each in found:
        mark = _MARKS[each.ok]
        said = escape(in_flags(each.detail, _FLAGS))
        console.print(f"{mark} {each.part:12} {said}", soft_wrap=True)
        if each.remedy:
            console.print(f"{'':20}set: {escape(each.remedy)}", soft_wrap=True)
    if any(each.ok is False for each in found):
        raise typer.Exit(1)
