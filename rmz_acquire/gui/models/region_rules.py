"""Whether regions decide, and which rectangles may: as the experiment says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import ExperimentSettings
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.on_regions import Deciding
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
    """

    on_regions: bool | None
    fault: str = ""


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
        return Deciders(True, "draw a region, or let tiles be chosen")
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
        return Deciders(Deciding(block, shape, optics, plan).on_regions)
    except InputError as error:
        said = str(error).removeprefix(f"{BLOCK}.regions: ")
        return Deciders(True, f"the region {said}" if said[:1] == "[" else said)
