"""Experiments: a useq sequence whose z-stacks become adaptive scans."""

from __future__ import annotations

from rmz_acquire.experiments.prepare import Prepared, prepare
from rmz_acquire.experiments.reading import read_experiment
from rmz_acquire.experiments.replaying import Further
from rmz_acquire.experiments.run import resume, run
from rmz_acquire.experiments.settings import (
    ExperimentSettings,
    OpticsSettings,
    StageSettings,
)
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.experiments.summary import ExperimentSummary
from rmz_acquire.experiments.volumes import Volume, volumes_of
from rmz_acquire.experiments.watching import Watcher

__all__ = [
    "ExperimentSettings",
    "ExperimentSummary",
    "Further",
    "OpticsSettings",
    "Prepared",
    "StageSettings",
    "StoredExperiment",
    "Volume",
    "Watcher",
    "prepare",
    "read_experiment",
    "resume",
    "run",
    "volumes_of",
]
