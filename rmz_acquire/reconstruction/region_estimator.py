"""A scan decides on parts of the picture: a few tiles, each with an estimator.

What a decision needs (change, innovation, shares, the scale of z) shows on a sample of
the volume, and the sample costs the same whatever the size of the picture. Its tiles
lie where the planes show structure, one of them anywhere; where a later plane shows
structure that no tile looks at, one moves there.

Every tile has an estimator of its own, on its part of the picture with a halo that
the blur reaches over; only what lies within the halo is compared. Norms add in squares.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.normalisation import BACKGROUND_PERCENTILE
from rmz_acquire.reconstruction.region_grid import halo_px, thinned
from rmz_acquire.reconstruction.structure import BLOCK_PX, Structure
from rmz_acquire.scanning.records import Estimate
from rmz_acquire.scanning.regions import Region, RegionVolume, plane_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.base import VolumeEstimator

__all__ = ["RegionEstimator"]

TILES = 4
"""Tiles at most."""

CORE_PX = 128
"""Side of a tile without its halo, pixels of the camera."""

_MORE = 2.0
"""Times the structure of the least of the tiles for which it moves."""

_FREE_PLANES = 3
"""Planes up to which all tiles may move at once; later, one a plane."""

_SAMPLE = 200
"""Pixels along a side, about, that tell the dark of a plane."""


class RegionEstimator:
    """Measures a scan on tiles of the picture; makes no whole volume.

    Parameters
    ----------
    make : callable
        Makes a fresh estimator for a z grid, (n,) µm, whose optics have pixels of
        `binning` camera pixels.
    z_um : array_like
        (Z,) ascending z grid of the scan, µm.
    shape : (int, int)
        Of the planes.
    optics : Optics, optional
        The microscope; without, tiles have no halo and every z of the grid.
    gap_um : float
        Largest distance of any z from a plane that is believed, µm: the halo covers
        the blur there.
    regions : sequence of Region, optional
        The tiles, where they are given: they do not move.
    seed : int or sequence of int
        Of the tile that lies anywhere.
    binning : int
        Camera pixels that are one, along a side.
    tiles : int
        How many there are at most.
    core_px : int
        Side of one without its halo, camera pixels.

    Raises
    ------
    InputError
        For a picture that takes no tile.
    """

    def __init__(
        self,
        make: Callable[[NDArray[np.float64], int], VolumeEstimator],
        z_um: ArrayLike,
        shape: tuple[int, int],
        *,
        optics: Optics | None = None,
        gap_um: float = 0.0,
        regions: Sequence[Region] | None = None,
        seed: int | Sequence[int] = 0,
        binning: int = 1,
        tiles: int = TILES,
        core_px: int = CORE_PX,
    ) -> None:
        self.z_um: NDArray[np.float64] = np.asarray(z_um, dtype=np.float64)
        self._shape = shape
        self._binning, self._most, self._side = binning, tiles, core_px
        self._halo = halo_px(optics, gap_um)
        self._grid = thinned(self.z_um, optics, binning)
        self._make = make
        self._structure = Structure(shape)
        self._rng = np.random.default_rng(seed)
        self._given = None if regions is None else [self._even(r) for r in regions]
        self._images: list[NDArray[Any]] = []
        self._at_um: list[float] = []
        self._dark: list[NDArray[Any]] = []
        self._tiles: list[_Tile] = []
        # Tables take seconds: here, before the first plane is taken.
        self._spare: VolumeEstimator | None = make(self._grid, self._binning)
        self.name = self._spare.name
        self._told = self._spare.describe()

    @property
    def volume(self) -> None:
        """None: the whole volume is made when the scan has ended."""
        return

    @property
    def planes_taken(self) -> int:
        """M."""
        return len(self._images)

    @property
    def regions(self) -> tuple[Region, ...]:
        """Where the tiles are, without their halo."""
        return tuple(tile.core for tile in self._tiles)

    def describe(self) -> dict[str, Any]:
        """What the estimators of the tiles are."""
        return dict(self._told)

    def add(self, image: NDArray[Any], z_um: float) -> Estimate:
        """Take in one plane.

        Parameters
        ----------
        image : ndarray
            (Y, X) camera counts.
        z_um : float
            Where it was taken, µm.

        Returns
        -------
        Estimate
            Without a volume; with the regions that it is of.

        Raises
        ------
        InputError
            As `VolumeEstimator.add`.
        """
        start = time.perf_counter()
        if image.shape != self._shape:
            msg = (
                f"a plane of shape {image.shape} does not fit: {self._shape} is needed"
            )
            raise InputError(msg)
        if not math.isfinite(z_um):
            msg = f"plane {len(self._images) + 1} has no place: its z is {z_um}"
            raise InputError(msg)
        self._structure.see(image)
        before = self.regions
        self._place()
        self._images.append(image.copy())
        self._at_um.append(float(z_um))
        rows, columns = (max(1, n // _SAMPLE) for n in self._shape)
        self._dark.append(image[::rows, ::columns])
        leader = self._tiles[0]
        for tile in self._tiles:
            if tile is not leader:
                tile.estimator.settle(leader.estimator.learnt())
            tile.add(image, float(z_um))
        dark = float(np.percentile(np.stack(self._dark), BACKGROUND_PERCENTILE))
        delta, relative, innovation = self._measured(dark, float(z_um))
        gaps = np.abs(self.z_um[:, None] - np.array(self._at_um)[None]).min(axis=1)
        told = leader.estimate
        assert told is not None
        return Estimate(
            volume=None,
            delta=delta,
            delta_relative=relative,
            innovation=innovation,
            gap_um=float(gaps.max()),
            seconds=time.perf_counter() - start,
            predictions=_together(self._tiles, dark),
            shares=told.shares,
            z_scale=told.z_scale,
            regions=tuple(
                RegionVolume(tile.core, self._grid, tile.volume) for tile in self._tiles
            ),
            moved=self.regions != before,
        )

    # ---- where --------------------------------------------------------------------

    def _place(self) -> None:
        """Choose the tiles at the first plane, and move them later."""
        if self._given is not None:
            if not self._tiles:
                self._tiles = self._fresh(self._given)
            return
        if not self._tiles:
            self._tiles = self._fresh(self._choose())
            return
        for _ in range(self._most if len(self._images) < _FREE_PLANES else 1):
            size = self._tiles[0].core.height, self._tiles[0].core.width
            better = self._structure.best(*size, self.regions)
            if better is None:
                return
            # the last one lies anywhere, and stays
            last = len(self._tiles) - 1
            if len(self._tiles) < self._most:
                self._tiles.insert(last, self._tile(better, leads=last == 0))
                continue
            seen = [self._structure.of(tile.core) for tile in self._tiles]
            place = min(range(max(last, 1)), key=lambda n: seen[n])
            if self._structure.of(better) < _MORE * seen[place]:
                return
            self._tiles[place] = self._tile(better, leads=place == 0)

    def _choose(self) -> list[Region]:
        """Where most is to be seen, and one place drawn."""
        even = BLOCK_PX if min(self._shape) >= BLOCK_PX else self._binning
        height, width = (min(self._side, n // even * even) for n in self._shape)
        found: list[Region] = []
        while len(found) < max(self._most - 1, 1):
            best = self._structure.best(height, width, found)
            if best is None:
                break
            found.append(best)
        anywhere = None
        if len(found) < self._most:
            anywhere = self._structure.any(height, width, found, self._rng)
        return found if anywhere is None else [*found, anywhere]

    def _even(self, region: Region) -> Region:
        """Give the whole binned pixels in a region."""
        b = self._binning
        y, x = -(-region.y // b) * b, -(-region.x // b) * b
        bottom = (region.y + region.height) // b * b
        right = (region.x + region.width) // b * b
        return Region(y, x, bottom - y, right - x)

    def _fresh(self, cores: Sequence[Region]) -> list[_Tile]:
        return [self._tile(core, leads=n == 0) for n, core in enumerate(cores)]

    def _tile(self, core: Region, *, leads: bool) -> _Tile:
        """Make a tile that has seen all planes but the newest; one learns for all."""
        made, self._spare = self._spare or self._make(self._grid, self._binning), None
        around = self._even_around(core)
        tile = _Tile(core, around, self._binning, made)
        if self._images:
            if not leads:
                made.settle(self._tiles[0].estimator.learnt())
            tile.catch_up(self._images, self._at_um)
        return tile

    def _even_around(self, core: Region) -> Region:
        b = self._binning
        whole = self._shape[0] // b * b, self._shape[1] // b * b
        return core.around(self._halo, whole)

    # ---- how much -----------------------------------------------------------------

    def _measured(
        self, dark: float, z_um: float
    ) -> tuple[float | None, float | None, float | None]:
        """Change, the same relative, and innovation, over all tiles together."""
        if any(tile.before is None for tile in self._tiles):
            return None, None, None
        change = size = error = light = 0.0
        for tile in self._tiles:
            assert tile.before is not None
            change += _square(tile.volume - tile.before)
            size += _square(tile.volume - np.float32(dark))
            predicted = plane_at(tile.before, self._grid, z_um)
            error += _square(predicted - tile.newest)
            light += _square(tile.newest - np.float32(dark))
        # as if on every pixel and every z of the scan's grid
        voxels = self._binning**2 * len(self.z_um) / len(self._grid)
        relative = math.sqrt(change / size) if size > 0 else None
        innovation = math.sqrt(error / light) if light > 0 else None
        return math.sqrt(change * voxels), relative, innovation


class _Tile:
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
        #: Its volume before the newest plane; None where there is none.
        self.before: NDArray[np.float32] | None = None
        #: Its volume, (n, height, width) counts.
        self.volume: NDArray[np.float32]
        #: Its part of the newest plane, counts.
        self.newest: NDArray[np.float32]
        #: What its estimator told.
        self.estimate: Estimate | None = None

    def add(self, image: NDArray[Any], z_um: float) -> None:
        """Take in a plane, (Y, X) counts."""
        part = self._cut(image)
        old = self.estimator.volume
        self.before = None if old is None else old[:, *self._inner]
        self.estimate = self.estimator.add(part, z_um)
        made = self.estimate.volume
        assert made is not None
        self.volume = made[:, *self._inner]
        self.newest = part[self._inner]

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


def _square(x: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(x)) ** 2


def _together(tiles: Sequence[_Tile], dark: float) -> Mapping[str, float] | None:
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
