"""Optics from a stack of beads: a pupil retrieved, kept only if it predicts planes.

Planes of even number fit, those between judge. The pupil is retrieved from the mean
bead with one term after the other; of these optics, and of the nominal ones, the ones
whose reconstruction predicts planes best are taken, by even planes again: what fits the
profiles of a bead may predict planes worse. (To move the z scale a little further by
the same planes lost 0.1 to 0.3 dB on the others, on a real bead.)
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.asked_planes import AskedPlanes
from rmz_acquire.reconstruction.bead_average import average_beads
from rmz_acquire.reconstruction.candidates import LAYERS, WIENER
from rmz_acquire.reconstruction.likelihood import few_threads
from rmz_acquire.reconstruction.optics_calibration import (
    MOST_PLANES,
    MOST_PX,
    Calibration,
)
from rmz_acquire.reconstruction.pupil_retrieval import TERMS, retrieve_pupil

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.asked_planes import Asked
    from rmz_acquire.reconstruction.bead_average import MeanBead

__all__ = ["LEAST_BEAD_PLANES", "BeadCalibration", "calibrate_on_beads"]

LEAST_BEAD_PLANES = 13
"""Fewer leave too few to fit, to choose and to judge by."""

_MARGIN_DB = 0.03
"""What a further term has to gain on planes that choose."""


@dataclasses.dataclass(frozen=True, slots=True)
class BeadCalibration(Calibration):
    """What a stack of beads tells.

    Attributes
    ----------
    beads : int
        How many were averaged.
    retrieved : Optics
        The most likely pupil of all, whether it predicts planes or not.
    """

    beads: int
    retrieved: Optics


def calibrate_on_beads(
    stack: ArrayLike,
    z_um: ArrayLike,
    optics: Optics,
    *,
    on_step: Callable[[str], None] | None = None,
) -> BeadCalibration:
    """Retrieve a radially symmetric pupil from beads that are points.

    Parameters
    ----------
    stack : array_like
        (n, Y, X) counts, thirteen planes or more.
    z_um : array_like
        (n,) ascending z of the stage, µm.
    optics : Optics
        What the microscope is said to be.
    on_step : callable, optional
        Is told what was found so far, in a line.

    Returns
    -------
    BeadCalibration

    Raises
    ------
    InputError
        If the stack is too small, or `average_beads` finds nothing in it.
    """
    say = on_step or (lambda line: None)
    data, at = np.asarray(stack), np.asarray(z_um, dtype=np.float64)
    if len(data) < LEAST_BEAD_PLANES:
        msg = f"{len(data)} planes of beads are too few: take {LEAST_BEAD_PLANES}"
        raise InputError(f"{msg} or more")
    bead = average_beads(data, at, optics)
    say(f"beads averaged: {bead.beads}")
    if len(bead.z_um) < LEAST_BEAD_PLANES:
        msg = f"only {len(bead.z_um)} planes show the beads' blur: take smaller z steps"
        raise InputError(msg)
    crop, first = _around(data, bead)
    at = at[first : first + len(crop)]
    with torch.inference_mode(), few_threads(crop[0].size):
        free = (bead.planes - first) % 2 == 0
        mean = dataclasses.replace(
            bead,
            light=bead.light[free],
            z_um=bead.z_um[free],
            planes=bead.planes[free],
        )
        retrieved = retrieve_pupil(mean, optics)
        say(f"retrieved: {_words(retrieved[-1])}")
        return _choose(crop, at, optics, retrieved, bead.beads, say)


def _choose(
    crop: NDArray[np.float32],
    z_um: NDArray[np.float64],
    optics: Optics,
    retrieved: list[Optics],
    beads: int,
    say: Callable[[str], None],
) -> BeadCalibration:
    """Take the optics that predict planes best; those with fewer terms, if as well."""
    rows = AskedPlanes(crop, z_um)
    choose, judge = rows.every_second()
    nominal = error = _error_db(rows, optics, choose)
    best = optics
    for names, told in zip(TERMS, retrieved, strict=True):
        now = _error_db(rows, told, choose)
        say(f"{', '.join(names)}: {nominal - now:+.2f} dB on planes to choose by")
        if now < error - _MARGIN_DB:
            best, error = told, now
    best = best.model_copy(
        update={name: round(getattr(best, name), 4) for name in (*best.fitted, "na")}
    )
    say(f"taken: {_words(best)}")
    before, after = (rows.errors_db(each, judge) for each in (optics, best))
    return BeadCalibration(
        best,
        before[LAYERS] - after[LAYERS],
        before[WIENER] - after[WIENER],
        len({plane for _, plane in judge}),
        beads,
        retrieved[-1],
    )


def _error_db(rows: AskedPlanes, optics: Optics, asked: list[Asked]) -> float:
    return rows.errors_db(optics, asked)[LAYERS]


def _around(
    data: NDArray[np.generic], bead: MeanBead
) -> tuple[NDArray[np.float32], int]:
    """Planes around the brightest bead, as they are; and which is the first."""
    middle = int(bead.planes[np.abs(bead.z_um).argmin()])
    first = max(0, min(middle - MOST_PLANES // 2, len(data) - MOST_PLANES))
    rows, columns = (
        slice(max(0, min(at - MOST_PX // 2, n - MOST_PX)), None)
        for at, n in zip(bead.at, data.shape[1:], strict=True)
    )
    cut = data[first : first + MOST_PLANES, rows, columns][:, :MOST_PX, :MOST_PX]
    return np.ascontiguousarray(cut, dtype=np.float32), first


def _words(optics: Optics) -> str:
    return (
        f"z scale {optics.z_scale:.3g}, NA {optics.na:.3g}, "
        f"spherical {optics.spherical_waves:.3f} and "
        f"{optics.secondary_spherical_waves:.3f} waves, "
        f"apodisation {optics.apodisation:.2f}"
    )
