"""One part of a picture with its estimator, and what several of them measure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from rmz_acquire.reconstruction.innovation import noise_of, relative_to_light
from rmz_acquire.scanning.regions import Region, plane_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.reconstruction.base import VolumeEstimator
    from rmz_acquire.scanning.records import Estimate

__all__ = ["Look", "Measured", "Tile", "of_planes", "together"]


class Look(NamedTuple):
    """A part of the picture before and after the newest plane.

    Parameters
    ----------
    before, volume : ndarray
        (n, height, width) counts.
    z_um : ndarray
        (n,) where, µm.
    newest : ndarray
        (height, width) the newest plane, counts.
    newest_um, noise : float
        Where it was taken, µm, and the variance of a pixel's noise in it.
    """

    before: NDArray[np.float32]
    volume: NDArray[np.float32]
    z_um: NDArray[np.float64]
    newest: NDArray[np.float32]
    newest_um: float
    noise: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What some tiles tell together.

    Parameters
    ----------
    change : float
        ‖V_M − V_(M−1)‖, counts.
    relative : float or None
        The same over the norm of the light in V_M.
    innovation, raw : float or None
        Without and with the newest plane's noise.
    misprediction : float
        RMS error behind `innovation`, counts.
    """

    change: float
    relative: float | None
    innovation: float | None
    raw: float | None
    misprediction: float

    @classmethod
    def of(cls, looks: Sequence[Look], dark: float) -> Self:
        """Measure them: norms add in squares."""
        change = size = error = light = noise = pixels = 0.0
        for tile in looks:
            change += _square(tile.volume - tile.before)
            size += _square(tile.volume - np.float32(dark))
            predicted = plane_at(tile.before, tile.z_um, tile.newest_um)
            error += _square(predicted - tile.newest)
            light += _square(tile.newest - np.float32(dark))
            noise += tile.noise * tile.newest.size
            pixels += tile.newest.size
        relative = math.sqrt(change / size) if size > 0 else None
        innovation, raw = relative_to_light(error, light, noise)
        missed = math.sqrt(max(error - noise, 0.0) / pixels)
        return cls(math.sqrt(change), relative, innovation, raw, missed)


class Tile:
    """One part of the picture and its estimator.

    Parameters
    ----------
    core : Region
        What is compared.
    around : Region
        The same with its halo: what the estimator sees.
    binning : int
        Camera pixels in one of the estimator's, along a side.
    estimator : VolumeEstimator
        Fresh.
    """

    def __init__(
        self, core: Region, around: Region, binning: int, estimator: VolumeEstimator
    ) -> None:
        self.core, self.estimator = core, estimator
        self._around, self._binning = around, binning
        inner = Region(
            (core.y - around.y) // binning,
            (core.x - around.x) // binning,
            core.height // binning,
            core.width // binning,
        )
        self._inner = inner.slices
        estimator.binned(binning)
        #: Its volume before the newest plane; None where there is none.
        self.before: NDArray[np.float32] | None = None
        #: Its volume, (n, height, width) counts.
        self.volume: NDArray[np.float32]
        #: Its part of the newest plane, counts.
        self.newest: NDArray[np.float32]
        #: Where that was taken, µm.
        self.newest_um = 0.0
        #: Variance of a pixel's noise in it, squared counts.
        self.noise = 0.0
        #: What its estimator told.
        self.estimate: Estimate | None = None
        #: The same by a linear estimator, without binning.
        self.fine: Tile | None = None
        self._linear: tuple[NDArray[np.float32] | None, ...] = ()
        self._linear_noise = 0.0

    @property
    def look(self) -> Look | None:
        """What it is to be measured by; None with its first plane."""
        return self._look(self.before, self.volume, self.noise)

    @property
    def linear(self) -> Look | None:
        """The same of what its estimator makes that is linear in the planes."""
        before, volume = self._linear
        assert volume is not None
        return self._look(before, volume, self._linear_noise)

    def _look(
        self,
        before: NDArray[np.float32] | None,
        volume: NDArray[np.float32],
        noise: float,
    ) -> Look | None:
        if before is None:
            return None
        grid = self.estimator.z_um
        return Look(before, volume, grid, self.newest, self.newest_um, noise)

    def add(self, image: NDArray[Any], z_um: float) -> None:
        """Take in a plane, (Y, X) counts."""
        part = self._cut(image)
        linear = self._within(self.estimator.linear_volume)
        self.before = self._within(self.estimator.volume)
        self.noise = self.estimator.noise_in(part)
        self._linear_noise = noise_of(part)
        self.estimate = self.estimator.add(part, z_um)
        made = self.estimate.volume
        assert made is not None
        self.volume = made[:, *self._inner]
        self._linear = linear, self._within(self.estimator.linear_volume)
        self.newest, self.newest_um = part[self._inner], z_um

    def _within(self, volume: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        return None if volume is None else volume[:, *self._inner]

    def catch_up(self, images: Sequence[NDArray[Any]], z_um: Sequence[float]) -> None:
        """Take in what came before the tile did, all at once."""
        self.estimator.add_all([self._cut(image) for image in images], z_um)

    def _cut(self, image: NDArray[Any]) -> NDArray[np.float32]:
        part = image[self._around.slices]
        b = self._binning
        if b == 1:
            return part.astype(np.float32)
        height, width = (n // b for n in part.shape)
        binned: NDArray[np.float32] = part.reshape(height, b, width, b).mean(
            (1, 3), dtype=np.float32
        )
        return binned


def of_planes(
    tiles: Sequence[Tile], name: str, z_um: NDArray[np.float64]
) -> NDArray[np.float32] | None:
    """RMS over the tiles of what their estimates tell of every output plane.

    Parameters
    ----------
    tiles : sequence of Tile
        All of a size.
    name : str
        Of the field of `Estimate`.
    z_um : ndarray
        (n,) where it is wanted, µm.

    Returns
    -------
    ndarray or None
        (n,) float32; None where a tile does not tell.
    """
    squares = []
    for tile in tiles:
        told = getattr(tile.estimate, name)
        if told is None:
            return None
        squares.append(np.interp(z_um, tile.estimator.z_um, told) ** 2)
    rms: NDArray[np.float32] = np.sqrt(np.mean(squares, 0)).astype(np.float32)
    return rms


def _square(x: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(x)) ** 2


def together(tiles: Sequence[Tile], dark: float) -> Mapping[str, float] | None:
    """Errors of the candidates over all tiles: mean squares, by the tiles' light."""
    every = [tile.estimate.predictions for tile in tiles if tile.estimate is not None]
    if any(not one for one in every):
        return next((one for one in every if one), None)
    light = [_square(tile.newest - np.float32(dark)) for tile in tiles]
    whole = sum(light)
    if whole <= 0:
        return every[0] if every else None
    names = [name for name in every[0] or () if all(name in (e or ()) for e in every)]
    return {
        name: math.sqrt(
            sum(
                share * (one or {})[name] ** 2
                for one, share in zip(every, light, strict=True)
            )
            / whole
        )
        for name in names
    }
