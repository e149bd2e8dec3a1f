"""What specimens are made of: points, soft ellipsoids, voxels; each onto any grid.

A specimen is a density of fluorophores in µm, independent of any microscope: it is
put on a grid (`layers`) when an objective and a camera ask for one. The origin is the
middle of the specimen; z grows towards the objective's far side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["BallSpecimen", "Extent", "PointSpecimen", "Specimen", "VoxelSpecimen"]

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
