"""Experiments: a useq sequence whose z-stacks become adaptive scans."""

from __future__ import annotations

from rmz_acquire.experiments.reading import read_experiment
from rmz_acquire.experiments.run import resume, run
from rmz_acquire.experiments.settings import (
    ExperimentSettings,
    OpticsSettings,
    StageSettings,
)
from rmz_acquire.experiments.summary import ExperimentSummary

__all__ = [
    "ExperimentSettings",
    "ExperimentSummary",
    "OpticsSettings",
    "StageSettings",
    "read_experiment",
    "resume",
    "run",
]
