from .build import Network, build_network
from .configs import (
    KINDS,
    DeepZConfig,
    DiscriminatorConfig,
    NetworkConfig,
    OnLayersConfig,
    RecurrentMZConfig,
    UNet3DConfig,
)
from .deep_z import DeepZ
from .discriminator import Discriminator
from .on_layers import OnLayers, Prior
from .recurrent_mz import RecurrentMZ, State
from .unet3d import UNet3D

__all__ = [
    "KINDS",
    "DeepZ",
    "DeepZConfig",
    "Discriminator",
    "DiscriminatorConfig",
    "Network",
    "NetworkConfig",
    "OnLayers",
    "OnLayersConfig",
    "Prior",
    "RecurrentMZ",
    "RecurrentMZConfig",
    "State",
    "UNet3D",
    "UNet3DConfig",
    "build_network",
]
