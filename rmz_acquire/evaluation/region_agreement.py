"""Whether a scan on regions stops where one on the whole picture does.

Simulated specimens are scanned twice, the same but for that. Where the stops are more
than a plane apart, the table says what the changes were that decided.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.likelihood import LayerStack, ObjectLayers, OtfLines
from rmz_acquire.reconstruction.region_factory import make_region_estimator
from rmz_acquire.scanning import Decision, Scan, ScanPlan
from rmz_acquire.scanning.records import Plane
from rmz_acquire.simulation.stack import SimulatedStack
from rmz_acquire.simulation.widefield import CameraModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rmz_acquire.scanning import Estimator

__all__ = ["OBJECTIVES", "Stops", "agreement_table", "compare_stops", "specimens"]

OBJECTIVES: dict[str, tuple[Optics, float]] = {
    "20x/0.75": (
        Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325),
        0.75,
    ),
    "40x/1.2w": (
        Optics(na=1.2, immersion_index=1.33, wavelength_um=0.52, pixel_size_um=0.1625),
        0.3,
    ),
    "63x/1.4o": (
        Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.103),
        0.2,
    ),
}
"""Optics, and the z step, µm."""

Light = NDArray[np.float32]

_PLANES = 17
_LIGHT = (15.0, 60.0, 200.0)
"""Of the brightest thousandth of a picture: 400 to 5600 counts."""
_MOST = 11


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
    """Simulate specimens of every family under every objective, quickly.

    By the same layers of light as richardson-lucy has: what is compared is parts of
    pictures with whole ones, not an estimator with the truth.

    Parameters
    ----------
    per_kind : int
        How many of each.
    size : int
        Side of the picture, pixels.
    seed : int
        Of the first.
    """
    wide = size * 3 // 2
    for title, (optics, step_um) in OBJECTIVES.items():
        z_um = np.arange(_PLANES, dtype=np.float64) * step_um
        stack = LayerStack(optics, torch.from_numpy(z_um))
        lines = OtfLines(optics, stack.reach_um)
        cpu = torch.device("cpu")
        layers = ObjectLayers(lines, stack, (wide, wide), 1, cpu)
        for number in range(per_kind):
            for which, (family, draw) in enumerate(_FAMILIES.items()):
                rng = np.random.default_rng([seed, number, which])
                shape = len(stack.depths_um), wide, wide
                light = torch.from_numpy(draw(rng, shape))
                made = layers.render(light, torch.from_numpy(z_um)).numpy()
                made = made[:, :size, :size].clip(0)
                made *= rng.choice(_LIGHT) / np.quantile(made, 0.999)
                camera = CameraModel()
                yield (
                    f"{family} {number} {title}",
                    optics,
                    SimulatedStack(camera.expose(made, 1.0, rng), made, z_um),
                )


def _beads(rng: np.random.Generator, shape: tuple[int, int, int]) -> Light:
    return _balls(rng, shape, int(rng.integers(30, 200)), ((1, 4, 4), (3, 10, 10)))


def _filaments(rng: np.random.Generator, shape: tuple[int, int, int]) -> Light:
    light = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(10, 40))):
        steps = rng.normal(0, (0.03, 0.15, 0.15), (800, 3)).cumsum(0)
        away = (rng.normal(0, (0.02, 1.0, 1.0), 3) + steps * 0.1).cumsum(0)
        place = (rng.uniform(0, 1, 3) * shape + away).astype(np.intp) % shape
        np.add.at(light, tuple(place.T), rng.uniform(0.3, 1.0))
    return light


def _nuclei(rng: np.random.Generator, shape: tuple[int, int, int]) -> Light:
    return _balls(rng, shape, int(rng.integers(4, 14)), ((3, 18, 18), (8, 45, 45)))


def _balls(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    count: int,
    radii: tuple[tuple[int, ...], tuple[int, ...]],
) -> Light:
    """Grainy ellipsoids anywhere, with radii between two."""
    light = np.zeros(shape, np.float32)
    for _ in range(count):
        centre, radius = rng.uniform(0, 1, 3) * shape, rng.uniform(*radii)
        boxes = tuple(
            slice(max(0, int(c - r)), min(n, int(c + r) + 2))
            for c, r, n in zip(centre, radius, shape, strict=True)
        )
        places = (np.arange(b.start, b.stop) for b in boxes)
        z, y, x = (
            (place - c) / r for place, c, r in zip(places, centre, radius, strict=True)
        )
        far = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2
        grain = rng.uniform(0.2, 1.0, far.shape).astype(np.float32)
        light[boxes] += (far < 1) * grain
    return light


_FAMILIES = {"beads": _beads, "filaments": _filaments, "nuclei": _nuclei}


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

        shape = stack.counts.shape[1], stack.counts.shape[2]
        on_regions = make_region_estimator(
            estimator,
            partial(make_estimator, estimator),
            np.array(plan.z_um),
            shape,
            optics,
            gap_um=plan.gap_limit_um,
        )
        on_all = make_estimator(estimator, plan.z_um, optics)
        whole, whole_s = _scan(plan, on_all, stack)
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
    all_taken = sum("most planes" in each.reasons[0] for each in every)
    lines = [
        f"{every[0].estimator}: {near} of {len(every)} within one plane "
        f"({near / len(every):.0%}), {equal} at the same, {all_taken} of which the "
        f"whole picture stopped at the most planes; a decision takes "
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
    scan, spent_s = Scan(plan, estimator), 0.0
    while (z_um := scan.next_z()) is not None:
        image = stack.counts[int(np.abs(stack.z_um - z_um).argmin())]
        plane = Plane(image, z_um, z_um, 1.0, None, None, datetime.now(UTC))
        begun = time.process_time()
        scan.observe(plane)
        spent_s += time.process_time() - begun
    return scan.decisions, spent_s
