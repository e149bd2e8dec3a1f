"""What a full stack would be as it is exposed: how far noise alone takes it off.

A yardstick beside the baselines, which are made of the planes taken: the mechanical
stack of the same exposure, as the camera gives it, nothing done to it. Its error at
planes that were not taken is the camera's noise. Photon transfer of a few planes tells
that noise up to a half too low where a specimen is nowhere smooth, so where the truth
is known without noise, the planes taken are held against it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.metrics import data_range
from rmz_acquire.reconstruction.innovation import noise_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning import Plane

__all__ = ["score_exposed_stack"]

_ON_GRID = 0.05
"""How far off its grid plane a plane may lie, in steps: beyond, defocus is in it."""
_CLEAN = 0.02
"""Most noise in what counts as free of noise, over that of an exposure."""
_MORE_THAN_NOISE = 4.0
"""Difference from the truth over what photon transfer tells, above which it is not
noise alone: the truth is of other optics, or in another scale."""


def score_exposed_stack(
    truth: NDArray[Any],
    planes: Sequence[Plane],
    z_um: Sequence[float],
    unseen: NDArray[np.bool_],
) -> dict[str, float | None] | None:
    """Score a full stack of the same exposure, over the planes that were not taken.

    Parameters
    ----------
    truth : ndarray, (Z, Y, X)
        Camera counts.
    planes : sequence of Plane
        Those taken.
    z_um : sequence of float, (Z,)
        The grid, µm, ascending.
    unseen : ndarray of bool, (Z,)
        The planes that count.

    Returns
    -------
    dict or None
        planes, psnr_db, nrmse, and ssim, which is not known of a noise alone: None.
        None where the truth has noise, or the planes differ from it by more.
    """
    pairs = _pairs(truth, planes, z_um)
    spread, span = float(np.std(truth, dtype=np.float64)), data_range(truth)
    if not pairs or not unseen.any() or spread <= 0 or span <= 0:
        return None
    told = float(np.mean([noise_of(image) for image, _ in pairs]))
    own = float(np.mean([noise_of(true) for _, true in pairs]))
    light = np.concatenate([true.ravel() for _, true in pairs]).astype(np.float64)
    off = np.concatenate([(image - true).ravel() for image, true in pairs])
    square = off.astype(np.float64) ** 2
    seen = float(square.mean())
    if seen <= 0 or own > _CLEAN * seen or seen > _MORE_THAN_NOISE * told:
        return None
    # noise grows with the light, which is another at the planes that were not taken
    deep = light - light.mean()
    gain = max(float(deep @ square) / max(float(deep @ deep), 1e-12), 0.0)
    more = float(np.mean(truth[unseen], dtype=np.float64)) - float(light.mean())
    error = math.sqrt(max(seen + gain * more, 0.0))
    if error <= 0:
        return None
    return {
        "planes": len(z_um),
        "psnr_db": 20 * math.log10(span / error),
        "nrmse": error / spread,
        "ssim": None,
    }


def _pairs(
    truth: NDArray[Any], planes: Sequence[Plane], z_um: Sequence[float]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Each plane that lies on the grid, with the truth there."""
    grid = np.asarray(z_um, dtype=np.float64)
    slack = _ON_GRID * float(np.diff(grid).min())
    found = []
    for plane in planes:
        place = int(np.abs(grid - plane.z_um).argmin())
        if abs(grid[place] - plane.z_um) <= slack:
            pair = plane.image.astype(np.float32), truth[place].astype(np.float32)
            found.append(pair)
    return found
