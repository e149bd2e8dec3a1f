"""Layers far from every plane, on a coarser grid than those that are near.

What a plane tells of a layer is blurred by their distance. Where the blur of the
nearest plane is many pixels wide, so is every change of the layer, and a grid of
larger pixels holds it: its transforms, products and steps cost a quarter or less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from rmz_acquire.reconstruction.likelihood.fourier import (
    add_low,
    backward,
    forward,
    low,
    pieces,
)

if TYPE_CHECKING:
    from rmz_acquire.reconstruction.likelihood.object_layers import Blur

__all__ = ["Group", "Thinning", "coarser", "finer"]

_LEAST_LIGHT = 0.2
"""Least light of a coarse pixel, over the mean there: what is cut to a band rings."""


class Thinning:
    """Spectra of planes on a grid of larger pixels, which cover the same ground.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the fine grid; multiples of `times`.
    times : int
        Its pixels in one of the coarse grid, along a side.
    device : torch.device
        Where to compute.
    """

    def __init__(
        self, shape: tuple[int, int], times: int, device: torch.device
    ) -> None:
        self.shape = (shape[0] // times, shape[1] // times)
        self._times = times
        self._fine = shape
        rows = torch.fft.fftfreq(self.shape[0], 1 / self.shape[0])
        columns = torch.arange(self.shape[1] // 2 + 1)
        # middles of coarse pixels lie between those of fine ones
        turn = math.pi * (1 - times)
        angle = turn * (rows[:, None] / shape[0] + columns[None] / shape[1])
        self._phase = torch.polar(torch.ones_like(angle), angle).to(device)

    def empty(self, planes: int) -> Tensor:
        """Spectra of planes without light, on the coarse grid."""
        height, width = self.shape
        return self._phase.real.new_zeros(planes, height, 2 * (width // 2 + 1))

    def sampled(self, light: Tensor) -> Tensor:
        """Layers on the coarse grid, (n, h, w), from (n, H, W) positive light.

        What is finer than the grid is left out; means of pixels would be blurred.
        """
        made = [
            backward(self.down(forward(light[part])), self.shape)
            for part in pieces(light)
        ]
        least = _LEAST_LIGHT * coarser(light, self._times)
        return torch.maximum(torch.cat(made), least)

    def down(self, spectra: Tensor) -> Tensor:
        """Spectra of the coarse grid, (M, h, 2 w'), from those of the fine one.

        Values of pixels stay as they are: those of a flat picture are the same.
        """
        height, width = self.shape[0], self.shape[1] // 2 + 1
        made = self.empty(len(spectra))
        add_low(made, low(spectra, self._fine, self._times), self.shape, 1)
        complex_ = torch.view_as_complex(made.view(-1, height, width, 2))
        complex_.mul_(self._phase.conj() / self._times**2)
        return made

    def add_up(self, planes: Tensor, spectra: Tensor) -> None:
        """Add spectra of the coarse grid to those of the fine one, in place."""
        height, width = self.shape[0], self.shape[1] // 2 + 1
        complex_ = torch.view_as_complex(spectra.view(-1, height, width, 2))
        turned = complex_ * (self._phase * self._times**2)
        made = torch.view_as_real(turned).flatten(-2)
        add_low(planes, low(made, self.shape, 1), self._fine, self._times)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Layers that share a grid while steps are made.

    Attributes
    ----------
    blur : Blur
        Of these layers, on their grid.
    which : Tensor
        (n,) their places among all layers.
    times : int
        Pixels of the level in one of theirs, along a side.
    thinning : Thinning or None
        Between the spectra of the level and theirs; None where `times` is 1.
    """

    blur: Blur
    which: Tensor
    times: int
    thinning: Thinning | None = None


def coarser(light: Tensor, times: int) -> Tensor:
    """Bin layers, (L, H, W)."""
    return light if times == 1 else functional.avg_pool2d(light[None], times)[0]


def finer(light: Tensor, shape: tuple[int, int]) -> Tensor:
    """Put layers, (L, H, W), on a finer grid, smoothly."""
    return functional.interpolate(
        light[None], size=shape, mode="bilinear", align_corners=False
    )[0]
