from .release import release, release_again, train
from .training_config import TrainingConfig
from .training_run import fit

__all__ = ["TrainingConfig", "fit", "release", "release_again", "train"]
