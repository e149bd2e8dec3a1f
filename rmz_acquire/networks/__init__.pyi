from .build import Network, build_network
from .deep_z import DeepZ
from .discriminator import Discriminator
from .layers_network import OnLayers, Prior
from .network_configs import (
    KINDS,
    DeepZConfig,
    DiscriminatorConfig,
    NetworkConfig,
    OnLayersConfig,
    RecurrentMZConfig,
    UNet3DConfig,
)
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
