"""Scores volumes against a truth, beside the baselines from the same planes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation import planes_not_taken, score
from rmz_acquire.experiments.exposed_stack import score_exposed_stack
from rmz_acquire.reconstruction import BASELINES, make_estimator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Plane

__all__ = ["score_volume"]

logger = logging.getLogger(__name__)


def score_volume(
    truth: NDArray[Any],
    pixels: NDArray[np.float32],
    planes: Sequence[Plane],
    z_um: Sequence[float],
    *,
    estimator: str,
    optics: Optics | None,
    baselines: bool,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Score a volume over the planes that were not taken.

    Parameters
    ----------
    truth, pixels : ndarray, (Z, Y, X)
        Camera counts.
    planes : sequence of Plane
        Those that the estimator was given, as they lie on disk.
    z_um : sequence of float, (Z,)
        The grid, µm.
    estimator : str
        What made the volume: it is not made again as its own baseline.
    optics : Optics or None
        Of the channel; without any, there is no `wiener`.
    baselines : bool
        Whether to score these too.
    say : callable
        Is told each baseline as it begins.

    Returns
    -------
    dict
        psnr_db, nrmse and ssim, and the same under ``baselines`` by their names; None
        for one that could not be made. And ``full_stack``, as `score_exposed_stack`
        gives it.
    """
    unseen = planes_not_taken(z_um, [plane.z_um for plane in planes])
    own = score(truth, pixels, unseen).to_dict()
    if not baselines:
        return own
    beside: dict[str, dict[str, float | None] | None] = {}
    for name in BASELINES:
        say(name)
        if name == estimator:
            beside[name] = own
            continue
        made = _baseline(name, planes, z_um, optics)
        beside[name] = None if made is None else score(truth, made, unseen).to_dict()
    exposed = score_exposed_stack(truth, planes, z_um, unseen)
    return {**own, "baselines": beside, "full_stack": exposed}


def _baseline(
    name: str, planes: Sequence[Plane], z_um: Sequence[float], optics: Optics | None
) -> NDArray[np.float32] | None:
    """Make the volume of a baseline; None where it cannot be made."""
    if name == "wiener" and optics is None:
        return None
    try:
        estimator = make_estimator(name, np.asarray(z_um), optics)
        for plane in planes:
            estimator.add(plane.image, plane.z_um)
    except Exception:
        # a yardstick that breaks must not cost the run its summary
        logger.exception("the baseline %s could not be made", name)
        return None
    return estimator.volume
