"""Networks by their configuration."""

from __future__ import annotations

from rmz_acquire.networks.deep_z import DeepZ
from rmz_acquire.networks.layers_network import OnLayers
from rmz_acquire.networks.network_configs import (
    DeepZConfig,
    OnLayersConfig,
    RecurrentMZConfig,
    UNet3DConfig,
)
from rmz_acquire.networks.recurrent_mz import RecurrentMZ
from rmz_acquire.networks.unet3d import UNet3D

__all__ = ["Network", "build_network"]

Network = RecurrentMZ | OnLayers | DeepZ | UNet3D


def build_network(
    config: RecurrentMZConfig | OnLayersConfig | DeepZConfig | UNet3DConfig,
) -> Network:
    """Make a network with fresh weights.

    Parameters
    ----------
    config : RecurrentMZConfig, OnLayersConfig, DeepZConfig or UNet3DConfig
        Says which.

    Returns
    -------
    Network
    """
    if isinstance(config, DeepZConfig):
        return DeepZ(config)
    if isinstance(config, UNet3DConfig):
        return UNet3D(config)
    if isinstance(config, OnLayersConfig):
        return OnLayers(config)
    return RecurrentMZ(config)
