"""Data, losses and the training step; `train` takes a configuration to a model."""

from __future__ import annotations

from rmz_acquire.training.config import TrainingConfig
from rmz_acquire.training.releasing import release, release_again, train
from rmz_acquire.training.run import fit

__all__ = ["TrainingConfig", "fit", "release", "release_again", "train"]
