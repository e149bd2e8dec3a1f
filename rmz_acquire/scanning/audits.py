"""Audit planes: drawn by chance, so that they tell how good the rest of a volume is.

A policy looks where it expects to learn, and what it finds there says little about the
planes that it leaves out. A plane whose z is drawn from all that are not taken does:
its innovation, squared, is an unbiased sample of the mean squared error there. Over the
spread of the volume that is the square of the NRMSE before the plane was taken. One in
so many is drawn after the first planes, and one more where a stop
rule has nothing else left to ask.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning.frame_quality import FrameFacts, Observation
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import Placed

__all__ = ["audited_error", "audited_noise", "audited_nrmse", "draw", "is_due"]


_LATEST = 3
"""Audit planes that count."""


def is_due(plan: ScanPlan, taken: Sequence[Placed]) -> bool:
    """Whether the next plane is to be drawn, by the share of the plan.

    Parameters
    ----------
    plan : ScanPlan
        Of the scan.
    taken : sequence of Observation or Plane
        Every plane so far.

    Returns
    -------
    bool
    """
    after = len(taken) - plan.first_planes + 1
    drawn = sum(plane.chosen_by == "audit" for plane in taken)
    return drawn < plan.audit_share * after


def draw(plan: ScanPlan, taken: Sequence[Placed], first: FrameFacts) -> float | None:
    """Draw the z of an audit plane.

    The same planes give the same z, also when they are given again after a resume;
    those of another volume give another, since the first frame is part of the seed.

    Parameters
    ----------
    plan : ScanPlan
        Of the scan.
    taken : sequence of Observation or Plane
        Every plane so far; at least one.
    first : FrameFacts
        Of the first of them.

    Returns
    -------
    float or None
        A z of the grid that no plane was asked for at, µm; None where there is none.
    """
    grid = np.asarray(plan.z_um)
    asked = np.array([[plane.z_requested_um, plane.z_um] for plane in taken]).ravel()
    away = np.abs(grid[:, None] - asked[None]).min(1)
    left = grid[away >= plan.same_z_um]
    if left.size == 0:
        return None
    volume = zlib.crc32(first.digest.encode())
    rng = np.random.default_rng([plan.seed, volume, len(taken)])
    return float(rng.choice(left))


def audited_error(taken: Sequence[Observation]) -> tuple[float | None, int]:
    """Give the error of the last audit planes, as they were predicted.

    More than one, so that a rule which draws until it is content is not content by
    luck.

    Parameters
    ----------
    taken : sequence of Observation
        Every plane so far.

    Returns
    -------
    error : float or None
        Root of the mean squared innovation: relative to the light of these planes,
        so that a dim place counts as much as a bright one. None where not known.
    planes : int
        Of how many.
    """
    audits = _latest(taken)
    return _rms([plane.innovation for plane in audits]), len(audits)


def audited_nrmse(taken: Sequence[Observation]) -> float | None:
    """Give the NRMSE at planes not taken, as the last audit planes sample it.

    Parameters
    ----------
    taken : sequence of Observation
        Every plane so far; at least one.

    Returns
    -------
    float or None
        RMS error with which they were predicted, without their noise, over the spread
        of the volume; None where the estimator does not tell it.
    """
    missed = _rms([each.misprediction for each in _latest(taken)])
    spread = taken[-1].spread
    return None if missed is None or not spread else missed / spread


def audited_noise(taken: Sequence[Observation]) -> float | None:
    """Give the noise of the last audit planes, over their light.

    Parameters
    ----------
    taken : sequence of Observation
        Every plane so far.

    Returns
    -------
    float or None
        In the unit of `audited_error`: what a plane of a full stack is wrong by. None
        where not known.
    """
    return _rms([plane.noise for plane in _latest(taken)])


def _latest(taken: Sequence[Observation]) -> list[Observation]:
    return [plane for plane in taken if plane.chosen_by == "audit"][-_LATEST:]


def _rms(values: Sequence[float | None]) -> float | None:
    """Root mean square; None where one is not known, or there is none."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return math.sqrt(sum(value**2 for value in known) / len(known))
