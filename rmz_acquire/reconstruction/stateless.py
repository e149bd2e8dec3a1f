"""Deep-Z and the 3D U-Net behind the estimators' Protocol: they remember nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rmz_acquire.networks import DeepZ, UNet3D
from rmz_acquire.reconstruction.how_far import worked
from rmz_acquire.reconstruction.network import Net, NetworkEstimator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.reconstruction.normalisation import Normalisation

__all__ = ["DeepZEstimator", "UNet3DEstimator"]


class _StatelessEstimator(NetworkEstimator[Net]):
    """Makes every volume afresh from all planes."""

    def _normalised(self) -> tuple[Normalisation, Tensor]:
        """(M, Y, X) planes for the network, and the way back."""
        scale = self._scale()
        return scale, self._to_network(torch.from_numpy(scale.apply(self.planes)))

    def _dz_px(self) -> Tensor:
        """(Z, M) signed blur radius, pixels."""
        dz_um = self.z_um[:, None] - self.planes_z_um[None]
        dz = torch.from_numpy(dz_um * self._optics.blur_radius_px_per_um)
        return dz.float().to(self._device)


class DeepZEstimator(_StatelessEstimator[DeepZ]):
    """Deep-Z: every output plane is refocused from the nearest plane taken.

    So M planes share the range between them, as in the paper's comparison. Parameters
    as of `NetworkEstimator`.
    """

    name = "deep-z"
    network_type = DeepZ

    @torch.inference_mode()
    def _reconstruct(self) -> NDArray[np.float32]:
        scale, planes = self._normalised()
        dz = self._dz_px()
        nearest = dz.abs().argmin(1)
        parts = []
        for part in self._slices():
            which = nearest[part]
            distance = dz[part].gather(1, which[:, None])[:, 0]
            made = self._network(planes[which][:, None], distance)
            parts.append(made[:, 0].float().cpu())
            worked(made.numel())
        return scale.undo(torch.cat(parts).numpy())


class UNet3DEstimator(_StatelessEstimator[UNet3D]):
    """3D U-Net: M planes as channels, in the order taken; a slab of planes at a time.

    Its M is fixed. Of more planes it takes those that spread evenly over z, fewer are
    repeated. Parameters as of `NetworkEstimator`.
    """

    name = "unet3d"
    network_type = UNet3D

    @torch.inference_mode()
    def _reconstruct(self) -> NDArray[np.float32]:
        scale, planes = self._normalised()
        config = self._network.config
        chosen, slab = self._chosen(config.planes), config.slab
        planes, dz = planes[chosen], self._dz_px()[:, chosen]
        volume = np.empty((len(dz), *planes.shape[1:]), dtype=np.float32)
        for i in range(0, len(dz), slab):
            # the last slab overlaps the one before: the network knows whole ones
            part = slice(max(0, min(i, len(dz) - slab)), i + slab)
            volume[part] = self._network(planes, dz[part])[:, 0].float().cpu().numpy()
            worked(volume[part].size)
        return scale.undo(volume)

    def _chosen(self, m: int) -> list[int]:
        n = len(self._images)
        if n <= m:
            return [i % n for i in range(m)]
        by_z = np.argsort(self.planes_z_um, kind="stable")
        even = by_z[((np.arange(m) + 0.5) * n / m).astype(np.intp)]
        return sorted(int(i) for i in even)
