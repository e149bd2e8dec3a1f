"""Whether regions decide, and which rectangles may: as the experiment says it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import ExperimentSettings
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.on_regions import Deciding
from rmz_acquire.reconstruction.region_estimator import CORE_PX, TILES
from rmz_acquire.reconstruction.region_grid import halo_px
from rmz_acquire.scanning import ScanPlan

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.optics import Optics

__all__ = ["Deciders", "deciders"]


@dataclass(frozen=True, slots=True)
class Deciders:
    """On what a scan would decide.

    Parameters
    ----------
    on_regions : bool or None
        Whether regions decide; None while that is not known.
    fault : str
        What is wrong with the regions, in one line; empty where nothing is.
    picture_px : (int, int), optional
        Height and width of a picture that takes as long as the tiles; None where the
        whole picture decides.
    """

    on_regions: bool | None
    fault: str = ""
    picture_px: tuple[int, int] | None = None


def deciders(
    settings: ScanSettings, shape: tuple[int, int], optics: Optics | None
) -> Deciders:
    """Say on what a scan would decide, and what is wrong with its regions.

    Parameters
    ----------
    settings : ScanSettings
        What is typed; while it has no range, the blur is that of next to none.
    shape : (int, int)
        Height and width of the pictures, pixels.
    optics : Optics or None
        Of the first channel.
    """
    if not settings.regions:
        return Deciders(True, "draw a region, or choose tiles")
    if min(shape) < 1:
        return Deciders(None)
    try:
        plan = settings.plan()
    except InputError:
        plan = ScanPlan.from_range(0.0, 1.0, 0.5)
    try:
        block = ExperimentSettings(
            version=1, estimator=settings.estimator, regions=settings.regions
        )
        on_regions = Deciding(block, shape, optics, plan).on_regions
    except InputError as error:
        said = str(error).removeprefix(f"{BLOCK}.regions: ")
        for y, x, height, width in _given(settings):
            words = f"the region of {width} × {height} pixels at x {x}, y {y}"
            said = said.replace(str([y, x, height, width]), words)
        return Deciders(True, said)
    if not on_regions:
        return Deciders(False)
    side = CORE_PX + 2 * halo_px(optics, plan.gap_limit_um)
    height, width = shape
    # as a square picture of so many pixels
    tiles = round(math.sqrt(TILES) * side)
    return Deciders(True, picture_px=(min(height, tiles), min(width, tiles)))


def _given(settings: ScanSettings) -> tuple[tuple[int, int, int, int], ...]:
    return () if isinstance(settings.regions, str) else settings.regions
