"""Deep-Z: one plane and the distance in, the plane at that distance out.

The single-image network that the paper compares with: a U-Net with residual blocks and
a digital propagation matrix as the second input channel. It remembers nothing, so an
output plane is made of the nearest plane taken.

References
----------
.. [1] Huang et al., Light Sci. Appl. 10, 62 (2021), Methods 4.4.
.. [2] Wu et al., "Three-dimensional virtual refocusing of fluorescence microscopy
   images using deep learning", Nat. Methods 16, 1323 (2019), Methods (generator).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmz_acquire.networks.blocks import crop_to, pad_to_multiple
from rmz_acquire.networks.network_configs import DeepZConfig

__all__ = ["DeepZ"]


class _Residual(nn.Module):
    """Two 3x3 convolutions, each with ReLU, beside the input with zero channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = max(2, (inputs + outputs) // 2)
        self.first = nn.Conv2d(inputs, middle, 3, padding=1)
        self.second = nn.Conv2d(middle, outputs, 3, padding=1)
        self._more = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.second(functional.relu(self.first(x))))
        beside = x[:, : y.shape[1]]
        if self._more > 0:
            beside = functional.pad(x, (0, 0, 0, 0, 0, self._more))
        return beside + y


class DeepZ(nn.Module):
    """The generator of Deep-Z.

    Parameters
    ----------
    config : DeepZConfig
        Its size.
    """

    def __init__(self, config: DeepZConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DeepZConfig()
        widths = [config.base_channels * 2**k for k in range(config.levels)]
        self.down = nn.ModuleList()
        inputs = 2
        for width in widths:
            self.down.append(_Residual(inputs, width))
            inputs = width
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a + b, a, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(a, a, 3, padding=1),
                nn.ReLU(),
            )
            for a, b in pairwise(widths)
        )
        self.output = nn.Conv2d(widths[0], 1, 1)

    def forward(self, planes: Tensor, dz_px: Tensor) -> Tensor:
        """Refocus planes.

        Parameters
        ----------
        planes : Tensor
            (P, 1, H, W) normalised, the one that each output plane is made of.
        dz_px : Tensor
            (P,) signed blur radius, pixels.

        Returns
        -------
        Tensor
            (P, 1, H, W) normalised.
        """
        size = (planes.shape[-2], planes.shape[-1])
        unit = (2 ** (self.config.levels - 1),) * 2
        dpm = (dz_px / self.config.dz_scale_px).to(planes.dtype)[:, None, None, None]
        x = pad_to_multiple(torch.cat([planes, dpm.expand_as(planes)], dim=1), unit)
        kept = []
        for k, block in enumerate(self.down):
            x = block(functional.avg_pool2d(x, 2) if k else x)
            kept.append(x)
        x = kept.pop()
        for block in reversed(self.up):
            larger = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([larger, kept.pop()], dim=1))
        return crop_to(self.output(x), size, unit)
