"""One volume made again of planes on disk, written beside what tells how.

What `reconstruct` does to one volume, and what each worker does to each of an archive.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.archive_planes import places_of, stack_of
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.methods import METHODS
from rmz_acquire.models import LoadedModel, load_model
from rmz_acquire.plugins import ESTIMATOR, allow, load
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.memory_plan import plan_volume
from rmz_acquire.reconstruction.spread import WithSpread
from rmz_acquire.reconstruction.tiled import gap_left_um, make_in_tiles
from rmz_acquire.recording import Comparison, Remade
from rmz_acquire.scanning import own_estimator
from rmz_acquire.stacks import ScratchVolume, write_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from rmz_acquire.experiments.archive_planes import VolumeJob
    from rmz_acquire.reconstruction import VolumeEstimator
    from rmz_acquire.reconstruction.memory_plan import MemoryPlan
    from rmz_acquire.scanning import Estimator

__all__ = ["Made", "make_volume"]


@dataclass(frozen=True, slots=True)
class Made:
    """A volume that was written.

    Parameters
    ----------
    told : Remade
        What stands beside it.
    name : str
        Of the estimator.
    shape : tuple of int
        (Z, Y, X).
    """

    told: Remade
    name: str
    shape: tuple[int, ...]


def make_volume(
    job: VolumeJob,
    how_far: Callable[[float], None] = lambda _: None,
    on_plan: Callable[[MemoryPlan], None] = lambda _: None,
) -> Made:
    """Make it as after a scan, in tiles, and write it whole or not at all.

    Parameters
    ----------
    job : VolumeJob
        What.
    how_far : callable
        Is told the share that is made, 0 to 1.
    on_plan : callable
        Is told before what memory it takes; not of what is somebody else's.

    Returns
    -------
    Made

    Raises
    ------
    InputError
        Where there is nothing to make it of.
    OSError
        If the disk does not take it.
    """
    planes = _planes(job)
    if not planes:
        msg = f"{job.source} holds no planes to make a volume of"
        raise InputError(msg)
    estimator = _estimator(job)
    height, width = planes[0][0].shape
    job.out.parent.mkdir(parents=True, exist_ok=True)
    # volume and spread are made at once, one behind the other
    deep = len(job.z_um) * (2 if job.spread else 1)
    with ScratchVolume((deep, height, width), job.out.parent) as volume:
        if job.estimator in METHODS:
            compared = _in_tiles(job, planes, volume, how_far, on_plan)
        else:
            compared = _at_once(planes, estimator, volume, how_far)
        return _written(job, planes, estimator, volume, compared)


def _in_tiles(
    job: VolumeJob,
    planes: list[tuple[NDArray[Any], float]],
    volume: ScratchVolume,
    how_far: Callable[[float], None],
    on_plan: Callable[[MemoryPlan], None],
) -> list[Comparison]:
    images, z_um = [image for image, _ in planes], [z for _, z in planes]
    gap_um = gap_left_um(job.z_um, z_um)
    shape = volume.shape[1:]
    plan = plan_volume(_to_render(job), shape, len(images), job.optics, gap_um)
    on_plan(plan)
    compared: list[Comparison] = []
    for part in make_in_tiles(
        lambda: _to_render(job),
        images,
        z_um,
        plan,
        how_far,
        lambda told: compared.append(Comparison.of(told)),
    ):
        volume.write_part((part.region.y, part.region.x), part.volume)
    return compared


def _at_once(
    planes: list[tuple[NDArray[Any], float]],
    estimator: Estimator,
    volume: ScratchVolume,
    how_far: Callable[[float], None],
) -> list[Comparison]:
    """By what is somebody else's, which may know of whole pictures only."""
    compared = []
    for number, (image, z_um) in enumerate(planes, 1):
        told = estimator.add(image, z_um)
        names = ("predictions", "shares", "z_scale")
        compared.append(Comparison.of({name: getattr(told, name) for name in names}))
        how_far(number / len(planes))
    assert estimator.volume is not None
    volume.write_part((0, 0), estimator.volume)
    return compared


def _written(
    job: VolumeJob,
    planes: list[tuple[NDArray[Any], float]],
    estimator: Estimator,
    volume: ScratchVolume,
    compared: list[Comparison],
) -> Made:
    remade = Remade.of(
        job.source,
        estimator.describe(),
        job.z_um,
        [z_um for _, z_um in planes],
        compared,
    )
    # what tells of an older one would tell of this one until its own is there
    job.told_in.unlink(missing_ok=True)
    job.spread_in.unlink(missing_ok=True)
    about: dict[str, Any] = {
        "pixel_size_um": job.pixel_size_um,
        "optics": job.optics,
        "channel": job.channel,
    }
    z_um, deep = job.z_um, len(job.z_um)
    told = remade.told_of_planes
    write_volume(job.out, volume.part(0, deep), z_um, told=told, **about)
    if job.spread:
        write_volume(job.spread_in, volume.part(deep, deep), z_um, **about)
    remade.write(job.told_in)
    return Made(remade, estimator.name, (deep, *volume.shape[1:]))


def _planes(job: VolumeJob) -> list[tuple[NDArray[Any], float]]:
    """Planes with their z, µm, in the order taken."""
    if job.key is None:
        with _said_before():
            stack = stack_of(job.source, job.listed_z_um, job.pixel_size_um)
        assert stack.z_um is not None
        return [(stack.data[i], stack.z_um[i]) for i in places_of(stack)]
    stored = StoredExperiment(job.source)
    (volume,) = (v for v in stored.begun if v.key == job.key)
    return [(plane.image, plane.z_um) for plane in stored.counted(volume)]


@contextmanager
def _said_before() -> Iterator[None]:
    """Read a file again whose warnings were given when it was found."""
    reader = logging.getLogger("rmz_acquire.stacks")
    level = reader.level
    reader.setLevel(logging.ERROR)
    try:
        yield
    finally:
        reader.setLevel(level)


def _estimator(job: VolumeJob) -> Estimator:
    if job.estimator not in METHODS:
        if job.plugins is not None:
            allow(job.plugins)  # a worker's process was not told before
        made = load(ESTIMATOR, job.estimator)
        return own_estimator(made, job.z_um, job.optics)
    return _ours(job)


def _to_render(job: VolumeJob) -> VolumeEstimator:
    return WithSpread(_ours(job)) if job.spread else _ours(job)


def _ours(job: VolumeJob) -> VolumeEstimator:
    model = None if job.model is None else _loaded(job.model)
    return make_estimator(
        job.estimator, job.z_um, job.optics, model=model, device=job.device
    )


@lru_cache(maxsize=2)
def _loaded(model: str) -> LoadedModel:
    return load_model(model)
