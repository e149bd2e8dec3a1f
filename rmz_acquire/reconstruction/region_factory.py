"""How each estimator is put on tiles of a picture: how many, how coarse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.reconstruction.factory import make_estimator
from rmz_acquire.reconstruction.region_estimator import CORE_PX, TILES, RegionEstimator
from rmz_acquire.reconstruction.region_grid import binning_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.base import VolumeEstimator

__all__ = ["make_region_estimator"]

_DEAR = ("richardson-lucy",)
"""Whose steps cost so much that pixels are binned, and tiles fewer."""
_DEAR_TILES = 3
_CHEAP = ("wiener", "linear", "nearest")
_LARGE_PX, _LARGE_CORE_PX = 1024, 192
"""Side of pictures from which on cheap ones have larger tiles, pixels."""


def make_region_estimator(
    name: str,
    makes: Callable[[NDArray[np.float64], Optics | None], VolumeEstimator],
    z_um: NDArray[np.float64],
    shape: tuple[int, int],
    optics: Optics | None,
    **options: Any,
) -> RegionEstimator:
    """Put an estimator on tiles.

    Parameters
    ----------
    name : str
        One of `ESTIMATORS`.
    makes : callable
        Makes it, of a z grid and optics.
    z_um, shape, optics
        As of `RegionEstimator`.
    **options
        Its `gap_um`, `regions` and `seed`.
    """

    def make(grid: NDArray[np.float64], binning: int) -> VolumeEstimator:
        return makes(grid, _binned(optics, binning))

    def beside(grid: NDArray[np.float64], binning: int) -> VolumeEstimator:
        return make_estimator("wiener", grid, _binned(optics, binning))

    if name not in _DEAR or optics is None:
        large = min(shape) >= _LARGE_PX and name in _CHEAP
        return RegionEstimator(
            make,
            z_um,
            shape,
            optics=optics,
            tiles=TILES,
            core_px=_LARGE_CORE_PX if large else CORE_PX,
            **options,
        )
    return RegionEstimator(
        make,
        z_um,
        shape,
        optics=optics,
        binning=binning_for(optics),
        beside=beside,
        tiles=_DEAR_TILES,
        **options,
    )


def _binned(optics: Optics | None, binning: int) -> Optics | None:
    if optics is None or binning == 1:
        return optics
    pixel = optics.pixel_size_um * binning
    return optics.model_copy(update={"pixel_size_um": pixel})
