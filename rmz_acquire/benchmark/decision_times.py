"""Seconds from a plane to the decision on it, for anything that is an estimator."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from rmz_acquire.benchmark.machine import Clock
from rmz_acquire.benchmark.operations import Operations, counted, peak_memory
from rmz_acquire.scanning import NoEstimator, Plane, Scan, ScanPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.benchmark.machine import Rates
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator

__all__ = ["Times", "Views", "loop_overhead", "plan_of", "time_decisions", "time_once"]

_SIMULATED_PX = 128
_EXPOSURE_MS = 20.0

Taken: TypeAlias = "list[tuple[NDArray[np.uint16], float]]"
"""Planes with their z, µm, in the order taken."""


class Views:
    """Pictures of a simulated specimen at every z of a grid, of any size.

    A larger picture than 128 pixels repeats a part of that size, mirrored: it has as
    much in it, and costs an estimator as much.

    Parameters
    ----------
    z_um : sequence of float
        Equally spaced, µm.
    optics : Optics
        The microscope.
    specimen : str
        As of `rmz_acquire.simulation.simulate_stack`.
    """

    def __init__(
        self, z_um: Sequence[float], optics: Optics, specimen: str = "nuclei"
    ) -> None:
        self._z_um = np.asarray(z_um)
        self._optics, self._specimen = optics, specimen
        self._parts: dict[int, NDArray[np.uint16]] = {}

    def at(self, z_um: float, side_px: int) -> NDArray[np.uint16]:
        """Give the picture at a z, (side_px, side_px)."""
        part = min(side_px, _SIMULATED_PX)
        if part not in self._parts:
            self._parts[part] = self._simulated(part)
        index = int(np.argmin(np.abs(self._z_um - z_um)))
        more = (0, side_px - part)
        return np.pad(self._parts[part][index], (more, more), mode="symmetric")

    def _simulated(self, side_px: int) -> NDArray[np.uint16]:
        from rmz_acquire.simulation import simulate_stack

        return simulate_stack(
            self._specimen,
            1,
            self._optics,
            planes=len(self._z_um),
            z_step_um=float(self._z_um[1] - self._z_um[0]),
            shape=(side_px, side_px),
            exposure_ms=_EXPOSURE_MS,
        ).counts


@dataclass(frozen=True, slots=True)
class Times:
    """What an estimator costs at one size, on one device.

    Parameters
    ----------
    estimator, device : str
        Which, where.
    output_planes, side_px : int
        Of its volume.
    decisions_s : list of list of float
        For each plane in the order taken, in each repeat, s.
    from_nothing_s : list of float
        All these planes at once into a fresh one, in each repeat, s; empty where it
        does not take several.
    eager_s : list of float
        The last plane alone, by the same network as plain float32, s; empty
        where there is no network.
    operations : Operations
        Of the decision on the last plane.
    peak_bytes : int or None
        Memory at most of all these decisions.
    share : float or None
        Of the machine's own rates, of the decision on the last plane; None where torch
        does next to nothing.
    """

    estimator: str
    device: str
    output_planes: int
    side_px: int
    decisions_s: list[list[float]]
    from_nothing_s: list[float] = field(default_factory=list)
    eager_s: list[float] = field(default_factory=list)
    operations: Operations = field(default_factory=Operations)
    peak_bytes: int | None = None
    share: float | None = None

    @property
    def medians_s(self) -> list[float]:
        """Of each decision over the repeats, s."""
        return [statistics.median(each) for each in self.decisions_s]

    @property
    def spread(self) -> float:
        """Largest half range of a decision over the repeats, as a share of it."""
        return max(
            (max(each) - min(each)) / 2 / max(statistics.median(each), 1e-9)
            for each in self.decisions_s
        )


def plan_of(z_um: Sequence[float], planes: int) -> ScanPlan:
    """Make a plan that takes exactly so many planes, wherever the policy wants them.

    Raises
    ------
    InputError
        If the grid has fewer.
    """
    step = float(z_um[1] - z_um[0])
    return ScanPlan.from_range(
        float(z_um[0]),
        float(z_um[-1]),
        step,
        epsilon=1e-12,
        max_planes=planes,
    )


def time_decisions(
    name: str,
    make: Callable[[], Estimator],
    views: Views,
    side_px: int,
    planes: int,
    *,
    repeats: int = 3,
    clock: Clock = Clock.wall,
    device: str = "cpu",
    rates: Rates | None = None,
    plain: Callable[[], Estimator] | None = None,
) -> Times:
    """Time an estimator as a scan uses it, after a scan to warm up.

    Parameters
    ----------
    name : str
        What it is called in the table.
    make : callable
        Gives a fresh one, on the grid of `views`.
    views : Views
        What it sees.
    side_px : int
        Height and width of the pictures.
    planes : int
        How many, one by one.
    repeats : int
        How often.
    clock : Clock
        What seconds are counted by.
    device : str
        Where it computes.
    rates : Rates, optional
        Of that device, to compare with.
    plain : callable, optional
        Gives the same without what makes it quicker.

    Returns
    -------
    Times
    """
    with peak_memory(device) as peak:
        estimator = make()
        operations = _count_last(estimator, views, side_px, planes)
    output_planes, several = len(estimator.z_um), hasattr(estimator, "add_all")
    del estimator
    each: list[list[float]] = [[] for _ in range(planes)]
    nothing, eager = [], []
    taken: Taken = []
    for _ in range(repeats):
        spent, taken = _scan(make(), views, side_px, planes, clock, device)
        for times, seconds in zip(each, spent, strict=True):
            times.append(seconds)
        if plain is not None:
            eager.append(_last(plain(), taken, clock, device))
        if several:
            fresh = make()
            start = clock.now(device)
            _feed(fresh, taken)
            nothing.append(clock.now(device) - start)
    share = None
    if rates is not None and (operations.products or operations.transforms):
        least = rates.seconds(operations.products, operations.transforms)
        share = least / max(statistics.median(each[-1]), 1e-9)
    return Times(
        estimator=name,
        device=device,
        output_planes=output_planes,
        side_px=side_px,
        decisions_s=each,
        from_nothing_s=nothing,
        eager_s=eager,
        operations=operations,
        peak_bytes=peak.extra_bytes,
        share=share,
    )


def time_once(
    name: str,
    make: Callable[[], Estimator],
    views: Views,
    side_px: int,
    planes: int,
    *,
    clock: Clock = Clock.wall,
    device: str = "cpu",
) -> Times:
    """Time the decisions of one scan and nothing else, for what takes minutes.

    Parameters
    ----------
    name, make, views, side_px, planes, clock, device
        As for `time_decisions`.

    Returns
    -------
    Times
    """
    estimator = make()
    spent, _ = _scan(estimator, views, side_px, planes, clock, device)
    each = [[seconds] for seconds in spent]
    return Times(name, device, len(estimator.z_um), side_px, each)


def loop_overhead(
    views: Views,
    z_um: Sequence[float],
    side_px: int,
    planes: int,
    clock: Clock = Clock.wall,
) -> float:
    """Seconds a plane of a scan with an estimator that does nothing, the median."""
    spent, _ = _scan(NoEstimator(z_um), views, side_px, planes, clock, "cpu")
    return statistics.median(spent)


def _scan(
    estimator: Estimator,
    views: Views,
    side_px: int,
    planes: int,
    clock: Clock,
    device: str,
) -> tuple[list[float], Taken]:
    """Scan once: seconds from each plane to its decision, and the planes."""
    scan = Scan(plan_of(list(estimator.z_um), planes), estimator)
    spent, taken = [], []
    while (z_um := scan.next_z()) is not None:
        plane = _plane(views.at(z_um, side_px), z_um)
        start = clock.now(device)
        scan.observe(plane)
        spent.append(clock.now(device) - start)
        taken.append((plane.image, z_um))
    return spent, taken


def _feed(estimator: Any, taken: Taken) -> None:
    """Give it several planes at once."""
    if taken:
        estimator.add_all([image for image, _ in taken], [z for _, z in taken])


def _last(estimator: Estimator, taken: Taken, clock: Clock, device: str) -> float:
    """Seconds of the last plane alone, where the others were given at once."""
    _feed(estimator, taken[:-1])
    start = clock.now(device)
    estimator.add(*taken[-1])
    return clock.now(device) - start


def _count_last(
    estimator: Estimator, views: Views, side_px: int, planes: int
) -> Operations:
    """Scan once, and count what the last decision asks for."""
    scan = Scan(plan_of(list(estimator.z_um), planes), estimator)
    operations = Operations()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # only what this thread does is counted
    while (z_um := scan.next_z()) is not None:
        plane = _plane(views.at(z_um, side_px), z_um)
        if scan.planes_taken < planes - 1:
            scan.observe(plane)
        else:
            with counted() as operations:
                scan.observe(plane)
    torch.set_num_threads(threads)
    return operations


def _plane(image: NDArray[np.uint16], z_um: float) -> Plane:
    now = datetime.now(UTC)
    return Plane(image, z_um, z_um, _EXPOSURE_MS, None, None, now)
