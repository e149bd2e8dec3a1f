"""Networks by their configuration."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from rmz_acquire.networks.deep_z import DeepZ, DeepZConfig
from rmz_acquire.networks.recurrent_mz import RecurrentMZ, RecurrentMZConfig
from rmz_acquire.networks.unet3d import UNet3D, UNet3DConfig

__all__ = ["KINDS", "Network", "NetworkConfig", "build_network"]


KINDS = ("recurrent-mz", "deep-z", "unet3d")
"""Kinds of networks: also the names of their estimators."""


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("kind", "recurrent-mz"))
    return str(getattr(value, "kind", ""))


NetworkConfig = Annotated[
    Annotated[RecurrentMZConfig, Tag("recurrent-mz")]
    | Annotated[DeepZConfig, Tag("deep-z")]
    | Annotated[UNet3DConfig, Tag("unet3d")],
    Discriminator(_kind),
]
"""Any network's; one that does not name its kind is Recurrent-MZ's."""

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
