"""Specimens with known truth: beads, nuclei in a worm-like body, filaments, a stack.

A specimen is a density of fluorophores in µm, independent of any microscope: it is
put on a grid (`layers`) when an objective and a camera ask for one. The origin is the
middle of the specimen; z grows towards the objective's far side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "SPECIMENS",
    "PointSpecimen",
    "Specimen",
    "VoxelSpecimen",
    "make_specimen",
]

Extent = tuple[float, float, float]


class Specimen(Protocol):
    """A fluorescent object in three dimensions.

    Attributes
    ----------
    extent_um : (float, float, float)
        Size along z, y, x, µm; centred on the origin.
    """

    @property
    def extent_um(self) -> Extent:
        """Size along z, y, x, µm; centred on the origin."""
        ...

    def layers(
        self,
        z_edges_um: ArrayLike,
        *,
        shape: tuple[int, int],
        pixel_size_um: float,
        centre_um: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.float32]:
        """Put the specimen on a grid.

        Parameters
        ----------
        z_edges_um : array_like
            (L + 1,) ascending borders of the layers, µm.
        shape : (int, int)
            Height and width of the grid, pixels.
        pixel_size_um : float
            Sampling, µm.
        centre_um : (float, float)
            y and x of the grid's middle, µm.

        Returns
        -------
        ndarray
            (L, H, W) float32: light emitted by every voxel, per unit time; the sum
            over a bright specimen does not depend on the grid.
        """
        ...


@dataclass(frozen=True, eq=False)
class PointSpecimen:
    """Emitters smaller than the resolution, at places that no grid fixes.

    Parameters
    ----------
    z_um, y_um, x_um : ndarray
        (n,) places, µm.
    brightness : ndarray
        (n,) light emitted by each, per unit time.
    extent_um : (float, float, float)
        Size along z, y, x, µm.
    """

    z_um: NDArray[np.float64]
    y_um: NDArray[np.float64]
    x_um: NDArray[np.float64]
    brightness: NDArray[np.float64]
    extent_um: Extent

    def layers(
        self,
        z_edges_um: ArrayLike,
        *,
        shape: tuple[int, int],
        pixel_size_um: float,
        centre_um: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.float32]:
        """Put the points on a grid, shared between the four nearest pixels."""
        edges = np.asarray(z_edges_um, dtype=np.float64)
        n_layers, (height, width) = len(edges) - 1, shape
        layer = np.searchsorted(edges, self.z_um, side="right") - 1
        y = (self.y_um - centre_um[0]) / pixel_size_um + (height - 1) / 2
        x = (self.x_um - centre_um[1]) / pixel_size_um + (width - 1) / 2
        inside = (layer >= 0) & (layer < n_layers)
        inside &= (y >= 0) & (y < height - 1) & (x >= 0) & (x < width - 1)
        layer, y, x = layer[inside], y[inside], x[inside]
        light = self.brightness[inside]
        out = np.zeros((n_layers, height, width), dtype=np.float32)
        row, column = y.astype(np.intp), x.astype(np.intp)
        fy, fx = y - row, x - column
        for dy, wy in ((0, 1 - fy), (1, fy)):
            for dx, wx in ((0, 1 - fx), (1, fx)):
                np.add.at(out, (layer, row + dy, column + dx), light * wy * wx)
        return out


@dataclass(frozen=True, eq=False)
class VoxelSpecimen:
    """A sharp volume, recorded or computed, as the object.

    Parameters
    ----------
    volume : ndarray
        (Z, Y, X), not negative: light emitted per µm³ and unit time.
    voxel_um : (float, float, float)
        Voxel size along z, y, x, µm.
    """

    volume: NDArray[np.float32]
    voxel_um: Extent

    @property
    def extent_um(self) -> Extent:
        """Size along z, y, x, µm."""
        (z, y, x), (dz, dy, dx) = self.volume.shape, self.voxel_um
        return (z * dz, y * dy, x * dx)

    def layers(
        self,
        z_edges_um: ArrayLike,
        *,
        shape: tuple[int, int],
        pixel_size_um: float,
        centre_um: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.float32]:
        """Average the volume over every voxel of the grid; none outside it."""
        edges = np.asarray(z_edges_um, dtype=np.float64)
        weights = _overlap(self.volume.shape[0], self.voxel_um[0], edges)
        out: NDArray[np.float64] = np.tensordot(weights, self.volume, axes=1)
        for axis, (size, centre) in enumerate(zip(shape, centre_um, strict=True), 1):
            grid = (np.arange(size + 1) - size / 2) * pixel_size_um + centre
            w = _overlap(self.volume.shape[axis], self.voxel_um[axis], grid)
            out = np.moveaxis(np.tensordot(w, out, axes=(1, axis)), 0, axis)
        return out.astype(np.float32)


def _overlap(
    n: int, voxel_um: float, edges_um: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Length, µm, that each of n centred voxels shares with each cell of a grid."""
    voxels = (np.arange(n + 1) - n / 2) * voxel_um
    low = np.maximum(edges_um[:-1, None], voxels[None, :-1])
    high = np.minimum(edges_um[1:, None], voxels[None, 1:])
    shared: NDArray[np.float64] = np.clip(high - low, 0, None)
    return shared


@dataclass(frozen=True, eq=False)
class BallSpecimen:
    """Soft-edged ellipsoids with a texture inside, and a body that glows faintly.

    Parameters
    ----------
    centres_um : ndarray
        (n, 3) z, y, x of the ellipsoids, µm.
    radii_um : ndarray
        (n, 3) their half axes, µm.
    brightness : ndarray
        (n,) light per µm³ and unit time.
    texture : float
        Depth of the texture inside, 0 (even) to 1.
    body : PointSpecimen or None
        The glow, as points dense enough to look continuous.
    extent_um : (float, float, float)
        Size along z, y, x, µm.
    seed : int
        Of the texture.
    """

    centres_um: NDArray[np.float64]
    radii_um: NDArray[np.float64]
    brightness: NDArray[np.float64]
    texture: float
    body: PointSpecimen | None
    extent_um: Extent
    seed: int

    def layers(
        self,
        z_edges_um: ArrayLike,
        *,
        shape: tuple[int, int],
        pixel_size_um: float,
        centre_um: tuple[float, float] = (0.0, 0.0),
    ) -> NDArray[np.float32]:
        """Put the ellipsoids on a grid, their rims smoothed over a voxel."""
        edges = np.asarray(z_edges_um, dtype=np.float64)
        grid = {"shape": shape, "pixel_size_um": pixel_size_um, "centre_um": centre_um}
        if self.body is None:
            out = np.zeros((len(edges) - 1, *shape), dtype=np.float32)
        else:
            out = self.body.layers(edges, **grid)  # type: ignore[arg-type]
        z = (edges[1:] + edges[:-1]) / 2
        step = edges[1:] - edges[:-1]
        y = (np.arange(shape[0]) - (shape[0] - 1) / 2) * pixel_size_um + centre_um[0]
        x = (np.arange(shape[1]) - (shape[1] - 1) / 2) * pixel_size_um + centre_um[1]
        waves = _Waves(self.seed, len(self.centres_um))
        for i, (centre, radii) in enumerate(
            zip(self.centres_um, self.radii_um, strict=True)
        ):
            window = []
            for axis, c, r in zip((z, y, x), centre, radii, strict=True):
                near = np.flatnonzero(np.abs(axis - c) <= r + 1.5 * pixel_size_um)
                if near.size == 0:
                    break
                window.append(slice(near[0], near[-1] + 1))
            if len(window) < 3:
                continue
            dz = (z[window[0]] - centre[0])[:, None, None]
            dy = (y[window[1]] - centre[1])[None, :, None]
            dx = (x[window[2]] - centre[2])[None, None, :]
            rho = np.sqrt(
                (dz / radii[0]) ** 2 + (dy / radii[1]) ** 2 + (dx / radii[2]) ** 2
            )
            rim = pixel_size_um / radii.mean()
            density = self.brightness[i] * np.clip((1 - rho) / rim + 0.5, 0, 1)
            if self.texture:
                density = density * (1 + self.texture * waves(i, dz, dy, dx, radii))
            voxel = step[window[0]][:, None, None] * pixel_size_um**2
            out[tuple(window)] += (density * voxel).astype(np.float32)
        return out


class _Waves:
    """A smooth random texture in -1 to 1 for each ellipsoid: a few plane waves."""

    def __init__(self, seed: int, n: int, waves: int = 6) -> None:
        rng = np.random.default_rng([seed, 7])
        self._k = rng.normal(0, 3.5, (n, waves, 3))
        self._phase = rng.uniform(0, 2 * np.pi, (n, waves))

    def __call__(
        self,
        i: int,
        dz: NDArray[np.float64],
        dy: NDArray[np.float64],
        dx: NDArray[np.float64],
        radii: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        total = np.zeros(np.broadcast_shapes(dz.shape, dy.shape, dx.shape))
        scaled = (dz / radii[0], dy / radii[1], dx / radii[2])
        for k, phase in zip(self._k[i], self._phase[i], strict=True):
            angle = k[0] * scaled[0] + k[1] * scaled[1] + k[2] * scaled[2]
            total += np.cos(angle + phase)
        return np.clip(total / len(self._k[i]) * 1.8, -1, 1)


def _uniform(rng: np.random.Generator, n: int, extent: Extent) -> list[Any]:
    return [rng.uniform(-e / 2, e / 2, n) for e in extent]


def beads(
    seed: int,
    *,
    extent_um: Extent,
    per_1000_um3: float = 1.5,
    spread: float = 0.3,
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

    Returns
    -------
    PointSpecimen
    """
    rng = np.random.default_rng([seed, 1])
    n = int(rng.poisson(per_1000_um3 * float(np.prod(extent_um)) / 1000))
    z, y, x = _uniform(rng, n, extent_um)
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
        n = int(2 * bodies * np.pi * tube**2 * 2 * reach)
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
