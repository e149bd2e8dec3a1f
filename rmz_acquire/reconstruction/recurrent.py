"""Recurrent-MZ as a stateful estimator: one step of the network a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rmz_acquire.networks.recurrent_mz import RecurrentMZ, State
from rmz_acquire.reconstruction.filters import wiener_filter
from rmz_acquire.reconstruction.how_far import worked
from rmz_acquire.reconstruction.network import NetworkEstimator

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.normalisation import Normalisation
    from rmz_acquire.reconstruction.wiener import WienerVolume

__all__ = ["RecurrentEstimator"]

TOLERANCE = 0.25
"""Share of the scale by which background or scale may move before all is rebuilt."""


class RecurrentEstimator(NetworkEstimator[RecurrentMZ]):
    """A released Recurrent-MZ model, fed plane by plane.

    Background and scale come from the planes at hand and stay as they are while new
    planes agree with them; where they do not (the first planes missed the bright
    part), the state is rebuilt from the planes that were kept.

    Parameters
    ----------
    z_um, optics, model, device
        As of `NetworkEstimator`.
    """

    name = "recurrent-mz"
    network_type = RecurrentMZ

    def __init__(
        self,
        z_um: ArrayLike,
        optics: Optics,
        model: LoadedModel,
        *,
        device: str = "auto",
    ) -> None:
        super().__init__(z_um, optics, model, device=device)
        self._wiener = (
            wiener_filter(optics, self.z_um)
            if self._network.config.prior == "wiener"
            else None
        )
        self._normalisation: Normalisation | None = None
        self._fed = 0
        self._states: list[State | None] = []

    @property
    def normalisation(self) -> Normalisation | None:
        """Background and scale in use, counts; None before the first plane."""
        return self._normalisation

    def bytes_needed(self, shape: tuple[int, int], planes: int) -> int:
        """As of `VolumeEstimator`: what every output plane remembers, too."""
        # twice the channels at a quarter of the pixels, level by level
        state = 4 * 2 * self._channels * len(self.z_um) * shape[0] * shape[1]
        return super().bytes_needed(shape, planes) + state

    def rebuild(self) -> NDArray[np.float32]:
        """Feed all planes again, with the background and scale that fit them now.

        Returns
        -------
        ndarray
            (Z, Y, X) float32 volume, counts.
        """
        self._normalisation = self._scale()
        self._fed = 0
        self._states = [None] * len(self._slices())
        self._volume = self._feed()
        return self._volume

    def _reconstruct(self) -> NDArray[np.float32]:
        fresh = self._scale()
        kept = self._normalisation
        if kept is None or not kept.fits(fresh, TOLERANCE):
            return self.rebuild()
        return self._feed()

    @torch.inference_mode()
    def _feed(self) -> NDArray[np.float32]:
        """Feed what the state does not hold yet, and decode."""
        scale = self._normalisation
        assert scale is not None
        planes = torch.from_numpy(scale.apply(self.planes))
        volume = np.empty((len(self.z_um), *self._images[0].shape), dtype=np.float32)
        slices = self._slices()
        for index in range(self._fed, len(planes)):
            last = index == len(planes) - 1
            prior = self._prior(planes[: index + 1])
            plane = self._to_network(planes[index][None, None])
            dz_um = torch.from_numpy(self.z_um) - self._at_um[index]
            dz_px = (dz_um * self._optics.blur_radius_px_per_um).to(self._device)
            for i, part in enumerate(slices):
                chunk = error = None
                if prior is not None:
                    chunk = self._to_network(prior.volume[part][:, None])
                    error = prior.error[part].to(self._device)
                state = self._network.step(plane, dz_px[part], self._states[i], chunk)
                if last:
                    out = self._network.decode(
                        state, self._images[0].shape, chunk, error
                    )
                    values = out[:, 0].float().cpu().numpy()
                    volume[part] = scale.undo(values)
                self._states[i] = State(state.hidden, ())
                worked(len(dz_px[part]) * plane.numel())
        self._fed = len(planes)
        return volume

    def _prior(self, planes: Tensor) -> WienerVolume | None:
        """Of the first planes, (M, Y, X)."""
        if self._wiener is None:
            return None
        at = torch.from_numpy(self.planes_z_um[: len(planes)])
        return self._wiener.estimate(planes, at)
