"""``rmz-acquire bench``: how long a plane takes to become a volume, here."""

from __future__ import annotations

from typing import Annotated

import typer

from rmz_acquire.cli.checks import check_device, check_model
from rmz_acquire.cli.console import busy, console, stderr
from rmz_acquire.cli.options import Device, Model
from rmz_acquire.cli.running import estimator_for
from rmz_acquire.errors import InputError
from rmz_acquire.methods import METHODS

__all__ = ["bench"]


def bench(
    estimators: Annotated[
        str,
        typer.Option("--estimators", metavar="NAME,...", help="Which to time."),
    ] = "recurrent-mz,wiener,linear,nearest",
    sizes: Annotated[
        str,
        typer.Option("--sizes", metavar="PX,...", help="Sides of the pictures."),
    ] = "128,256",
    planes: Annotated[
        int, typer.Option("--planes", min=2, max=1001, help="Output planes.")
    ] = 61,
    taken: Annotated[
        int, typer.Option("--taken", min=1, max=50, help="Planes given, one by one.")
    ] = 3,
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Time the estimators: seconds from a plane to the volume, plane by plane.

    On noise, at the optics of the model's card: what is in a picture costs nothing.
    """
    names = [name.strip() for name in estimators.split(",") if name.strip()]
    try:
        sides = [int(side) for side in sizes.split(",") if side.strip()]
    except ValueError:
        sides = []
    if not sides or min(sides) < 16 or max(sides) > 4096:
        msg = f"--sizes {sizes!r}: write them as 128,256 (16 to 4096 pixels)"
        raise InputError(msg)
    if not names or set(names) - set(METHODS):
        msg = f"--estimators {estimators!r}: choose of {', '.join(METHODS)}"
        raise InputError(msg)
    check_device(device)
    if model is not None:
        check_model(model, "--model")
    with busy("loading"):
        from rich.table import Table

        from rmz_acquire.evaluation.timing import device_name, time_planes
        from rmz_acquire.models import DEFAULT_MODEL, read_card
    card = read_card(model or DEFAULT_MODEL)
    z = [card.z_step_um * i for i in range(planes)]
    table = Table(title=f"{planes} output planes, s a plane", title_justify="left")
    table.add_column("estimator")
    table.add_column("pixels", justify="right")
    for number in range(1, taken + 1):
        table.add_column(f"plane {number}", justify="right")
    for side in sides:
        for name in names:
            if stderr.is_terminal:
                stderr.print(f"{name} {side}²")
            estimator = estimator_for(
                name,
                z,
                card.optics,
                model=model if METHODS[name].model else None,
                device=device,
                strict=False,
            )
            spent = time_planes(estimator, side, taken)
            table.add_row(name, f"{side}²", *(f"{s:.2f}" for s in spent))
    console.print(table)
    console.print(f"measured on: {device_name(device)}", soft_wrap=True)
