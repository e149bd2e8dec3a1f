"""Recurrent-MZ: a U-Net whose encoder remembers, one state for every output plane.

The network takes one plane at a time, each with the signed distance to the output
plane as a constant second channel, and keeps what it has seen in convolutional GRUs at
every level of the encoder. Decoding is apart from remembering: `step` folds a plane
into the state, `decode` turns state into a picture.

References
----------
.. [1] Huang et al., "Recurrent neural network-based volumetric fluorescence
   microscopy", Light Sci. Appl. 10, 62 (2021), Methods, eqs. 1 to 6 and Fig. 1.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmz_acquire.networks.network_configs import RecurrentMZConfig

__all__ = ["RecurrentMZ", "State"]


class State(NamedTuple):
    """What the network remembers of the planes so far.

    Attributes
    ----------
    hidden : tuple of Tensor
        h of every level, (P, C·2^(k-1), H', W').
    features : tuple of Tensor
        What the recurrent blocks of the last step gave to the decoder, alike.
    """

    hidden: tuple[Tensor, ...]
    features: tuple[Tensor, ...]


class _ConvBlock(nn.Sequential):
    """Two 3x3 convolutions, each with norm and ReLU (eqs. 1 and 3)."""

    def __init__(
        self, inputs: int, middle: int, outputs: int, config: RecurrentMZConfig
    ) -> None:
        layers: list[nn.Module] = []
        for a, b in ((inputs, middle), (middle, outputs)):
            layers += [nn.Conv2d(a, b, 3, padding=1), _norm(b, config), nn.ReLU()]
        super().__init__(*layers)


def _norm(channels: int, config: RecurrentMZConfig) -> nn.Module:
    if config.norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(min(config.groups, channels), channels)


class ConvGRU(nn.Module):
    """Convolutional GRU with a single gate (eqs. 4 to 6), 3x3 kernels.

    Parameters
    ----------
    channels : int
        Of the input and of the state.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        # W_f and W_h read the same input, so they are one convolution.
        self.from_input = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.candidate = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor, h: Tensor | None) -> Tensor:
        """New state from an input and the old state.

        Parameters
        ----------
        x : Tensor
            (P, C, H, W).
        h : Tensor or None
            (P, C, H, W); None is h0 = 0.

        Returns
        -------
        Tensor
            (P, C, H, W).
        """
        gate, candidate = self.from_input(x).chunk(2, dim=1)
        if h is None:
            return torch.sigmoid(gate) * torch.tanh(candidate)
        f = torch.sigmoid(gate + self.gate(h))
        proposal = torch.tanh(candidate + self.candidate(f * h))
        return torch.lerp(h, proposal, f)


class _RecurrentBlock(nn.Module):
    """ReLU(BN(GRU)) beside a 1x1 convolution of the input (eq. 2)."""

    def __init__(self, channels: int, config: RecurrentMZConfig) -> None:
        super().__init__()
        self.gru = ConvGRU(channels)
        self.norm = _norm(channels, config)
        self.residual = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, h: Tensor | None) -> tuple[Tensor, Tensor]:
        h = self.gru(x, h)
        return h, functional.relu(self.norm(h)) + self.residual(x)


class RecurrentMZ(nn.Module):
    """The recurrent multi-z network of the paper, fed one plane at a time.

    P output planes form the batch: each has its own state, and each is told its own
    distance from the plane that is fed.

    Parameters
    ----------
    config : RecurrentMZConfig
        The defaults are the paper's.
    """

    def __init__(self, config: RecurrentMZConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or RecurrentMZConfig()
        c = config.base_channels
        widths = [c * 2**k for k in range(config.levels)]
        inputs = 3 if config.prior == "wiener" else 2
        self.encoder = nn.ModuleList()
        for width in widths:
            self.encoder.append(_ConvBlock(inputs, width // 2, width, config))
            inputs = width
        self.recurrent = nn.ModuleList(_RecurrentBlock(w, config) for w in widths)
        self.decoder = nn.ModuleList(
            _ConvBlock(a + b, a, a, config) for a, b in pairwise(widths)
        )
        self.output = nn.Conv2d(widths[0], 1, 1)
        if config.prior == "wiener":
            # The untrained network gives the prior back.
            nn.init.zeros_(self.output.weight)
            nn.init.zeros_(self.output.bias)  # type: ignore[arg-type]
        # A third faster on a CPU, and no slower elsewhere.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def step(
        self,
        plane: Tensor,
        dz_px: Tensor,
        state: State | None = None,
        prior: Tensor | None = None,
    ) -> State:
        """Take one plane in.

        Parameters
        ----------
        plane : Tensor
            (P, 1, H, W) normalised plane, or (1, 1, H, W) for all output planes.
        dz_px : Tensor
            (P,) z_out - z_plane as signed blur radius, pixels.
        state : State, optional
            From the step before; None at the first plane (h0 = 0).
        prior : Tensor, optional
            (P, 1, H, W) normalised linear estimate, where the network is built on it.

        Returns
        -------
        State

        Raises
        ------
        ValueError
            Where the prior is missing, or given without use.
        """
        if (prior is not None) != (self.config.prior == "wiener"):
            msg = f"the network has prior {self.config.prior!r}: give it just that"
            raise ValueError(msg)
        p, (height, width) = len(dz_px), plane.shape[-2:]
        dpm = (dz_px / self.config.dz_scale_px).to(plane.dtype)[:, None, None, None]
        channels = [plane.expand(p, 1, height, width), dpm.expand(p, 1, height, width)]
        if prior is not None:
            channels.append(prior)
        x = self._pad(torch.cat(channels, dim=1))
        x = x.contiguous(memory_format=torch.channels_last)
        hidden, features = [], []
        for k, (block, recurrent) in enumerate(
            zip(self.encoder, self.recurrent, strict=True)
        ):
            x = block(functional.max_pool2d(x, 2) if k else x)
            h, y = recurrent(x, state.hidden[k] if state else None)
            hidden.append(h)
            features.append(y)
        return State(tuple(hidden), tuple(features))

    def decode(
        self,
        state: State,
        shape: tuple[int, int],
        prior: Tensor | None = None,
        prior_error: Tensor | None = None,
    ) -> Tensor:
        """Turn what is remembered into pictures.

        Parameters
        ----------
        state : State
            From `step`.
        shape : (int, int)
            Height and width of the planes that went in.
        prior : Tensor, optional
            (P, 1, H, W) as given to the last step.
        prior_error : Tensor, optional
            (P,) RMS error that the prior predicts for itself, normalised: what the
            network adds is in this unit, so that planes near and far from what was
            taken, bright and dim, ask the same of it.

        Returns
        -------
        Tensor
            (P, 1, H, W) normalised.

        Raises
        ------
        ValueError
            Where only one of prior and its error is given.
        """
        if (prior is None) != (prior_error is None):
            msg = "a prior and its predicted error go together"
            raise ValueError(msg)
        d = state.features[-1]
        for block, y in zip(
            reversed(self.decoder), reversed(state.features[:-1]), strict=True
        ):
            up = functional.interpolate(d, scale_factor=2, mode="nearest")
            d = block(torch.cat([up, y], dim=1))
        out = self._crop(self.output(d), shape)
        if prior is None or prior_error is None:
            return out
        return prior + prior_error.to(out.dtype)[:, None, None, None] * out

    def forward(
        self,
        planes: Tensor,
        dz_px: Tensor,
        priors: Tensor | None = None,
        prior_error: Tensor | None = None,
    ) -> Tensor:
        """Feed a whole sequence, decode once.

        Parameters
        ----------
        planes : Tensor
            (P, M, H, W) normalised planes in the order taken.
        dz_px : Tensor
            (P, M) signed blur radius, pixels.
        priors : Tensor, optional
            (P, M, H, W) the linear estimate after each plane.
        prior_error : Tensor, optional
            (P,) the error predicted for the last estimate.

        Returns
        -------
        Tensor
            (P, 1, H, W) normalised.
        """
        state, prior = None, None
        for m in range(planes.shape[1]):
            prior = None if priors is None else priors[:, m : m + 1]
            state = self.step(planes[:, m : m + 1], dz_px[:, m], state, prior)
        if state is None:
            msg = "no plane in the sequence: give at least one"
            raise ValueError(msg)
        shape = (planes.shape[-2], planes.shape[-1])
        return self.decode(state, shape, prior, prior_error)

    def _margins(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        unit = 2 ** (self.config.levels - 1)
        dy, dx = -shape[0] % unit, -shape[1] % unit
        return dx // 2, dx - dx // 2, dy // 2, dy - dy // 2

    def _pad(self, x: Tensor) -> Tensor:
        """Repeat the rim until all levels divide the size."""
        margins = self._margins((x.shape[-2], x.shape[-1]))
        return functional.pad(x, margins, mode="replicate") if any(margins) else x

    def _crop(self, x: Tensor, shape: tuple[int, int]) -> Tensor:
        left, _, top, _ = self._margins(shape)
        return x[..., top : top + shape[0], left : left + shape[1]]
