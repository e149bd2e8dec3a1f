"""The options on what a scan decides on, and when whole volumes are made."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rmz_acquire.errors import InputError

__all__ = ["Regions", "Volumes", "parse_regions"]

Regions = Annotated[
    str | None,
    typer.Option(
        "--regions",
        metavar="auto|whole|Y,X,HEIGHT,WIDTH;...",
        help="What decides: up to four tiles of a large picture (auto), the whole "
        "picture, or these rectangles, in pixels. [default: auto]",
        rich_help_panel="Scan",
    ),
]
Volumes = Annotated[
    Literal["during", "after", "none"] | None,
    typer.Option(
        "--volumes",
        help="When whole volumes are computed if regions decide: before the next one "
        "begins, while others are scanned, or never. [default: after]",
        rich_help_panel="Scan",
    ),
]


def parse_regions(text: str | None) -> str | list[list[int]] | None:
    """Read what `Regions` takes, as the block has it.

    Raises
    ------
    InputError
        If it is none.
    """
    if text is None or text in ("auto", "whole"):
        return text
    try:
        made = [
            [int(n) for n in one.split(",")] for one in text.split(";") if one.strip()
        ]
    except ValueError:
        made = []
    if not made or any(len(one) != 4 for one in made):
        msg = (
            f'--regions {text!r} is neither auto nor whole: write rectangles as "96,32,'
            '128,128;0,0,128,128" (first row, first column, height, width)'
        )
        raise InputError(msg)
    return made
