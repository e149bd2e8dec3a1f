"""Networks by their configuration."""

from __future__ import annotations

from rmz_acquire.networks.configs import (
    DeepZConfig,
    RecurrentMZConfig,
    UNet3DConfig,
)
from rmz_acquire.networks.deep_z import DeepZ
from rmz_acquire.networks.recurrent_mz import RecurrentMZ
from rmz_acquire.networks.unet3d import UNet3D

__all__ = ["Network", "build_network"]

Network = RecurrentMZ | DeepZ | UNet3D


def build_network(
    config: RecurrentMZConfig | DeepZConfig | UNet3DConfig,
) -> Network:
    """Make a network with fresh weights.

    Parameters
    ----------
    config : RecurrentMZConfig or DeepZConfig or UNet3DConfig
        Says which.

    Returns
    -------
    Network
    """
    if isinstance(config, DeepZConfig):
        return DeepZ(config)
    if isinstance(config, UNet3DConfig):
        return UNet3D(config)
    return RecurrentMZ(config)
