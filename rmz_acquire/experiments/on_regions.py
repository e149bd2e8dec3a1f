"""Whether a scan decides on parts of the picture, on which, and within which memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.methods import METHODS, method_of
from rmz_acquire.reconstruction.memory_plan import (
    WHOLE_PX,
    limit_bytes,
    plan_volume,
)
from rmz_acquire.reconstruction.region_factory import make_region_estimator
from rmz_acquire.reconstruction.region_grid import halo_px
from rmz_acquire.reconstruction.torch_device import device_of
from rmz_acquire.scanning import Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.experiments.block import ExperimentSettings
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction import VolumeEstimator
    from rmz_acquire.reconstruction.memory_plan import MemoryPlan
    from rmz_acquire.scanning import Estimator, ScanPlan

__all__ = ["Deciding"]

_KEY = f"{BLOCK}.regions"
_LEAST_PX = 32


class Deciding:
    """How the scans of one channel on one grid decide.

    Parameters
    ----------
    settings : ExperimentSettings
        The block.
    shape : (int, int)
        Of its pictures; (0, 0) where not known.
    optics : Optics or None
        Of the channel.
    plan : ScanPlan
        Of its volumes.
    """

    def __init__(
        self,
        settings: ExperimentSettings,
        shape: tuple[int, int],
        optics: Optics | None,
        plan: ScanPlan,
    ) -> None:
        self._settings, self._shape, self._optics = settings, shape, optics
        self._plan = plan
        #: Whether its pictures are large.
        self.large = shape[0] * shape[1] > WHOLE_PX
        #: The rectangles that decide, where they are given.
        self.given: tuple[Region, ...] | None = None
        wanted, ours = settings.regions, settings.estimator in METHODS
        if wanted == "auto":
            method = method_of(settings.estimator)
            on_gpu = (method.model or method.layers) and device_of(
                settings.device
            ).type != "cpu"
            #: Whether regions decide, and no whole picture.
            self.on_regions = ours and self.large and not on_gpu
        elif wanted == "whole":
            self.on_regions = False
        else:
            self.on_regions = True
            if not ours:
                msg = f"{_KEY}: {settings.estimator} decides on whole pictures only"
                raise InputError(msg)
            self.given = tuple(Region(*one) for one in wanted)
            self._check(self.given)

    def _check(self, given: Sequence[Region]) -> None:
        height, width = self._shape
        blur = 2 * halo_px(self._optics, self._plan.gap_limit_um)
        least = max(blur, _LEAST_PX)
        for region in given:
            told = f"{_KEY}: {region.to_list()}"
            if region.y + region.height > height or region.x + region.width > width:
                msg = f"{told} is not within the picture of {height} × {width} pixels"
                raise InputError(msg)
            if min(region.height, region.width) < least:
                msg = f"{told} is smaller than the blur, which takes {least} pixels"
                raise InputError(msg)

    @property
    def render(self) -> str | None:
        """When whole volumes are made: during, after or none; None: with each plane."""
        return (self._settings.volumes or "after") if self.on_regions else None

    def make(
        self, makes: Any, z_um: NDArray[np.float64], seed: Sequence[int]
    ) -> Estimator:
        """Make the estimator of a volume.

        Parameters
        ----------
        makes : callable
            Makes one of a z grid and optics.
        z_um : ndarray
            (Z,) grid of the scan, µm.
        seed : sequence of int
            Of the tile that lies anywhere.
        """
        optics = self._optics
        if not self.on_regions:
            made: Estimator = makes(z_um, optics)
            return made

        return make_region_estimator(
            self._settings.estimator,
            makes,
            z_um,
            self._shape,
            optics,
            gap_um=self._plan.gap_limit_um,
            regions=self.given,
            seed=seed,
        )

    def memory(
        self, estimator: VolumeEstimator, planes: int, gap_um: float | None = None
    ) -> MemoryPlan:
        """Plan the tiles of a whole volume.

        Parameters
        ----------
        estimator : VolumeEstimator
            On the grid of the volume.
        planes : int
            How many it is made of.
        gap_um : float, optional
            What these leave, µm; by default what a scan may leave that converges.

        Raises
        ------
        InputError
            If they do not fit.
        """
        gap_um = self._plan.gap_limit_um if gap_um is None else gap_um
        return plan_volume(estimator, self._shape, planes, self._optics, gap_um)

    def check_memory(self, estimator: VolumeEstimator, planes: int) -> str:
        """Say in a line what memory is needed.

        Raises
        ------
        InputError
            If it does not fit.
        """
        if self.on_regions:
            return self.memory(estimator, planes).line
        need, most = estimator.bytes_needed(self._shape, planes), limit_bytes()
        if need > most:
            msg = (
                f"{_KEY}: whole pictures need {need / 1e9:.1f} GB, {most / 1e9:.1f} "
                "may be used: let regions decide, or take fewer planes"
            )
            raise InputError(msg)
        return f"whole pictures decide, up to {need / 1e9:.1f} GB"
