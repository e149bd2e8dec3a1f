"""``rmz-acquire export``: a run as OME-TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from rmz_acquire.cli.checks import check_run_folder
from rmz_acquire.cli.console import busy, stdout
from rmz_acquire.errors import InputError

__all__ = ["export"]


def export(
    experiment: Annotated[
        Path, typer.Argument(help="Folder of a run.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
    reports: Annotated[
        bool,
        typer.Option("--reports", help="Also write a report of every volume, as PNG."),
    ] = False,
) -> None:
    """Write a run as OME-TIFF: volumes and raw planes, one file per position.

    For programs that cannot read OME-Zarr. The run is not changed; of an unfinished
    run, what is there is exported.
    """
    check_run_folder(experiment)
    if out.exists() and not out.is_dir():
        msg = f"--out {out} is a file: name a folder"
        raise InputError(msg)
    with busy("writing OME-TIFF"):
        from rmz_acquire.experiments.export import export_ome_tiff

        files = export_ome_tiff(experiment, out)
    if reports:
        with busy("drawing reports"):
            from rmz_acquire.experiments.volume_results import export_reports

            files += export_reports(experiment, out)
    for path in files:
        stdout.print(escape(str(path)), soft_wrap=True)
