"""A training run from a configuration to a released model, resumed where it stopped."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader, IterableDataset

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.models import load_model
from rmz_acquire.recording.progress import ProgressLog, TrainingProgress
from rmz_acquire.training.cached import CachedSequences
from rmz_acquire.training.checkpoints import WholeCheckpoints
from rmz_acquire.training.claiming import CHECKPOINT, check_run, claim
from rmz_acquire.training.module import TrainingModule, training_module
from rmz_acquire.training.recorded_dataset import RecordedField, training_stacks
from rmz_acquire.training.run_progress import Watching
from rmz_acquire.training.sequences import TrainingSequences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rmz_acquire.training.training_config import TrainingConfig

__all__ = ["fit"]

log = logging.getLogger(__name__)


def _only(batch: list[Any]) -> Any:
    """A sequence is a batch: its output planes share the work."""
    return batch[0]


class _Data(lightning.LightningDataModule):
    """Loaders that know which of several training processes they feed."""

    def __init__(
        self,
        config: TrainingConfig,
        folder: Path,
        learning: list[RecordedField],
        looking: list[RecordedField],
        *,
        consumed: int,
        workers: int,
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._say = say
        self._folder = folder
        self._config, self._consumed, self._workers = config, consumed, workers
        self._learning, self._looking = learning, looking

    def train_dataloader(self) -> DataLoader[Any]:
        """Sequences without end, from where the run stands."""
        rank, ranks = 0, 1
        if self.trainer:
            rank, ranks = self.trainer.global_rank, self.trainer.world_size
        sequences: IterableDataset[Any]
        if self._config.cache is not None:
            sequences = CachedSequences(
                self._config,
                self._folder,
                consumed=self._consumed,
                rank=rank,
                ranks=ranks,
            )
        else:
            sequences = TrainingSequences(
                self._config,
                consumed=self._consumed,
                recorded=self._learning,
                rank=rank,
                ranks=ranks,
            )
        return DataLoader(
            sequences,
            batch_size=1,
            collate_fn=_only,
            num_workers=self._workers,
            prefetch_factor=16 if self._workers else None,
            persistent_workers=self._workers > 0,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """The same few sequences at every look."""
        return DataLoader(self._looks, batch_size=1, collate_fn=_only)  # type: ignore[arg-type]

    @cached_property
    def _looks(self) -> list[Any]:
        n = self._config.validation_specimens
        found: list[Any] = []
        self._say(f"simulating validation specimens, 0 of {n}")
        looks: IterableDataset[Any]
        if self._config.cache is not None:
            looks = CachedSequences(self._config, self._folder, specimens=n)
        else:
            looks = TrainingSequences(
                self._config, specimens=n, validation=True, recorded=self._looking
            )
        for sequence in looks:
            found.append(sequence)
            self._say(f"simulating validation specimens, {len(found)} of {n}")
        return found


def fit(
    config: TrainingConfig,
    folder: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    checkpoint_every: int | None = None,
    callbacks: list[Callback] | None = None,
) -> TrainingModule:
    """Train until the configured number of steps; go on from the last checkpoint.

    A run that was killed and goes on, with as many workers, ends at the same weights
    as one that was not.

    Parameters
    ----------
    config : TrainingConfig
        The run.
    folder : Path
        Checkpoints and scalars; what it holds of the same run is resumed.
    workers : int
        Processes that load and simulate specimens. A resumed run sees
        exactly the sequences that it would have seen, if there are as many as before.
    threads : int, optional
        Of torch in this process.
    on_progress : callable, optional
        Is told how far it is, twice a second at most.
    checkpoint_every : int, optional
        Steps between checkpoints, in place of the configuration's: so much is lost
        when a run is cut off.
    callbacks : list of Callback, optional
        Of Lightning, beside its own.

    Returns
    -------
    TrainingModule
        With the averaged weights in `average`.

    Raises
    ------
    InputError
        Before training starts, where the folder holds a run of another configuration
        or a stack cannot be trained on.
    ScanFailed
        Where a checkpoint cannot be written; the last one is intact.
    """
    if threads:
        torch.set_num_threads(threads)
    check_run(folder, config)
    if on_progress is not None and config.files is not None:
        doing = "reading the stacks"
        on_progress(TrainingProgress(steps=config.optimiser.steps, doing=doing))
    learning, looking = training_stacks(config)
    module = training_module(config)
    last = folder / CHECKPOINT
    if config.start_from is not None and not last.exists():
        _start_from(module, config.start_from)
    claim(folder, config)

    begin = consumed = 0
    if last.exists():
        begin = int(torch.load(last, weights_only=False)["global_step"])
        begin //= module.optimisers
        consumed = begin * config.optimiser.accumulate
        log.info("going on at step %d of %d", begin, config.optimiser.steps)
    watching = Watching(ProgressLog(folder, on_progress))
    watching.write(begin=begin, steps=config.optimiser.steps)
    data = _Data(
        config,
        folder,
        learning,
        looking,
        consumed=consumed,
        workers=workers,
        say=lambda what: watching.write(doing=what),
    )
    every = checkpoint_every or config.checkpoint_every
    more = [*(callbacks or []), watching]
    trainer = _trainer(config, module, folder, every, more)
    resume = str(last) if last.exists() else None
    trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=False)
    return module


def _trainer(
    config: TrainingConfig,
    module: TrainingModule,
    folder: Path,
    checkpoint_every: int,
    callbacks: list[Callback],
) -> lightning.Trainer:
    checkpoints = ModelCheckpoint(
        folder,
        every_n_train_steps=checkpoint_every * module.optimisers,
        save_last=True,
        save_top_k=0,
    )
    more: list[Callback] = [checkpoints, *callbacks]
    if config.patience is not None:
        more.append(EarlyStopping("gain_db", mode="max", patience=config.patience))
    try:
        return _trainer_of(config, module, folder, more)
    except MisconfigurationException as error:
        # more devices than there are, or a strategy that does not exist
        msg = f"devices {config.devices}: {message_of(error).rstrip('.')}"
        raise InputError(msg) from error


def _trainer_of(
    config: TrainingConfig,
    module: TrainingModule,
    folder: Path,
    callbacks: list[Callback],
) -> lightning.Trainer:
    settings, by_hand = config.optimiser, not module.automatic_optimization
    batches = settings.steps * settings.accumulate
    return lightning.Trainer(
        accelerator="auto",
        devices=config.devices,
        num_nodes=config.nodes,
        strategy=_strategy(config),
        precision=config.precision,
        max_steps=settings.steps * module.optimisers,
        max_epochs=-1,
        accumulate_grad_batches=1 if by_hand else settings.accumulate,
        gradient_clip_val=None if by_hand else settings.clip,
        val_check_interval=min(config.validate_every * settings.accumulate, batches),
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        logger=TensorBoardLogger(folder, name="", version=""),
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=20,
        default_root_dir=folder,
    )


def _strategy(config: TrainingConfig) -> str:
    """The configuration's; network and adversary have a loss each."""
    if config.strategy == "ddp" and config.adversarial:
        return "ddp_find_unused_parameters_true"
    return config.strategy


def _start_from(module: TrainingModule, name: str) -> None:
    model = load_model(name)
    module.network.load_state_dict(model.network.state_dict())
    module.average.module.load_state_dict(model.network.state_dict())
