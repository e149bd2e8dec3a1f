"""A network on the richardson-lucy prior, as far as its gate lets it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rmz_acquire.errors import InputError
from rmz_acquire.networks import OnLayers, Prior
from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.candidates import relative_errors
from rmz_acquire.reconstruction.gate import Gate, contradiction, fine_detail
from rmz_acquire.reconstruction.how_far import uncounted, worked
from rmz_acquire.reconstruction.layers_prior import prior_of
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.richardson_lucy import RichardsonLucyEstimator
from rmz_acquire.reconstruction.torch_device import device_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.settled import Learnt

__all__ = ["OnLayersEstimator"]

_ACTIVATIONS = 256e6
"""Bytes, about, of the activations of one band of rows."""

_INPUT_COPIES = 21
_ACTIVATION_COPIES = 3
"""Of a band's voxels, and of its activations, alive at the same time at most."""

_VOLUMES = 5
"""What it is given and makes, whole."""

_WEIGHTS = 32e6
"""Bytes of the network itself, and of what it is computed with."""

_PASSES = 10
"""Transforms of a pixel that take as long as the network, about."""

_LEFT_OUT_PX = 96
"""Side of the part of the picture in which a plane is left out, where several come at
once."""

_FEWEST = 3
"""Planes before which the network has no share: it gained nothing with fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class _Learnt:
    """What holds for the whole picture."""

    prior: Learnt
    share: float
    scale: Normalisation | None


class OnLayersEstimator(VolumeEstimator):
    """The richardson-lucy volume, and what a network adds to it.

    The network's share is granted where there is fine detail in the planes and it does
    not contradict them, then lowered or earned by planes that both predicted before
    they were taken. Where planes come at once, an inner one is left out of a part of
    the picture instead.

    Parameters
    ----------
    z_um, optics, model, device
        As of `NetworkEstimator`.

    Raises
    ------
    InputError
        For another kind of network, or a bad grid.
    """

    name = "recurrent-mz"

    def __init__(
        self,
        z_um: ArrayLike,
        optics: Optics,
        model: LoadedModel,
        *,
        device: str = "auto",
    ) -> None:
        super().__init__(z_um, optics, model)
        if not isinstance(model.network, OnLayers):
            msg = f"model {model.card.name} is not on the richardson-lucy prior"
            raise InputError(msg)
        self._prior = RichardsonLucyEstimator(z_um, optics, device=device)
        self._optics, self._model = optics, model
        self._device = device_of(device)
        self._network = copy.deepcopy(model.network).to(self._device)
        self._gate = Gate()
        self._settled: float | None = None
        self._scale: Normalisation | None = None
        self._made: NDArray[np.float32] | None = None
        self._predicted: dict[str, float] = {}

    @property
    def share(self) -> float:
        """Of the network in the volume: 0 is richardson-lucy alone, 1 all it says."""
        return self._gate.share if self._settled is None else self._settled

    @property
    def predicted_error(self) -> NDArray[np.float32] | None:
        """Predicted RMS error of every output plane, counts: that of the prior."""
        return self._prior.predicted_error

    def bytes_needed(self, shape: tuple[int, int], planes: int) -> int:
        """As of `VolumeEstimator`: the prior; or what it keeps, and the network."""
        kept = self._prior.bytes_kept(shape, planes)
        network = self.network_bytes(shape)
        return max(self._prior.bytes_needed(shape, planes), kept + network)

    def network_bytes(self, shape: tuple[int, int]) -> int:
        """Memory of the network at work on pictures of a shape, bytes, at most."""
        row = 4 * len(self.z_um) * shape[1]
        widest = max(around.stop - around.start for _, around in self._bands(*shape))
        copies = _INPUT_COPIES + _ACTIVATION_COPIES * self._network.config.channels / 4
        return int((_VOLUMES * shape[0] + copies * widest) * row + _WEIGHTS)

    @property
    def side_by_side(self) -> bool:
        """On a CPU: steps are thousands of short calls."""
        return self._device.type == "cpu"

    def survey(self, images: Sequence[NDArray[Any]]) -> None:
        """As of the prior; and what becomes of counts before the network."""
        self._prior.survey(images)
        self._scale = Normalisation.of(np.stack(images))

    @torch.inference_mode()
    def learn_from(self, images: Sequence[NDArray[Any]], z_um: Sequence[float]) -> None:
        """What the prior learns, and by planes left out the network's share."""
        self._keep_all(images, z_um)
        with uncounted():
            self._leave_out()
        self._prior.learn_from(images, z_um)

    def learnt(self) -> _Learnt:
        """What the prior has learnt; share, background and scale of the network."""
        return _Learnt(self._prior.learnt(), self.share, self._scale)

    def settle(self, learnt: object) -> None:
        """Take these from another part of the picture, and learn them no more."""
        if not isinstance(learnt, _Learnt):
            msg = f"{self.name} cannot settle on {type(learnt).__name__}"
            raise TypeError(msg)
        self._prior.settle(learnt.prior)
        self._settled, self._scale = learnt.share, learnt.scale

    def _candidates(self) -> dict[str, Any]:
        """Those of the prior, and the network beside them."""
        share, prior = self.share, self._prior.compared()
        predictions, shares = prior["predictions"], prior["shares"]
        return {
            "z_scale": prior["z_scale"],
            "misfit": prior["misfit"],
            "predictions": predictions and {**predictions, **self._predicted},
            "shares": {
                **{name: (1 - share) * part for name, part in shares.items()},
                self.name: share,
            },
        }

    def candidate_volumes(self) -> Iterator[NDArray[np.float32]]:
        """Those of the prior, and of the network where it has a share."""
        yield from self._prior.candidate_volumes()
        if self._made is not None and self.share > 0:
            yield self._made

    @torch.inference_mode()
    def _reconstruct(self) -> NDArray[np.float32]:
        seen, before = self._prior.planes_taken, self._prior.volume
        if before is not None and self._made is not None:
            self._compare(before, self._made, seen)
        volume = self._extend(seen)
        self._made = self._add_to(self._prior)
        self._grant(self._prior, volume, self._made)
        if seen == 0 and self._settled is None:
            with uncounted():
                self._leave_out()
        share = np.float32(self.share)
        return volume + share * (self._made - volume)

    def _extend(self, seen: int) -> NDArray[np.float32]:
        """Give the prior what it has not seen."""
        images, at = self._images[seen:], self._at_um[seen:]
        if len(images) == 1:
            volume = self._prior.add(images[0], at[0]).volume
            assert volume is not None
            return volume
        return self._prior.add_all(images, at)

    def _compare(
        self, prior: NDArray[np.float32], made: NDArray[np.float32], seen: int
    ) -> None:
        """Look at how planes between others were predicted before they were taken."""
        known = self._at_um[:seen]
        for image, z in zip(self._images[seen:], self._at_um[seen:], strict=True):
            predicted = {self.name: self._at(made, z)}
            # in the unit of the prior's candidates, beside which it stands
            dark, noise = self._prior.dark, self._prior.noise_in(image)
            self._predicted = relative_errors(image, predicted, dark, noise)
            if min(known) < z < max(known):
                self._gate.see(image, self._at(prior, z), self._at(made, z), noise)

    def _leave_out(self) -> None:
        """Predict an inner plane from the others, in a part of the picture."""
        order = np.argsort(self._at_um, kind="stable")
        out = int(order[len(order) // 2])
        rest = [i for i in range(len(self._images)) if i != out]
        known = [self._at_um[i] for i in rest]
        if len(order) < _FEWEST or not min(known) < self._at_um[out]:
            return
        window = _busiest(self._images[out], _LEFT_OUT_PX)
        prior = RichardsonLucyEstimator(
            self.z_um, self._optics, device=str(self._device)
        )
        volume = prior.add_all([self._images[i][window] for i in rest], known)
        made, z = self._add_to(prior), self._at_um[out]
        plane = self._images[out][window]
        self._gate.see(
            plane, self._at(volume, z), self._at(made, z), prior.noise_in(plane)
        )
        if self._made is None:  # nothing else tells what there is to see
            self._grant(prior, volume, made)

    def _grant(
        self,
        prior: RichardsonLucyEstimator,
        volume: NDArray[np.float32],
        made: NDArray[np.float32],
    ) -> None:
        """Look at both volumes where planes were taken."""
        if len(self._images) < _FEWEST or self._settled is not None:
            return
        planes, z_um = prior.planes, prior.planes_z_um
        first, second = (
            np.stack([self._at(v, z) for z in z_um]) for v in (volume, made)
        )
        noise = float(np.mean([prior.noise_in(plane) for plane in planes]))
        resolution_um = self._optics.wavelength_um / (2 * self._optics.na)
        self._gate.grant(
            fine_detail(first, resolution_um / self._optics.pixel_size_um, noise),
            contradiction(planes, second),
        )

    def _add_to(self, estimator: RichardsonLucyEstimator) -> NDArray[np.float32]:
        """Give the volume with all that the network adds to it, counts."""
        scale = self._scale or Normalisation.of(estimator.planes)
        prior = prior_of(estimator, self._optics, scale)
        height, width = estimator.planes.shape[1:]
        made = np.empty((len(self.z_um), height, width), dtype=np.float32)
        distances = [d.to(self._device) for d in prior[3:]]
        for rows, around in self._bands(height, width):
            volumes = [v[:, around].to(self._device) for v in prior[:3]]
            band = self._network(Prior(*volumes, *distances)).cpu().numpy()
            first = rows.start - around.start
            made[:, rows] = band[:, first : first + rows.stop - rows.start]
            worked(_PASSES * band.size)
        return scale.undo(made)

    def _bands(self, height: int, width: int) -> Iterator[tuple[slice, slice]]:
        """Rows that are computed at once, and with all that they see."""
        channels = 4 * self._network.config.channels
        per_row = channels * len(self.z_um) * width  # bytes, a quarter of the pixels
        rows = max(16, int(_ACTIVATIONS / per_row))
        rows += rows % 2
        halo = self._network.reach_px // 2 * 2 + 2
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            yield (
                slice(top, bottom),
                slice(max(0, top - halo), min(height, bottom + halo)),
            )


def _busiest(image: NDArray[np.float32], side: int) -> tuple[slice, slice]:
    """Of nine windows of a picture the one whose pixels vary most."""
    best: tuple[float, tuple[slice, slice]] | None = None
    height, width = (min(side, n) for n in image.shape)
    for top in np.linspace(0, image.shape[0] - height, 3).astype(int):
        for left in np.linspace(0, image.shape[1] - width, 3).astype(int):
            window = slice(top, top + height), slice(left, left + width)
            spread = float(image[window].std())
            if best is None or spread > best[0]:
                best = spread, window
    assert best is not None
    return best[1]
