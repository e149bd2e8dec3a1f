"""The options of the stop rule whose threshold is calibrated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["CalibrationFile", "Confidence", "TargetNrmse"]

_SCAN = "Scan"

TargetNrmse = Annotated[
    float | None,
    typer.Option(
        "--target-nrmse",
        help="Stop where the error is below this, as --calibration has found.",
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
