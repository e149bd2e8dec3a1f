"""Whether a scan on regions stops where one on the whole picture does.

Simulated specimens are scanned twice, the same but for that. Where the stops are more
than a plane apart, the table says what the changes were that decided.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.region_estimator import RegionEstimator
from rmz_acquire.scanning import Decision, Scan, ScanPlan
from rmz_acquire.scanning.records import Plane
from rmz_acquire.simulation.stack import simulate_stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from rmz_acquire.reconstruction import VolumeEstimator
    from rmz_acquire.scanning import Estimator
    from rmz_acquire.simulation.stack import SimulatedStack

__all__ = ["OBJECTIVES", "Stops", "agreement_table", "compare_stops", "specimens"]

OBJECTIVES: dict[str, tuple[Optics, float]] = {
    "20x/0.75": (
        Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325),
        1.0,
    ),
    "40x/1.2w": (
        Optics(na=1.2, immersion_index=1.33, wavelength_um=0.52, pixel_size_um=0.1625),
        0.4,
    ),
    "63x/1.4o": (
        Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.103),
        0.25,
    ),
}
"""Optics, and the z step, µm."""

_FAMILIES = ("beads", "filaments", "nuclei")
_PLANES = 25
_MOST = 14


@dataclass(frozen=True, slots=True)
class Stops:
    """Where two scans of one specimen stopped.

    Parameters
    ----------
    specimen : str
        Which one.
    estimator : str
        What made the volumes.
    whole, regions : int
        Planes at the stop, of the scan on the whole picture and of that on regions.
    reasons : (str, str)
        Of both stops.
    changes : (list of float, list of float)
        Relative change after each plane from the second on, of both.
    innovations : (list of float, list of float)
        The same of the innovation.
    cpu_s : (float, float)
        Processor time of a decision, s, mean, of both.
    """

    specimen: str
    estimator: str
    whole: int
    regions: int
    reasons: tuple[str, str]
    changes: tuple[list[float], list[float]]
    innovations: tuple[list[float], list[float]]
    cpu_s: tuple[float, float]

    @property
    def apart(self) -> int:
        """Planes that regions took more than the whole; below 0 fewer."""
        return self.regions - self.whole


def specimens(
    per_kind: int, *, size: int = 384, seed: int = 1000
) -> Iterator[tuple[str, Optics, SimulatedStack]]:
    """Simulate specimens of every family under every objective.

    Parameters
    ----------
    per_kind : int
        How many of each.
    size : int
        Side of the picture, pixels.
    seed : int
        Of the first.
    """
    rng = np.random.default_rng(seed)
    for number in range(per_kind):
        for family in _FAMILIES:
            for title, (optics, step_um) in OBJECTIVES.items():
                stack = simulate_stack(
                    family,
                    seed + number,
                    optics,
                    planes=_PLANES,
                    z_step_um=step_um,
                    shape=(size, size),
                    exposure_ms=float(rng.choice([10.0, 30.0, 100.0])),
                )
                yield f"{family} {number} {title}", optics, stack


def compare_stops(
    estimator: str,
    given: Iterable[tuple[str, Optics, SimulatedStack]],
    *,
    epsilon: float,
) -> Iterator[Stops]:
    """Scan specimens on the whole picture and on regions.

    Parameters
    ----------
    estimator : str
        As `make_estimator` knows it.
    given : iterable
        Name, optics and stack of each.
    epsilon : float
        Of the stop.

    Yields
    ------
    Stops
    """
    for name, optics, stack in given:
        plan = ScanPlan.from_grid(
            stack.z_um.tolist(), epsilon=epsilon, max_planes=_MOST, stale_frames=0
        )

        def make(
            grid: NDArray[np.float64], binning: int = 1, optics: Optics = optics
        ) -> VolumeEstimator:
            pixel = optics.pixel_size_um * binning
            coarse = optics.model_copy(update={"pixel_size_um": pixel})
            return make_estimator(estimator, grid, coarse)

        shape = stack.counts.shape[1], stack.counts.shape[2]
        on_regions = RegionEstimator(
            make, plan.z_um, shape, optics=optics, gap_um=plan.gap_limit_um
        )
        whole, whole_s = _scan(plan, make(np.array(plan.z_um)), stack)
        regions, regions_s = _scan(plan, on_regions, stack)
        yield Stops(
            name,
            estimator,
            len(whole),
            len(regions),
            (whole[-1].reason, regions[-1].reason),
            (
                [d.delta_relative or 0.0 for d in whole[1:]],
                [d.delta_relative or 0.0 for d in regions[1:]],
            ),
            (
                [d.innovation or 0.0 for d in whole[1:]],
                [d.innovation or 0.0 for d in regions[1:]],
            ),
            (whole_s / len(whole), regions_s / len(regions)),
        )


def agreement_table(stops: Iterable[Stops]) -> list[str]:
    """Say how many agree within a plane, and of the others why not.

    Parameters
    ----------
    stops : iterable of Stops
        Of one estimator.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    every = list(stops)
    near = sum(abs(each.apart) <= 1 for each in every)
    equal = sum(each.apart == 0 for each in every)
    lines = [
        f"{every[0].estimator}: {near} of {len(every)} within one plane "
        f"({near / len(every):.0%}), {equal} at the same; a decision takes "
        f"{np.mean([e.cpu_s[0] for e in every]):.2f} s on the whole picture and "
        f"{np.mean([e.cpu_s[1] for e in every]):.2f} s on regions (processor time)",
        "",
        "| specimen | whole | regions | change there, whole | regions |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in every:
        if abs(each.apart) > 1:
            at = min(each.whole, each.regions) - 2
            a, b = (f"{change[at]:.3f}" for change in each.changes)
            row = (each.specimen, each.whole, each.regions, a, b)
            lines.append(f"| {' | '.join(str(value) for value in row)} |")
    return lines


def _scan(
    plan: ScanPlan, estimator: Estimator, stack: SimulatedStack
) -> tuple[tuple[Decision, ...], float]:
    """Scan a stack; give the decisions, and the processor time of the estimator."""
    from datetime import UTC, datetime

    scan, spent_s = Scan(plan, estimator), 0.0
    while (z_um := scan.next_z()) is not None:
        image = stack.counts[int(np.abs(stack.z_um - z_um).argmin())]
        plane = Plane(image, z_um, z_um, 1.0, None, None, datetime.now(UTC))
        begun = time.process_time()
        scan.observe(plane)
        spent_s += time.process_time() - begun
    return scan.decisions, spent_s
