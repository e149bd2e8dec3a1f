"""The options of the stop with a stated error, and of optics that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["CalibrationFile", "Confidence", "Misfit", "TargetNrmse"]

_SCAN = "Scan"

TargetNrmse = Annotated[
    float | None,
    typer.Option(
        "--target-nrmse",
        help="Stop when the error is below this, as calibrated in --calibration.",
        rich_help_panel=_SCAN,
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        "--confidence", help="... with this confidence.", rich_help_panel=_SCAN
    ),
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        help="File that `calibrate` wrote, for the same microscope and plan.",
        rich_help_panel=_SCAN,
    ),
]
Misfit = Annotated[
    Literal["warn", "full", "stop"] | None,
    typer.Option(
        "--misfit",
        help="If the optics do not explain the planes: warn (default); full: warn, and "
        "take every z that is left; or stop.",
        rich_help_panel=_SCAN,
    ),
]
