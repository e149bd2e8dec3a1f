"""Deep-Z and the 3D U-Net behind the estimators' Protocol: they remember nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rmz_acquire.errors import InputError
from rmz_acquire.models import normalisation_kind
from rmz_acquire.networks import DeepZ, UNet3D
from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.normalisation import Normalisation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.recurrent import Precision

__all__ = ["DeepZEstimator", "UNet3DEstimator"]


class _StatelessEstimator(VolumeEstimator):
    """A released network that makes every volume afresh from all planes.

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
    precision : {"float32", "bfloat16", "float16"}
        Of the network.
    """

    def __init__(
        self,
        z_um: ArrayLike,
        optics: Optics,
        model: LoadedModel,
        *,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        super().__init__(z_um)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._optics, self._model = optics, model
        self._device = torch.device(device)
        self._dtype: torch.dtype = getattr(torch, precision)
        self._kind = normalisation_kind(model)

    def describe(self) -> dict[str, Any]:
        """What this estimator is, for summary.json."""
        return super().describe() | {
            "model": self._model.card.name,
            "model_sha256": self._model.sha256,
            "optics": self._optics.model_dump(),
        }

    def _dz_px(self) -> Tensor:
        """(Z, M) signed blur radius, pixels."""
        dz_um = self.z_um[:, None] - self.planes_z_um[None]
        dz = torch.from_numpy(dz_um * self._optics.blur_radius_px_per_um)
        return dz.float().to(self._device)

    def _to_network(self, scale: Normalisation) -> Tensor:
        planes = torch.from_numpy(scale.apply(self.planes))
        return planes.to(self._device, self._dtype)


class DeepZEstimator(_StatelessEstimator):
    """Deep-Z: every output plane is refocused from the nearest plane taken.

    So M planes share the range between them, as in the paper's comparison. Parameters
    as of `RecurrentEstimator`.
    """

    name = "deep-z"

    @torch.inference_mode()
    def _reconstruct(self) -> NDArray[np.float32]:
        network = self._model.network
        if not isinstance(network, DeepZ):
            msg = f"model {self._model.card.name} is not a Deep-Z network"
            raise InputError(msg)
        network = network.to(self._device, self._dtype)
        scale = Normalisation.of(self.planes, self._kind)
        planes, dz = self._to_network(scale), self._dz_px()
        nearest = dz.abs().argmin(1)
        height, width = planes.shape[1:]
        base = self._model.card.network.base_channels
        chunk = max(1, int(256e6 / (40 * base * height * width)))
        parts = []
        for i in range(0, len(dz), chunk):
            which = nearest[i : i + chunk]
            distance = dz[i : i + chunk].gather(1, which[:, None])[:, 0]
            parts.append(network(planes[which][:, None], distance)[:, 0].float().cpu())
        return scale.undo(torch.cat(parts).numpy())


class UNet3DEstimator(_StatelessEstimator):
    """3D U-Net: M planes as channels, in the order taken; a slab of planes at a time.

    Its M is fixed. Of more planes it takes those that spread evenly over z, fewer are
    repeated. Parameters as of `RecurrentEstimator`.
    """

    name = "unet3d"

    @torch.inference_mode()
    def _reconstruct(self) -> NDArray[np.float32]:
        network = self._model.network
        if not isinstance(network, UNet3D):
            msg = f"model {self._model.card.name} is not a 3D U-Net"
            raise InputError(msg)
        network = network.to(self._device, self._dtype)
        scale = Normalisation.of(self.planes, self._kind)
        chosen = self._chosen(network.config.planes)
        planes, dz = self._to_network(scale)[chosen], self._dz_px()[:, chosen]
        slab = network.config.slab
        volume = np.empty((len(dz), *planes.shape[1:]), dtype=np.float32)
        for i in range(0, len(dz), slab):
            # the last slab overlaps the one before: the network knows whole ones
            part = slice(max(0, min(i, len(dz) - slab)), i + slab)
            volume[part] = network(planes, dz[part])[:, 0].float().cpu().numpy()
        return scale.undo(volume)

    def _chosen(self, m: int) -> list[int]:
        n = len(self._images)
        if n <= m:
            return [i % n for i in range(m)]
        by_z = np.argsort(self.planes_z_um, kind="stable")
        even = by_z[((np.arange(m) + 0.5) * n / m).astype(np.intp)]
        return sorted(int(i) for i in even)
