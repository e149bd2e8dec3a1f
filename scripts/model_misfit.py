"""Find the limits of the misfit on specimens that fit, and try them on what does not.

python scripts/model_misfit.py calibrate 3 found.json   # 3 specimens of each kind
python scripts/model_misfit.py try 5 found.json         # others, and every other case
python scripts/model_misfit.py table found.json         # limits and rates, as Markdown
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

import torch

from rmz_acquire.evaluation.model_misfit import (
    CASES,
    FITTING,
    Case,
    Found,
    alarms,
    limits_of,
    look,
)
from rmz_acquire.evaluation.specimen_families import FAMILIES
from rmz_acquire.scanning.model_fit import LIMITS, FitLimit

ALPHA = 0.05
_SEEDS = {"calibrate": 40_000, "try": 50_000}
"""The first one: no specimen is in two of them, or anywhere else."""
_OWN = ("dark", "textures", "cloud", "layer")
_SOME = ("nuclei", "filaments", "beads")
"""Families on which what does not fit is tried."""

Lines = dict[str, dict[str, dict[str, list[list[float]]]]]
"""By estimator, case and family: both numbers of each scan."""


def main() -> None:
    """Do what the first word says."""
    torch.set_num_threads(1)
    what, path = sys.argv[1], Path(sys.argv[-1])
    found: Lines = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if what == "table":
        sys.stdout.write("\n".join(_table(found)) + "\n")
        return
    first, number = _SEEDS[what], int(sys.argv[2])
    for seed in range(first, first + number):
        for name, case, family in _scans(what):
            for estimator, one in look(case, family, seed, LIMITS).items():
                of = found.setdefault(estimator, {}).setdefault(name, {})
                row = [one.unexplained, one.over_interpolation]
                of.setdefault(family, []).append(row)
            path.write_text(json.dumps(found), "utf-8")
            sys.stderr.write(f"{seed} {name}, {family}\n")


def _scans(what: str) -> list[tuple[str, Case, str]]:
    """Name, case and family of the scans of one seed."""
    fit = [
        (f"{what}: {name}", case, family)
        for name, case in FITTING.items()
        for family in FAMILIES
    ]
    if what == "calibrate":
        return fit
    return fit + [
        (name, case, family)
        for name, case in CASES.items()
        for family in (_SOME[:1] if case.made_by in _OWN else _SOME)
    ]


def _table(found: Lines) -> list[str]:
    lines = []
    for estimator, cases in found.items():
        calibrated = [
            Found(*row)
            for name in FITTING
            for rows in cases.get(f"calibrate: {name}", {}).values()
            for row in rows
        ]
        if calibrated:
            limit = limits_of(calibrated, ALPHA)
            lines.append(
                f"{estimator}: limits {limit.unexplained:.3f} and "
                f"{limit.over_interpolation:.3f}, of {len(calibrated)} scans"
            )
    heads = ["case", *(f"`{name}`" for name in found), "$u$", "$g$"]
    lines += ["", _row(heads), _row(["---"] * len(heads))]
    told = {estimator: _told(cases) for estimator, cases in found.items()}
    for name in next(iter(told.values())):
        seen = {key: each[name] for key, each in told.items()}
        lines.append(
            _row(
                [
                    name,
                    *(_rate(of, LIMITS[key]) for key, of in seen.items()),
                    ", ".join(_middle(of, "unexplained") for of in seen.values()),
                    _middle(next(iter(seen.values())), "over_interpolation"),
                ]
            )
        )
    return lines


def _told(cases: dict[str, dict[str, list[list[float]]]]) -> dict[str, list[Found]]:
    """What was tried, by case: of three families a case each; all that fits is one."""
    told: dict[str, list[Found]] = {}
    for name in (*(f"try: {name}" for name in FITTING), *CASES):
        for family, rows in cases.get(name, {}).items():
            key = f"{name}, {family}"
            if name.startswith("try: "):
                key = "optics that fit"
            elif CASES[name].made_by in _OWN:
                key = name
            told.setdefault(key, []).extend(Found(*row) for row in rows)
    return told


def _rate(seen: list[Found], limit: FitLimit) -> str:
    return f"{alarms(seen, limit)} of {len(seen)}"


def _middle(seen: list[Found], name: str) -> str:
    return f"{median(getattr(one, name) for one in seen):.3f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
