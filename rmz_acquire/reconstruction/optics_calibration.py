"""Optics from a dense stack: what predicts planes that were left out.

Every k-th plane is given, object layers and the Wiener filter predict planes between,
and the z scale, then the NA, then the spherical aberration with the least error are
taken. What they are worth is told by planes that took no part in that. What fits the
profile of a bead may predict planes worse; so nothing else is asked here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.asked_planes import AskedPlanes
from rmz_acquire.reconstruction.candidates import LAYERS, WIENER
from rmz_acquire.reconstruction.likelihood import few_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.optics import Optics

__all__ = ["LEAST_GAIN_DB", "MOST_PLANES", "MOST_PX", "Calibration", "calibrate_optics"]

LEAST_GAIN_DB = 0.1
"""What fitted optics have to gain on planes kept apart."""

LEAST_PLANES = 9
LEAST_PX = 32
MOST_PX = 128
MOST_PLANES = 61
"""Of a stack that are looked at: of a side, and along z."""

_SCALES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
_SCALE_STEPS = (0.05, 0.025)
_APERTURES = (0.85, 0.9, 0.95, 1.05)
_SPHERICAL_WAVES = (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)
_MARGIN_DB = 0.05
"""What an NA or an aberration other than the nominal has to gain: both hardly show."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted optics, and what they are worth.

    Attributes
    ----------
    optics : Optics
        With the z scale, the NA and the spherical aberration that predict best.
    layers_db, wiener_db : float
        Gain over the nominal optics on planes that the fit has not seen, dB, of
        richardson-lucy and of wiener.
    planes : int
        How many planes those are.
    """

    optics: Optics
    layers_db: float
    wiener_db: float
    planes: int

    @property
    def gains(self) -> bool:
        """Whether the fitted optics are worth taking."""
        return self.layers_db >= LEAST_GAIN_DB


def calibrate_optics(
    stack: ArrayLike,
    z_um: ArrayLike,
    optics: Optics,
    *,
    on_step: Callable[[str], None] | None = None,
) -> Calibration:
    """Fit z scale, NA and spherical aberration to a dense stack.

    The middle of each picture is used, 128 pixels at most, and 61 planes around the
    middle of the stack. One half of the planes left out fits, the other judges.

    Parameters
    ----------
    stack : array_like
        (n, Y, X) counts, nine planes or more of 32 pixels or more.
    z_um : array_like
        (n,) ascending z of the stage, µm.
    optics : Optics
        What the microscope is said to be.
    on_step : callable, optional
        Is told what was found so far, in a line.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        If the stack is too small, or all of its planes are alike.
    """
    data, at = np.asarray(stack), np.asarray(z_um, dtype=np.float64)
    if len(data) < LEAST_PLANES:
        msg = f"{len(data)} planes are too few to calibrate on: take {LEAST_PLANES}"
        raise InputError(f"{msg} or more")
    if min(data.shape[1:]) < LEAST_PX:
        msg = f"planes of {data.shape[1]} × {data.shape[2]} pixels are too small to "
        raise InputError(f"{msg}calibrate on: take {LEAST_PX} or more a side")
    first = max(0, (len(data) - MOST_PLANES) // 2)
    data, at = data[first : first + MOST_PLANES], at[first : first + MOST_PLANES]
    middle = _middle(data)
    if middle.max() == middle.min():
        raise InputError("the stack shows nothing to calibrate on: all pixels alike")
    with torch.inference_mode(), few_threads(middle[0].size):
        return _fit(middle, at, optics, on_step or (lambda line: None))


def _fit(
    data: NDArray[np.float32],
    z_um: NDArray[np.float64],
    optics: Optics,
    on_step: Callable[[str], None],
) -> Calibration:
    rows = AskedPlanes(data, z_um)
    fit, judge = rows.split()
    tried: dict[tuple[float, float, float], float] = {}

    def error_db(scale: float, aperture: float, waves: float = 0.0) -> float:
        """Of the fit; inf for optics that cannot be."""
        key = (round(scale, 4), round(aperture, 4), round(waves, 4))
        if key not in tried:
            told = _told(optics, *key)
            if told is None:
                tried[key] = math.inf
            else:
                tried[key] = rows.errors_db(told, fit)[LAYERS]
        return tried[key]

    scale, aperture = 1.0, 1.0
    scale = min(_SCALES, key=lambda s: error_db(s, aperture))
    for step in _SCALE_STEPS:
        near = (scale, scale - step, scale + step)
        scale = min(near, key=lambda s: error_db(s, aperture))
    on_step(f"z scale {scale * optics.z_scale:.3g}")
    best = min(_APERTURES, key=lambda a: error_db(scale, a))
    if error_db(scale, best) < error_db(scale, 1.0) - _MARGIN_DB:
        aperture = best
        near = (scale, scale - _SCALE_STEPS[0], scale + _SCALE_STEPS[0])
        scale = min(near, key=lambda s: error_db(s, aperture))
    on_step(f"NA {optics.na * aperture:.3g}")
    waves = min(_SPHERICAL_WAVES, key=lambda w: error_db(scale, aperture, w))
    if error_db(scale, aperture, waves) >= error_db(scale, aperture) - _MARGIN_DB:
        waves = 0.0
    fitted = _told(optics, round(scale, 4), aperture, waves)
    assert fitted is not None
    on_step(f"spherical aberration {fitted.spherical_waves:.3g} waves")
    before, after = (rows.errors_db(each, judge) for each in (optics, fitted))
    return Calibration(
        fitted,
        before[LAYERS] - after[LAYERS],
        before[WIENER] - after[WIENER],
        len({plane for _, plane in judge}),
    )


def _middle(data: NDArray[np.generic]) -> NDArray[np.float32]:
    """The middle of every plane, 128 pixels at most, as float32."""
    rows, columns = (
        slice((n - min(n, MOST_PX)) // 2, (n + min(n, MOST_PX)) // 2)
        for n in data.shape[1:]
    )
    return np.ascontiguousarray(data[:, rows, columns], dtype=np.float32)


def _told(optics: Optics, scale: float, aperture: float, waves: float) -> Optics | None:
    """Optics changed by two factors and a term; None where they cannot be."""
    changed = {
        "z_scale": optics.z_scale * scale,
        "na": optics.na * aperture,
        "spherical_waves": optics.spherical_waves + waves,
    }
    if not 0.3 <= changed["z_scale"] <= 3 or abs(changed["spherical_waves"]) > 2:
        return None
    if changed["na"] >= 0.99 * optics.immersion_index:
        return None
    return optics.model_copy(update=changed)
