"""How coarse a part of a picture may be where a scan only decides, and its halo."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = ["binning_for", "halo_px", "thinned"]

_HALO_PX = (16, 64)
"""Least and most halo, pixels."""

_COARSEST_NYQUIST = 4.0
"""Largest pixels of a tile, over those that sample the optics as Nyquist asks."""


def binning_for(optics: Optics) -> int:
    """Camera pixels, along a side, that may be one where a scan only decides."""
    nyquist_um = optics.wavelength_um / (4 * optics.na)
    return 2 if 2 * optics.pixel_size_um <= _COARSEST_NYQUIST * nyquist_um else 1


def halo_px(optics: Optics | None, gap_um: float, *, most: int = _HALO_PX[1]) -> int:
    """Give the pixels around a tile from which light comes in, a multiple of 16.

    Parameters
    ----------
    optics : Optics or None
        The microscope; None for what knows of no blur.
    gap_um : float
        How far from a plane that is believed, µm.
    most : int
        No more than that, pixels.
    """
    if optics is None:
        return 0
    blur = optics.blur_radius_px_per_um * gap_um
    return int(min(most, max(_HALO_PX[0], 16 * math.ceil(blur / 16))))


def thinned(
    z_um: NDArray[np.float64], optics: Optics | None, binning: int = 1
) -> NDArray[np.float64]:
    """Give z no farther apart than a depth of field, evenly from end to end.

    Parameters
    ----------
    z_um : ndarray
        (Z,) ascending grid, µm.
    optics : Optics or None
        The microscope; without, the grid as it is.
    binning : int
        Camera pixels in one, along a side.

    Returns
    -------
    ndarray
        (n,) µm; the grid itself where it is no finer.
    """
    if optics is None:
        return z_um
    pixel = optics.pixel_size_um * binning
    coarse = optics.model_copy(update={"pixel_size_um": pixel})
    n = math.ceil(float(z_um[-1] - z_um[0]) / coarse.depth_of_field_um - 1e-9) + 1
    return z_um if n >= len(z_um) else np.linspace(z_um[0], z_um[-1], max(n, 2))
