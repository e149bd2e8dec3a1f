"""Measures: metrics against a truth; the experiments of the paper build on them."""

from __future__ import annotations

from rmz_acquire.evaluation.metrics import (
    Scores,
    data_range,
    nrmse,
    planes_not_taken,
    psnr_db,
    score,
    ssim,
)

__all__ = [
    "Scores",
    "data_range",
    "nrmse",
    "planes_not_taken",
    "psnr_db",
    "score",
    "ssim",
]
