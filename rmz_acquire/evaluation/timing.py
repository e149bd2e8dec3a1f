"""Methods 4.3: how long the volumes take, and on what."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.benchmark.machine import device_name
from rmz_acquire.evaluation.figures import by_group, labels_of, panels
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Result

if TYPE_CHECKING:
    from rmz_acquire.evaluation.context import Study
    from rmz_acquire.evaluation.held_out import HeldOut
    from rmz_acquire.scanning import Estimator

KEY, TITLE = "timing", "Time for 101 × 256² and for one plane of 1024²"


def time_planes(
    estimator: Estimator, stack: HeldOut, side_px: int, planes: int
) -> list[float]:
    """Seconds that each of several planes takes.

    Parameters
    ----------
    estimator : Estimator
        Fresh.
    stack : HeldOut
        Whose planes it sees, mirrored as far as needed. Noise would be explained at
        once, and take a third of the time.
    side_px : int
        Of the pictures.
    planes : int
        How many, evenly spread over its grid.

    Returns
    -------
    list of float
        s, plane by plane.
    """
    z = estimator.z_um
    spent = []
    for i in even_positions(len(z), planes):
        seen = stack.counts[stack.nearest([float(z[i])])[0], :side_px, :side_px]
        more = [(0, side_px - n) for n in seen.shape]
        picture = np.pad(seen, more, mode="symmetric")
        start = time.perf_counter()
        estimator.add(picture, float(z[i]))
        spent.append(time.perf_counter() - start)
    return spent


def run(study: Study) -> Result:
    """Time the estimators on simulated beads.

    Networks make plane by plane, so that some tell of all. The others make a volume at
    once: the whole is timed, its tables apart.
    """
    result = Result(KEY, TITLE)
    contenders, result.missing = study.contenders("neurons")
    optics = study.dataset("neurons").optics
    size, large = study.size.timing_planes, study.size.timing_side_px
    stack = study.stack("beads", study.seeds()[0])  # something in every part of it
    small = min(256, large)
    for n, side, of, titled in ((size, small, 101, 256), (2, large, 1, 1024)):
        for who in contenders:
            study.say(f"{KEY} {side}² {who.label}")
            at_once = who.model is None
            z = np.linspace(-5, 5, max(2, of if at_once else n))
            if at_once:
                time_planes(who.fresh(z, optics), stack, side, 1)
            each = time_planes(who.fresh(z, optics), stack, side, 3)
            multiplied = 1 if at_once else of / len(z)
            result.rows += [
                {
                    "estimator": who.label,
                    "volume": f"{of} × {titled}²",
                    "planes": m,
                    "seconds": sum(each[:m]) * multiplied * (titled / side) ** 2,
                    "measured_planes": len(z),
                }
                for m in (2, 3)
            ]
    for volume in labels_of(result.rows, "volume"):
        for m in (2, 3):
            values = {
                r["estimator"]: r["seconds"]
                for r in result.rows
                if r["volume"] == volume and r["planes"] == m
            }
            result.sum_up(
                f"{volume}, M={m}", values, unit="s", digits=2, headline=m == 3
            )
    result.notes.append(f"Measured on: {device_name()}.")
    for titled, side in ((256, small), (1024, large)):
        if side != titled:
            result.notes.append(f"{titled}²: {side}² was timed, and multiplied.")
    if size < 101:
        result.notes.append(
            f"101 planes: of networks {size} were timed, and multiplied."
        )
    result.notes.append(
        "1 × 1024²: what is no network made two planes 10 µm apart, at once."
    )
    return result


draw = panels(
    partial(by_group, named="{volume}, M={planes}"),
    {"seconds": "time, s"},
    logarithmic="seconds",
    empty="nothing to time",
)
