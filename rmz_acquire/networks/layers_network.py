"""Recurrent-MZ on the richardson-lucy prior: small, local, for any objective.

Physics carries the light over many pixels; what is left is local. A convolutional GRU
with one hidden state per output plane takes one step a plane, as in the paper, sees
neighbouring output planes, and adds its output to the estimate.

References
----------
.. [1] Huang et al., Light Sci. Appl. 10, 62 (2021), Fig. 1c: the recurrence.
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
_APART, _LIGHT = 3.0, 0.1
"""Units of the output, over what they are made of."""
_UNITS = 3
_INPUTS = 8
_SMOOTH_PX = 9
"""Side of the square over which inputs are averaged, pixels."""


class Prior(NamedTuple):
    """What the network is given after a plane: volumes in normalised counts.

    Attributes
    ----------
    estimate, wiener : Tensor
        (Z, Y, X) of richardson-lucy and of wiener, background near 0.
    light : Tensor
        (Z, Y, X) of the object layers, at the z of every output plane.
    before_px, after_px : Tensor
        (Z,) blur radius, pixels, of the nearest planes taken at or below and at or
        above an output plane; infinite where there is none.
    dz_px : Tensor
        (Z,) z_out - z_plane of the plane just taken, as signed blur radius, pixels.
    """

    estimate: Tensor
    wiener: Tensor
    light: Tensor
    before_px: Tensor
    after_px: Tensor
    dz_px: Tensor


class OnLayers(nn.Module):
    """A recurrent network that corrects an estimate.

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
        c, fold = config.channels, _FOLD**2
        first, second, third, fourth = _Z_DILATIONS
        self.head = _local(_INPUTS * fold, c, first)
        self.body = _local(c, c, second)
        self.gates = _local(c, 3 * c, third)
        self.memory = nn.Conv3d(c, 3 * c, 1)
        self.tail = _local(c, c, fourth)
        self.last = nn.Conv3d(c, _UNITS * fold, 1)
        for layer in (self.head, self.body, self.tail):
            nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
        nn.init.xavier_normal_(self.gates.weight)
        # untrained, it changes nothing
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def step(self, prior: Prior, hidden: Tensor | None) -> Tensor:
        """Take one plane in.

        Parameters
        ----------
        prior : Prior
            After it.
        hidden : Tensor, optional
            (C, Z, ⌈Y / 2⌉, ⌈X / 2⌉) of the step before; None at the first.

        Returns
        -------
        Tensor
            The new hidden state.
        """
        # channels beside each other are three times as fast on a CPU
        x = _fold(self._inputs(prior))[None].contiguous(
            memory_format=torch.channels_last_3d
        )
        x = functional.leaky_relu(self.head(x), _SLOPE)
        x = x + functional.leaky_relu(self.body(x), _SLOPE)
        before = torch.zeros_like(x)
        if hidden is not None:
            before = hidden[None].to(x.dtype)
        seen, kept = self.gates(x).chunk(3, 1), self.memory(before).chunk(3, 1)
        reset = torch.sigmoid(seen[0] + kept[0])
        keep = torch.sigmoid(seen[1] + kept[1])
        # unbounded, unlike the paper's: what is bounded by 1 learns slowly here
        fresh = x + functional.leaky_relu(seen[2] + reset * kept[2], _SLOPE)
        return (fresh + keep * (before - fresh))[0]

    def decode(self, hidden: Tensor, prior: Prior) -> Tensor:
        """Volume after the planes taken so far.

        Parameters
        ----------
        hidden : Tensor
            As of `step`.
        prior : Prior
            After the last plane.

        Returns
        -------
        Tensor
            (Z, Y, X) normalised: the estimate and what the network adds.
        """
        out = self.last(functional.leaky_relu(self.tail(hidden[None]), _SLOPE))
        height, width = prior.estimate.shape[-2:]
        out = _unfold(out[0])[..., :height, :width].to(prior.estimate.dtype)
        return prior.estimate + (out * _units(prior)).sum(0)

    def forward(self, priors: list[Prior]) -> Tensor:
        """Volumes after every plane, (M, Z, Y, X)."""
        hidden, made = None, []
        for prior in priors:
            hidden = self.step(prior, hidden)
            made.append(self.decode(hidden, prior))
        return torch.stack(made)

    def _inputs(self, prior: Prior) -> Tensor:
        """Input channels, (8, Z, Y, X)."""
        estimate, light = (v.clamp_min(0).sqrt() for v in (prior.estimate, prior.light))
        apart = _smooth((prior.estimate - prior.wiener).abs(), _SMOOTH_PX)
        bright = _LIGHT * _smooth(prior.estimate.clamp_min(0), _SMOOTH_PX).sqrt()
        # what is small beside the light would not be seen
        difference = (prior.wiener - prior.estimate) / (apart + 0.1 * bright + 1e-6)
        smooth = _smooth(prior.estimate, _SMOOTH_PX)
        detail = (prior.estimate - smooth) / (apart + bright + 1e-6)
        unlike = apart / (apart + bright + 1e-6)
        far = self.config.dz_scale_px
        distances = (prior.before_px, prior.after_px, prior.dz_px)
        flat = [_squash(d, far)[:, None, None].expand_as(estimate) for d in distances]
        relative = (difference.clamp(-5, 5), detail.clamp(-5, 5), unlike)
        inputs = torch.stack([estimate, light, *relative, *flat])
        return inputs.to(self.last.weight.dtype)


def _local(inputs: int, outputs: int, z_dilation: int) -> nn.Conv3d:
    around = (z_dilation, 1, 1)
    return nn.Conv3d(inputs, outputs, 3, padding=around, dilation=around)


def _squash(distance_px: Tensor, far_px: float) -> Tensor:
    """Distances to between -1 and 1, finest where they are small."""
    size = (distance_px.abs().clamp_max(far_px) + 1).log() / math.log(far_px + 1)
    return size * distance_px.sign()


def _units(prior: Prior) -> Tensor:
    """Units of the output, (3, Z, Y, X): both estimates' difference, noise, light.

    Of the nearest pixels only: a bead's error is as bright as the bead.
    """
    apart = (prior.estimate - prior.wiener).abs()
    light = prior.estimate.clamp_min(0)
    return torch.stack(
        [
            _APART * _smooth(apart, 3),
            _LIGHT * _smooth(light, 5).sqrt(),
            _smooth(light, 3),
        ]
    )


def _smooth(volume: Tensor, side_px: int) -> Tensor:
    """Mean over squares around every pixel, (Z, Y, X)."""
    mean = volume[None]
    for side in ((side_px, 1), (1, side_px)):
        around = (side[0] // 2, side[1] // 2)
        mean = functional.avg_pool2d(
            mean, side, stride=1, padding=around, count_include_pad=False
        )
    return mean[0]


def _fold(volume: Tensor) -> Tensor:
    """Squares of pixels to channels: (C, Z, Y, X) to (4 C, Z, ⌈Y / 2⌉, ⌈X / 2⌉)."""
    height, width = volume.shape[-2:]
    odd = (0, -width % _FOLD, 0, -height % _FOLD)
    if any(odd):
        volume = functional.pad(volume, odd, mode="replicate")
    return functional.pixel_unshuffle(volume.transpose(0, 1), _FOLD).transpose(0, 1)


def _unfold(volume: Tensor) -> Tensor:
    return functional.pixel_shuffle(volume.transpose(0, 1), _FOLD).transpose(0, 1)
