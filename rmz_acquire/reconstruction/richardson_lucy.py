"""Maximum likelihood over non-negative object layers, as an estimator."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rmz_acquire.reconstruction.base import VolumeEstimator
from rmz_acquire.reconstruction.choosing import Choice
from rmz_acquire.reconstruction.filters import wiener_filter
from rmz_acquire.reconstruction.left_out import LeftOut
from rmz_acquire.reconstruction.likelihood import (
    CameraFloor,
    Data,
    LayerStack,
    OtfLines,
    few_threads,
    fitting,
    from_nothing,
    go_on,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.likelihood import Steps

__all__ = ["RichardsonLucyEstimator"]

FROM_NOTHING: Steps = ((4, 150), (2, 80), (1, 15))
FEW_PLANES: Steps = ((4, 100), (2, 25), (1, 5))
GOING_ON: Steps = ((4, 50), (2, 25), (1, 6))

FRESH = 3
"""Up to so many planes, each makes the layers anew: what goes on from fewer has its
light in the wrong layers."""

_NOISE_FITTED = 0.3
"""Share of the noise's variance that layers take for light. Where the Wiener filter
lacks less than that, they have nothing to add."""

_LEAST_SHIFT = 0.01
"""Least counts added to planes and prediction, over their mean light."""

FEW = 5
"""Up to so many, the coarsest layers are made anew; and all, where planes come at once.
With more, going on is as good."""


@lru_cache(maxsize=4)
def _lines(optics: Optics, z_um: tuple[float, ...]) -> OtfLines:
    stack = LayerStack(optics, torch.tensor(z_um, dtype=torch.float64))
    return OtfLines(optics, stack.reach_um)


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
        super().__init__(z_um)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(device)
        self._optics = optics
        # Tables take seconds: here, before the first plane is taken.
        self._filter = wiener_filter(optics, self.z_um)
        self._lines = _lines(optics, tuple(self.z_um.tolist()))
        self._floor = CameraFloor()
        self._choice: Choice | None = None
        self._left_out: LeftOut
        self._data: Data | None = None
        self._light: Tensor | None = None
        self._fitted = 0
        self._error: NDArray[np.float32] | None = None
        self._explained: NDArray[np.float32] | None = None
        self._linear: NDArray[np.float32] | None = None
        self._weight = 1.0
        self._linear_error: NDArray[np.float32] | None = None
        self._compared: list[tuple[float, float]] = []

    @property
    def z_scale(self) -> float:
        """Steps of the focus over steps of the stage, as the planes tell so far."""
        return 1.0 if self._choice is None else self._choice.z_scale

    @property
    def weight(self) -> float:
        """Share of the layers in the volume; the Wiener filter has the rest."""
        return self._weight

    @property
    def predicted_error(self) -> NDArray[np.float32] | None:
        """Predicted RMS error of every output plane, (Z,) counts; None before any.

        That of the Wiener filter, scaled by the root of each plane's contrast and by
        how well the latest planes were predicted before they were taken.
        """
        return self._error

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

    def describe(self) -> dict[str, Any]:
        """What this estimator is, for summary.json."""
        return super().describe() | {"optics": self._optics.model_dump()}

    @torch.inference_mode()
    def _reconstruct(self) -> NDArray[np.float32]:
        with few_threads(self._images[0].size):
            return self._from_planes()

    def _from_planes(self) -> NDArray[np.float32]:
        for image in self._images[self._fitted :]:
            self._floor.add(image)
        dark, noise = self._floor.level()
        planes, z = torch.from_numpy(self.planes), self._at_um
        light = (planes - dark).to(self._device)
        # Planes without noise would trust their darkest pixels beyond measure.
        shift = max(noise / 2, _LEAST_SHIFT * float(light.mean()))
        if self._choice is None:
            shape = self._images[0].shape
            self._left_out = LeftOut(
                self._optics, self._filter.z_um, self._lines, shape, self._device
            )
            self._choice = Choice(self._left_out)
        self._compare(self._choice, noise)
        before = self._choice.z_scale
        self._choice.learn(light, z, shift, noise, len(z) - self._fitted)
        if self._data is None or self._choice.z_scale != before:
            self._data = Data(self._left_out.levels(self._choice.z_scale))
            self._light = None
        self._fit(self._data, light, shift)
        self._explained = self._render(self._data, planes, dark).numpy()
        linear = self._filter.estimate(planes, torch.from_numpy(self.planes_z_um))
        self._linear = linear.volume.numpy()
        lack = float(linear.error.square().mean())
        worth = lack / (lack + _NOISE_FITTED * noise**2) if lack > 0 else 0.0
        self._weight = self._choice.weight * worth
        made: NDArray[np.float32] = self._linear + np.float32(self._weight) * (
            self._explained - self._linear
        )
        # Where there is more to be seen, there is more to be wrong about.
        contrast = np.sqrt(made.std((1, 2)))
        if contrast.any():
            contrast /= contrast.mean()
        self._linear_error = linear.error.numpy() * contrast
        self._error = self._linear_error * np.float32(self._share())
        return made

    def _compare(self, choice: Choice, noise: float) -> None:
        """Look how well planes were predicted before they were taken."""
        if self._volume is None or self._linear_error is None:
            return
        known = self._at_um[: self._fitted]
        for image, z in zip(
            self._images[self._fitted :], self._at_um[self._fitted :], strict=True
        ):
            error = float(np.mean((self._at(self._volume, z) - image) ** 2))
            linear = float(np.interp(z, self.z_um, self._linear_error))
            self._compared.append((max(error - noise**2, 0.0), linear**2))
            if min(known) < z < max(known):
                assert self._explained is not None and self._linear is not None
                ours, theirs = (
                    self._at(made, z) for made in (self._explained, self._linear)
                )
                choice.see(image, ours, theirs, noise)

    def _share(self) -> float:
        """RMS error of the latest predictions over what the Wiener filter expected."""
        log_share = weights = 0.0
        for back, (error, linear) in enumerate(reversed(self._compared)):
            if error > 0 and linear > 0:
                log_share += 0.5**back * math.log(error / linear) / 2
                weights += 0.5**back
        return math.exp(log_share / weights) if weights else 1.0

    def _fit(self, data: Data, light: Tensor, shift: float) -> None:
        """Bring the layers up to the planes."""
        m, z = len(self._images), self._at_um
        first = self._fitted + 1
        if self._light is None or m <= FRESH:
            first = min(m, FEW)
            self._light = None
        for n in range(first, m + 1):
            data.see(light[:n], z[:n], shift)
            few = n <= FEW
            if self._light is None:
                self._light = from_nothing(data, fitting(FROM_NOTHING, self._optics))
            else:
                steps = fitting(FEW_PLANES if few else GOING_ON, self._optics)
                self._light = go_on(data, steps, self._light, anew=few)
        self._fitted = m

    def _render(self, data: Data, planes: Tensor, dark: float) -> Tensor:
        """Volume of the layers, and of what they leave of the planes."""
        assert self._light is not None
        levels, z = data.levels, torch.from_numpy(self.planes_z_um)
        layers = levels.at(1)
        explained = levels.picture(layers.project(self._light, data.blur(1))).cpu()
        rest = self._filter.estimate(planes - dark - explained, z)
        volume = levels.picture(layers.render(self._light, self._filter.z_um)).cpu()
        return volume + rest.volume + dark
