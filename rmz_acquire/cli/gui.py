"""``rmz-acquire gui``: the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.checks import check_config
from rmz_acquire.cli.console import busy
from rmz_acquire.cli.open_names import Plugins, allow_plugins
from rmz_acquire.cli.optics_file import optics_of_flag
from rmz_acquire.errors import InputError
from rmz_acquire.installing import install_line, missing, system_line

__all__ = ["gui"]


def gui(
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            help="A Micro-Manager configuration (.cfg), 'simulated', or MMConfig_demo; "
            "without it the window asks.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder in which runs are saved.")
    ] = None,
    optics: Annotated[
        Path | None,
        typer.Option("--optics", help="Optics that `calibrate-optics` wrote."),
    ] = None,
    plugins: Plugins = None,
) -> None:
    """Open the window: connect, find the sample, scan, look, find the files."""
    if config is not None:
        config = str(check_config(config))
    if out is not None and out.exists() and not out.is_dir():
        msg = f"--out {out} is a file: name a folder for runs"
        raise InputError(msg)
    allow_plugins(plugins)
    told = None if optics is None else (optics_of_flag(optics), optics.name)
    gone = missing("gui")
    if gone:
        msg = f"the window needs {', '.join(gone)}: {install_line('gui')}"
        raise InputError(msg)
    with busy("opening the window"):
        try:
            from rmz_acquire.gui.app import run
        except ImportError as error:
            if error.name:
                raise
            # a library of the system that Qt needs
            msg = f"Qt cannot be loaded ({error}): {system_line()}"
            raise InputError(msg) from error
    raise typer.Exit(run(config, out, told))
