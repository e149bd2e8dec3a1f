"""The folder of a run: which run it holds, and whether another may have it.

No torch in here: a wrong folder or model is refused before anything is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from rmz_acquire.atomic_io import replace_text
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.models import read_card
from rmz_acquire.training.training_config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CHECKPOINT", "TOLD", "NotReleased", "check_run", "claim"]

CHECKPOINT, TOLD = "last.ckpt", "config.json"
"""Of a run's folder: where it stands, and what it was told."""


class NotReleased(ScanFailed):
    """A trained model loses to a linear method.

    Parameters
    ----------
    message : str
        Where, and by how much.
    folder : Path
        Of its weights and scores.
    """

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(message)
        self.folder = folder


def check_run(folder: Path, config: TrainingConfig) -> None:
    """Refuse a folder that holds another run, stacks and a model that are not there.

    Parameters
    ----------
    folder : Path
        It need not exist.
    config : TrainingConfig
        Of the run that is to go there.

    Raises
    ------
    InputError
        In one line; nothing is written.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file: name a folder for the run"
        raise InputError(msg)
    told = folder / TOLD
    if told.exists():
        try:
            before = TrainingConfig.model_validate_json(told.read_text("utf-8"))
        except ValidationError:
            before = None
        # compared as read: a key that is new has the default that it then had
        if before is None or before.trained_alike() != config.trained_alike():
            msg = (
                f"{folder} holds a run of another configuration: choose another folder"
            )
            raise InputError(msg)
    if config.files is not None:
        for stack in config.files.stacks:
            if not stack.path.exists():
                msg = f"{stack.path}: no such file (files.stacks)"
                raise InputError(msg)
    if config.start_from is None or (folder / CHECKPOINT).exists():
        return
    card = read_card(config.start_from)
    if card.network != config.network:
        msg = (
            f"model {card.name} has another network than the configuration: "
            f"set network to {card.network.model_dump()}"
        )
        raise InputError(msg)


def claim(folder: Path, config: TrainingConfig) -> None:
    """Note in the folder which run it holds, if it does not say so already."""
    told = folder / TOLD
    if not told.exists():
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(told, config.model_dump_json(indent=2))
