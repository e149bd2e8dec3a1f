"""All experiments by name, and one call that runs them and writes what they found."""

from __future__ import annotations

import csv
import hashlib
import json
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from rmz_acquire.atomic_io import replace_text
from rmz_acquire.benchmark.machine import device_name
from rmz_acquire.errors import InputError
from rmz_acquire.evaluation import (
    bead_width,
    paper_claims,
    real_stacks,
    stopping_study,
    timing,
)
from rmz_acquire.evaluation.acceptance import goals
from rmz_acquire.evaluation.context import Study
from rmz_acquire.evaluation.exposures import EXPOSURES
from rmz_acquire.evaluation.figures import save_figure
from rmz_acquire.evaluation.file_lock import locked
from rmz_acquire.evaluation.objective_study import OBJECTIVES
from rmz_acquire.evaluation.paper_figures import PAPER_FIGURES
from rmz_acquire.evaluation.tables import full_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
    from rmz_acquire.evaluation.result import Result

__all__ = ["EXPERIMENTS", "Experiment", "evaluate"]

RESULTS = "results.json"
_LOCK = ".lock"


class Experiment(NamedTuple):
    """One experiment: what it is called, how it is run and drawn."""

    title: str
    run: Callable[[Study], Result]
    draw: Callable[[Result, Figure], None]


_OTHERS = {
    module.KEY: Experiment(module.TITLE, module.run, module.draw)
    for module in (bead_width, paper_claims, timing, real_stacks, stopping_study)
}
_COMPARISONS = {
    each.key: Experiment(each.title, each.run, each.draw)
    for each in (EXPOSURES, *PAPER_FIGURES, OBJECTIVES)
}
EXPERIMENTS: dict[str, Experiment] = {
    key: (_COMPARISONS | _OTHERS)[key]
    for key in (
        *("exposures", "fig2", "claims", "fig4", "S3", "fig5", "fig6", "fig7", "S1"),
        *("fig3", "timing", "objectives", "real", "stopping"),
    )
}
"""In the order in which they run: those of the same volumes one after the other."""


def evaluate(
    config: EvaluationConfig,
    folder: Path,
    *,
    quick: bool = False,
    only: Iterable[str] | None = None,
    again: bool = False,
    on_step: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Run experiments and write results.json, a CSV and a figure each, and the table.

    What the folder holds of the same evaluation (configuration, size, models, code) is
    kept and not done again, so that one that was stopped goes on. Several processes
    may do parts of one (`only`) in one folder at a time.

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
    again : bool
        Do what was done before once more.
    on_step : callable, optional
        Is told what begins.

    Returns
    -------
    dict
        As in results.json.

    Raises
    ------
    InputError
        For an experiment that does not exist, before any runs.
    """
    names = {key.lower(): key for key in EXPERIMENTS}
    for name in only or ():
        if name.lower() not in names:
            msg = f"no experiment {name!r}: choose from {', '.join(EXPERIMENTS)}"
            raise InputError(msg)
    asked = {names[name.lower()] for name in only or names}
    wanted = [key for key in EXPERIMENTS if key in asked]
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(config, config.quick if quick else config.full, on_step=on_step)
    found = _about(config, quick=quick)
    own: dict[str, dict[str, Any]] = {}
    for done, key in enumerate(wanted):
        # another process may have done it since
        if not again and key in _kept(study, folder, found):
            continue
        experiment = EXPERIMENTS[key]
        study.models_used()
        start = time.process_time()
        result = experiment.run(study)
        _write_csv(folder / f"{key}.csv", result.rows)
        save_figure(result, experiment.draw, folder / f"{key}.png")
        own[key] = {
            "title": result.title,
            "summary": result.summary,
            "missing": result.missing,
            "notes": result.notes,
            "models": study.models_used(),
            "cpu_s": round(time.process_time() - start, 1),
        }
        # after each, so that an evaluation that is stopped goes on there
        left = wanted[done + 1 :] if again else ()
        _write_found(folder, found, study, own, left)
    _write_found(folder, found, study, own)
    return found


def _about(config: EvaluationConfig, *, quick: bool) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "seed": config.seed,
        "device": device_name(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "code_sha256": _code(),
        "config": config.model_dump(mode="json"),
        "experiments": {},
        "budgets": {},
        "goals": [],
    }


def _code(package: Path = Path(__file__).parent.parent) -> str:
    """Of the sources that results depend on, folders within rooms included."""
    digest = hashlib.sha256()
    for room in (
        "optics",
        "networks",
        "reconstruction",
        "simulation",
        "scanning",
        "evaluation",
    ):
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.read_bytes())
    digest.update((package / "methods.py").read_bytes())
    return digest.hexdigest()


def _kept(study: Study, folder: Path, now: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Experiments of the same evaluation that the folder holds, this process's too."""
    try:
        then = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        alike = all(then[k] == now[k] for k in ("quick", "config", "code_sha256"))
        before = dict(then["experiments"]) if alike else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {k: v for k, v in before.items() if _stands(study, folder, k, v)}


def _stands(study: Study, folder: Path, key: str, kept: dict[str, Any]) -> bool:
    """Whether its files and models are still those of then."""
    if not all((folder / f"{key}.{kind}").is_file() for kind in ("csv", "png")):
        return False
    for name, sha256 in kept["models"].items():
        model = study.model(name)
        if (model.sha256 if model else None) != sha256:
            return False
    # stacks may have come since
    return not any("left out" in note for note in kept["notes"])


def _write_found(
    folder: Path,
    found: dict[str, Any],
    study: Study,
    own: dict[str, dict[str, Any]],
    but: Iterable[str] = (),
) -> None:
    """Write what this process did beside what others did in the meantime.

    What is in `but` will be done again: it is left out until then.
    """
    with locked(folder / _LOCK):
        kept = _kept(study, folder, found)
        each = {k: v for k, v in kept.items() if k not in set(but)} | own
        found["experiments"] = {k: each[k] for k in EXPERIMENTS if k in each}
        _write_all(folder, found, study)


def _write_all(folder: Path, found: dict[str, Any], study: Study) -> None:
    used = {name for each in found["experiments"].values() for name in each["models"]}
    seen = {name: study.budget(name) for name in sorted(used)}
    found["budgets"] = {name: each for name, each in seen.items() if each is not None}
    reached = goals({k: v["summary"] for k, v in found["experiments"].items()})
    found["goals"] = [goal.to_dict() for goal in reached]
    text = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    replace_text(folder / RESULTS, text + "\n")
    replace_text(folder / "table.md", full_table(found))
    _write_csv(folder / "goals.csv", found["goals"])


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(k for row in rows for k in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
