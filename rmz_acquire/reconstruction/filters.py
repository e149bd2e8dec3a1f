"""Linear filters that are there already: their tables take longer than a picture."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from rmz_acquire.reconstruction.wiener import WienerFilter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = ["wiener_filter"]


@lru_cache(maxsize=16)
def _built(optics: Optics, z_um: tuple[float, ...]) -> WienerFilter:
    return WienerFilter(optics, torch.tensor(z_um, dtype=torch.float64))


def wiener_filter(optics: Optics, z_um: NDArray[np.float64]) -> WienerFilter:
    """Give the filter for a grid; volumes on the same grid share its tables.

    Parameters
    ----------
    optics : Optics
        The microscope.
    z_um : ndarray
        (n,) ascending z grid, µm.

    Returns
    -------
    WienerFilter
        The caller's own, save for the tables.
    """
    return copy.copy(_built(optics, tuple(z_um.tolist())))
