"""The radial OTF of any defocus up to a reach, looked up between computed ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rmz_acquire.optics.pupil import radial_otf

if TYPE_CHECKING:
    from rmz_acquire.optics.microscope import Optics

__all__ = ["OtfTable"]


class OtfTable:
    """OTFs along the radius at evenly spaced defocus, linear between them.

    Parameters
    ----------
    optics : Optics
        The microscope.
    reach_um : float
        Largest defocus to either side, µm.
    step_um : float
        Between computed ones, µm.
    frequency : Tensor
        (f,) radial spatial frequencies, cycles per µm.
    dtype : torch.dtype
        Of the table.
    """

    def __init__(
        self,
        optics: Optics,
        reach_um: float,
        step_um: float,
        frequency: Tensor,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        self._step_um = step_um
        n = math.ceil(reach_um / step_um) + 2
        # Without spherical aberration it looks the same above the focus and below.
        self._even = optics.even_in_focus
        self._first = 0 if self._even else -n + 1
        dz = torch.arange(self._first, n, dtype=torch.float64) * step_um
        self._lines = radial_otf(optics, dz, frequency).to(dtype)

    def at(self, dz_um: Tensor) -> Tensor:
        """OTFs of any defocus.

        Parameters
        ----------
        dz_um : Tensor
            (...,) focus minus emitter, µm of the stage.

        Returns
        -------
        Tensor
            (..., f).
        """
        dz = dz_um.to(torch.float64)
        place = (dz.abs() if self._even else dz) / self._step_um - self._first
        low = place.floor().long().clamp(0, len(self._lines) - 2)
        part = (place - low).clamp(0, 1).to(self._lines.dtype)[..., None]
        return torch.lerp(self._lines[low], self._lines[low + 1], part)
