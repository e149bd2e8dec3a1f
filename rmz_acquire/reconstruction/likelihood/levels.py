"""One picture at several binnings: the grids of the layers, and the planes on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional

from rmz_acquire.reconstruction.likelihood.ascent import Seen
from rmz_acquire.reconstruction.likelihood.groups import finer
from rmz_acquire.reconstruction.likelihood.object_layers import ObjectLayers

if TYPE_CHECKING:
    from rmz_acquire.reconstruction.likelihood.object_layers import LayerStack
    from rmz_acquire.reconstruction.likelihood.otf_lines import OtfLines

__all__ = ["COARSEST", "Levels"]

COARSEST = 4
"""Largest binning."""

_BORDER_PX = (32, 64)
"""Least and most camera pixels around the picture that are not seen, from which light
comes: half of the blur at the middle of the grid of a plane at its end."""


class Levels:
    """The grids of one picture, from `COARSEST` binning to 1; made when asked for.

    Parameters
    ----------
    lines : OtfLines
        Of the microscope.
    stack : LayerStack
        Where the layers lie.
    shape : (int, int)
        Height and width of the picture, pixels.
    device : torch.device
        Where to compute.
    binned : int
        Camera pixels in one pixel of the picture, along a side.
    """

    def __init__(
        self,
        lines: OtfLines,
        stack: LayerStack,
        shape: tuple[int, int],
        device: torch.device,
        binned: int = 1,
    ) -> None:
        self._lines, self._stack, self._device = lines, stack, device
        self._picture = shape
        blur_px = lines.optics.blur_radius_px_per_um * stack.z_scale * stack.span_um / 2
        least, most = (px // binned for px in _BORDER_PX)
        border = min(max(blur_px / 2, least), most)
        self._border_px = COARSEST * round(border / COARSEST)
        # every level covers the same ground at a size that transforms fast
        self._shape = tuple(
            COARSEST
            * next_fast_len(-(-(n + 2 * self._border_px) // COARSEST), real=True)
            for n in shape
        )
        self._made: dict[int, ObjectLayers] = {}

    @property
    def border_px(self) -> int:
        """Camera pixels around the picture that are not seen."""
        return self._border_px

    def at(self, binning: int) -> ObjectLayers:
        """The layers at a binning."""
        if binning not in self._made:
            height, width = (n // binning for n in self._shape)
            self._made[binning] = ObjectLayers(
                self._lines, self._stack, (height, width), binning, self._device
            )
        return self._made[binning]

    def seen(
        self,
        light: Tensor,
        shift: float,
        binning: int,
        variance: float = 0.0,
        noise: float = 0.0,
    ) -> Seen:
        """Planes as they are seen at a binning.

        Parameters
        ----------
        light : Tensor
            (M, Y, X) counts above the background.
        shift, variance, noise : float
            As of `Seen`, of a pixel that is not binned.
        binning : int
            Of the level.

        Returns
        -------
        Seen
        """
        bottom, right = self._after
        before = self._border_px
        around = (before, right, before, bottom)
        inside = functional.pad(torch.ones_like(light[:1]), around)
        held = functional.pad(light, around)
        if binning > 1:
            inside = functional.avg_pool2d(inside, binning)
            held = functional.avg_pool2d(held, binning) / inside.clamp_min(1e-6)
        # what is below the dark by noise is no light: cut at 0, its mean would be
        held.clamp_min_(-shift)
        return Seen(
            held, inside[0], shift, *(each / binning**2 for each in (variance, noise))
        )

    def finest(self, light: Tensor) -> Tensor:
        """Put layers of any level on the finest grid, smoothly."""
        height, width = self.at(1).shape
        return light if light.shape[-1] == width else finer(light, (height, width))

    def picture(self, planes: Tensor, binning: int = 1) -> Tensor:
        """Cut the border off planes: what is left are the whole pixels of a level.

        Parameters
        ----------
        planes : Tensor
            (n, H, W) of the level.
        binning : int
            Of the level.

        Returns
        -------
        Tensor
            (n, Y // binning, X // binning).
        """
        first = self._border_px // binning
        rows, columns = (slice(first, first + n // binning) for n in self._picture)
        return planes[:, rows, columns]

    @property
    def _after(self) -> tuple[int, int]:
        """Border below and to the right, pixels."""
        bottom, right = (
            whole - self._border_px - n
            for whole, n in zip(self._shape, self._picture, strict=True)
        )
        return bottom, right
