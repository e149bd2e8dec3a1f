"""How a volume is made within the memory at hand: tiles over y and x, all of z each."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.region_grid import halo_px

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.base import VolumeEstimator

__all__ = [
    "MEMORY",
    "WHOLE_PX",
    "MemoryPlan",
    "free_bytes",
    "plan_memory",
    "plan_volume",
]

MEMORY = "RMZ_ACQUIRE_MEMORY_GB"
"""Environment variable: how much may be used, GB; by default half of what is free."""

_SHARE = 0.5
_UNKNOWN = 4e9
"""Bytes where the system does not tell what is free."""

_ALIGNED_PX = 64
"""Cores of tiles are a multiple of it."""

WHOLE_PX = 256 * 256
"""Pixels up to which the whole picture decides, and is made plane by plane."""

MOST_PX = 1024
"""Largest core, pixels: of a larger one the halo is hardly less of it."""


_HALO_PX = 128
"""Most around a tile, pixels."""

_BORDER_PX = 64
"""By how much larger a tile is in transforms, along a side, about."""

_POWER = 1.3
"""Time that a tile takes, as a power of its pixels: small ones stay in the cache."""

RIM_PX = 16
"""By how much neighbours overlap on either side."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Tiles for the volume of a picture, and what they take.

    Parameters
    ----------
    shape : (int, int)
        Of the picture.
    z : int
        Planes of the volume.
    core_px : (int, int)
        Height and width of a tile without its halo; the last may be smaller.
    halo_px : int
        Around it.
    tile_bytes : int
        Of an estimator at work on a tile with its halo.
    held_bytes : int
        Of the planes.
    limit_bytes : int
        What may be used.
    together : int
        Tiles that are made at the same time, each in one thread.
    """

    shape: tuple[int, int]
    z: int
    core_px: tuple[int, int]
    halo_px: int
    tile_bytes: int
    held_bytes: int
    limit_bytes: int
    together: int = 1

    @property
    def rim_px(self) -> int:
        """By how much neighbours overlap on either side, pixels."""
        return min(RIM_PX, self.halo_px // 2)

    @property
    def need_bytes(self) -> int:
        """Of all tiles at work, of results that wait, and of the planes."""
        n = self.together
        if n == 1:
            return self.tile_bytes + self.held_bytes
        height, width = (
            min(side, core + 2 * self.rim_px)
            for side, core in zip(self.shape, self.core_px, strict=True)
        )
        # one more is faded into its neighbours, which keep a seam along the picture
        seam = 2 * self.rim_px * self.shape[1]
        waits = 4 * self.z * ((n + 1) * height * width + seam)
        return n * self.tile_bytes + waits + self.held_bytes

    @property
    def large(self) -> bool:
        """Whether the picture is more than is made plane by plane."""
        return self.shape[0] * self.shape[1] > WHOLE_PX

    @property
    def tiles(self) -> int:
        """How many there are."""
        rows, columns = (
            math.ceil(n / core)
            for n, core in zip(self.shape, self.core_px, strict=True)
        )
        return rows * columns

    @property
    def volume_bytes(self) -> int:
        """Of the whole volume, which is on disk."""
        return 4 * self.z * self.shape[0] * self.shape[1]

    @property
    def line(self) -> str:
        """The same in a line."""
        height, width = self.shape
        rows, columns = self.core_px
        said = f"volume {self.z} × {height} × {width}, {_gb(self.volume_bytes)} on disk"
        part = f"{self.tiles} tiles of {rows} × {columns} and {self.halo_px} around"
        if self.tiles == 1:
            part = "made at once"
        elif self.together > 1:
            part += f", {self.together} side by side"
        need = _gb(self.need_bytes)
        return f"{said}: {part}, up to {need} of {_gb(self.limit_bytes)}"

    @property
    def work(self) -> float:
        """What all tiles take, for comparison; as if one alone had neighbours."""
        height, width = (core + 2 * self.halo_px + _BORDER_PX for core in self.core_px)
        return self.tiles * math.pow(height * width, _POWER)


def plan_volume(
    estimator: VolumeEstimator,
    shape: tuple[int, int],
    planes: int,
    optics: Optics | None,
    gap_um: float,
) -> MemoryPlan:
    """Choose the tiles of a volume.

    Parameters
    ----------
    estimator : VolumeEstimator
        On its grid.
    shape : (int, int)
        Of the planes.
    planes : int
        The most that it is made of.
    optics : Optics or None
        The microscope, where it is known.
    gap_um : float
        How far an output plane may be from the nearest plane taken, µm.

    Raises
    ------
    InputError
        If not even the smallest tile fits.
    """
    halo = halo_px(optics, gap_um, most=_HALO_PX)
    z, needed = len(estimator.z_um), estimator.bytes_needed
    threads = torch.get_num_threads() if estimator.side_by_side else None
    return plan_memory(shape, z, planes, needed, halo=halo, threads=threads)


def plan_memory(
    shape: tuple[int, int],
    z: int,
    planes: int,
    needed: Callable[[tuple[int, int], int], int],
    *,
    halo: int,
    limit: float | None = None,
    threads: int | None = None,
) -> MemoryPlan:
    """Choose the tiles.

    The largest that fit, one after the other; or side by side those of a size that
    takes the least time.

    Parameters
    ----------
    shape : (int, int)
        Of the picture.
    z, planes : int
        Planes of the volume, and the most that are taken.
    needed : callable
        Bytes of an estimator for a picture's shape and a number of planes.
    halo : int
        Pixels around a tile.
    limit : float, optional
        Bytes that may be used; by default those that `MEMORY` tells, or half of
        what is free.
    threads : int, optional
        How many tiles may be made side by side; by default one after the other.

    Returns
    -------
    MemoryPlan

    Raises
    ------
    InputError
        If not even the smallest tile fits.
    """
    most = int(limit_bytes() if limit is None else limit)
    held = 2 * planes * shape[0] * shape[1]
    best: MemoryPlan | None = None
    # as even as they can be, from one tile on
    for parts in range(1, 1 + math.ceil(max(shape) / _ALIGNED_PX)):
        height, width = (_aligned(n, parts) for n in shape)
        if max(height, width) > MOST_PX and parts == 1:
            continue
        around = min(shape[0], height + 2 * halo), min(shape[1], width + 2 * halo)
        tile = needed(around, planes)
        plan = MemoryPlan(shape, z, (height, width), halo, tile, held, most)
        if plan.need_bytes > most:
            continue
        if threads is None:
            return plan
        plan = _side_by_side(plan, threads)
        if best is None or plan.work / plan.together < best.work / best.together:
            best = plan
    if best is not None:
        # no more than there are; and their size does not hang on the threads
        return replace(best, together=min(best.together, best.tiles))
    msg = (
        f"a volume of {z} planes from {planes} of {shape[0]} × {shape[1]} needs "
        f"{_gb(tile + held)} even in the smallest tiles, {_gb(most)} may be used: take "
        f"fewer planes or a smaller picture, or set {MEMORY}"
    )
    raise InputError(msg)


def limit_bytes() -> float:
    """Give what may be used, bytes.

    Raises
    ------
    InputError
        If `MEMORY` is no number above 0.
    """
    told = os.environ.get(MEMORY)
    if told is None:
        return _SHARE * free_bytes()
    try:
        value = float(told)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        msg = f"{MEMORY} is {told!r}: give a number of GB above 0"
        raise InputError(msg)
    return value * 1e9


def free_bytes() -> float:
    """Give the memory that is free, bytes; a guess where the system does not tell."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
        line = next(x for x in text.splitlines() if x.startswith("MemAvailable:"))
        return 1024.0 * float(line.split()[1])
    except (OSError, StopIteration):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES") / 2
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def _side_by_side(plan: MemoryPlan, threads: int) -> MemoryPlan:
    """As many at the same time as there are threads, or as fit."""
    for together in range(threads, 1, -1):
        wider = replace(plan, together=together)
        if wider.need_bytes <= plan.limit_bytes:
            return wider
    return plan


def _aligned(n: int, parts: int) -> int:
    """Side of a tile, so that so many cover n pixels."""
    if parts == 1:
        return n
    return min(n, _ALIGNED_PX * math.ceil(n / parts / _ALIGNED_PX))


def _gb(n: float) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e8 else f"{n / 1e6:.0f} MB"
