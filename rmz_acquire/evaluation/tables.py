"""What was found as Markdown: all of it, and a short table for a README."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.goals import COMPARED, goals

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.evaluation.goals import Goal

__all__ = [
    "BEGIN",
    "END",
    "full_table",
    "place_of",
    "put_table",
    "short_table",
    "write_whole",
]

BEGIN = "<!-- made by rmz-acquire evaluate --table, from here -->"
END = "<!-- to here -->"

_USUAL = (
    "Recurrent-MZ",
    "Recurrent-MZ on wiener",
    "widefield",
    "Deep-Z",
    "3D U-Net",
    "richardson-lucy",
    "wiener",
    "linear",
    "nearest",
)
"""Columns of the short table."""

_PAPER = "paper, measured on other data"


def full_table(found: dict[str, Any]) -> str:
    """Make the table of all experiments.

    Parameters
    ----------
    found : dict
        What stands in results.json.

    Returns
    -------
    str
        Markdown.
    """
    lines = [_about(found), *_goals(goals(_summaries(found)), "###")]
    for key, each in found["experiments"].items():
        summary = each["summary"]
        lines += ["", f"### {key}: {each['title']}", ""]
        labels = list(dict.fromkeys(k for row in summary for k in row["values"]))
        if summary:
            lines += _head(["", "unit"], [*labels, _PAPER])
        for row in summary:
            cells = [_cell(row["values"].get(k), row["digits"]) for k in labels]
            lines.append(_row(row["quantity"], row["unit"], *cells, row["paper"] or ""))
        if each["missing"]:
            lines += ["", f"No model, so not shown: {', '.join(each['missing'])}."]
        lines += [line for note in each["notes"] for line in ("", note)]
    return "\n".join(lines) + "\n"


def short_table(found: dict[str, Any]) -> str:
    """Make the table for a README: the goals, and a line or two of each experiment.

    Parameters
    ----------
    found : dict
        What stands in results.json.

    Returns
    -------
    str
        Markdown.
    """
    lines = [_about(found), ""]
    rows = [
        (key, line)
        for key, each in found["experiments"].items()
        for line in each["summary"]
        if line["headline"]
    ]
    here = {k for _, line in rows for k, v in line["values"].items() if v is not None}
    labels = [k for k in _USUAL if k in here]
    lines += _head(["", "", "unit"], [*labels, _PAPER])
    others: list[str] = []
    for key, line in rows:
        values, digits = line["values"], line["digits"]
        cells = [_cell(values.get(k), digits) for k in labels]
        quantity, unit = line["quantity"], line["unit"]
        lines.append(_row(key, quantity, unit, *cells, line["paper"] or ""))
        more = [f"{k} {_cell(v, digits)}" for k, v in values.items() if k not in _USUAL]
        if more:
            others.append(f"- {key}, {quantity}, {unit}: {', '.join(more)}")
    if others:
        lines += ["", "Beside these:", "", *others]
    absent = dict.fromkeys(
        name for each in found["experiments"].values() for name in each["missing"]
    )
    if absent:
        lines += ["", f"No model, so not shown: {', '.join(absent)}."]
    lines += _goals(goals(_summaries(found)), "###")
    return "\n".join(lines) + "\n"


def place_of(path: Path) -> tuple[str, str]:
    """Find what stands before and after the table of a file.

    Parameters
    ----------
    path : Path
        A Markdown file that holds `BEGIN` and, below, `END`.

    Returns
    -------
    (str, str)
        Up to the first mark, and from the second.

    Raises
    ------
    InputError
        Where the file or its marks are missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        msg = f"cannot put the table into {path}: {reason}"
        raise InputError(msg) from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        msg = f"{path} has no place for the table: put the lines {BEGIN} and {END}"
        raise InputError(msg)
    return before + begin, end + after


def put_table(path: Path, table: str) -> None:
    """Replace what stands between the two marks of a file.

    Parameters
    ----------
    path : Path
        As of `place_of`, which tells what may be raised.
    table : str
        What to put there.
    """
    before, after = place_of(path)
    write_whole(path, f"{before}\n{table}{after}")


def write_whole(path: Path, text: str) -> None:
    """Write a file that is whole or as it was.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        UTF-8.
    """
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _summaries(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {key: each["summary"] for key, each in found["experiments"].items()}


def _about(found: dict[str, Any]) -> str:
    size = ", quick: few specimens, small pictures, coarse z" if found["quick"] else ""
    return (
        f"Simulated specimens of held-out seeds from {found['seed']}{size}; made on "
        f"{found['date'][:10]} by {found['device']}. The paper's numbers stand in a "
        "column of their own and were **measured on other data**: its worms and beads."
    )


def _goals(reached: list[Goal], level: str) -> list[str]:
    """Those of the released models, then the paper's network held against the same."""
    lines: list[str] = []
    for compared in (False, True):
        part = [goal for goal in reached if goal.compared is compared]
        if not part:
            continue
        what = f"{COMPARED} as in the paper, not released" if compared else "Goals"
        lines += ["", f"{level} {what}: {sum(g.met for g in part)} of {len(part)} met"]
        lines += ["", *_head(["goal", "", "estimator"], ["measured", "met"])]
        lines += [_goal(goal) for goal in part]
    return lines


def _goal(goal: Goal) -> str:
    measured = f"{goal.measured:+.2f} {goal.unit}".strip()
    if not goal.unit:
        measured = f"{goal.measured:.3f} (limit {goal.limit:.3f})"
    met = "yes" if goal.met else "**no**"
    return _row(goal.goal, goal.experiment, goal.estimator, measured, met)


def _head(left: list[str], right: list[str]) -> list[str]:
    return [_row(*left, *right), "|---" * len(left) + "|---:" * len(right) + "|"]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
