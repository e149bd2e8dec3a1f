"""Torch modules only: tensors in, tensors out."""

from __future__ import annotations

from rmz_acquire.networks.build import KINDS, Network, NetworkConfig, build_network
from rmz_acquire.networks.deep_z import DeepZ, DeepZConfig
from rmz_acquire.networks.discriminator import Discriminator, DiscriminatorConfig
from rmz_acquire.networks.recurrent_mz import RecurrentMZ, RecurrentMZConfig, State
from rmz_acquire.networks.unet3d import UNet3D, UNet3DConfig

__all__ = [
    "KINDS",
    "DeepZ",
    "DeepZConfig",
    "Discriminator",
    "DiscriminatorConfig",
    "Network",
    "NetworkConfig",
    "RecurrentMZ",
    "RecurrentMZConfig",
    "State",
    "UNet3D",
    "UNet3DConfig",
    "build_network",
]
