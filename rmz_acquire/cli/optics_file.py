"""Optics from a file that ``calibrate-optics`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmz_acquire.cli.options import OPTICS_FLAGS, optics_over
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from rmz_acquire.optics import Optics
    from rmz_acquire.stacks import Stack

__all__ = ["OpticsFile", "optics_of_flag", "optics_told"]

OpticsFile = Annotated[
    Path | None,
    typer.Option(
        "--optics",
        help="Optics that `calibrate-optics` wrote, instead of these flags.",
        rich_help_panel="Optics",
    ),
]

# it may come from the stack's own file
_FLAGS = {**OPTICS_FLAGS, "pixel_size_um": "the pixel size"}


def optics_told(
    file: Path | None,
    told: Optics | Stack | None,
    *,
    na: float | None,
    immersion: float | None,
    wavelength_um: float | None,
    pixel_size_um: float | None,
    sample_index: float | None = None,
) -> Optics | None:
    """Give the optics of a file, or without one those of `optics_over`.

    Parameters
    ----------
    file : Path or None
        YAML of `Optics`.
    told, na, immersion, wavelength_um, pixel_size_um, sample_index
        As for `optics_over`.

    Returns
    -------
    Optics or None

    Raises
    ------
    InputError
        If the file is no optics, or what was given besides contradicts it.
    """
    if file is None:
        return optics_over(
            told,
            na=na,
            immersion=immersion,
            wavelength_um=wavelength_um,
            pixel_size_um=pixel_size_um,
            sample_index=sample_index,
        )
    from rmz_acquire.experiments.calibrated import check_given

    optics = optics_of_flag(file)
    given = {
        "na": na,
        "immersion_index": immersion,
        "wavelength_um": wavelength_um,
        "pixel_size_um": pixel_size_um,
        "sample_index": sample_index,
    }
    check_given(optics, given, source=f"--optics {file}", name=_FLAGS.__getitem__)
    return optics


def optics_of_flag(file: Path) -> Optics:
    """Read the file that ``--optics`` names.

    Raises
    ------
    InputError
        If the file is no optics.
    """
    from rmz_acquire.experiments import read_optics

    try:
        return read_optics(file)
    except InputError as error:
        raise InputError(f"--optics {file}: {error}") from error
