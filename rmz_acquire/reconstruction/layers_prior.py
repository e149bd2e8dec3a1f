"""What the network on the richardson-lucy prior is given: in training as in a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.networks import Prior

if TYPE_CHECKING:
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.normalisation import Normalisation
    from rmz_acquire.reconstruction.richardson_lucy import RichardsonLucyEstimator

__all__ = ["prior_of"]


def prior_of(
    estimator: RichardsonLucyEstimator, optics: Optics, scale: Normalisation
) -> Prior:
    """Give what an estimator knows after its latest plane.

    Parameters
    ----------
    estimator : RichardsonLucyEstimator
        That has seen a plane.
    optics : Optics
        The microscope: distances are in its blur.
    scale : Normalisation
        From counts to the network's numbers.

    Returns
    -------
    Prior
    """
    volume, wiener, light = estimator.volume, estimator.wiener, estimator.light
    assert volume is not None and wiener is not None and light is not None
    # positive where the output plane lies above a plane taken
    away = estimator.z_um[:, None] - estimator.planes_z_um[None]
    away = away * optics.blur_radius_px_per_um
    before = np.where(away >= 0, away, np.inf).min(1)
    after = np.where(away <= 0, -away, np.inf).min(1)
    return Prior(
        estimate=torch.from_numpy(scale.apply(volume)),
        wiener=torch.from_numpy(scale.apply(wiener)),
        light=torch.from_numpy(light / np.float32(scale.scale)),
        before_px=torch.from_numpy(before).float(),
        after_px=torch.from_numpy(after).float(),
    )
