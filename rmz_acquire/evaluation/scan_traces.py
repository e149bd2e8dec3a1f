"""What scans of dense stacks saw and how good they were, plane by plane.

Every stack is scanned once, to the most planes that the plan allows, with a rule that
never stops. What any threshold would have done is then read off: the planes, and all
that a rule looks at, are the same up to where it stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.metrics import nrmse, planes_not_taken
from rmz_acquire.scanning import Plane, Scan, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning import Observation, ScanPlan
    from rmz_acquire.scanning.protocols import Estimator, StopRule

__all__ = ["Trace", "trace_scan"]


@dataclass(frozen=True, slots=True)
class Trace:
    """One scan to its most planes.

    Parameters
    ----------
    specimen : str
        What was scanned: crops of one specimen have one name.
    family : str
        What kind of specimen it is.
    taken : tuple of Observation
        What a stop rule sees, of every plane.
    nrmse : tuple of float
        Of the volume after each plane, over the planes not taken by then; 0 where
        all are taken, and where there is nothing to be seen; infinite where the scan
        made no volume, as on regions.
    """

    specimen: str
    family: str
    taken: tuple[Observation, ...]
    nrmse: tuple[float, ...]


class _Looking:
    """A rule that looks on, until every other one has stopped once."""

    def __init__(self, others: Sequence[StopRule]) -> None:
        self.taken: tuple[Observation, ...] = ()
        self._left = list(others)
        self._ends = bool(others)

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        self.taken = tuple(taken)
        self._left = [one for one in self._left if not one.judge(taken).converged]
        return Verdict(self._ends and not self._left, "nobody asks for more")


def trace_scan(
    counts: NDArray[Any],
    truth: NDArray[Any],
    plan: ScanPlan,
    make: Callable[[NDArray[np.float64]], Estimator],
    *,
    specimen: str,
    family: str,
    until: Sequence[StopRule] = (),
    enough: float | None = None,
) -> Trace:
    """Scan a dense stack to the most planes of a plan.

    Parameters
    ----------
    counts : ndarray, (Z, Y, X)
        What the camera gives at every z of the plan's grid.
    truth : ndarray, (Z, Y, X)
        What the volume is compared with, counts.
    plan : ScanPlan
        The scan's.
    make : callable
        Makes a fresh estimator of a grid, (Z,) µm.
    specimen, family : str
        As of `Trace`.
    until : sequence of StopRule
        It ends earlier where each of these has stopped; by default it does not.
    enough : float, optional
        NRMSE at which it ends, too.

    Returns
    -------
    Trace

    Raises
    ------
    RuntimeError
        If the scan fails on the way.
    """
    grid, rule = np.asarray(plan.z_um), _Looking(until)
    scan = Scan(plan, make(grid), rule=rule)
    errors: list[float] = []
    now = datetime.now(UTC)
    while (z_um := scan.next_z()) is not None:
        image = counts[int(np.argmin(np.abs(grid - z_um)))]
        scan.observe(Plane(image, z_um, z_um, None, None, None, now))
        volume = scan.volume
        if scan.error is not None or not rule.taken:
            msg = f"the scan of {specimen} failed: {scan.error}"
            raise RuntimeError(msg) from scan.error
        if volume is None:
            errors.append(np.inf)
            continue
        seen = [each.z_um for each in rule.taken]
        errors.append(nrmse(truth, volume, planes_not_taken(plan.z_um, seen)) or 0.0)
        if enough is not None and errors[-1] <= enough:
            break
    return Trace(specimen, family, rule.taken, tuple(errors))
