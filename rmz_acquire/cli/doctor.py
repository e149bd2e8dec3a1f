"""``rmz-acquire doctor``: whether everything is here that a run stands on."""

from __future__ import annotations

import logging

import typer

from rmz_acquire.cli.console import console

__all__ = ["doctor"]

_MARKS = {
    "ok": "[green]ok    [/]",
    "absent": "[yellow]absent[/]",
    "wrong": "[red]wrong [/]",
}


def doctor() -> None:
    """Check adapters, a snap, torch, Qt and the models: ok, or what to type.

    Exits with 1 if something is wrong; parts that are only absent (Qt, training) do not
    count.
    """
    from rich.markup import escape

    from rmz_acquire.doctor import examine

    # what the parts have to say is in the findings
    logging.getLogger("pymmcore-plus").setLevel(logging.CRITICAL)
    wrong = 0
    for finding in examine():
        wrong += finding.status == "wrong"
        mark = _MARKS[finding.status]
        console.print(
            f"{mark} {finding.part:20} {escape(finding.detail)}", soft_wrap=True
        )
        if finding.remedy:
            console.print(f"{'':28}type: {escape(finding.remedy)}", soft_wrap=True)
    if wrong:
        console.print(f"{wrong} to fix" if wrong > 1 else "one thing to fix")
        raise typer.Exit(1)
    console.print("all is well: rmz-acquire demo")
