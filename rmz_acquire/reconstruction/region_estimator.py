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
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.normalisation import BACKGROUND_PERCENTILE
from rmz_acquire.reconstruction.region_grid import halo_px, thinned
from rmz_acquire.reconstruction.region_tile import Measured, Tile, of_planes, together
from rmz_acquire.reconstruction.several import at_once
from rmz_acquire.reconstruction.structure import BLOCK_PX, Structure
from rmz_acquire.scanning.model_fit import Misfit
from rmz_acquire.scanning.records import Estimate
from rmz_acquire.scanning.regions import Region, RegionVolume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.base import VolumeEstimator

    Makes = Callable[[NDArray[np.float64], int], VolumeEstimator]

__all__ = ["CORE_PX", "TILES", "RegionEstimator"]

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
        Camera pixels that are one, along a side. What that hides (noise, fine detail)
        is then told by `beside`.
    beside : callable, optional
        Makes, as `make` does, a linear estimator that takes little: change and
        innovation are scaled by those that it has without binning over those of the
        linear part of what `make` makes.
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
        make: Makes,
        z_um: ArrayLike,
        shape: tuple[int, int],
        *,
        optics: Optics | None = None,
        gap_um: float = 0.0,
        regions: Sequence[Region] | None = None,
        seed: int | Sequence[int] = 0,
        binning: int = 1,
        beside: Makes | None = None,
        tiles: int = TILES,
        core_px: int = CORE_PX,
    ) -> None:
        self.z_um: NDArray[np.float64] = np.asarray(z_um, dtype=np.float64)
        self._shape = shape
        self._binning, self._most, self._side = binning, tiles, core_px
        self._beside = beside if binning > 1 else None
        self._halo = halo_px(optics, gap_um)
        self._grid = thinned(self.z_um, optics, binning)
        self._make = make
        self._structure = Structure(shape)
        self._seed = seed
        self._given = None if regions is None else [self._even(r) for r in regions]
        self._images: list[NDArray[Any]] = []
        self._at_um: list[float] = []
        self._dark: list[NDArray[Any]] = []
        self._tiles: list[Tile] = []
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
        self._add(image, float(z_um))
        dark = float(np.percentile(np.stack(self._dark), BACKGROUND_PERCENTILE))
        made = self._measured(dark)
        gaps = np.abs(self.z_um[:, None] - np.array(self._at_um)[None]).min(axis=1)
        told = leader.estimate
        assert told is not None
        return Estimate(
            volume=None,
            delta=None if made is None else made.change,
            delta_relative=None if made is None else made.relative,
            innovation=None if made is None else made.innovation,
            innovation_raw=None if made is None else made.raw,
            misprediction=None if made is None else made.misprediction,
            predicted_error=of_planes(self._tiles, "predicted_error", self.z_um),
            tested_error=of_planes(self._tiles, "tested_error", self.z_um),
            disagreement=of_planes(self._tiles, "disagreement", self.z_um),
            spread=float(
                np.std(
                    np.concatenate([tile.volume.ravel() for tile in self._tiles]),
                    dtype=np.float64,
                )
            ),
            gap_um=float(gaps.max()),
            seconds=time.perf_counter() - start,
            predictions=together(self._tiles, dark),
            shares=told.shares,
            z_scale=told.z_scale,
            regions=tuple(
                RegionVolume(tile.core, self._grid, tile.volume) for tile in self._tiles
            ),
            moved=self.regions != before,
            misfit=Misfit.together(
                [
                    tile.estimate.misfit
                    for tile in self._tiles
                    if tile.estimate is not None
                ]
            ),
        )

    def _add(self, image: NDArray[Any], z_um: float) -> None:
        """Give a plane to all tiles; where one learns for all, to that one first."""
        fine = [tile.fine for tile in self._tiles if tile.fine is not None]
        leader, *others = self._tiles

        def add(tile: Tile) -> None:
            tile.add(image, z_um)

        if leader.estimator.learnt() is None:
            at_once(add, [*self._tiles, *fine])
            return
        at_once(add, [leader, *fine])
        for tile in others:
            tile.estimator.settle(leader.estimator.learnt())
        at_once(add, others)

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
        # where they may lie anywhere, the first may leave no room for others
        sets = [self._chosen(height, width, step) for step in (BLOCK_PX, self._side)]
        return max(sets, key=lambda found: sum(map(self._structure.of, found)))

    def _chosen(self, height: int, width: int, step: int) -> list[Region]:
        found: list[Region] = []
        while len(found) < max(self._most - 1, 1):
            best = self._structure.best(height, width, found, step)
            if best is None:
                break
            found.append(best)
        if len(found) < self._most:
            rng = np.random.default_rng(self._seed)
            anywhere = self._structure.any(height, width, found, rng)
            found += [] if anywhere is None else [anywhere]
        return found

    def _even(self, region: Region) -> Region:
        """Give the whole binned pixels in a region."""
        b = self._binning
        y, x = -(-region.y // b) * b, -(-region.x // b) * b
        bottom = (region.y + region.height) // b * b
        right = (region.x + region.width) // b * b
        return Region(y, x, bottom - y, right - x)

    def _fresh(self, cores: Sequence[Region]) -> list[Tile]:
        return [self._tile(core, leads=n == 0) for n, core in enumerate(cores)]

    def _tile(self, core: Region, *, leads: bool) -> Tile:
        """Make a tile that has seen all planes but the newest; one learns for all."""
        made, self._spare = self._spare or self._make(self._grid, self._binning), None
        around = self._even_around(core)
        tile = Tile(core, around, self._binning, made)
        if self._beside is not None:
            tile.fine = Tile(core, around, 1, self._beside(self._grid, 1))
        if self._images:
            if not leads:
                made.settle(self._tiles[0].estimator.learnt())
            for each in (tile, tile.fine):
                if each is not None:
                    each.catch_up(self._images, self._at_um)
        return tile

    def _even_around(self, core: Region) -> Region:
        b = self._binning
        whole = self._shape[0] // b * b, self._shape[1] // b * b
        return core.around(self._halo, whole)

    # ---- how much -----------------------------------------------------------------

    def _measured(self, dark: float) -> Measured | None:
        """What all tiles tell together; None with the first plane."""
        looks = [look for tile in self._tiles if (look := tile.look) is not None]
        if len(looks) < len(self._tiles):
            return None
        made = Measured.of(looks, dark)
        if self._beside is not None:
            each = [tile.fine.look for tile in self._tiles if tile.fine is not None]
            alike = [tile.linear for tile in self._tiles]
            fine, coarse = (
                Measured.of([look for look in some if look is not None], dark)
                for some in (each, alike)
            )
            change = _over(fine.relative, coarse.relative)
            missed = _over(fine.innovation, coarse.innovation)
            made = Measured(
                made.change * change,
                _times(made.relative, change),
                _times(made.innovation, missed),
                _times(made.raw, _over(fine.raw, coarse.raw)),
                made.misprediction * missed,
            )
        # as if on every pixel and every z of the scan's grid
        voxels = self._binning**2 * len(self.z_um) / len(self._grid)
        return replace(made, change=made.change * math.sqrt(voxels))


def _over(fine: float | None, coarse: float | None) -> float:
    return fine / coarse if fine and coarse else 1.0


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
