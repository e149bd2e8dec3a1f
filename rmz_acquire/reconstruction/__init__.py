"""Planes to volume: normalisation, the stateful network, likelihood, baselines."""

from __future__ import annotations

from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.extended_focus import (
    extended_focus,
    triangle_threshold,
)
from rmz_acquire.reconstruction.factory import (
    BASELINES,
    ESTIMATORS,
    NETWORKS,
    make_estimator,
)
from rmz_acquire.reconstruction.interpolation import LinearEstimator, NearestEstimator
from rmz_acquire.reconstruction.linear_optimum import WienerEstimator
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.recurrent import RecurrentEstimator
from rmz_acquire.reconstruction.richardson_lucy import RichardsonLucyEstimator
from rmz_acquire.reconstruction.stateless import DeepZEstimator, UNet3DEstimator
from rmz_acquire.reconstruction.wiener import WienerFilter, WienerVolume

__all__ = [
    "BASELINES",
    "ESTIMATORS",
    "NETWORKS",
    "DeepZEstimator",
    "LinearEstimator",
    "NearestEstimator",
    "Normalisation",
    "RecurrentEstimator",
    "RichardsonLucyEstimator",
    "UNet3DEstimator",
    "VolumeEstimator",
    "WienerEstimator",
    "WienerFilter",
    "WienerVolume",
    "extended_focus",
    "make_estimator",
    "triangle_threshold",
]
