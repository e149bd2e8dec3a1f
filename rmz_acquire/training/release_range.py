"""The range that a model is released for: where it nowhere loses to linear methods."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Declared", "declare", "worst"]

Gains = dict[str, dict[str, dict[float, float]]]


class Declared(NamedTuple):
    """What a model may be used for.

    Attributes
    ----------
    planes : (int, int)
        Fewest and most planes.
    largest_gap_um : float
        Largest distance from an output plane to the nearest plane taken, µm.
    """

    planes: tuple[int, int]
    largest_gap_um: float


def declare(
    gains: Gains,
    planes: tuple[int, int],
    largest_gap_um: float,
    least_db: float,
) -> Declared | None:
    """Find the largest range in which a model gains enough everywhere.

    Parameters
    ----------
    gains : dict
        Specimen -> "M=3" -> end of a class of distances, µm -> dB over the better of
        wiener and linear: see `Standing`.
    planes : (int, int)
        Fewest and most planes that it was trained on.
    largest_gap_um : float
        That it was trained for.
    least_db : float
        Gain that is asked for in every class, for every number of planes and kind of
        specimen.

    Returns
    -------
    Declared or None
        None where there is no such range.
    """
    counts = sorted(
        {int(m.removeprefix("M=")) for by_m in gains.values() for m in by_m}
    )
    ends = sorted(
        {g for by_m in gains.values() for by_g in by_m.values() for g in by_g}
    )
    best: tuple[float, Declared] | None = None
    for end in ends:
        good = [m for m in counts if _holds(gains, m, end, least_db)]
        for first in range(len(counts)):
            for last in range(first, len(counts)):
                run = counts[first : last + 1]
                if not set(run) <= set(good):
                    continue
                low = planes[0] if first == 0 else run[0]
                high = planes[1] if last == len(counts) - 1 else run[-1]
                size = len(run) * end
                gap = largest_gap_um if end == ends[-1] else end
                if best is None or size > best[0]:
                    best = size, Declared((low, high), gap)
    return best[1] if best else None


def _holds(gains: Gains, m: int, end: float, least_db: float) -> bool:
    values = [
        gain
        for by_m in gains.values()
        for gap, gain in by_m.get(f"M={m}", {}).items()
        if gap <= end
    ]
    return bool(values) and min(values) >= least_db


def worst(gains: Gains) -> tuple[str, str, float, float]:
    """Where a model gains least.

    Parameters
    ----------
    gains : dict
        As of `declare`.

    Returns
    -------
    (str, str, float, float)
        Specimen, number of planes, distance in µm, gain in dB.
    """
    return min(
        (
            (kind, m, gap, gain)
            for kind, by_m in gains.items()
            for m, by_gap in by_m.items()
            for gap, gain in by_gap.items()
        ),
        key=lambda cell: cell[-1],
    )
