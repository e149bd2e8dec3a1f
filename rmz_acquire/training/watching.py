"""Tells whoever watches how a run stands, through the file in its folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch.callbacks import Callback

from rmz_acquire.recording.progress import ProgressLog

if TYPE_CHECKING:
    from pathlib import Path

    import lightning

    from rmz_acquire.training.module import TrainingModule

__all__ = ["Watching"]

_EVERY_S = 0.5


class Watching(Callback):
    """Writes steps and looks as they come, and the look before the first step.

    Parameters
    ----------
    folder : Path
        Of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._log = ProgressLog(folder)
        self._begun = self._told = 0.0
        self._step = -1

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Say where it begins; what it starts from is looked at too."""
        module: TrainingModule = pl_module  # type: ignore[assignment]
        step = trainer.global_step // module.optimisers
        gain = _look(trainer, module) if step == 0 else None
        self._begun = time.monotonic()
        self._step = step
        if not trainer.is_global_zero:
            return
        self._log.write(begin=step, steps=module.config.optimiser.steps)
        if gain is not None:
            self._log.write(look=0, gain_db=gain)

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
        if trainer.is_global_zero:
            value = None if loss is None else float(loss)
            self._log.write(step=step, seconds=round(now - self._begun, 2), loss=value)

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Say what the validation specimens gained."""
        gain = trainer.callback_metrics.get("gain_db")
        module: TrainingModule = pl_module  # type: ignore[assignment]
        if gain is not None and trainer.is_global_zero:
            step = trainer.global_step // module.optimisers
            self._log.write(look=step, gain_db=float(gain))


def _look(trainer: lightning.Trainer, module: TrainingModule) -> float | None:
    """Mean gain over the validation specimens of the weights as they are, dB."""
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    gains = []
    module.eval()
    with torch.no_grad():
        for batch in data.val_dataloader():
            gains.append(
                float(module.gain_db(move_data_to_device(batch, module.device))[0])
            )
    module.train()
    return sum(gains) / len(gains) if gains else None
