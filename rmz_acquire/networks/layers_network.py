"""The small network on the richardson-lucy prior: local, for any objective.

Physics carries the light over many pixels; what is left is local. The layers of the
prior go on from plane to plane, and so does all that is known of the planes before: a
hidden state beside them was no better, and drifted where a scan took more planes than
the sequences that it was trained on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from rmz_acquire.networks.network_configs import OnLayersConfig

__all__ = ["OnLayers", "Prior"]

_FOLD = 2
"""Pixels along a side that become channels."""

_Z_DILATIONS = (1, 2, 4, 2)
_SLOPE = 0.2
_INPUTS = 7
_SMOOTH_PX, _NEAR_PX = 9, 3
"""Sides of the squares over which inputs and units are averaged, pixels."""

_ROOT, _APART = 0.3, 3.0
"""Units of the output, over what they are made of."""
_FAINT, _DIM = 1e-3, 0.1
"""Light, normalised, that is no structure; beside which a root has no infinite slope.
"""


class Prior(NamedTuple):
    """What the network is given after a plane: volumes in normalised counts.

    Or those of several specimens, with one more dimension before the others.

    Attributes
    ----------
    estimate, wiener : Tensor
        (Z, Y, X) of richardson-lucy and of wiener, background near 0.
    light : Tensor
        (Z, Y, X) of the object layers, at the z of every output plane.
    before_px, after_px : Tensor
        (Z,) blur radius, pixels, of the nearest planes taken at or below and at or
        above an output plane; infinite where there is none.
    """

    estimate: Tensor
    wiener: Tensor
    light: Tensor
    before_px: Tensor
    after_px: Tensor


class OnLayers(nn.Module):
    """A network that corrects an estimate.

    Parameters
    ----------
    config : OnLayersConfig
        What it is made of.
    """

    reach_px = _FOLD * len(_Z_DILATIONS) + _SMOOTH_PX // 2 + 1
    """How far across a pixel is seen, pixels."""

    def __init__(self, config: OnLayersConfig) -> None:
        super().__init__()
        self.config = config
        inputs, channels = _INPUTS * _FOLD**2, config.channels
        self.layers = nn.ModuleList()
        for dilation in _Z_DILATIONS:
            layer = _local(inputs, channels, dilation)
            nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
            if self.layers:  # those that are added to what came before
                layer.weight.data *= 0.5
            self.layers.append(layer)
            inputs = channels
        self.last = nn.Conv3d(channels, 3 * _FOLD**2, 1)
        # untrained, it changes nothing
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, prior: Prior) -> Tensor:
        """Correct the estimate.

        Parameters
        ----------
        prior : Prior
            After the latest plane.

        Returns
        -------
        Tensor
            (Z, Y, X) normalised: the estimate and what the network adds.
        """
        if prior.estimate.dim() == 3:
            made: Tensor = self(Prior(*(told[None] for told in prior)))[0]
            return made
        # channels beside each other are three times as fast on a CPU
        x = _fold(self._inputs(prior)).contiguous(memory_format=torch.channels_last_3d)
        first, *further = self.layers
        x = functional.leaky_relu(first(x), _SLOPE)
        for layer in further:
            x = x + functional.leaky_relu(layer(x), _SLOPE)
        height, width = prior.estimate.shape[-2:]
        out = _unfold(self.last(x))[..., :height, :width].to(prior.estimate.dtype)
        return prior.estimate + (out * _units(prior)).sum(1)

    def _inputs(self, prior: Prior) -> Tensor:
        """Input channels, (B, 7, Z, Y, X)."""
        estimate, wiener, light = (v.clamp_min(0).sqrt() for v in prior[:3])
        # what is small beside the light would not be seen
        around = _smooth(estimate, _SMOOTH_PX)
        detail = (estimate - around) / (around + _DIM)
        sharp = (light - estimate) / (around + _DIM)
        far = self.config.dz_scale_px
        distances = (prior.before_px, prior.after_px)
        flat = [_squash(d, far)[..., None, None].expand_as(estimate) for d in distances]
        inputs = torch.stack(
            [estimate, light, wiener - estimate, detail, sharp, *flat], 1
        )
        return inputs.to(self.last.weight.dtype)


def _local(inputs: int, outputs: int, z_dilation: int) -> nn.Conv3d:
    around = (z_dilation, 1, 1)
    return nn.Conv3d(inputs, outputs, 3, padding=around, dilation=around)


def _squash(distance_px: Tensor, far_px: float) -> Tensor:
    """Distances to between 0 and 1, finest where they are small."""
    return (distance_px.clamp_max(far_px) + 1).log() / math.log(far_px + 1)


def _units(prior: Prior) -> Tensor:
    """Units of the output, (B, 3, Z, Y, X): root of the light, light, what is unsure.

    Of the nearest pixels only: a bead's error is as bright as the bead.
    """
    light = _smooth(prior.estimate.clamp_min(0), _NEAR_PX)
    apart = _smooth((prior.estimate - prior.wiener).abs(), _NEAR_PX)
    return torch.stack([_ROOT * (light + _FAINT).sqrt(), light, _APART * apart], 1)


def _smooth(volume: Tensor, side_px: int) -> Tensor:
    """Mean over squares around every pixel, (B, Z, Y, X)."""
    mean = volume
    for side in ((side_px, 1), (1, side_px)):
        around = (side[0] // 2, side[1] // 2)
        mean = functional.avg_pool2d(
            mean, side, stride=1, padding=around, count_include_pad=False
        )
    return mean


def _fold(volume: Tensor) -> Tensor:
    """Squares of 2 by 2 pixels to channels: (B, C, Z, Y, X) to (B, 4 C, Z, …)."""
    height, width = volume.shape[-2:]
    odd = (0, -width % _FOLD, 0, -height % _FOLD, 0, 0)
    if any(odd):
        volume = functional.pad(volume, odd, mode="replicate")
    return functional.pixel_unshuffle(volume.transpose(1, 2), _FOLD).transpose(1, 2)


def _unfold(volume: Tensor) -> Tensor:
    return functional.pixel_shuffle(volume.transpose(1, 2), _FOLD).transpose(1, 2)
