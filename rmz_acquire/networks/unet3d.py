"""3D U-Net: M planes and their DPMs as 2M channels, a slab of output planes at once.

The planes are the same at every depth of the slab, their digital propagation matrices
differ: so the network sees a volume, and may use that neighbouring output planes are
alike. M is fixed, and the channels make it depend on the order of the planes.

References
----------
.. [1] Huang et al., Light Sci. Appl. 10, 62 (2021), Methods 4.5.
.. [2] Çiçek et al., "3D U-Net: Learning Dense Volumetric Segmentation from Sparse
   Annotation", MICCAI 2016.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmz_acquire.networks.blocks import crop_to, pad_to_multiple
from rmz_acquire.networks.network_configs import UNet3DConfig

__all__ = ["UNet3D"]


def _block(inputs: int, outputs: int, groups: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a in (inputs, outputs):
        norm = nn.GroupNorm(min(groups, outputs), outputs)
        layers += [nn.Conv3d(a, outputs, 3, padding=1), norm, nn.ReLU()]
    return nn.Sequential(*layers)


class UNet3D(nn.Module):
    """A 3D U-Net over slabs of output planes.

    Parameters
    ----------
    config : UNet3DConfig
        Its size.
    """

    def __init__(self, config: UNet3DConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or UNet3DConfig()
        widths = [config.base_channels * 2**k for k in range(config.levels)]
        self.down = nn.ModuleList()
        inputs = 2 * config.planes
        for width in widths:
            self.down.append(_block(inputs, width, config.groups))
            inputs = width
        self.up = nn.ModuleList(
            _block(a + b, a, config.groups) for a, b in pairwise(widths)
        )
        self.output = nn.Conv3d(widths[0], 1, 1)

    def forward(self, planes: Tensor, dz_px: Tensor) -> Tensor:
        """Make a slab of neighbouring output planes.

        Parameters
        ----------
        planes : Tensor
            (M, H, W) normalised.
        dz_px : Tensor
            (P, M) signed blur radius, pixels, of the slab's planes in order of z.

        Returns
        -------
        Tensor
            (P, 1, H, W) normalised.

        Raises
        ------
        ValueError
            Where M is not that of the network.
        """
        m, (height, width) = len(planes), planes.shape[-2:]
        if m != self.config.planes:
            msg = f"the network was made for {self.config.planes} planes, not {m}"
            raise ValueError(msg)
        p = len(dz_px)
        size, unit = (p, height, width), (2 ** (self.config.levels - 1),) * 3
        dpm = (dz_px.T / self.config.dz_scale_px).to(planes.dtype)[:, :, None, None]
        seen = planes[:, None].expand(m, *size)
        x = torch.cat([seen, dpm.expand(m, *size)])[None]
        x = pad_to_multiple(x, unit)
        kept = []
        for k, block in enumerate(self.down):
            x = block(functional.max_pool3d(x, 2) if k else x)
            kept.append(x)
        x = kept.pop()
        for block in reversed(self.up):
            larger = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([larger, kept.pop()], dim=1))
        return crop_to(self.output(x), size, unit)[0, 0][:, None]
