"""Quality against exposures: what each plane more buys, by estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.figures import curves, legend_beside
from rmz_acquire.evaluation.goals import RELEASED
from rmz_acquire.evaluation.positions import scan_order
from rmz_acquire.evaluation.result import Result, gains_over, over_specimens
from rmz_acquire.evaluation.study import UNTRAINED, by_plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "exposures", "Quality against exposures, planes in the order of a scan"

_NETWORK = RELEASED[0]
"""The one released for the specimen of the set."""


def run(study: Study) -> Result:
    """Mean PSNR and NRMSE of the planes not taken, after so many exposures.

    All estimators get the same planes, in the order in which a scan of at most that
    many takes them, and are compared over the same others. Those that stream go on
    from what they have: one sequence a specimen.
    """
    result = Result(KEY, TITLE)
    size = study.size.exposures
    for name in study.config.sets:
        contenders, missing = study.contenders(name, only=(_NETWORK, *UNTRAINED))
        result.missing += [f"{name}: {m}" for m in missing]
        for seed in study.seeds(size.seeds):
            stack = study.stack(name, seed, side_px=size.side_px, z_every=size.z_every)
            n = len(stack.z_um)
            for who in contenders:
                study.say(f"{KEY} {name} {seed} {who.label}")
                # the most first: fewer are on the way of a sequence
                for m in sorted((m for m in size.planes if m < n), reverse=True):
                    taken = stack.nearest(scan_order(stack.z_um, m))
                    unseen = np.ones(n, dtype=bool)
                    unseen[taken] = False
                    values = by_plane(stack.truth, study.volume(who, stack, taken))
                    result.rows.append(
                        {
                            "set": name,
                            "seed": seed,
                            "planes": m,
                            "estimator": who.label,
                            "psnr_db": float(values["psnr_db"][unseen].mean()),
                            "nrmse": float(values["nrmse"][unseen].mean()),
                        }
                    )
        for who in contenders:
            if who.model is not None:
                low, high = who.model.card.planes
                result.notes.append(
                    f"{name}: {who.label} was trained on {low} to {high} planes."
                )
        _sum_up(result, name)
    return result


def _sum_up(result: Result, name: str) -> None:
    ours = [row for row in result.rows if row["set"] == name]
    for m in sorted({row["planes"] for row in ours}):
        rows = [row for row in ours if row["planes"] == m]
        line = f"{name}, M={m}"
        psnr, nrmse = (over_specimens(rows, key) for key in ("psnr_db", "nrmse"))
        result.sum_up(f"{line}: PSNR", psnr, unit="dB", digits=1, headline=True)
        result.sum_up(f"{line}: NRMSE", nrmse, digits=3)
        gains = gains_over(rows, "psnr_db", "wiener")
        result.sum_up(f"{line}: gain over wiener", gains, unit="dB")


def draw(result: Result, figure: Figure) -> None:
    """PSNR and NRMSE over M, one column a data set."""
    figure.set_size_inches(9, 6)
    sets = list(dict.fromkeys(row["set"] for row in result.rows))
    panels = figure.subplots(2, len(sets), squeeze=False, sharex=True)
    titles = {"psnr_db": "PSNR, dB", "nrmse": "NRMSE"}
    for row, (value, title) in zip(panels, titles.items(), strict=True):
        for axes, name in zip(row, sets, strict=True):
            ours = [each for each in result.rows if each["set"] == name]
            curves(axes, ours, value, "planes")
            axes.set_ylabel(title)
            if value == "psnr_db":
                specimens = len({each["seed"] for each in ours})
                axes.set_title(f"{name}, n = {specimens}", fontsize=8)
            else:
                axes.set_xlabel("exposures, M")
                axes.set_xticks(sorted({each["planes"] for each in ours}))
    legend_beside(figure, panels[0, 0])
