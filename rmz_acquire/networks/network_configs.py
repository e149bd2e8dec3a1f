"""What networks are made of, as a configuration has it: no torch in here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Tag, model_validator
from pydantic import Discriminator as ByKind

__all__ = [
    "KINDS",
    "DeepZConfig",
    "DiscriminatorConfig",
    "NetworkConfig",
    "OnLayersConfig",
    "RecurrentMZConfig",
    "UNet3DConfig",
]


class RecurrentMZConfig(BaseModel):
    """What the network is made of.

    Parameters
    ----------
    kind : {"recurrent-mz"}
        Tells it from other networks.
    levels : int
        Of the U-Net; 5 in the paper.
    base_channels : int
        Channels of the first level, doubled at each further one; 20 in the paper.
    norm : {"batch", "group"}
        Batch norm in the paper; group norm does not mix specimens.
    groups : int
        Groups of the group norm; fewer where there are fewer channels.
    prior : {"none", "wiener"}
        "none" is the paper's network. With "wiener" a third input channel holds the
        linear estimate of the output plane, and the network adds to it, in units of
        the error that the estimate predicts for itself.
    dz_scale_px : float
        Blur radius, pixels, that the DPM shows as 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["recurrent-mz"] = "recurrent-mz"
    levels: Annotated[int, Field(ge=1, le=7)] = 5
    base_channels: Annotated[int, Field(ge=2, multiple_of=2)] = 20
    norm: Literal["batch", "group"] = "batch"
    groups: Annotated[int, Field(ge=1)] = 2
    prior: Literal["none", "wiener"] = "none"
    dz_scale_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 16.0

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        widths = [self.base_channels * 2**k // 2 for k in range(self.levels + 1)]
        if self.norm == "group" and any(w % min(self.groups, w) for w in widths):
            msg = (
                f"groups {self.groups} does not divide the channels {widths}: "
                "choose another number of groups or of base_channels"
            )
            raise ValueError(msg)
        return self


class OnLayersConfig(BaseModel):
    """What the small network on the richardson-lucy prior is made of.

    Parameters
    ----------
    kind : {"recurrent-mz"}
        It is one, too: its prior tells it from the paper's.
    prior : {"richardson-lucy"}
        The volume that it starts from, and adds to.
    channels : int
        Of every layer.
    dz_scale_px : float
        Blur radius, pixels, from which on a distance shows as 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["recurrent-mz"] = "recurrent-mz"
    prior: Literal["richardson-lucy"]
    channels: Annotated[int, Field(ge=1, le=256)] = 16
    dz_scale_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 64.0


class DeepZConfig(BaseModel):
    """What the network is made of.

    Parameters
    ----------
    kind : {"deep-z"}
        Tells it from other networks.
    levels : int
        Of the U-Net.
    base_channels : int
        Channels of the first level, doubled at each further one.
    prior : {"none"}
        It knows no other.
    dz_scale_px : float
        Blur radius, pixels, that the DPM shows as 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["deep-z"] = "deep-z"
    levels: Annotated[int, Field(ge=1, le=7)] = 5
    base_channels: Annotated[int, Field(ge=2)] = 24
    prior: Literal["none"] = "none"
    dz_scale_px: Annotated[float, Field(gt=0)] = 16.0


class UNet3DConfig(BaseModel):
    """What the network is made of.

    Parameters
    ----------
    kind : {"unet3d"}
        Tells it from other networks.
    planes : int
        M, fixed.
    slab : int
        Output planes at once.
    levels : int
        Of the U-Net.
    base_channels : int
        Channels of the first level, doubled at each further one.
    groups : int
        Groups of the group norm.
    prior : {"none"}
        It knows no other.
    dz_scale_px : float
        Blur radius, pixels, that the DPM shows as 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unet3d"] = "unet3d"
    planes: Annotated[int, Field(ge=1)] = 3
    slab: Annotated[int, Field(ge=1)] = 8
    levels: Annotated[int, Field(ge=1, le=6)] = 4
    base_channels: Annotated[int, Field(ge=2)] = 20
    groups: Annotated[int, Field(ge=1)] = 2
    prior: Literal["none"] = "none"
    dz_scale_px: Annotated[float, Field(gt=0)] = 16.0


class DiscriminatorConfig(BaseModel):
    """What the discriminator is made of.

    Parameters
    ----------
    levels : int
        Halvings of the picture.
    base_channels : int
        Channels of the first level, doubled at each further one.
    learning_rate : float
        Of its own Adam.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    levels: Annotated[int, Field(ge=1, le=6)] = 4
    base_channels: Annotated[int, Field(ge=1)] = 16
    learning_rate: Annotated[float, Field(gt=0)] = 1e-5


KINDS = ("recurrent-mz", "deep-z", "unet3d")
"""Kinds of networks: also the names of their estimators."""


_ON_LAYERS = "on-layers"


def _kind(value: Any) -> str:
    told = value if isinstance(value, dict) else dict(value)
    kind = str(told.get("kind", "recurrent-mz"))
    on_layers = told.get("prior") == "richardson-lucy" and kind == "recurrent-mz"
    return _ON_LAYERS if on_layers else kind


NetworkConfig = Annotated[
    Annotated[RecurrentMZConfig, Tag("recurrent-mz")]
    | Annotated[OnLayersConfig, Tag(_ON_LAYERS)]
    | Annotated[DeepZConfig, Tag("deep-z")]
    | Annotated[UNet3DConfig, Tag("unet3d")],
    ByKind(_kind),
]
"""Any network's; one that does not name its kind is Recurrent-MZ's."""
