"""The whole volume of a picture, tile by tile: as one at once, in less memory.

What holds for the whole picture (the scale of z, shares, the camera's noise and
brightness) is learnt once, on the part with most structure, so that neighbours agree.
Each tile is made with a halo that blur and filters reach over. It is cut off save for a
rim, over which neighbours fade into each other. A small picture is made plane by plane
instead, as a scan of it was.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.reconstruction.how_far import HowFar
from rmz_acquire.reconstruction.several import in_order
from rmz_acquire.reconstruction.structure import BLOCK_PX, Structure
from rmz_acquire.scanning.regions import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.reconstruction.base import VolumeEstimator
    from rmz_acquire.reconstruction.memory_plan import MemoryPlan

__all__ = ["VolumePart", "gap_left_um", "make_in_tiles"]

_LEARN_PX = 256
"""Side of the part that tells what holds for all, pixels."""

_LEARN_HALO_PX = 32
"""Most halo of it: planes are only compared there."""

_TIMED_PX = 96
"""Side of the part of it that tells how much work the others are, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class VolumePart:
    """A tile of a volume that is made.

    Parameters
    ----------
    region : Region
        Where it goes.
    volume : ndarray
        (Z, height, width) float32 counts.
    number, of : int
        How many there are with it, and in all.
    """

    region: Region
    volume: NDArray[np.float32]
    number: int
    of: int


def make_in_tiles(
    make: Callable[[], VolumeEstimator],
    images: Sequence[NDArray[Any]],
    z_um: Sequence[float],
    plan: MemoryPlan,
    how_far: Callable[[float], None] = lambda _: None,
    on_compared: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Iterator[VolumePart]:
    """Make a volume part by part.

    Parameters
    ----------
    make : callable
        Makes a fresh estimator on the z grid of the volume.
    images : sequence of ndarray
        (Y, X) camera counts each, in the order taken; one or more.
    z_um : sequence of float
        Where they were taken, µm.
    plan : MemoryPlan
        The tiles.
    how_far : callable
        Is told the share of the volume that is made, 0 to 1, within tiles too.
    on_compared : callable
        Is told what is known of candidates after each plane of a small picture; of a
        larger one once, after all planes of the part that tells of it.

    Yields
    ------
    VolumePart
        Which together are the whole.
    """
    cores = _cores(plan)
    if len(cores) == 1 and not plan.large:
        yield _plane_by_plane(make(), images, z_um, how_far, on_compared)
        return
    telling = _telling(images, plan).around(
        min(plan.halo_px, _LEARN_HALO_PX), plan.shape
    )
    around = [core.around(plan.halo_px, plan.shape) for core in cores]
    timed = _middle(telling, _TIMED_PX)
    sizes = [(part.height, part.width) for part in (timed, *around)]
    far = HowFar(sizes, how_far)

    def add(estimator: VolumeEstimator, part: Region) -> NDArray[np.float32]:
        return estimator.add_all([image[part.slices] for image in images], z_um)

    estimator = make()
    estimator.survey(images)
    estimator.learn_from([image[telling.slices] for image in images], z_um)
    on_compared(estimator.compared())
    learnt = estimator.learnt()
    estimator = make()
    estimator.settle(learnt)
    with far.part(0):
        add(estimator, timed)
    del estimator
    kept = [core.around(plan.rim_px, plan.shape) for core in cores]

    def tile(number: int) -> NDArray[np.float32]:
        part, keeps = around[number - 1], kept[number - 1]
        estimator = make()
        estimator.settle(learnt)
        with far.part(number):
            made = add(estimator, part)
        y, x = keeps.y - part.y, keeps.x - part.x
        rows, columns = Region(y, x, keeps.height, keeps.width).slices
        # a copy: what is cut off is free while this waits
        return made[:, rows, columns].copy()

    fading = _Fading(plan.shape, plan.rim_px)
    numbers = range(1, len(cores) + 1)
    tiles = in_order(tile, numbers, plan.together, far.tell)
    with closing(tiles):
        for number, made in zip(numbers, tiles, strict=True):
            far.tell()
            region, volume = fading.add(kept[number - 1], made)
            del made
            yield VolumePart(region, volume, number, len(cores))
            del volume


def gap_left_um(z_um: Sequence[float], taken_um: Sequence[float]) -> float:
    """Give the largest distance of an output plane from the nearest one taken, µm."""
    away = np.abs(np.asarray(z_um)[:, None] - np.asarray(taken_um))
    return float(away.min(1).max())


def _plane_by_plane(
    estimator: VolumeEstimator,
    images: Sequence[NDArray[Any]],
    z_um: Sequence[float],
    how_far: Callable[[float], None],
    on_compared: Callable[[Mapping[str, Any]], None],
) -> VolumePart:
    for number, (image, z) in enumerate(zip(images, z_um, strict=True), 1):
        estimator.add(image, z)
        on_compared(estimator.compared())
        how_far(number / len(images))
    volume = estimator.volume
    assert volume is not None
    return VolumePart(Region(0, 0, *volume.shape[1:]), volume, 1, 1)


class _Fading:
    """Lets tiles that overlap fade into each other: row by row, from left to right.

    Parameters
    ----------
    shape : (int, int)
        Of the picture.
    rim : int
        Pixels by which a tile reaches over into its neighbour.
    """

    def __init__(self, shape: tuple[int, int], rim: int) -> None:
        self._shape, self._both = shape, 2 * rim
        self._weight = ((np.arange(2 * rim) + 0.5) / max(2 * rim, 1)).astype(np.float32)
        self._left: NDArray[np.float32] | None = None
        self._above: dict[int, NDArray[np.float32]] = {}

    def add(
        self, region: Region, made: NDArray[np.float32]
    ) -> tuple[Region, NDArray[np.float32]]:
        """Give what of a tile, and of those before it, nothing more is added to.

        Parameters
        ----------
        region : Region
            The tile with its rim.
        made : ndarray
            (Z, height, width) counts; changed in place.

        Returns
        -------
        Region, ndarray
            What is whole, and where it goes.
        """
        both = self._both
        if both == 0:
            return region, made
        y, x = region.y, region.x
        if x > 0:
            assert self._left is not None
            fade = self._weight
            made[:, :, :both] = made[:, :, :both] * fade + self._left * (1 - fade)
        last_column = x + region.width == self._shape[1]
        self._left = None if last_column else made[:, :, -both:].copy()
        made = made if last_column else made[:, :, :-both]
        if y > 0:
            fade = self._weight[:, None]
            above = self._above.pop(x)
            made[:, :both] = made[:, :both] * fade + above * (1 - fade)
        if y + region.height < self._shape[0]:
            self._above[x] = made[:, -both:].copy()
            made = made[:, :-both]
        return Region(y, x, made.shape[1], made.shape[2]), made


def _cores(plan: MemoryPlan) -> list[Region]:
    (height, width), (rows, columns) = plan.shape, plan.core_px
    return [
        Region(y, x, min(rows, height - y), min(columns, width - x))
        for y in range(0, height, rows)
        for x in range(0, width, columns)
    ]


def _middle(part: Region, side: int) -> Region:
    height, width = min(side, part.height), min(side, part.width)
    y, x = part.y + (part.height - height) // 2, part.x + (part.width - width) // 2
    return Region(y, x, height, width)


def _telling(images: Sequence[NDArray[Any]], plan: MemoryPlan) -> Region:
    """The part with most structure; the middle where there is none."""
    shape, structure = plan.shape, Structure(plan.shape)
    for image in images:
        structure.see(image)
    height, width = (
        min(_LEARN_PX, n // BLOCK_PX * BLOCK_PX) or n for n in plan.core_px
    )
    middle = Region((shape[0] - height) // 2, (shape[1] - width) // 2, height, width)
    return structure.best(height, width) or middle
