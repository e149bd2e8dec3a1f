from .calibrated import read_optics, with_optics
from .loading import LoadedRun, load
from .prepare import Prepared, prepare
from .reading import read_experiment
from .replaying import Further
from .run import resume, run
from .settings import (
    ExperimentSettings,
    OpticsSettings,
    StageSettings,
)
from .stored import StoredExperiment
from .summary import ExperimentSummary
from .volumes import Volume, volumes_of
from .watching import Watcher

__all__ = [
    "ExperimentSettings",
    "ExperimentSummary",
    "Further",
    "LoadedRun",
    "OpticsSettings",
    "Prepared",
    "StageSettings",
    "StoredExperiment",
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
]
