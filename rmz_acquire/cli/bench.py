"""``rmz-acquire bench``: what deciding costs here, and what adaptive scanning saves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmz_acquire.cli.checks import check_device, check_estimator, check_model
from rmz_acquire.cli.console import busy, console, microscope_errors, stderr, warn
from rmz_acquire.cli.flags import flagged
from rmz_acquire.cli.options import Model
from rmz_acquire.cli.running import estimator_for
from rmz_acquire.errors import InputError
from rmz_acquire.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator

__all__ = ["bench"]

_CLOCKS = ("auto", "wall", "cpu")
MADE_BY = "<!-- made by rmz-acquire bench --table, from here -->"


def bench(
    estimators: Annotated[
        str,
        typer.Option(
            "--estimators",
            metavar="NAME,...",
            help="Which to time; also package.module:Class.",
        ),
    ] = "richardson-lucy,recurrent-mz,wiener,linear",
    sizes: Annotated[
        str,
        typer.Option("--sizes", metavar="PX,...", help="Sides of the pictures."),
    ] = "64",
    planes: Annotated[
        int, typer.Option("--planes", min=2, max=1001, help="Output planes.")
    ] = 61,
    taken: Annotated[
        int, typer.Option("--taken", min=1, max=50, help="Planes given, one by one.")
    ] = 3,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, max=100, help="Times each is measured.")
    ] = 3,
    model: Model = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            help="Where: cpu, cuda, cuda:1. [default: the CPU, then each GPU]",
        ),
    ] = None,
    clock: Annotated[
        str,
        typer.Option(
            "--clock",
            help="wall, or cpu: processor time in one thread. auto: the wall clock, "
            "unless the machine is busy with something else.",
        ),
    ] = "auto",
    paper: Annotated[
        bool,
        typer.Option("--paper", help="Also the paper's 101 × 256² and 1024²: minutes."),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check/--no-check", help="Run one scan on a simulated microscope."
        ),
    ] = True,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write every repeat to this file."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table", metavar="FILE", help="Write the tables into this Markdown file."
        ),
    ] = None,
) -> None:
    """Time decisions, and one adaptive scan against the full mechanical one.

    Seconds from a plane to the decision, plane by plane, on simulated nuclei at the
    optics of the model's card; operations, memory, the machine's own rate; and from
    these the seconds of a scan for exposures of 10 to 200 ms and moves of 5 to 100 ms.
    """
    names = _names(estimators)
    sides = _sides(sizes)
    if taken > planes:
        msg = f"--taken {taken}: there are --planes {planes}"
        raise InputError(msg)
    if clock not in _CLOCKS:
        msg = f"--clock {clock!r}: choose of {', '.join(_CLOCKS)}"
        raise InputError(msg)
    if device is not None:
        check_device(device)
    if model is not None:
        check_model(model, "--model")
    if json_file is not None and not json_file.parent.is_dir():
        msg = f"--json {json_file}: there is no folder {json_file.parent}"
        raise InputError(msg)
    for name in names:
        if name in METHODS:
            check_estimator(
                name, model=model if METHODS[name].model else None, device="cpu"
            )
    with busy("loading"):
        from rmz_acquire.atomic_io import replace_json
        from rmz_acquire.benchmark.machine import Clock, idle_share, one_thread
        from rmz_acquire.benchmark.measuring import Asked, measure
        from rmz_acquire.benchmark.speed_table import as_json, as_markdown
        from rmz_acquire.evaluation.tables import place_of, put_table
        from rmz_acquire.models import DEFAULT_MODEL, read_card
    if table is not None:
        place_of(table, MADE_BY)  # before anything runs
    card = read_card(model or DEFAULT_MODEL)
    asked = Asked(
        estimators=names,
        sides_px=sides,
        output_planes=planes,
        z_step_um=card.z_step_um,
        optics=card.optics,
        taken=taken,
        repeats=repeats,
        model=model,
        device=device,
        paper=paper,
    )
    with busy("looking at the machine"):
        share, quiet = idle_share()
    chosen = Clock("wall" if quiet else "cpu") if clock == "auto" else Clock(clock)
    if chosen is Clock.wall and not quiet:
        warn(f"the machine is busy ({share:.0%} of it is free): times are too long")
    with one_thread(chosen is Clock.cpu):
        with flagged({"device": "--device"}):
            found = measure(asked, chosen, share, other=_other, say=_say)
        if check:
            with busy("a scan on the simulated microscope"), microscope_errors():
                from rmz_acquire.experiments.timed_scan import check_scan

                found.checked = check_scan(asked, found)
    text = as_markdown(found)
    console.print(text, soft_wrap=True, markup=False)
    if table is not None:
        put_table(table, text, MADE_BY)
    if json_file is not None:
        replace_json(json_file, as_json(found))


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    wrong = [n for n in names if n not in METHODS and ":" not in n]
    if not names or wrong:
        msg = f"--estimators {text!r}: choose of {', '.join(METHODS)}, or module:Class"
        raise InputError(msg)
    return names


def _sides(text: str) -> tuple[int, ...]:
    try:
        sides = tuple(
            dict.fromkeys(int(side) for side in text.split(",") if side.strip())
        )
    except ValueError:
        sides = ()
    if not sides or min(sides) < 16 or max(sides) > 4096:
        msg = f"--sizes {text!r}: write them as 128,256 (16 to 4096 pixels)"
        raise InputError(msg)
    return sides


def _say(what: str) -> None:
    if stderr.is_terminal:
        stderr.print(what)


def _other(name: str, z_um: Sequence[float], optics: Optics) -> Estimator:
    """One of somebody else's."""
    return estimator_for(name, z_um, optics, model=None, device="cpu", strict=False)
