from .block import (
    ExperimentSettings,
    OpticsSettings,
    StageSettings,
)
from .calibrated import read_optics, with_optics
from .callbacks import Watcher
from .experiment_yaml import read_experiment, with_overlap
from .loading import FinishedRun, LoadedRun, load
from .prepare import Prepared, prepare
from .replay_decisions import Further
from .run import resume, run
from .stored import StoredExperiment
from .target_calibration import with_target
from .truth import Truth
from .volumes import Volume, volumes_of

__all__ = [
    "ExperimentSettings",
    "FinishedRun",
    "Further",
    "LoadedRun",
    "OpticsSettings",
    "Prepared",
    "StageSettings",
    "StoredExperiment",
    "Truth",
    "Volume",
    "Watcher",
    "load",
    "prepare",
    "read_experiment",
    "read_optics",
    "resume",
    "run",
    "volumes_of",
    "with_optics",
    "with_overlap",
    "with_target",
]
