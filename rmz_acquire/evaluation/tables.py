"""What was found as Markdown: all of it, and a short form for a page of results."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from rmz_acquire.atomic_io import replace_text
from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.acceptance import COMPARED, goals
from rmz_acquire.evaluation.result import in_order

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.evaluation.acceptance import Goal

__all__ = [
    "BEGIN",
    "END",
    "full_table",
    "place_of",
    "put_figures",
    "put_table",
    "short_table",
]

BEGIN = "<!-- made by rmz-acquire evaluate --table, from here -->"
END = "<!-- to here -->"

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
    return _pages(found)


def short_table(found: dict[str, Any], figures: str | None = None) -> str:
    """Make the same of a line or two of each experiment, for people to read.

    Parameters
    ----------
    found : dict
        What stands in results.json.
    figures : str, optional
        Folder of the figures, as seen from the file that the table is for.

    Returns
    -------
    str
        Markdown.
    """
    return _pages(found, short=True, figures=figures)


def _pages(
    found: dict[str, Any], *, short: bool = False, figures: str | None = None
) -> str:
    lines = [_about(found), *_goals(goals(_summaries(found)), "###"), *_budgets(found)]
    for key, each in found["experiments"].items():
        summary = [row for row in each["summary"] if row["headline"] or not short]
        lines += ["", f"### {key}: {each['title']}"]
        if figures is not None:
            lines += ["", f"![{each['title']}]({figures}/{key}.png)"]
        labels = in_order(k for row in summary for k in row["values"])
        paper = [_PAPER] * any(row["paper"] for row in summary)
        if summary:
            lines += ["", *_head(["", "unit", "specimens"], [*labels, *paper])]
        for row in summary:
            left = row["quantity"], row["unit"], _specimens(row)
            cells = [_cell(row, label) for label in labels]
            lines.append(_row(*left, *cells, *([row["paper"] or ""] * len(paper))))
        if each["missing"]:
            lines += ["", f"No model, so not shown: {', '.join(each['missing'])}."]
        lines += [line for note in each["notes"] for line in ("", note)]
    return "\n".join(lines) + "\n"


def place_of(path: Path, begin: str = BEGIN) -> tuple[str, str]:
    """Find what stands before and after the table of a file.

    Parameters
    ----------
    path : Path
        A Markdown file that holds `begin` and, below, `END`.
    begin : str
        The first mark.

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
    before, found, rest = text.partition(begin)
    _, end, after = rest.partition(END)
    if not found or not end:
        msg = f"{path} has no place for the table: put the lines {begin} and {END}"
        raise InputError(msg)
    return before + found, end + after


def put_table(path: Path, table: str, begin: str = BEGIN) -> None:
    """Replace what stands between the two marks of a file.

    Parameters
    ----------
    path, begin
        As of `place_of`, which tells what may be raised.
    table : str
        What to put there.
    """
    before, after = place_of(path, begin)
    replace_text(path, f"{before}\n{table}{after}")


def put_figures(path: Path, found: dict[str, Any], folder: Path) -> str:
    """Copy the figures of an evaluation to beside a Markdown file.

    Parameters
    ----------
    path : Path
        The Markdown file.
    found : dict
        What stands in results.json.
    folder : Path
        That of the evaluation.

    Returns
    -------
    str
        That which they are in now, as seen from the file: its name without ``.md``.
    """
    beside = path.with_suffix("")
    beside.mkdir(exist_ok=True)
    for key in found["experiments"]:
        shutil.copyfile(folder / f"{key}.png", beside / f"{key}.png")
    return beside.name


def _summaries(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {key: each["summary"] for key, each in found["experiments"].items()}


def _about(found: dict[str, Any]) -> str:
    size = ", quick: few specimens, small pictures, coarse z" if found["quick"] else ""
    return (
        f"Simulated specimens of held-out seeds from {found['seed']}{size}; made on "
        f"{found['date'][:10]} by {found['device']}. Means over specimens, of the mean "
        "of each, ± their standard error. The paper's numbers stand in a "
        "column of their own and were **measured on other data**: its worms and beads."
    )


def _budgets(found: dict[str, Any]) -> list[str]:
    """What every network had seen, as its card says: no two were trained alike."""
    if not found.get("budgets"):
        return []
    shown: dict[str, dict[str, None]] = {}
    for name, data in found["config"]["sets"].items():
        for label, entry in data["models"].items():
            shown.setdefault(entry["model"], {})[f"{label} ({name})"] = None
    lines = ["", "### What the networks had seen", ""]
    lines += _head(["model", "shown as"], ["steps", "sequences", "specimens", ""])
    for name, seen in found["budgets"].items():
        numbers = (str(seen[key]) for key in ("steps", "sequences", "specimens"))
        lines.append(_row(name, ", ".join(shown.get(name, {})), *numbers, seen["note"]))
    return lines


def _goals(reached: list[Goal], level: str) -> list[str]:
    """Those of the released models, then the paper's network held against the same."""
    lines: list[str] = []
    for compared in (False, True):
        part = [goal for goal in reached if goal.compared is compared]
        if not part:
            continue
        what = f"{COMPARED} as in the paper, to compare with" if compared else "Goals"
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


def _cell(line: dict[str, Any], label: str) -> str:
    """Give a value of a line of the table, with its error where it has one."""
    value, error = line["values"].get(label), line["errors"].get(label)
    digits = line["digits"]
    if value is None:
        return "–"
    bar = "" if error is None else f" ± {error:.{digits}f}"
    return f"{value:.{digits}f}{bar}"


def _specimens(line: dict[str, Any]) -> str:
    """How many specimens a line is the mean of; nothing where it is none."""
    found = sorted(set(line["specimens"].values()))
    return f"n = {' to '.join(str(n) for n in found[:1] + found[1:][-1:])}" * bool(
        found
    )
