"""What planes at hand say about a model: each inner one, predicted from the others.

Steps of a stage are not steps of the focus where refractive indices differ, and a
model that is told the wrong scale of z loses to a linear filter by several dB. How
well it predicts planes that it was not given tells the scale that fits, and how far it
is to be trusted beside the filter. Coarse grids do: defocused light is smooth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from rmz_acquire.reconstruction.filters import wiener_filter
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
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.likelihood import Steps
    from rmz_acquire.reconstruction.wiener import WienerFilter

__all__ = ["LeftOut", "Trial"]

_LEAST_PX = 12
"""Pixels of a side, binned, below which nothing is to be learnt."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Two predictions of one plane, compared with it; mean squares over its pixels.

    Attributes
    ----------
    error : float
        Of the layers' prediction.
    linear : float
        Of the Wiener filter's.
    apart : float
        Of the difference of both.
    towards : float
        Of that difference with what the filter's lacks: over `apart`, the share of
        the layers' in the best mixture.
    """

    error: float
    linear: float
    apart: float
    towards: float


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
    """

    def __init__(
        self,
        optics: Optics,
        z_um: Tensor,
        lines: OtfLines,
        shape: tuple[int, int],
        device: torch.device,
    ) -> None:
        self._optics, self._z_um, self._lines = optics, z_um, lines
        self._shape, self._device = shape, device
        self._levels: dict[float, Levels] = {}

    def levels(self, z_scale: float) -> Levels:
        """The grids at a scale of z."""
        if z_scale not in self._levels:
            stack = LayerStack(self._optics, self._z_um, z_scale=z_scale)
            self._levels[z_scale] = Levels(
                self._lines, stack, self._shape, self._device
            )
        return self._levels[z_scale]

    def possible(self, steps: Steps) -> bool:
        """Whether the picture is large enough for steps."""
        binning = fitting(steps, self._optics)[-1][0]
        return min(self._shape) // binning >= _LEAST_PX

    def trial(
        self,
        light: Tensor,
        z_um: list[float],
        shift: float,
        left_out: int,
        z_scale: float,
        steps: Steps,
    ) -> Trial:
        """Predict one plane from the others.

        Parameters
        ----------
        light : Tensor
            (M, Y, X) counts above the background.
        z_um : list of float
            (M,) µm.
        shift : float
            As of `Seen`.
        left_out : int
            Which plane.
        z_scale : float
            Steps of the focus over steps of the stage.
        steps : Steps
            What to spend; planes are compared at the last binning.

        Returns
        -------
        Trial
        """
        steps = fitting(steps, self._optics)
        binning = steps[-1][0]
        others = [i for i in range(len(z_um)) if i != left_out]
        levels = self.levels(z_scale)
        data = Data(levels)
        data.see(light[others], [z_um[i] for i in others], shift)
        made = from_nothing(data, steps)
        layers = levels.at(binning)
        explained = levels.picture(layers.project(made, Blur(layers, z_um)), binning)
        explained = explained.cpu()
        planes = functional.avg_pool2d(light[None], binning)[0].cpu()
        at, there = torch.tensor(z_um), torch.tensor([z_um[left_out]])
        at, there = at.double(), there.double()
        rest = planes[others] - explained[others]
        filter_ = self._filter(binning)
        mended = filter_.estimate(rest, at[others], there).volume[0]
        ours = explained[left_out] + mended
        theirs = filter_.estimate(planes[others], at[others], there).volume[0]
        lack, apart = planes[left_out] - theirs, ours - theirs
        return Trial(
            error=float((planes[left_out] - ours).square().mean()),
            linear=float(lack.square().mean()),
            apart=float(apart.square().mean()),
            towards=float((apart * lack).mean()),
        )

    def _filter(self, binning: int) -> WienerFilter:
        pixel = self._optics.pixel_size_um * binning
        optics = self._optics.model_copy(update={"pixel_size_um": pixel})
        made = wiener_filter(optics, self._z_um.numpy())
        made.padding_px //= binning
        return made
