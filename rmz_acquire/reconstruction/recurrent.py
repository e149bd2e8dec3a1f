"""Recurrent-MZ as a stateful estimator: one step of the network a plane."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from rmz_acquire.errors import InputError
from rmz_acquire.networks.recurrent_mz import State
from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.wiener import WienerFilter, WienerVolume

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics

__all__ = ["Precision", "RecurrentEstimator"]

Precision = Literal["float32", "bfloat16", "float16"]
_DTYPE = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

TOLERANCE = 0.25
"""Share of the scale by which background or scale may move before all is rebuilt."""


class RecurrentEstimator(VolumeEstimator):
    """A released Recurrent-MZ model, fed plane by plane.

    Background and scale come from the planes at hand and stay as they are while new
    planes agree with them; where they do not (the first planes missed the bright
    part), the state is rebuilt from the planes that were kept.

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
        Of the network and its state.
    chunk : int, optional
        Output planes computed at once; by default what keeps memory small.
    order : {"taken", "sorted"}
        "sorted" feeds the planes by z: it rebuilds wherever a plane comes in between.

    Raises
    ------
    InputError
        For a chunk of less than one plane, or a bad grid.
    """

    name = "recurrent-mz"

    def __init__(
        self,
        z_um: ArrayLike,
        optics: Optics,
        model: LoadedModel,
        *,
        device: str = "auto",
        precision: Precision = "float32",
        chunk: int | None = None,
        order: Literal["taken", "sorted"] = "taken",
    ) -> None:
        super().__init__(z_um)
        if chunk is not None and chunk < 1:
            msg = f"chunk is {chunk}: give at least one output plane at a time"
            raise InputError(msg)
        self._optics, self._model, self._order = optics, model, order
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(device)
        self._dtype = _DTYPE[precision]
        # A copy: another estimator may run the model elsewhere or more precisely.
        self._network = copy.deepcopy(model.network).to(self._device, self._dtype)
        self._chunk = chunk
        self._uses_prior = model.card.network.prior == "wiener"
        self._wiener = (
            WienerFilter(optics, torch.from_numpy(self.z_um))
            if self._uses_prior
            else None
        )
        self._normalisation: Normalisation | None = None
        self._fed: list[int] = []
        self._states: list[State | None] = []

    @property
    def normalisation(self) -> Normalisation | None:
        """Background and scale in use, counts; None before the first plane."""
        return self._normalisation

    def describe(self) -> dict[str, Any]:
        """What this estimator is, for summary.json."""
        return super().describe() | {
            "model": self._model.card.name,
            "model_sha256": self._model.sha256,
            "optics": self._optics.model_dump(),
            "largest_gap_um": self._model.card.reach_um(self._optics),
        }

    def rebuild(self) -> NDArray[np.float32]:
        """Feed all planes again, with the background and scale that fit them now.

        Returns
        -------
        ndarray
            (Z, Y, X) float32 volume, counts.
        """
        self._normalisation = Normalisation.of(self.planes)
        self._fed = []
        self._states = [None] * len(self._slices())
        self._volume = self._feed()
        return self._volume

    def _reconstruct(self) -> NDArray[np.float32]:
        fresh = Normalisation.of(self.planes)
        kept = self._normalisation
        if kept is None or not kept.fits(fresh, TOLERANCE) or self._comes_between():
            return self.rebuild()
        return self._feed()

    def _comes_between(self) -> bool:
        return self._order == "sorted" and self._sequence()[-1] != len(self._images) - 1

    def _sequence(self) -> list[int]:
        """Planes in the order in which the network gets them."""
        if self._order == "taken":
            return list(range(len(self._images)))
        return [int(i) for i in np.argsort(self.planes_z_um, kind="stable")]

    def _slices(self) -> list[slice]:
        # About 256 MB of activations at a time keeps caches and small GPUs happy.
        height, width = self._images[0].shape
        per_plane = 40 * self._model.card.network.base_channels * height * width
        chunk = self._chunk or max(1, int(256e6 / per_plane))
        return [slice(i, i + chunk) for i in range(0, len(self.z_um), chunk)]

    @torch.inference_mode()
    def _feed(self) -> NDArray[np.float32]:
        """Feed what the state does not hold yet, and decode."""
        scale = self._normalisation
        assert scale is not None
        sequence = self._sequence()
        planes = torch.from_numpy(scale.apply(self.planes))
        volume = np.empty((len(self.z_um), *self._images[0].shape), dtype=np.float32)
        slices = self._slices()
        for place in range(len(self._fed), len(sequence)):
            given = sequence[: place + 1]
            index, last = given[-1], place == len(sequence) - 1
            prior = self._prior(planes, given)
            plane = self._to_network(planes[index])
            dz_um = torch.from_numpy(self.z_um) - self._at_um[index]
            dz_px = (dz_um * self._optics.blur_radius_px_per_um).to(self._device)
            for i, part in enumerate(slices):
                chunk = error = None
                if prior is not None:
                    chunk = self._to_network(prior.volume[part])
                    error = prior.error[part].to(self._device)
                state = self._network.step(plane, dz_px[part], self._states[i], chunk)
                if last:
                    out = self._network.decode(
                        state, self._images[0].shape, chunk, error
                    )
                    values = out[:, 0].float().cpu().numpy()
                    volume[part] = scale.undo(values)
                self._states[i] = State(state.hidden, ())
        self._fed = sequence
        return volume

    def _prior(self, planes: Tensor, given: list[int]) -> WienerVolume | None:
        if self._wiener is None:
            return None
        at = torch.from_numpy(self.planes_z_um[given])
        return self._wiener.estimate(planes[given], at)

    def _to_network(self, pictures: Tensor) -> Tensor:
        """(n, 1, H, W) on the network's device, in its precision."""
        height, width = pictures.shape[-2:]
        pictures = pictures.reshape(-1, 1, height, width)
        return pictures.to(self._device, self._dtype)
