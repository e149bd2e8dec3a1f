"""How many planes each policy needs for an error, on the same specimens.

Every policy scans to the most planes; what counts is after how many of them the volume
is as good as is asked for. Beside them, as many evenly spread planes as it takes: their
median is the number that does for half of all specimens, their 90th percentile the one
that does for nine in ten, and whoever fixes the number beforehand needs the latter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rmz_acquire.evaluation.metrics import nrmse, planes_not_taken
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.scan_traces import trace_scan
from rmz_acquire.scanning import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.evaluation.held_out import HeldOut
    from rmz_acquire.evaluation.result import Result
    from rmz_acquire.reconstruction.base import VolumeEstimator
    from rmz_acquire.scanning import ScanPlan

__all__ = ["EVEN", "Needed", "compare", "even_error", "needed_by"]

EVEN = "uniform, best M"
"""Label of the evenly spread planes."""


class Needed(NamedTuple):
    """Planes that a specimen needs, by policy.

    Parameters
    ----------
    estimator : str
        That made the volumes.
    family : str
        Of the specimen.
    seed : int
        Of the specimen.
    planes : dict of str to int
        By policy, and `EVEN`.
    """

    estimator: str
    family: str
    seed: int
    planes: dict[str, int]


def needed_by(
    stack: HeldOut,
    plan: ScanPlan,
    make: Callable[[NDArray[np.float64]], VolumeEstimator],
    target_nrmse: float,
    *,
    specimen: str,
) -> dict[str, int]:
    """Planes after which the volume of a specimen is good enough.

    Parameters
    ----------
    stack : HeldOut
        Of the specimen.
    plan : ScanPlan
        Of the scans, with any policy.
    make : callable
        Makes a fresh estimator of a grid, (Z,) µm.
    target_nrmse : float
        What is good enough.
    specimen : str
        To be named where a scan fails.

    Returns
    -------
    dict of str to int
        By policy; `EVEN` for evenly spread planes. All planes where fewer never do.
    """
    found = {}
    for policy in POLICIES:
        if policy == "uniform":
            continue  # its best number, below
        trace = trace_scan(
            stack.counts,
            stack.truth,
            plan.model_copy(update={"policy": policy}),
            make,
            specimen=specimen,
            family="",
            enough=target_nrmse,
        )
        # without candidates there is nothing that could disagree
        if policy != "disagreement" or trace.taken[-1].disagreement is not None:
            found[policy] = len(trace.taken)
    every = len(stack.z_um)
    found[EVEN] = next(
        (
            m
            for m in range(plan.first_planes, every)
            if even_error(stack, make, m) <= target_nrmse
        ),
        every,
    )
    return found


def even_error(
    stack: HeldOut, make: Callable[[NDArray[np.float64]], VolumeEstimator], m: int
) -> float:
    """NRMSE of the volume of m evenly spread planes, over the others."""
    taken = even_positions(len(stack.z_um), m)
    volume = make(stack.z_um).add_all(stack.counts[taken], stack.z_um[taken])
    unseen = planes_not_taken(stack.z_um.tolist(), stack.z_um[taken].tolist())
    return nrmse(stack.truth, volume, unseen) or 0.0


def compare(result: Result, needed: Sequence[Needed], target_nrmse: float) -> None:
    """Add the lines of a table, and its rows, to a result.

    Parameters
    ----------
    result : Result
        Is added to.
    needed : sequence of Needed
        Of every specimen and estimator.
    target_nrmse : float
        To be named.
    """
    for estimator in dict.fromkeys(each.estimator for each in needed):
        of = [each for each in needed if each.estimator == estimator]
        labels = list(dict.fromkeys(p for each in of for p in each.planes))
        by = {p: [each.planes[p] for each in of if p in each.planes] for p in labels}
        title = f"{estimator}, {len(of)} specimens: planes for NRMSE {target_nrmse:g}"
        for name, part in (("median", 50), ("90th percentile", 90)):
            values = {p: float(np.percentile(by[p], part)) for p in labels}
            result.sum_up(f"{title}, {name}", values, digits=1, headline=True)
        for family in dict.fromkeys(each.family for each in of):
            kind = [each.planes for each in of if each.family == family]
            mean = {p: float(np.mean([each[p] for each in kind])) for p in labels}
            result.sum_up(f"{estimator}, {family}: planes", mean, digits=1)
        for each in of:
            for policy, planes in each.planes.items():
                result.rows.append(
                    {
                        "set": each.family,
                        "seed": each.seed,
                        "estimator": estimator,
                        "policy": policy,
                        "planes": planes,
                    }
                )
