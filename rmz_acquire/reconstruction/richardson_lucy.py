"""Maximum likelihood over non-negative object layers, as an estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.candidates import (
    FEW_STEPS,
    LAYERS,
    LINEAR,
    UNSEEN,
    WIENER,
    latest_ratio,
    relative_errors,
)
from rmz_acquire.reconstruction.choosing import SCHEDULES, Choice
from rmz_acquire.reconstruction.filters import wiener_filter
from rmz_acquire.reconstruction.how_far import uncounted
from rmz_acquire.reconstruction.interpolation import interpolated
from rmz_acquire.reconstruction.left_out import LeftOut, lines_of, prepare
from rmz_acquire.reconstruction.likelihood import (
    CameraFloor,
    Data,
    Given,
    few_threads,
    fitting,
    from_nothing,
    go_on,
)
from rmz_acquire.reconstruction.misfit import ModelFit
from rmz_acquire.reconstruction.settled import Learnt, Settled, layers_bytes
from rmz_acquire.reconstruction.steps import AT_ONCE, FEW, FRESH, GOING_ON, steps_of
from rmz_acquire.reconstruction.torch_device import device_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.wiener import WienerVolume

    #: A plane, what candidates predicted of it, and how much it counts.
    _Predicted = tuple[NDArray[np.float32], dict[str, NDArray[np.float32]], float]

__all__ = ["RichardsonLucyEstimator"]

_ALIKE = 1.3
"""How far two figures of the noise are told apart. The Wiener filter's is of all pixels
and exact where there is little light, and too high where it cannot explain structure;
the camera's is of few blocks: one that is a tenth too low makes light of noise."""


class RichardsonLucyEstimator(VolumeEstimator):
    """The likeliest object that emits no negative light, and what it looks like.

    Layers of light, one depth of field apart, are made likely to give all planes at
    once by Richardson and Lucy's steps, coarse to fine, and rendered at every z of
    the grid. What they leave of the planes goes through the Wiener filter and is
    added. No training, any objective.

    A further plane goes on from the layers at hand, at a fraction of the steps.

    Parameters
    ----------
    z_um : array_like
        (Z,) ascending output grid, µm.
    optics : Optics
        The microscope.
    device : str
        Of torch; "auto" takes the GPU where there is one.
    """

    name = "richardson-lucy"

    def __init__(
        self, z_um: ArrayLike, optics: Optics, *, device: str = "auto"
    ) -> None:
        super().__init__(z_um, optics)
        self._device = device_of(device)
        self._optics = optics
        # Tables take seconds: here, before the first plane is taken.
        self._filter = wiener_filter(optics, self.z_um)
        self._lines = lines_of(optics, tuple(self.z_um.tolist()))
        prepare(optics, self.z_um, SCHEDULES)
        self._floor = CameraFloor()
        self._choice: Choice | Settled | None = None
        self._left_out: LeftOut | None = None
        self._fitted_scale = 1.0
        self._surveyed = False
        self._binned = 1
        self._data: Data | None = None
        self._light: Tensor | None = None
        self._few: Tensor | None = None
        self._fitted = 0
        self._dark = self._noise = self._gain = self._shift = 0.0
        self._error: NDArray[np.float32] | None = None
        self._linear: NDArray[np.float32] | None = None
        self._linear_error: NDArray[np.float32] | None = None
        self._compared: list[tuple[float, float]] = []
        self._predictions: dict[str, float] | None = None
        self._apart: NDArray[np.float32] | None = None
        self._fit_of_model = ModelFit(self.name)
        self._explained: Tensor | None = None

    @property
    def z_scale(self) -> float:
        """Steps of the focus over steps of the stage, as the planes tell so far."""
        found = 1.0 if self._choice is None else self._choice.z_scale
        return found * self._optics.z_scale

    @property
    def shares(self) -> dict[str, float]:
        """Share of each candidate in the volume; they sum to 1."""
        if self._choice is None:
            return dict(UNSEEN)
        if isinstance(self._choice, Settled):
            return dict(self._choice.shares)
        return self._choice.candidates.shares

    @property
    def predicted_error(self) -> NDArray[np.float32] | None:
        """Predicted RMS error of every output plane, (Z,) counts; None before any.

        That of the Wiener filter, scaled by the root of each plane's contrast and by
        how well the latest planes were predicted before they were taken.
        """
        return self._error

    @property
    def dark(self) -> float:
        """Counts that mean no light, as the planes tell so far."""
        return self._dark

    @property
    def wiener(self) -> NDArray[np.float32] | None:
        """Volume of the Wiener filter from the same planes, (Z, Y, X) counts."""
        return self._linear

    @property
    def light(self) -> NDArray[np.float32] | None:
        """Light of the object layers at every z of the grid, (Z, Y, X) counts."""
        if self._data is None or self._light is None:
            return None
        layers = self._data.levels.at(1)
        depths = layers.depths_um.numpy()
        place = np.interp(self.z_um, depths, np.arange(len(depths)))
        low = np.minimum(place.astype(np.intp), len(depths) - 2)
        part = (place - low).astype(np.float32)[:, None, None]
        light = self._data.levels.picture(self._light).cpu().numpy()
        made: NDArray[np.float32] = light[low] * (1 - part) + light[low + 1] * part
        return made

    def noise_in(self, image: NDArray[np.float32]) -> float:
        """Variance of a pixel's noise in a plane, as the planes so far tell it.

        Parameters
        ----------
        image : ndarray
            (Y, X) counts.

        Returns
        -------
        float
            Squared counts; 0 before any plane.
        """
        if self._gain <= 0:
            return self._noise
        light = max(float(image.mean()) - self._dark, 0.0)
        return self._gain * (light + self._shift)

    def bytes_needed(self, shape: tuple[int, int], planes: int) -> int:
        """As of `VolumeEstimator`: layers, their OTFs, and volumes."""
        return super().bytes_needed(shape, planes) + layers_bytes(
            self._lines, self._filter.z_um, shape, planes
        )

    def bytes_kept(self, shape: tuple[int, int], planes: int) -> int:
        """Of these, what it keeps when a volume is made."""
        z_um, volumes = self._filter.z_um, 8 * (len(self.z_um) + planes)
        layers = layers_bytes(self._lines, z_um, shape, planes, fitting=False)
        return volumes * shape[0] * shape[1] + layers

    @property
    def side_by_side(self) -> bool:
        """On a CPU: steps are thousands of short calls."""
        return self._device.type == "cpu"

    def survey(self, images: Sequence[NDArray[Any]]) -> None:
        """Learn the camera's dark level and noise of whole planes."""
        self._surveyed = True
        for image in images:
            self._floor.add(image.astype(np.float32))

    @torch.inference_mode()
    def learn_from(self, images: Sequence[NDArray[Any]], z_um: Sequence[float]) -> None:
        """Scale of z and shares, by planes left out."""
        self._keep_all(images, z_um)
        with few_threads(self._images[0].size):
            self._learn()

    def binned(self, times: int) -> None:
        """Be told that each pixel is so many of the camera's, along a side."""
        self._binned = times

    @property
    def linear_volume(self) -> NDArray[np.float32] | None:
        """That of the Wiener filter."""
        return self._linear

    def learnt(self) -> Learnt:
        """Scale of z, shares and the camera's noise, as the planes tell so far."""
        scale = 1.0 if self._choice is None else self._choice.z_scale
        return Learnt(scale, self.shares, self._floor)

    def settle(self, learnt: object) -> None:
        """Take them from another part of the picture, and learn them no more."""
        if not isinstance(learnt, Learnt):
            msg = f"richardson-lucy cannot settle on {type(learnt).__name__}"
            raise TypeError(msg)
        self._choice, self._floor = Settled(learnt), learnt.floor

    def _candidates(self) -> dict[str, Any]:
        return {
            "predictions": self._predictions,
            "shares": self.shares,
            "z_scale": self.z_scale,
            "disagreement": self._apart,
            "misfit": self._fit_of_model.misfit,
        }

    @torch.inference_mode()
    def _reconstruct(self) -> NDArray[np.float32]:
        with few_threads(self._images[0].size):
            return self._from_planes()

    def _learn(self) -> tuple[Given, WienerVolume, LeftOut]:
        """Compare candidates on what is known of planes that have come."""
        predicted = self._predict_new()
        if not (self._surveyed or isinstance(self._choice, Settled)):
            for image in self._images[self._fitted :]:
                self._floor.add(image)
        dark, in_dark = self._floor.level()
        planes, z = torch.from_numpy(self.planes), tuple(self._at_um)
        light = (planes - dark).to(self._device)
        mean = float(light.mean())
        shift = self._floor.shift(dark, in_dark, mean)
        variance = self._floor.variance(dark, shift)
        # Few planes leave the layers so free that they explain noise from the start.
        counted = variance if len(z) > FRESH else 0.0
        given = Given(light, z, shift, counted, self._floor.noise())
        if self._left_out is None:
            shape = self._images[0].shape
            known = self._optics, self._filter.z_um, self._lines
            self._left_out = LeftOut(*known, shape, self._device, self._binned)
        choice = self._choice = self._choice or Choice(self._left_out)
        if isinstance(choice, Choice):
            for image, each, weight in predicted:
                noise = self.noise_in(image)
                choice.candidates.see(image, each, noise, len(z), weight)
        linear = self._filter.estimate(planes, torch.from_numpy(self.planes_z_um))
        self._dark, self._noise = dark, float(linear.noise)
        self._gain, self._shift = variance, shift
        camera = variance * (mean + shift)
        if 0 < _ALIKE * camera < self._noise:
            self._noise = camera
        with uncounted():
            choice.learn(given, self._noise, len(z) - self._fitted)
        return given, linear, self._left_out

    def _from_planes(self) -> NDArray[np.float32]:
        given, linear, left_out = self._learn()
        dark, z_scale = self._dark, self.learnt().z_scale
        if self._data is None or z_scale != self._fitted_scale:
            self._data = Data(left_out.levels(z_scale))
            self._fitted_scale = z_scale
            self._light = None
        self._fit(self._data, given)
        self._linear = linear.volume.numpy()
        assert self._light is not None
        self._explained = self._data.explained(self._light)
        self._fit_of_model.explained(
            self.planes,
            self._explained.numpy() + np.float32(dark),
            [self.noise_in(image) for image in self._images],
        )
        made = self._mixture()
        # Where there is more to be seen, there is more to be wrong about.
        contrast = np.sqrt(made.std((1, 2)))
        if contrast.any():
            contrast /= contrast.mean()
        self._linear_error = linear.error.numpy() * contrast
        self._error = self._linear_error * np.float32(latest_ratio(self._compared))
        self._apart = np.sqrt(np.mean((made - self._linear) ** 2, axis=(1, 2)))
        return made

    def _mixture(self) -> NDArray[np.float32]:
        """Volume of all candidates by their shares."""
        assert self._light is not None and self._linear is not None
        shares = {name: share for name, share in self.shares.items() if share > 0}
        made = np.zeros_like(self._linear)
        if WIENER in shares:
            made += np.float32(shares[WIENER]) * self._linear
        if LINEAR in shares:
            made += np.float32(shares[LINEAR]) * self._between(self.z_um)
        many, few = shares.get(LAYERS, 0.0), shares.get(FEW_STEPS, 0.0)
        if many + few > 0:
            # what layers look like is linear in their light: one volume for both
            light = self._light
            if few > 0:
                light = torch.lerp(light, self._few_steps(), few / (many + few))
            made += np.float32(many + few) * self._render(light)
        return made

    @torch.inference_mode()
    def candidate_volumes(self) -> Iterator[NDArray[np.float32]]:
        """As of `VolumeEstimator`."""
        if self._light is not None and self._linear is not None:
            yield self._linear
            yield self._between(self.z_um)
            yield self._render(self._light)
            yield self._render(self._few_steps())

    def _between(self, z_um: NDArray[np.float64]) -> NDArray[np.float32]:
        """Planes at any z by linear interpolation, of the planes fitted so far."""
        known = slice(self._fitted)
        return interpolated(self.planes[known], self.planes_z_um[known], z_um)

    def _predict_new(self) -> list[_Predicted]:
        """Predict planes that have come from those before them; inner ones only."""
        found: list[_Predicted] = []
        if self._volume is None or self._linear_error is None:
            return found
        assert self._light is not None and self._linear is not None
        known = self._at_um[: self._fitted]
        for image, z in zip(
            self._images[self._fitted :], self._at_um[self._fitted :], strict=True
        ):
            error = float(np.mean((self._at(self._volume, z) - image) ** 2))
            linear = float(np.interp(z, self.z_um, self._linear_error))
            noise = self.noise_in(image)
            self._compared.append((max(error - noise, 0.0), linear**2))
            at = np.array([z])
            made = {
                LAYERS: self._render(self._light, at)[0],
                WIENER: self._at(self._linear, z),
                LINEAR: self._between(at)[0],
                FEW_STEPS: self._render(self._few_steps(), at)[0],
            }
            self._predictions = relative_errors(image, made, self._dark, noise)
            if self._left_out is not None and min(known) < z < max(known):
                found.append((image, made, self._left_out.weight(z, known)))
                # layers lose to interpolation on thick specimens under right optics
                self._fit_of_model.predicted(image, made[WIENER], made[LINEAR], noise)
        return found

    def _fit(self, data: Data, given: Given) -> None:
        """Bring the layers up to the planes."""
        m = len(given.z_um)
        known = self._fitted
        if self._light is None or m <= FRESH:
            known = min(m, AT_ONCE)
            data.see(given.first(known))
            self._light = from_nothing(data, fitting(steps_of(known), self._optics))
        for n in range(known + 1, m + 1):
            data.see(given.first(n))
            self._light = go_on(data, fitting(GOING_ON, self._optics), self._light)
        self._few, self._fitted = None, m

    def _few_steps(self) -> Tensor:
        """Layers of the planes fitted, after few steps; made when asked for first."""
        if self._few is None:
            assert self._data is not None
            made = from_nothing(self._data, fitting(FEW, self._optics))
            self._few = self._data.levels.finest(made)
        return self._few

    def _render(
        self, light: Tensor, z_um: NDArray[np.float64] | None = None
    ) -> NDArray[np.float32]:
        """Planes of the layers, and of what they leave of the planes fitted so far."""
        assert self._data is not None
        known = slice(self._fitted)
        planes = torch.from_numpy(self.planes[known]) - self._dark
        at = torch.from_numpy(self.planes_z_um[known])
        out = None if z_um is None else torch.from_numpy(z_um)
        levels = self._data.levels
        explained = self._explained
        if light is not self._light or explained is None:
            explained = self._data.explained(light)
        rest = self._filter.estimate(planes - explained, at, out, noise=self._noise)
        seen = levels.at(1).render(light, self._filter.z_um if out is None else out)
        made = levels.picture(seen).cpu() + rest.volume + self._dark
        volume: NDArray[np.float32] = made.numpy()
        return volume
