"""A training run from a configuration to a released model, resumed where it stopped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from pydantic import ValidationError
from torch.utils.data import DataLoader

from rmz_acquire.errors import InputError
from rmz_acquire.training.module import TrainingModule
from rmz_acquire.training.simulated import SimulatedSequences

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.training.config import TrainingConfig

__all__ = ["fit"]

log = logging.getLogger(__name__)


def _only(batch: list[Any]) -> Any:
    """A sequence is a batch: its output planes share the work."""
    return batch[0]


def _is_of(config: TrainingConfig, told: Path) -> bool:
    """Whether the file says the same, however it is written."""
    try:
        return type(config).model_validate_json(told.read_bytes()) == config
    except ValidationError:
        return False


def fit(
    config: TrainingConfig,
    folder: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    progress: bool = True,
    checkpoint_every: int = 50,
) -> TrainingModule:
    """Train until the configured number of steps; go on from the last checkpoint.

    Parameters
    ----------
    config : TrainingConfig
        The run.
    folder : Path
        Checkpoints and scalars; what it holds of the same run is gone on with.
    workers : int
        Processes that simulate specimens. A run that is gone on with sees exactly the
        sequences that it would have seen, if there are as many as before.
    threads : int, optional
        Of torch in this process.
    progress : bool
        Show a bar with the time left.
    checkpoint_every : int
        Steps between checkpoints: so much is lost when a run is cut off.

    Returns
    -------
    TrainingModule
        With the averaged weights in `average`.

    Raises
    ------
    InputError
        Where the folder holds a run of another configuration.
    """
    if threads:
        torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "config.json"
    if told.exists() and not _is_of(config, told):
        msg = f"{folder} holds a run of another configuration: choose another --out"
        raise InputError(msg)
    told.write_text(config.model_dump_json(indent=2), encoding="utf-8")

    last = folder / "last.ckpt"
    module = TrainingModule(config)
    consumed, batches = 0, config.optimiser.steps * config.optimiser.accumulate
    if last.exists():
        step = int(torch.load(last, weights_only=False)["global_step"])
        consumed = step * config.optimiser.accumulate
        log.info("going on at step %d of %d", step, config.optimiser.steps)
    training: DataLoader[Any] = DataLoader(
        SimulatedSequences(config, consumed=consumed),
        batch_size=1,
        collate_fn=_only,
        num_workers=workers,
        prefetch_factor=16 if workers else None,
        persistent_workers=workers > 0,
    )
    looks = list(
        SimulatedSequences(
            config, specimens=config.validation_specimens, validation=True
        )
    )
    validation: DataLoader[Any] = DataLoader(looks, batch_size=1, collate_fn=_only)  # type: ignore[arg-type]
    every = config.validate_every * config.optimiser.accumulate
    checkpoints = ModelCheckpoint(
        folder, every_n_train_steps=checkpoint_every, save_last=True, save_top_k=0
    )
    trainer = lightning.Trainer(
        accelerator="auto",
        devices=1,  # a second one would be shown the same sequences
        max_steps=config.optimiser.steps,
        max_epochs=-1,
        accumulate_grad_batches=config.optimiser.accumulate,
        gradient_clip_val=config.optimiser.clip,
        val_check_interval=min(every, batches),
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        callbacks=[checkpoints, *([TQDMProgressBar(20)] if progress else [])],
        logger=TensorBoardLogger(folder, name="", version=""),
        enable_progress_bar=progress,
        enable_model_summary=False,
        log_every_n_steps=20,
        default_root_dir=folder,
    )
    resume = str(last) if last.exists() else None
    trainer.fit(module, training, validation, ckpt_path=resume, weights_only=False)
    return module
