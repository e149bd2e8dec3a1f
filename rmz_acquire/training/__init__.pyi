from .config import TrainingConfig
from .releasing import release, release_again, train
from .run import fit

__all__ = ["TrainingConfig", "fit", "release", "release_again", "train"]
