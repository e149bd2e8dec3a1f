"""The whole volume of a picture, tile by tile: as one at once, in less memory.

What holds for the whole picture (the scale of z, shares, the camera's noise and
brightness) is learnt once, on the part with most structure, so that neighbours agree.
Each tile is made with a halo that blur and filters reach over, which is then cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rmz_acquire.reconstruction.structure import BLOCK_PX, Structure
from rmz_acquire.scanning.regions import Region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.reconstruction.base import VolumeEstimator
    from rmz_acquire.reconstruction.memory_plan import MemoryPlan

__all__ = ["VolumePart", "make_in_tiles"]

_LEARN_PX = 256
"""Side of the part that tells what holds for all, pixels."""


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
) -> Iterator[VolumePart]:
    """Make a volume part by part.

    Parameters
    ----------
    make : callable
        Makes a fresh estimator on the z grid of the volume.
    images : sequence of ndarray
        (Y, X) camera counts each, in the order taken.
    z_um : sequence of float
        Where they were taken, µm.
    plan : MemoryPlan
        The tiles.

    Yields
    ------
    VolumePart
        Which together are the whole.
    """
    cores = _cores(plan)
    learnt = None
    if len(cores) > 1:
        pilot = make()
        pilot.survey(images)
        part = _telling(images, plan.shape).around(plan.halo_px, plan.shape)
        pilot.add_all([image[part.slices] for image in images], z_um)
        learnt = pilot.learnt()
        del pilot
    for number, core in enumerate(cores, 1):
        around = core.around(plan.halo_px, plan.shape)
        estimator = make()
        if learnt is not None:
            estimator.settle(learnt)
        made = estimator.add_all([image[around.slices] for image in images], z_um)
        inner = Region(
            core.y - around.y, core.x - around.x, core.height, core.width
        ).slices
        yield VolumePart(core, made[:, *inner], number, len(cores))


def _cores(plan: MemoryPlan) -> list[Region]:
    (height, width), (rows, columns) = plan.shape, plan.core_px
    return [
        Region(y, x, min(rows, height - y), min(columns, width - x))
        for y in range(0, height, rows)
        for x in range(0, width, columns)
    ]


def _telling(images: Sequence[NDArray[Any]], shape: tuple[int, int]) -> Region:
    """The part with most structure; the middle where there is none."""
    structure = Structure(shape)
    for image in images:
        structure.see(image)
    height, width = (min(_LEARN_PX, n // BLOCK_PX * BLOCK_PX) or n for n in shape)
    middle = Region((shape[0] - height) // 2, (shape[1] - width) // 2, height, width)
    return structure.best(height, width) or middle
