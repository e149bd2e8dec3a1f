"""Find the limits of the misfit on specimens that fit, and try them on what does not.

python scripts/model_misfit.py calibrate 2 found.json   # 2 specimens of each kind
python scripts/model_misfit.py try 1 found.json         # others, and every other case
python scripts/model_misfit.py table found.json         # limits and rates, as Markdown
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from rmz_acquire.evaluation.model_misfit import (
    CASES,
    FITTING,
    Found,
    alarms,
    limits_of,
    look,
)
from rmz_acquire.evaluation.specimen_families import FAMILIES
from rmz_acquire.scanning.model_fit import LIMITS

ALPHA = 0.05
_SEEDS = {"calibrate": 40_000, "try": 50_000}
"""The first one: no specimen is in two of them, or anywhere else."""
_OWN = ("dark", "textures", "cloud", "layer")
_SOME = ("nuclei", "filaments", "beads")
"""Families on which what does not fit is tried."""

Lines = dict[str, dict[str, list[list[float]]]]


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
        for name, case in FITTING.items():
            for family in FAMILIES:
                _note(found, f"{what}: fits", look(case, family, seed, LIMITS))
            path.write_text(json.dumps(found), "utf-8")
            sys.stderr.write(f"{seed} {name}\n")
        if what != "try":
            continue
        for family in _SOME:
            for name, case in CASES.items():
                if case.made_by in _OWN and family != _SOME[0]:
                    continue
                _note(found, name, look(case, family, seed, LIMITS))
                path.write_text(json.dumps(found), "utf-8")
                sys.stderr.write(f"{seed} {name}\n")


def _note(found: Lines, name: str, seen: dict[str, Found]) -> None:
    for estimator, one in seen.items():
        row = [one.unexplained, one.over_interpolation]
        found.setdefault(estimator, {}).setdefault(name, []).append(row)


def _table(found: Lines) -> list[str]:
    lines = []
    for estimator, cases in found.items():
        seen = {name: [Found(*row) for row in rows] for name, rows in cases.items()}
        limit = limits_of(seen["calibrate: fits"], ALPHA)
        lines += [
            f"{estimator}: limits {limit.unexplained:.3f} and "
            f"{limit.over_interpolation:.3f}, of {len(seen['calibrate: fits'])} scans",
            "",
            "| case | told | scans | unexplained | over interpolation |",
            "| --- | --- | --- | --- | --- |",
        ]
        for name in ("try: fits", *CASES):
            rows = seen.get(name, [])
            if not rows:
                continue
            middle = [
                sorted(getattr(row, key) for row in rows)[len(rows) // 2]
                for key in ("unexplained", "over_interpolation")
            ]
            lines.append(
                f"| {name.removeprefix('try: ')} | {alarms(rows, limit)} | {len(rows)} "
                f"| {middle[0]:.3f} | {middle[1]:.2f} |"
            )
        lines.append("")
    return lines


if __name__ == "__main__":
    main()
