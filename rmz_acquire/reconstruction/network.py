"""What estimators with a network share: its copy, device, its optics."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.models import normalisation_kind
from rmz_acquire.networks import Network, OnLayersConfig
from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.torch_device import device_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics

__all__ = ["NetworkEstimator"]


_ACTIVATIONS = 256e6
"""Bytes, about, that keep caches and small GPUs happy."""

Net = TypeVar("Net", bound=Network)


class NetworkEstimator(VolumeEstimator, Generic[Net]):
    """A volume from a released network.

    Parameters
    ----------
    z_um : array_like
        (Z,) ascending output grid, µm.
    optics : Optics
        The microscope.
    model : LoadedModel
        The network and its card.
    device : str
        Of torch; "auto" takes the GPU where there is one.

    Raises
    ------
    InputError
        For another kind of network, or a bad grid.
    """

    network_type: type[Net]

    def __init__(
        self,
        z_um: ArrayLike,
        optics: Optics,
        model: LoadedModel,
        *,
        device: str = "auto",
    ) -> None:
        super().__init__(z_um, optics, model)
        network, made_of = model.network, model.card.network
        if isinstance(made_of, OnLayersConfig) or not isinstance(
            network, self.network_type
        ):
            kind = model.card.network.kind
            msg = f"model {model.card.name} is a {kind} network, not a {self.name} one"
            raise InputError(msg)
        self._optics, self._model = optics, model
        self._device = device_of(device)
        # A copy: another estimator may run the model elsewhere.
        self._network = copy.deepcopy(network).to(self._device)
        self._channels = made_of.base_channels
        self._kind = normalisation_kind(model)
        self._shared: Normalisation | None = None

    def describe(self) -> dict[str, Any]:
        """What this estimator is, for summary.json."""
        reach_um = self._model.card.reach_um(self._optics)
        return super().describe() | {"largest_gap_um": reach_um}

    def bytes_needed(self, shape: tuple[int, int], planes: int) -> int:
        """As of `VolumeEstimator`: volumes, and what a slice of them passes through."""
        activations = max(_ACTIVATIONS, 40 * self._channels * shape[0] * shape[1])
        return super().bytes_needed(shape, planes) + int(2 * activations)

    def survey(self, images: Sequence[NDArray[Any]]) -> None:
        """Take background and scale from whole planes."""
        self._shared = Normalisation.of(np.stack(images), self._kind)

    def learnt(self) -> Normalisation | None:
        """Background and scale of whole planes; None where none were surveyed."""
        return self._shared

    def settle(self, learnt: object) -> None:
        """Take them from another part of the picture."""
        if not isinstance(learnt, Normalisation):
            msg = f"{self.name} cannot settle on {type(learnt).__name__}"
            raise TypeError(msg)
        self._shared = learnt

    def _scale(self) -> Normalisation:
        """Background and scale: of whole planes, else of those at hand."""
        return self._shared or Normalisation.of(self.planes, self._kind)

    def _slices(self) -> list[slice]:
        """Parts of the z grid that are computed one after another."""
        height, width = self._images[0].shape
        per_plane = 40 * self._channels * height * width
        some = max(1, int(_ACTIVATIONS / per_plane))
        return [slice(i, i + some) for i in range(0, len(self.z_um), some)]

    def _to_network(self, pictures: Tensor) -> Tensor:
        """On the network's device."""
        return pictures.to(self._device)
