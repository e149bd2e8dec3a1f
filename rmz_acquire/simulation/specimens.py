"""Specimens with known truth: beads, nuclei in a worm-like body, filaments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.simulation.shapes import (
    BallSpecimen,
    Extent,
    PointSpecimen,
    Specimen,
    VoxelSpecimen,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "SPECIMENS",
    "BallSpecimen",
    "PointSpecimen",
    "Specimen",
    "VoxelSpecimen",
    "make_specimen",
]

_MOST_GLOW = 400_000
"""Points of haze at most: two in a µm³ are gigabytes under a large field."""


def _uniform(rng: np.random.Generator, n: int, extent: Extent) -> list[Any]:
    return [rng.uniform(-e / 2, e / 2, n) for e in extent]


def beads(
    seed: int,
    *,
    extent_um: Extent,
    per_1000_um3: float = 1.5,
    spread: float = 0.3,
    layer_um: float | None = None,
) -> PointSpecimen:
    """50 nm beads scattered evenly in a block: points to any objective here.

    Parameters
    ----------
    seed : int
        Of places and brightness.
    extent_um : (float, float, float)
        Size along z, y, x, µm.
    per_1000_um3 : float
        Mean number in 1000 µm³.
    spread : float
        Sigma of the log-normal brightness; its median is 1.
    layer_um : float, optional
        Thickness of the layer that they all lie in, somewhere in the middle third of
        the block; by default that of the block.

    Returns
    -------
    PointSpecimen
    """
    rng = np.random.default_rng([seed, 1])
    depth, height, width = extent_um
    filled = (depth if layer_um is None else layer_um, height, width)
    n = int(rng.poisson(per_1000_um3 * float(np.prod(filled)) / 1000))
    z, y, x = _uniform(rng, n, filled)
    if layer_um is not None:
        z = z + rng.uniform(-depth / 6, depth / 6)
    return PointSpecimen(z, y, x, rng.lognormal(0, spread, n), extent_um)


def nuclei(
    seed: int,
    *,
    extent_um: Extent,
    number: int | None = None,
    radius_um: tuple[float, float] = (0.8, 2.2),
    spread: float = 0.5,
    texture: float = 0.3,
    haze: float = 0.1,
) -> BallSpecimen:
    """Worm-like bent bodies filled with neuronal nuclei that lie in clusters.

    Parameters
    ----------
    seed : int
        Of everything random.
    extent_um : (float, float, float)
        Size along z, y, x, µm; the bodies cross it.
    number : int, optional
        Nuclei in all bodies, which reach beyond the extent: about half of them lie in
        it. By default about 1 in 500 µm³ of body.
    radius_um : (float, float)
        Smallest and largest mean radius, µm.
    spread : float
        Sigma of the log-normal brightness.
    texture : float
        Depth of the texture inside a nucleus, 0 to 1.
    haze : float
        Light of the bodies' autofluorescence over that of all nuclei.

    Returns
    -------
    BallSpecimen
    """
    rng = np.random.default_rng([seed, 2])
    depth, height, width = extent_um
    tube = 0.38 * depth
    spacing = max(2.8 * tube, 20.0)
    bodies = max(1, round(height / spacing))
    angle = rng.uniform(0, np.pi)
    volume_um3 = bodies * np.pi * tube**2 * max(height, width)
    total = number if number is not None else int(rng.poisson(volume_um3 / 250))
    total = max(total, 1)
    body = rng.integers(0, bodies, total)
    reach = 0.75 * float(np.hypot(height, width))
    clusters = rng.uniform(-reach, reach, (bodies, max(3, total // (6 * bodies))))
    near = clusters[body, rng.integers(0, clusters.shape[1], total)]
    along = near + rng.normal(0, 4.0, total)
    bend = rng.uniform(0, 2 * np.pi, (bodies, 2))

    def place(which: Any, s: Any, radial: Any, phi: Any) -> list[Any]:
        offset = (which - (bodies - 1) / 2) * spacing
        across = offset + 0.15 * spacing * np.sin(s / 25 + bend[which, 0])
        z = 0.12 * depth * np.sin(s / 30 + bend[which, 1]) + radial * np.sin(phi)
        across = across + radial * np.cos(phi)
        y = s * np.sin(angle) + across * np.cos(angle)
        x = s * np.cos(angle) - across * np.sin(angle)
        return [z, y, x]

    def disc(n: int) -> tuple[Any, Any]:
        return tube * np.sqrt(rng.uniform(0, 1, n)), rng.uniform(0, 2 * np.pi, n)

    centres = np.stack(place(body, along, *disc(total)), axis=1)
    mean = rng.uniform(*radius_um, total)
    radii = mean[:, None] * rng.uniform(0.8, 1.25, (total, 3))
    brightness = rng.lognormal(0, spread, total)
    glow = None
    if haze > 0:
        light = float((brightness * 4.19 * radii.prod(1)).sum())
        n = min(int(2 * bodies * np.pi * tube**2 * 2 * reach), _MOST_GLOW)
        which = rng.integers(0, bodies, n)
        z, y, x = place(which, rng.uniform(-reach, reach, n), *disc(n))
        share = np.full(n, haze * light / n)
        glow = PointSpecimen(z, y, x, share, extent_um)
    return BallSpecimen(centres, radii, brightness, texture, glow, extent_um, seed)


def filaments(
    seed: int,
    *,
    extent_um: Extent,
    per_1000_um3: float = 0.35,
    length_um: float = 40.0,
    stiffness_um: float = 15.0,
    spread: float = 0.4,
) -> PointSpecimen:
    """Worm-like chains: thin fibres that wander through the block.

    Parameters
    ----------
    seed : int
        Of everything random.
    extent_um : (float, float, float)
        Size along z, y, x, µm.
    per_1000_um3 : float
        Mean number of fibres in 1000 µm³.
    length_um : float
        Length of each, µm.
    stiffness_um : float
        Persistence length, µm.
    spread : float
        Sigma of the log-normal brightness of a fibre.

    Returns
    -------
    PointSpecimen
    """
    rng = np.random.default_rng([seed, 3])
    step = 0.15
    n_steps = int(length_um / step)
    n = max(1, int(rng.poisson(per_1000_um3 * float(np.prod(extent_um)) / 1000)))
    direction = rng.normal(0, 1, (n, 3)) * [0.5, 1, 1]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    place = np.stack(_uniform(rng, n, extent_um), axis=1)
    path = np.empty((n_steps, n, 3))
    kick = np.sqrt(2 * step / stiffness_um)
    for i in range(n_steps):
        path[i] = place
        place = place + step * direction
        direction = direction + kick * rng.normal(0, 1, (n, 3)) * [0.6, 1, 1]
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    fibre = rng.lognormal(0, spread, n) * 0.1
    light = np.broadcast_to(fibre, (n_steps, n)).ravel()
    z, y, x = path.reshape(-1, 3).T
    return PointSpecimen(z, y, x, light.copy(), extent_um)


SPECIMENS: dict[str, Callable[..., Specimen]] = {
    "beads": beads,
    "filaments": filaments,
    "nuclei": nuclei,
}


def make_specimen(
    name: str, seed: int, *, extent_um: Extent, **options: Any
) -> Specimen:
    """Make one of the named specimens.

    Parameters
    ----------
    name : str
        A key of `SPECIMENS`.
    seed : int
        Same seed, same specimen.
    extent_um : (float, float, float)
        Size along z, y, x, µm: larger than the picture, so that light comes in from
        outside it.
    **options
        Of the specimen's own function.

    Returns
    -------
    Specimen

    Raises
    ------
    InputError
        For a name that does not exist.
    """
    if name not in SPECIMENS:
        known = ", ".join(sorted(SPECIMENS))
        msg = f"no specimen named {name!r}: choose one of {known}"
        raise InputError(msg)
    return SPECIMENS[name](seed, extent_um=extent_um, **options)
