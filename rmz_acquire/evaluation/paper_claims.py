"""The paper's claims: depth of field gained, exposures saved at equal quality."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.context import by_plane
from rmz_acquire.evaluation.figures import by_group, labels_of, panels
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Result, over_specimens

if TYPE_CHECKING:
    from rmz_acquire.evaluation.context import Contender, Study
    from rmz_acquire.evaluation.held_out import HeldOut

KEY, TITLE = "claims", "Depth of field gained and exposures saved, M = 3"


def run(study: Study) -> Result:
    """Both factors, by data set.

    Depth of field: the length of z over which a plane is made with at least the PSNR
    that a taken plane has half a depth of field away, over the depth of field.
    Exposures: how many evenly spread planes `linear` needs for the same PSNR over the
    planes that three inputs leave unmeasured, over three.
    """
    result = Result(KEY, TITLE)
    for name in study.config.sets:
        contenders, missing = study.contenders(name)
        result.missing += [f"{name}: {m}" for m in missing]
        linear = next(who for who in contenders if who.label == "linear")
        for seed in study.seeds():
            stack = study.stack(name, seed)
            taken = stack.nearest(study.inputs_um(name))
            unseen = np.ones(len(stack.z_um), dtype=bool)
            unseen[taken] = False
            enough = _in_focus_db(stack, taken)
            curve = _linear_curve(study, stack, linear)
            for who in contenders:
                study.say(f"{KEY} {name} {seed} {who.label}")
                values = by_plane(stack.truth, study.volume(who, stack, taken))
                good = values["psnr_db"] >= enough
                good[taken] = True
                length = float(good.sum() * (stack.z_um[1] - stack.z_um[0]))
                error = np.sqrt(np.mean(values["rmse"][unseen] ** 2))
                needed = next((m for m, e in curve if e <= error), len(stack.z_um))
                result.rows.append(
                    {
                        "set": name,
                        "seed": seed,
                        "estimator": who.label,
                        "depth_of_field_gain": length / stack.optics.depth_of_field_um,
                        "linear_planes_needed": needed,
                        "exposures_saved": needed / len(taken),
                    }
                )
        _sum_up(study, result, name)
    result.notes.append(
        "The paper's 30 stands in its abstract: its full scans over the planes that it "
        "took. Its factor of the depth of field, about 50 by a criterion of its own, "
        "stands in the abstract of the patent on it, US 11,915,360."
    )
    return result


def _sum_up(study: Study, result: Result, name: str) -> None:
    rows = [r for r in result.rows if r["set"] == name]
    data = study.dataset(name)
    full = (round(data.z_range_um / data.z_step_um) + 1) / 3
    for key, what, paper in (
        ("depth_of_field_gain", "depth of field gained", "≈50"),
        ("exposures_saved", "exposures saved against linear", None),
    ):
        mean = over_specimens(rows, key)
        result.sum_up(
            f"{name}: {what}", mean, unit="×", paper=paper, digits=1, headline=True
        )
    result.sum_up(
        f"{name}: planes of the full scan over the 3 taken",
        dict.fromkeys(labels_of(rows), full),
        unit="×",
        paper="30",
        digits=0,
        headline=True,
    )


def _in_focus_db(stack: HeldOut, taken: list[int]) -> float:
    """PSNR of a taken plane against the truth half a depth of field away."""
    step = float(stack.z_um[1] - stack.z_um[0])
    away = max(1, round(stack.optics.depth_of_field_um / 2 / step))
    values = []
    for i in taken:
        for j in (i - away, i + away):
            if 0 <= j < len(stack.truth):
                moved = stack.truth.copy()
                moved[j] = stack.counts[i]
                values.append(float(by_plane(stack.truth, moved)["psnr_db"][j]))
    return float(np.mean(values))


def _linear_curve(
    study: Study, stack: HeldOut, linear: Contender
) -> list[tuple[int, float]]:
    """RMSE of linear interpolation over the planes not taken, by number of planes."""
    curve, n = [], len(stack.z_um)
    for m in range(3, n):
        taken = [int(i) for i in even_positions(n, m)]
        unseen = np.ones(n, dtype=bool)
        unseen[taken] = False
        error = by_plane(stack.truth, study.volume(linear, stack, taken))["rmse"]
        curve.append((m, float(np.sqrt(np.mean(error[unseen] ** 2)))))
        if m >= 30:
            break
    return curve


draw = panels(
    partial(by_group, named="{set}"),
    {
        "depth_of_field_gain": "depth of field, × the objective's",
        "exposures_saved": "planes that linear needs, × those taken",
    },
)
