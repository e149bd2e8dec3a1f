"""What planes at hand say about a model: explained together, and predicted untaken.

Steps of a stage are not steps of the focus where refractive indices differ, and a
model that is told the wrong scale of z loses to a linear filter by several dB. What it
leaves of all planes, and how well it predicts planes that it was not given, tell the
scale that fits; the latter, how far it is to be trusted beside the filter, too. Coarse
grids do: defocused light is smooth.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rmz_acquire.reconstruction.candidates import LAYERS, LINEAR, WIENER
from rmz_acquire.reconstruction.filters import wiener_filter
from rmz_acquire.reconstruction.interpolation import interpolation_weights
from rmz_acquire.reconstruction.likelihood import (
    Blur,
    Data,
    LayerStack,
    Levels,
    OtfLines,
    fitting,
    from_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.likelihood import Given, Steps
    from rmz_acquire.reconstruction.wiener import WienerFilter, WienerVolume

__all__ = ["LeftOut", "lines_of", "prepare"]

_SPOTS = 3.0
"""Blurred spots in a picture from which on it counts in full."""

_LEAST_PX = 12
"""Pixels of a side, binned, below which nothing is to be learnt."""


class LeftOut:
    """Predicts planes from others, at several scales of z.

    Parameters
    ----------
    optics : Optics
        The microscope.
    z_um : Tensor
        (n,) float64 z grid, µm of the stage.
    lines : OtfLines
        Of the microscope.
    shape : (int, int)
        Of the planes, pixels.
    device : torch.device
        Where to compute.
    binned : int
        Camera pixels in one of them, along a side.
    """

    def __init__(
        self,
        optics: Optics,
        z_um: Tensor,
        lines: OtfLines,
        shape: tuple[int, int],
        device: torch.device,
        binned: int = 1,
    ) -> None:
        self._optics, self._z_um, self._lines = optics, z_um, lines
        self._shape, self._device, self._binned = shape, device, binned
        self._levels: dict[float, Levels] = {}
        self._linear: tuple[Given, tuple[int, int], WienerVolume] | None = None

    @property
    def span_um(self) -> float:
        """Length of the z grid, µm."""
        return float(self._z_um[-1] - self._z_um[0])

    @property
    def wide(self) -> bool:
        """Whether the picture is wider than the border from which light comes in.

        On a smaller one, it is mostly light from outside that a scale of z explains.
        """
        return min(self._shape) > self.levels(1.0).border_px

    @property
    def calibrated(self) -> bool:
        """Whether the optics were fitted to a stack: then so was their scale of z."""
        nominal = type(self._optics).model_fields
        fitted = self._optics.fitted
        return any(value != nominal[name].default for name, value in fitted.items())

    def weight(self, z_um: float, known_um: Sequence[float]) -> float:
        """How much the error of a plane tells, predicted from some others.

        Few blurred spots fit into a small picture: chance, and light from outside it,
        decide how well they are predicted.

        Parameters
        ----------
        z_um : float
            Of the plane, µm of the stage.
        known_um : sequence of float
            Of the others; at least one.

        Returns
        -------
        float
            0 to 1, in proportion to the number of spots, as wide as the blur of the
            nearest of the others.
        """
        away = min(abs(z_um - z) for z in known_um)
        width = 2 * self._optics.blur_radius_px_per_um * away
        height, breadth = self._shape
        return min(1.0, height * breadth / (_SPOTS * max(width, 1.0) ** 2))

    def levels(self, z_scale: float) -> Levels:
        """The grids at a scale of z, over that of the optics."""
        if z_scale not in self._levels:
            stack = LayerStack(self._optics, self._z_um, z_scale=z_scale)
            self._levels[z_scale] = Levels(
                self._lines, stack, self._shape, self._device, self._binned
            )
        return self._levels[z_scale]

    def possible(self, steps: Steps) -> bool:
        """Whether the picture is large enough for steps."""
        binning = fitting(steps, self._optics)[-1][0]
        return min(self._shape) // binning >= _LEAST_PX

    def unexplained(self, given: Given, z_scale: float, steps: Steps) -> float:
        """How much layers leave of the planes that they were made of.

        Parameters
        ----------
        given : Given
            All planes.
        z_scale : float
            Steps of the focus over those that the optics tell for the stage.
        steps : Steps
            What to spend; planes are compared at the last binning.

        Returns
        -------
        float
            Mean square, squared counts.
        """
        _, planes, made = self._explain(given, given.z_um, z_scale, steps)
        return float((planes - made).square().mean())

    def predict(
        self, given: Given, left_out: int, z_scale: float, steps: Steps
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Predict one plane from the others.

        Parameters
        ----------
        given : Given
            All planes.
        left_out : int
            Which plane.
        z_scale : float
            Steps of the focus over those that the optics tell for the stage.
        steps : Steps
            What to spend; planes are compared at the last binning.

        Returns
        -------
        plane : ndarray
            (Y, X) counts above the background, binned.
        predicted : dict of str to ndarray
            The same by the layers, the Wiener filter and interpolation.
        """
        z_um, known = given.z_um, given.without(left_out)
        at_all = (*known.z_um, z_um[left_out])
        binning, planes, explained = self._explain(known, at_all, z_scale, steps)
        plane = functional.avg_pool2d(given.light[None, left_out], binning)[0].cpu()
        at = torch.tensor(known.z_um, dtype=torch.float64)
        there = torch.tensor([z_um[left_out]], dtype=torch.float64)
        filter_ = self._filter(binning)
        # the same at every scale of z, and after any steps
        kept = self._linear
        if kept is None or kept[0] is not given or kept[1] != (left_out, binning):
            volume = filter_.estimate(planes, at, there)
            kept = self._linear = given, (left_out, binning), volume
        linear = kept[2]
        left = planes - explained[:-1]
        rest = filter_.estimate(left, at, there, noise=float(linear.noise))
        weights = interpolation_weights(at.numpy(), there.numpy())[0]
        between = np.tensordot(weights, planes.numpy(), 1).astype(np.float32)
        return plane.numpy(), {
            LAYERS: (explained[-1] + rest.volume[0]).numpy(),
            WIENER: linear.volume[0].numpy(),
            LINEAR: between,
        }

    def _explain(
        self, known: Given, z_um: tuple[float, ...], z_scale: float, steps: Steps
    ) -> tuple[int, Tensor, Tensor]:
        """Binning, planes, and what layers made of them show at some z."""
        steps = fitting(steps, self._optics)
        binning = steps[-1][0]
        levels = self.levels(z_scale)
        data = Data(levels)
        data.see(known)
        made = from_nothing(data, steps)
        layers = levels.at(binning)
        explained = layers.project(made, Blur(layers, z_um))
        planes = functional.avg_pool2d(known.light[None], binning)[0].cpu()
        return binning, planes, levels.picture(explained, binning).cpu()

    def _filter(self, binning: int) -> WienerFilter:
        made = _filter_of(self._optics, self._z_um.numpy(), binning)
        made.padding_px //= binning
        return made


@lru_cache(maxsize=4)
def lines_of(optics: Optics, z_um: tuple[float, ...]) -> OtfLines:
    """Make the OTF that layers of a grid need, or give what was made before.

    Parameters
    ----------
    optics : Optics
        The microscope.
    z_um : tuple of float
        (n,) z grid, µm.
    """
    stack = LayerStack(optics, torch.tensor(z_um, dtype=torch.float64))
    return OtfLines(optics, stack.reach_um)


def prepare(
    optics: Optics, z_um: NDArray[np.float64], schedules: Sequence[Steps]
) -> None:
    """Make the tables with which planes will be left out: they take a second.

    Parameters
    ----------
    optics : Optics
        The microscope.
    z_um : ndarray
        (n,) z grid, µm.
    schedules : sequence of Steps
        As `LeftOut.predict` will be given them.
    """
    for binning in {fitting(steps, optics)[-1][0] for steps in schedules}:
        _filter_of(optics, z_um, binning)


def _filter_of(optics: Optics, z_um: NDArray[np.float64], binning: int) -> WienerFilter:
    pixel = optics.pixel_size_um * binning
    return wiener_filter(optics.model_copy(update={"pixel_size_um": pixel}), z_um)
