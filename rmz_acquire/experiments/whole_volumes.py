"""Whole volumes of pictures on whose regions a scan decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.reconstruction.tiled import gap_left_um, make_in_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.experiments.estimators import Estimators
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.reconstruction.tiled import VolumePart

__all__ = ["parts_of"]


def parts_of(
    estimators: Estimators,
    volume: Volume,
    images: Sequence[NDArray[Any]],
    z_um: Sequence[float],
    how_far: Callable[[float], None] = lambda _: None,
    on_compared: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Iterator[VolumePart]:
    """Make a whole volume in tiles, within the memory at hand.

    Parameters
    ----------
    estimators : Estimators
        Of the experiment.
    volume : Volume
        Which one.
    images : sequence of ndarray
        (Y, X) camera counts each, in the order taken; one or more.
    z_um : sequence of float
        Where they were taken, µm.
    how_far, on_compared : callable
        As of `make_in_tiles`.

    Yields
    ------
    VolumePart
        Which together are the whole.

    Raises
    ------
    InputError
        If not even the smallest tiles fit into the memory.
    """
    gap_um = gap_left_um(sorted(volume.z_um), z_um)
    whole = estimators.make_whole(volume)
    plan = estimators.deciding(volume).memory(whole, len(images), gap_um)
    del whole
    yield from make_in_tiles(
        lambda: estimators.make_whole(volume), images, z_um, plan, how_far, on_compared
    )
