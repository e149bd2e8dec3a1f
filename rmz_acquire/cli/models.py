"""``rmz-acquire models``: what is released, and what each was trained for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rmz_acquire.cli.console import busy, console, warn

if TYPE_CHECKING:
    from rmz_acquire.models import ModelCard

__all__ = ["models"]


def models(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]", help="Show all of this model: its name or folder."
        ),
    ] = None,
) -> None:
    """List the released models and the optics that each was trained for."""
    from rich.table import Table

    with busy("reading"):
        from rmz_acquire.models import (
            DEFAULT_MODEL,
            LAYERS_MODEL,
            comparison_models,
            list_models,
            load_model,
            read_card,
        )

    if name is not None:
        read_card(name)  # a wrong name is refused without waiting for torch
        with busy("reading the weights"):
            card = load_model(name).card
        _show(card)
        return
    names = list_models()
    if not names:
        warn("no model is released here: train one, or use --estimator wiener")
        return
    table = Table()
    table.add_column("model", no_wrap=True)  # it is typed elsewhere
    for heading in ("optics", "z range", "planes", "largest gap"):
        table.add_column(heading)
    for each in [*names, *comparison_models()]:
        card = read_card(each)
        kind = {LAYERS_MODEL: "\n(default)", DEFAULT_MODEL: "\n(of recurrent-mz)"}.get(
            each, ""
        )
        kind = "\n(to compare)" if each not in names else kind
        table.add_row(
            f"{each}{kind}",
            _optics(card),
            f"{card.z_range_um:g} µm by {card.z_step_um:g}",
            f"{card.planes[0]} to {card.planes[1]}",
            f"{card.largest_gap_um:.3g} µm",
        )
    console.print(table)


def _optics(card: ModelCard) -> str:
    o, of = card.optics, card.optics_range
    if of is not None:
        angle, light, sampling = of.na_over_index, of.wavelength_um, of.sampling
        return (
            f"any: NA/n {angle[0]:g} to {angle[1]:g}, {light[0]:g} to {light[1]:g} µm, "
            f"pixel {sampling[0]:g} to {sampling[1]:g} × λ/(4 NA); lengths here at NA "
            f"{o.na:g}, n {o.immersion_index:g}, pixel {o.pixel_size_um:g} µm"
        )
    return (
        f"NA {o.na:g}, n {o.immersion_index:g}, {o.wavelength_um:g} µm, "
        f"pixel {o.pixel_size_um:g} µm"
    )


def _released(card: ModelCard) -> str:
    if card.comparison:
        return "to be compared with only: it may lose to interpolation"
    return "for use"


def _seen(card: ModelCard) -> str:
    seen = card.budget
    said = (
        f"{seen.steps} steps, {seen.sequences} sequences of {seen.specimens} specimens"
    )
    return f"{said}: {seen.note}" if seen.note else said


def _show(card: ModelCard) -> None:
    from rich.markup import escape
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    for label, value in (
        ("model", card.name),
        ("for", card.description),
        ("released", _released(card)),
        ("optics", _optics(card)),
        ("z range", f"{card.z_range_um:g} µm in steps of {card.z_step_um:g} µm"),
        ("planes", f"{card.planes[0]} to {card.planes[1]}, {card.order}"),
        ("largest gap", f"{card.largest_gap_um:g} µm"),
        ("normalisation", card.normalisation),
        ("dz", card.dz_unit),
        ("data", card.data),
        ("training", _seen(card)),
        *([("notes", card.notes)] if card.notes else []),
        ("date", card.date),
        ("sha256", f"{card.sha256} (as the weights)"),
    ):
        facts.add_row(label, escape(value))
    console.print(facts)
    for specimen, by_planes in card.scores.items():
        _rows(f"{specimen}: PSNR, dB", "planes", by_planes)
    on_layers = card.network.prior == "richardson-lucy"
    against = card.network.prior if on_layers else "the better of wiener and linear"
    for specimen, by_planes in card.gains.items():
        title = f"{specimen}: dB over {against}, by distance"
        _rows(title, "planes", by_planes)
    if card.conditions:
        title = "PSNR, dB, with all that was varied, and without each"
        _rows(title, "varied", card.conditions)


def _rows(title: str, first: str, rows: dict[str, dict[str, float]]) -> None:
    """Print a table of figures."""
    from rich.table import Table

    names = list(dict.fromkeys(n for row in rows.values() for n in row))
    table = Table(title=title, title_justify="left")
    table.add_column(first, justify="right")
    for each in names:
        table.add_column(each, justify="right")
    for label, row in rows.items():
        cells = [f"{row[n]:.2f}" if n in row else "-" for n in names]
        table.add_row(label, *cells)
    console.print(table)
