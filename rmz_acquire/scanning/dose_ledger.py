"""What each exposure cost the specimen, and whether the light faded meanwhile.

In wide field every plane holds about all the light, in focus or not, so that what it
loses along a scan is bleaching, or a lamp that fades, and not its z. A plane that was
taken twice tells that by itself; without one, a slow course along z is fitted beside
the loss.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.records import Decision

__all__ = ["Exposure", "Fading", "exposures_of", "fading_of", "with_check"]

_LEAST = 0.01
"""Part of the light below which none is: lamps waver by as much."""

_RESTED = 1
"""Number of the plane of a check that is compared with one of the scan."""

_CURVED = 3
"""Terms of the course along z: constant, slope and curvature."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One exposure of a scan.

    Parameters
    ----------
    z_um : float
        As read back, µm.
    exposure_ms, cumulated_ms : float or None
        Its light and that of all up to it, ms; None where not known.
    light : float or None
        Mean of its frame above the darkest that any frame shows, counts; None for a
        frame that was handed out before, or is not as it should be.
    """

    z_um: float
    exposure_ms: float | None
    cumulated_ms: float | None
    light: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Give JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Fading:
    """How much of the light was lost from the first plane of a scan to its last.

    Parameters
    ----------
    seen : bool
        Whether it is more than chance and wavering of a lamp make.
    lost, uncertainty : float
        Part of the light, and half of its 95 % interval.
    told_by : {"repeats", "all planes"}
        Planes that were taken twice at one z, or a fit over all.
    """

    seen: bool
    lost: float
    uncertainty: float
    told_by: Literal["repeats", "all planes"]

    def to_dict(self) -> dict[str, Any]:
        """Give JSON-ready values."""
        return asdict(self)


def exposures_of(
    decisions: Sequence[Decision], taken: Sequence[Observation]
) -> list[Exposure]:
    """List the exposures of a scan.

    Parameters
    ----------
    decisions : sequence of Decision
        One a plane.
    taken : sequence of Observation
        Of the planes that the estimator was given, in the same order.

    Returns
    -------
    list of Exposure
    """
    floor = min((seen.frame.background for seen in taken), default=0.0)
    frames = iter(taken)
    total: float | None = 0.0
    made = []
    for decision in decisions:
        seen = next(frames, None) if decision.used else None
        light = None
        if seen is not None and decision.frame is None:
            light = seen.frame.mean - floor
        cost = decision.exposure_ms
        total = None if total is None or cost is None else total + cost
        made.append(Exposure(decision.z_actual_um, cost, total, light))
    return made


def with_check(
    exposures: Sequence[Exposure], lines: Sequence[Mapping[str, Any]]
) -> list[Exposure]:
    """Give the exposures of a scan, and those of the check after it.

    Parameters
    ----------
    exposures : sequence of Exposure
        Of the scan, in order.
    lines : sequence of mapping
        Of the check: one a plane, and where there is one the last with what was found.
        That tells the light of a plane beside the one that it was compared with.

    Returns
    -------
    list of Exposure
    """
    made = list(exposures)
    found = next((line for line in lines if line["number"] is None), {})
    for line in lines:
        if line["number"] is None:
            continue
        light = None
        if line["number"] == _RESTED and found.get("brightness") is not None:
            before = exposures[found["compared"]].light
            light = None if before is None else before * found["brightness"]
        cost, total = line["exposure_ms"], made[-1].cumulated_ms if made else 0.0
        total = None if total is None or cost is None else total + cost
        made.append(Exposure(line["z_actual_um"], cost, total, light))
    return made


def fading_of(exposures: Sequence[Exposure], same_z_um: float) -> Fading | None:
    """Tell how much of the light was lost.

    Parameters
    ----------
    exposures : sequence of Exposure
        Of one scan, in order; it does not matter how long each was.
    same_z_um : float
        Planes as near as that are of one z.

    Returns
    -------
    Fading or None
        None where it cannot be told: no plane twice, and too few to fit.
    """
    lit = [(n, e) for n, e in enumerate(exposures) if e.light and e.light > 0]
    if len(lit) < 2 or len({e.exposure_ms for _, e in lit}) > 1:
        return None
    number = np.array([n for n, _ in lit], float)
    z_um = np.array([e.z_um for _, e in lit])
    log_light = np.log(np.array([e.light for _, e in lit], float))
    found = _twice(number, z_um, log_light, same_z_um)
    if found is not None:
        rate, error = found
        return _fading(rate, error, len(exposures) - 1, "repeats")
    found = _fitted(number, z_um, log_light)
    if found is None:
        return None
    rate, error = found
    return _fading(rate, error, len(exposures) - 1, "all planes")


def _fading(
    rate: float, error: float, steps: int, told_by: Literal["repeats", "all planes"]
) -> Fading:
    lost = -math.expm1(-rate * steps)
    uncertainty = error * steps * math.exp(-rate * steps)
    seen = lost > max(uncertainty, _LEAST)
    return Fading(seen, lost, uncertainty, told_by)


def _twice(
    number: NDArray[np.float64],
    z_um: NDArray[np.float64],
    log_light: NDArray[np.float64],
    same_z_um: float,
) -> tuple[float, float] | None:
    """Loss of the logarithm an exposure, and how sure, from planes of one z.

    Of each z the first and the last. It is no surer than a lamp is steady.
    """
    rates, apart = [], []
    left = list(range(len(z_um)))
    while left:
        same = [i for i in left if abs(z_um[i] - z_um[left[0]]) <= same_z_um]
        if len(same) > 1:
            a, b = same[0], same[-1]
            steps = number[b] - number[a]
            rates.append((log_light[a] - log_light[b]) / steps)
            apart.append(steps)
        left = [i for i in left if i not in same]
    if not rates:
        return None
    weight = np.array(apart) / sum(apart)
    rate = float(weight @ rates)
    wavers = _LEAST / math.sqrt(sum(x**2 for x in apart))
    scatter = math.sqrt(float(weight**2 @ (np.array(rates) - rate) ** 2))
    free = len(rates) - 1
    return rate, max(wavers, scatter * _quantile(free) if free else 0.0)


def _fitted(
    number: NDArray[np.float64],
    z_um: NDArray[np.float64],
    log_light: NDArray[np.float64],
) -> tuple[float, float] | None:
    """Give the same by least squares over all planes; None where too few are left."""
    free = len(number) - _CURVED - 1
    if free < 2 or np.ptp(z_um) <= 0:
        return None
    u = (z_um - z_um.mean()) / np.ptp(z_um)
    columns = np.stack([*(u**n for n in range(_CURVED)), -number], 1)
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        return None
    solved, *_ = np.linalg.lstsq(columns, log_light, rcond=None)
    rest = log_light - columns @ solved
    covariance = np.linalg.inv(columns.T @ columns)
    error = math.sqrt(float(rest @ rest) / free * float(covariance[-1, -1]))
    return float(solved[-1]), error * _quantile(free)


def _quantile(free: int) -> float:
    """Of Student's t with so many degrees of freedom, for 95 % on both sides."""
    # loaded by the few who need it: every command imports this room
    from scipy.special import stdtrit

    return float(stdtrit(free, 0.975))
