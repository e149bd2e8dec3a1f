"""Fig. S1: one to ten input planes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.figures import curves, legend_beside
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Result, over_specimens
from rmz_acquire.evaluation.study import by_plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "S1", "One to ten input planes, evenly spread (neurons)"


def run(study: Study) -> Result:
    """PSNR of the unmeasured planes, and the time to make the volume."""
    result = Result(KEY, TITLE)
    contenders, result.missing = study.contenders("neurons")
    counts = study.size.planes
    for seed in study.seeds(1):
        stack = study.stack("neurons", seed)
        n = len(stack.z_um)
        for m in (m for m in counts if m < n):
            taken = [int(i) for i in even_positions(n, m)]
            unseen = np.ones(n, dtype=bool)
            unseen[taken] = False
            for who in contenders:
                study.say(f"{KEY} {seed} M={m} {who.label}")
                estimator = who.fresh(stack.z_um, stack.optics)
                start = time.perf_counter()
                made = estimator.add_all(stack.counts[taken], stack.z_um[taken])
                seconds = time.perf_counter() - start
                error = by_plane(stack.truth, made)["psnr_db"][unseen]
                result.rows.append(
                    {
                        "seed": seed,
                        "planes": m,
                        "estimator": who.label,
                        "psnr_db": float(error.mean()),
                        "seconds": seconds,
                    }
                )
    for m in (1, 3, 5, 10):
        rows = [r for r in result.rows if r["planes"] == m]
        for value, unit, digits in (("psnr_db", "dB", 1), ("seconds", "s", 2)):
            what = "PSNR" if value == "psnr_db" else "time for all planes"
            mean = over_specimens(rows, value)
            result.sum_up(
                f"M={m}: {what}",
                mean,
                unit=unit,
                digits=digits,
                headline=value == "psnr_db",
            )
    return result


def draw(result: Result, figure: Figure) -> None:
    """PSNR and time over M."""
    panels = figure.subplots(1, 2)
    for axes, value in zip(panels, ("psnr_db", "seconds"), strict=True):
        curves(axes, result.rows, value, "planes")
        axes.set_xlabel("planes, M")
    panels[0].set_ylabel("PSNR, dB")
    panels[1].set_ylabel("time, s")
    panels[1].set_yscale("log")
    legend_beside(figure, panels[0])
