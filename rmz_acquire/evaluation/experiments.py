"""All experiments by name, and one call that runs them and writes what they found."""

from __future__ import annotations

import csv
import json
import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation import (
    bead_width,
    claims,
    depth_profile,
    objectives,
    plane_count,
    plane_order,
    position_error,
    real_stacks,
    repeats,
    spacing,
    timing,
    uneven,
)
from rmz_acquire.evaluation.figures import save_figure
from rmz_acquire.evaluation.study import Result, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.config import EvaluationConfig

__all__ = ["EXPERIMENTS", "Experiment", "evaluate", "markdown"]


class Experiment(NamedTuple):
    """One experiment: what it is called, how it is run and drawn."""

    title: str
    run: Callable[[Study], Result]
    draw: Callable[[Result, Figure], None]


EXPERIMENTS: dict[str, Experiment] = {
    module.KEY: Experiment(module.TITLE, module.run, module.draw)
    for module in (
        depth_profile,
        bead_width,
        uneven,
        spacing,
        position_error,
        plane_order,
        repeats,
        plane_count,
        claims,
        timing,
        objectives,
        real_stacks,
    )
}
"""In the order in which they run."""


def evaluate(
    config: EvaluationConfig,
    folder: Path,
    *,
    quick: bool = False,
    only: Iterable[str] | None = None,
    on_step: Callable[[str], None] | None = None,
) -> list[Result]:
    """Run experiments and write results.json, a CSV and a figure each, and the table.

    Parameters
    ----------
    config : EvaluationConfig
        What is done.
    folder : Path
        Where results go; made where it is missing.
    quick : bool
        Less of everything.
    only : iterable of str, optional
        Names of experiments; by default all.
    on_step : callable, optional
        Is told what begins.

    Returns
    -------
    list of Result

    Raises
    ------
    InputError
        For an experiment that does not exist, before any runs.
    """
    wanted = list(only) if only else list(EXPERIMENTS)
    names = {key.lower(): key for key in EXPERIMENTS}
    for name in wanted:
        if name.lower() not in names:
            msg = f"no experiment {name!r}: choose from {', '.join(EXPERIMENTS)}"
            raise InputError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(config, config.quick if quick else config.full, on_step=on_step)
    results = []
    for name in wanted:
        key = names[name.lower()]
        experiment = EXPERIMENTS[key]
        result = experiment.run(study)
        _write_csv(folder / f"{key}.csv", result.rows)
        save_figure(result, experiment.draw, folder / f"{key}.png")
        results.append(result)
        # after each, so that a run that is stopped leaves what it found
        _write(folder / "results.json", _json(config, results, quick=quick))
        _write(folder / "table.md", markdown(results, quick=quick))
    return results


def markdown(results: list[Result], *, quick: bool) -> str:
    """Make the table of all experiments.

    Parameters
    ----------
    results : list of Result
        What was found.
    quick : bool
        Whether with less of everything, which the table then says.

    Returns
    -------
    str
        Markdown.
    """
    size = ", quick: few specimens, small pictures, coarse z" if quick else ""
    lines = [
        f"Simulated specimens of held-out seeds{size}. The paper's numbers are in "
        "their own column, **measured on other data**: real worms and beads.",
    ]
    for result in results:
        lines += ["", f"### {result.key}: {result.title}", ""]
        labels = list(dict.fromkeys(k for row in result.summary for k in row["values"]))
        if result.summary:
            head = ["", "unit", *labels, "paper (other data)"]
            lines.append("| " + " | ".join(head) + " |")
            lines.append("|---|---|" + "---:|" * (len(labels) + 1))
        for row in result.summary:
            cells = [_cell(row["values"].get(k), row["digits"]) for k in labels]
            cells = [row["quantity"], row["unit"], *cells, row["paper"] or ""]
            lines.append("| " + " | ".join(cells) + " |")
        if result.missing:
            lines += ["", f"No model, so not shown: {', '.join(result.missing)}."]
        lines += [line for note in result.notes for line in ("", note)]
    return "\n".join(lines) + "\n"


def _cell(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _json(config: EvaluationConfig, results: list[Result], *, quick: bool) -> str:
    found = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "seed": config.seed,
        "device": timing.device_name(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "config": config.model_dump(mode="json"),
        "experiments": {
            r.key: {
                "title": r.title,
                "summary": r.summary,
                "missing": r.missing,
                "notes": r.notes,
            }
            for r in results
        },
    }
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(k for row in rows for k in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
