"""``rmz-acquire gui``: the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.console import busy
from rmz_acquire.errors import InputError

__all__ = ["gui"]

_PARTS = ("PyQt6", "pymmcore_widgets", "pyqtgraph", "qtpy", "superqt")


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
) -> None:
    """Open the window: connect, find the sample, scan, look, find the files."""
    with busy("opening the window"):
        try:
            from rmz_acquire.gui.app import run
        except ImportError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in _PARTS:
                msg = f"the window needs {missing}: pip install 'rmz-acquire[gui]'"
            elif missing:
                raise
            else:
                # a library of the system that Qt needs
                msg = f"Qt cannot be loaded ({error}): see scripts/system-packages.sh"
            raise InputError(msg) from error
        if config is not None:
            from rmz_acquire.acquisition import config_path

            config = str(config_path(config))
    raise typer.Exit(run(config, out))
