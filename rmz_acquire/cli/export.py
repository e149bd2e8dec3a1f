"""``rmz-acquire export``: an experiment as OME-TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from rmz_acquire.cli.console import busy, stdout

__all__ = ["export"]


def export(
    experiment: Annotated[
        Path, typer.Argument(help="Folder of an experiment.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
) -> None:
    """Write an experiment as OME-TIFF: volumes and raw planes, a file a position.

    For programs that read no OME-Zarr. The experiment is left as it is; one that was
    not finished gives what it has.
    """
    with busy("writing OME-TIFF"):
        from rmz_acquire.experiments.exporting import export_ome_tiff

        files = export_ome_tiff(experiment, out)
    for path in files:
        stdout.print(escape(str(path)), soft_wrap=True)
