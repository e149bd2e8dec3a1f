"""Planes to volume: normalisation, the stateful network, and the baselines."""

from __future__ import annotations

from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.factory import BASELINES, ESTIMATORS, make_estimator
from rmz_acquire.reconstruction.interpolation import LinearEstimator, NearestEstimator
from rmz_acquire.reconstruction.linear_optimum import WienerEstimator
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.recurrent import RecurrentEstimator
from rmz_acquire.reconstruction.wiener import WienerFilter, WienerVolume

__all__ = [
    "BASELINES",
    "ESTIMATORS",
    "LinearEstimator",
    "NearestEstimator",
    "Normalisation",
    "RecurrentEstimator",
    "VolumeEstimator",
    "WienerEstimator",
    "WienerFilter",
    "WienerVolume",
    "make_estimator",
]
