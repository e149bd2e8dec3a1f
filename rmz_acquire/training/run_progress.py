"""Tells whoever watches how a run stands, through the file in its folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only

if TYPE_CHECKING:
    import lightning

    from rmz_acquire.recording.progress import ProgressLog
    from rmz_acquire.training.module import TrainingModule

__all__ = ["Watching"]

_EVERY_S = 0.5


class Watching(Callback):
    """Writes steps and looks as they come, and the look before the first step.

    Parameters
    ----------
    log : ProgressLog
        Of the run.
    """

    def __init__(self, log: ProgressLog) -> None:
        self._log = log
        self._begun = self._told = 0.0
        self._step = -1

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Look at what it starts from, and say that the first specimens are made."""
        module: TrainingModule = pl_module  # type: ignore[assignment]
        step = trainer.global_step // module.optimisers
        gain = self._look(trainer, module) if step == 0 else None
        if gain is not None:
            self.write(look=0, gain_db=gain)
        self._begun = time.monotonic()
        self._step = step
        if step < module.config.optimiser.steps:
            self.write(doing="simulating specimens")

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Say how far it is, twice a second at most."""
        module: TrainingModule = pl_module  # type: ignore[assignment]
        step, now = trainer.global_step // module.optimisers, time.monotonic()
        last = step >= module.config.optimiser.steps
        if step == self._step or (now - self._told < _EVERY_S and not last):
            return
        self._step, self._told = step, now
        loss = trainer.callback_metrics.get("loss")
        value = None if loss is None else float(loss)
        seconds = round(now - self._begun, 2)
        self.write(step=step, seconds=seconds, loss=value)

    def on_validation_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Say that the validation specimens are looked at."""
        self.write(doing="validating")

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Say what the validation specimens gained."""
        gain = trainer.callback_metrics.get("gain_db")
        module: TrainingModule = pl_module  # type: ignore[assignment]
        if gain is not None:
            step = trainer.global_step // module.optimisers
            self.write(look=step, gain_db=float(gain))

    def _look(self, trainer: lightning.Trainer, module: TrainingModule) -> float | None:
        """Mean gain over the validation specimens of the weights as they are, dB."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        gains: list[float] = []
        module.eval()
        with torch.no_grad():
            for batch in data.val_dataloader():
                there = move_data_to_device(batch, module.device)
                gains.append(float(module.gain_db(there)[0]))
                self.write(doing=f"validating, {len(gains)} done")
        module.train()
        return sum(gains) / len(gains) if gains else None

    def write(self, **entry: Any) -> None:
        """Add a line, of the first of several processes only."""
        if getattr(rank_zero_only, "rank", 0) == 0:
            self._log.write(**entry)
