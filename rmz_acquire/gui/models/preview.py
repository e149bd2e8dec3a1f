"""What the window shows of a volume while regions of the picture decide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning import Plane, RegionVolume

__all__ = ["preview"]

_VOXELS = 2**25


def preview(
    planes: Sequence[Plane], z_um: Sequence[float], regions: Sequence[RegionVolume]
) -> NDArray[np.float32]:
    """Interpolate between the planes, and lay the regions' volume in.

    Parameters
    ----------
    planes : sequence of Plane
        So far; at least one.
    z_um : sequence of float
        (Z,) grid, µm, ascending.
    regions : sequence of RegionVolume
        What the scan decides on.

    Returns
    -------
    ndarray
        (Z, Y / n, X / n) float32 counts, with n such that it stays small.
    """
    by_z = sorted(planes, key=lambda plane: plane.z_um)
    at = [plane.z_um for plane in by_z]
    height, width = by_z[0].image.shape
    n = math.ceil(math.sqrt(len(z_um) * height * width / _VOXELS))
    rows, columns = height // n, width // n
    known = np.stack(
        [
            plane.image[: rows * n, : columns * n]
            .reshape(rows, n, columns, n)
            .mean((1, 3), dtype=np.float32)
            for plane in by_z
        ]
    )
    made = np.empty((len(z_um), rows, columns), np.float32)
    for number, z in enumerate(z_um):
        place = float(np.interp(z, at, np.arange(len(at))))
        low = int(place)
        high, part = min(low + 1, len(at) - 1), np.float32(place - low)
        made[number] = known[low] * (1 - part) + known[high] * part
    for each in regions:
        top, left = -(-each.region.y // n), -(-each.region.x // n)
        bottom = min(rows, (each.region.y + each.region.height) // n)
        right = min(columns, (each.region.x + each.region.width) // n)
        first_y, first_x = top * n - each.region.y, left * n - each.region.x
        part_px = each.on(z_um)[
            :,
            first_y : first_y + (bottom - top) * n,
            first_x : first_x + (right - left) * n,
        ]
        shape = (len(z_um), bottom - top, n, right - left, n)
        made[:, top:bottom, left:right] = part_px.reshape(shape).mean((2, 4))
    return made
