"""The training step: feed a sequence, compare the output planes with the truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import lightning
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rmz_acquire.networks.recurrent_mz import RecurrentMZ
from rmz_acquire.training.losses import berhu, relative_error

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRScheduler
    from torch import Tensor

    from rmz_acquire.training.config import TrainingConfig
    from rmz_acquire.training.simulated import Sequence

__all__ = ["TrainingModule"]


class TrainingModule(lightning.LightningModule):
    """Recurrent-MZ on sequences of planes.

    Parameters
    ----------
    config : TrainingConfig
        The run's.
    """

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        torch.manual_seed(config.seed)
        self.network = RecurrentMZ(config.network)
        self.average = AveragedModel(
            self.network,
            multi_avg_fn=get_ema_multi_avg_fn(  # type: ignore[no-untyped-call]
                config.optimiser.average_decay
            ),
            use_buffers=True,
        )
        self.average.requires_grad_(False)

    def _predict(self, network: torch.nn.Module, sequence: Sequence) -> Tensor:
        p = len(sequence.target)
        planes = sequence.planes[None].expand(p, -1, -1, -1)
        given: tuple[Tensor, ...] = ()
        if self.config.network.prior == "wiener":
            given = (sequence.priors, sequence.prior_error)
        out: Tensor = network(planes, sequence.dz_px, *given)
        return out[:, 0]

    def training_step(self, batch: Sequence, batch_idx: int) -> Tensor:
        """Loss of one sequence."""
        output = self._predict(self.network, batch)
        if self.config.loss == "berhu":
            loss = berhu(output, batch.target)
        else:
            loss = relative_error(
                output, batch.target, batch.priors[:, -1], batch.prior_error
            )
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_before_zero_grad(self, *_: Any) -> None:
        """Fold the new weights into their running mean, once a step."""
        self.average.update_parameters(self.network)

    def validation_step(self, batch: Sequence, batch_idx: int) -> None:
        """Decibels over the prior, of the averaged network."""
        output = self._predict(self.average, batch)
        gain = _error_db(batch.priors[:, -1], batch.target) - _error_db(
            output, batch.target
        )
        self.log("gain_db", gain, prog_bar=True, on_epoch=True, batch_size=1)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam, a linear rise and a cosine fall."""
        settings = self.config.optimiser
        adam = torch.optim.Adam(self.network.parameters(), lr=settings.learning_rate)
        rise = max(1, int(settings.warmup * settings.steps))

        def rate(step: int) -> float:
            if step < rise:
                return (step + 1) / rise
            done = min(1.0, (step - rise) / max(1, settings.steps - rise))
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))

        schedule = torch.optim.lr_scheduler.LambdaLR(adam, rate)
        return {
            "optimizer": adam,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def _error_db(estimate: Tensor, target: Tensor) -> Tensor:
    return 10 * torch.log10((estimate - target).square().mean() + 1e-12)
