"""``rmz-acquire release``: scores a trained model and says what it may be used for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.console import busy, console, stderr
from rmz_acquire.cli.flags import flagged
from rmz_acquire.cli.training import need_training

__all__ = ["release"]


def release(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run of `train`, finished or not, or of a model."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The model's folder. [default: RUN/NAME]"),
    ] = None,
    min_gain: Annotated[
        float | None,
        typer.Option(
            "--min-gain",
            metavar="DB",
            help="Least gain over wiener and linear anywhere in the range that the "
            "model is released for. [default: the configuration's, -0.1]",
        ),
    ] = None,
) -> None:
    """Score the last checkpoint of a run, or a model again, and write its card.

    Its declared range (planes, largest gap) is reduced to where it is nowhere worse
    than wiener or linear on held-out specimens; without such a range it is refused.
    """
    need_training()
    if not (folder / "last.ckpt").is_file():
        from rmz_acquire.models import read_card

        read_card(folder)
    with busy("loading"):
        from rmz_acquire.training import release_again
    with flagged({"min_gain_db": "--min-gain"}):
        model = release_again(
            folder,
            out=out,
            min_gain_db=min_gain,
            on_step=lambda step: stderr.print(f"scoring {step}"),
        )
    card = model.card
    console.print(
        f"model  {card.name}: {card.planes[0]} to {card.planes[1]} planes, "
        f"up to {card.largest_gap_um:.3g} µm from one",
        soft_wrap=True,
    )
