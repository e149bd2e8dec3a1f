"""The training step: feed a sequence, compare the output planes with the truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rmz_acquire.errors import ScanFailed
from rmz_acquire.networks import Discriminator, build_network
from rmz_acquire.training.losses import (
    berhu,
    discriminator_loss,
    paper_loss,
    relative_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning.pytorch.utilities.types import OptimizerLRScheduler
    from torch import Tensor

    from rmz_acquire.training.cached import LayersSample
    from rmz_acquire.training.sequences import Sequence
    from rmz_acquire.training.training_config import TrainingConfig

__all__ = ["AdversarialModule", "LayersModule", "TrainingModule", "training_module"]

_LEAST_ERROR = 1e-6
"""Normalised squared error that is as good as none."""

_EXAMPLES = 3
"""Validation sequences that TensorBoard shows as pictures."""


class TrainingModule(lightning.LightningModule):
    """A network on sequences of planes.

    Parameters
    ----------
    config : TrainingConfig
        The run's.
    """

    optimisers = 1
    """Optimisers that step together: each counts in Lightning's global step."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.config = config
        torch.manual_seed(config.seed)
        self.network = build_network(config.network)
        self.average = AveragedModel(
            self.network,
            multi_avg_fn=get_ema_multi_avg_fn(  # type: ignore[no-untyped-call]
                config.optimiser.average_decay
            ),
            use_buffers=True,
        )
        self.average.requires_grad_(False)

    def predict_planes(self, network: torch.nn.Module, sequence: Sequence) -> Tensor:
        """Output planes of a sequence, (P, H, W) normalised."""
        kind, dz = self.config.network.kind, sequence.dz_px
        if kind == "unet3d":
            slab: Tensor = network(sequence.planes, dz)
            return slab[:, 0]
        if kind == "deep-z":
            nearest = dz.abs().argmin(1)
            distance = dz.gather(1, nearest[:, None])[:, 0]
            made: Tensor = network(sequence.planes[nearest][:, None], distance)
            return made[:, 0]
        if self.config.order == "by-distance":
            order = dz.abs().argsort(dim=1, descending=True, stable=True)
            planes, dz = sequence.planes[order], dz.gather(1, order)
        else:
            planes = sequence.planes[None].expand(len(dz), -1, -1, -1)
        given: tuple[Tensor, ...] = ()
        if self.config.network.prior == "wiener":
            given = (sequence.priors, sequence.prior_error)
        out: Tensor = network(planes, dz, *given)
        return out[:, 0]

    def training_step(self, batch: Sequence, batch_idx: int) -> Tensor | None:
        """Loss of one sequence."""
        output = self.predict_planes(self.network, batch)
        loss = self._finite(self._loss(output, batch, None))
        self.log("loss", loss, prog_bar=True)
        return loss

    def _finite(self, loss: Tensor) -> Tensor:
        """Stop where the loss is no number: no later step would mend the weights."""
        if not torch.isfinite(loss):
            msg = (
                f"the loss is {loss.item()} at step {self.global_step}: lower the "
                "learning rate, or set precision to 32-true, and start a new run"
            )
            raise ScanFailed(msg)
        return loss

    def _loss(self, output: Tensor, batch: Sequence, judged: Tensor | None) -> Tensor:
        if self.config.loss == "berhu":
            return berhu(output, batch.target)
        if self.config.loss == "relative":
            return relative_error(
                output, batch.target, batch.priors[:, -1], batch.prior_error
            )
        weights, span = self.config.loss_weights, _span(batch.target)
        return paper_loss(
            output / span,
            batch.target / span,
            judged,
            berhu_weight=weights.berhu,
            ms_ssim_weight=weights.ms_ssim,
            gan_weight=weights.gan,
        )

    def on_before_zero_grad(self, *_: Any) -> None:
        """Fold the new weights into their running mean, once a step."""
        self.average.update_parameters(self.network)

    def validation_step(self, batch: Sequence, batch_idx: int) -> None:
        """Decibels over the linear optimum, of the averaged network."""
        gain, output = self.gain_db(batch)
        self.log("gain_db", gain, prog_bar=True, batch_size=1, sync_dist=True)
        if batch_idx < _EXAMPLES:
            self._show(f"example {batch_idx + 1}", batch, output)

    def gain_db(self, batch: Sequence) -> tuple[Tensor, Tensor]:
        """Give the gain over the linear optimum, dB, and the output, (P, H, W)."""
        output = self.predict_planes(self.average, batch)
        before = _error_db(batch.priors[:, -1], batch.target)
        return before - _error_db(output, batch.target), output

    def _show(self, title: str, batch: Sequence, output: Tensor) -> None:
        """One output plane beside the truth: truth, output, wiener, nearest plane."""
        if not isinstance(self.logger, TensorBoardLogger):
            return
        hardest = int(batch.dz_px.abs().amin(1).argmax())
        nearest = int(batch.dz_px[hardest].abs().argmin())
        row = (
            batch.target[hardest],
            output[hardest].float(),
            batch.priors[hardest, -1],
            batch.planes[nearest],
        )
        low, high = row[0].min(), row[0].max()
        picture = torch.cat(row, dim=1).sub(low).div(high - low + 1e-9).clamp(0, 1)
        self.logger.experiment.add_image(  # type: ignore[attr-defined,unused-ignore]
            f"{title}: truth, network, wiener, nearest",
            picture[None].cpu().numpy(),
            self.global_step // self.optimisers,
        )

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam, a linear rise and a cosine fall."""
        settings = self.config.optimiser
        adam = torch.optim.Adam(self.network.parameters(), lr=settings.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, self._rate())
        return {
            "optimizer": adam,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _rate(self) -> Callable[[int], float]:
        settings = self.config.optimiser
        rise = max(1, int(settings.warmup * settings.steps))

        def rate(step: int) -> float:
            if step < rise:
                return (step + 1) / rise
            done = min(1.0, (step - rise) / max(1, settings.steps - rise))
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))

        return rate


class AdversarialModule(TrainingModule):
    """The paper's loss whole, with a discriminator that learns beside the network.

    Parameters
    ----------
    config : TrainingConfig
        With loss "paper".
    """

    optimisers = 2

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__(config)
        self.automatic_optimization = False
        self.discriminator = Discriminator(config.discriminator)

    def training_step(self, batch: Sequence, batch_idx: int) -> None:
        """Loss of one sequence; both step when enough have been seen."""
        settings = self.config.optimiser
        generator, adversary = self.optimizers()  # type: ignore[attr-defined]
        output = self.predict_planes(self.network, batch)
        span = _span(batch.target)
        self.discriminator.requires_grad_(False)
        judged_made = self.discriminator(output[:, None] / span)
        loss = self._finite(self._loss(output, batch, judged_made))
        self.manual_backward(loss / settings.accumulate)
        self.discriminator.requires_grad_(True)
        judged = discriminator_loss(
            self.discriminator(output.detach()[:, None] / span),
            self.discriminator(batch.target[:, None] / span),
        )
        self.manual_backward(judged / settings.accumulate)
        self.log_dict({"loss": loss, "discriminator_loss": judged}, prog_bar=True)
        if (batch_idx + 1) % settings.accumulate:
            return
        self.clip_gradients(generator, settings.clip, "norm")  # type: ignore[arg-type]
        for optimiser in (generator, adversary):
            optimiser.step()
            optimiser.zero_grad()
        self.average.update_parameters(self.network)
        for schedule in self.lr_schedulers():  # type: ignore[union-attr]
            schedule.step()

    def on_before_zero_grad(self, *_: Any) -> None:
        """Nothing: the step itself does it."""

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam for both, each at its own rate, on one schedule."""
        settings = self.config
        both = (
            (self.network, settings.optimiser.learning_rate),
            (self.discriminator, settings.discriminator.learning_rate),
        )
        adams = [torch.optim.Adam(part.parameters(), lr=lr) for part, lr in both]
        schedules = [
            torch.optim.lr_scheduler.LambdaLR(adam, self._rate()) for adam in adams
        ]
        return adams, schedules


class LayersModule(TrainingModule):
    """The network on the richardson-lucy prior: it is judged by what it gains on it.

    Parameters
    ----------
    config : TrainingConfig
        With `cache`.
    """

    def training_step(  # type: ignore[override]
        self, batch: LayersSample, batch_idx: int
    ) -> Tensor:
        """Loss of some samples: log of the error over the prior's, their mean.

        Easy and hard, dim and bright specimens count alike.
        """
        loss = self._finite(_log_share(self.network(batch.prior), batch).mean())
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(  # type: ignore[override]
        self, batch: LayersSample, batch_idx: int
    ) -> None:
        """Decibels over the prior, of the averaged network after the last plane."""
        gain, _ = self.gain_db(batch)
        self.log("gain_db", gain, prog_bar=True, batch_size=1, sync_dist=True)

    def gain_db(  # type: ignore[override]
        self, batch: LayersSample
    ) -> tuple[Tensor, Tensor]:
        """Give the gain over the prior, dB, and the volume, (Z, Y, X)."""
        volume = self.average(batch.prior)
        return -10 / math.log(10) * _log_share(volume, batch), volume


def training_module(config: TrainingConfig) -> TrainingModule:
    """Make the module that a configuration asks for."""
    if config.cache is not None:
        return LayersModule(config)
    return (AdversarialModule if config.adversarial else TrainingModule)(config)


def _log_share(volume: Tensor, batch: LayersSample) -> Tensor:
    """Log of the squared error over that of the prior, of every sample."""
    made, before = (
        (each - batch.target).square().mean((-3, -2, -1)) + _LEAST_ERROR
        for each in (volume, batch.prior.estimate)
    )
    return (made / before).log()


def _span(target: Tensor) -> Tensor:
    """Range of a target: the paper's loss is for planes that reach from 0 to 1."""
    return (target.amax() - target.amin()).clamp_min(1e-3)


def _error_db(estimate: Tensor, target: Tensor) -> Tensor:
    return 10 * torch.log10((estimate - target).square().mean() + 1e-12)
