"""The OTF over defocus and radial frequency, and on the grids of pictures."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rmz_acquire.optics import Optics, OtfTable, fourier_radius

__all__ = ["OtfLines"]


class OtfLines:
    """The OTF of every defocus up to a reach, as lines along the radius.

    Parameters
    ----------
    optics : Optics
        The microscope.
    reach_um : float
        Largest defocus, µm of the stage.
    """

    def __init__(self, optics: Optics, reach_um: float) -> None:
        self.optics = optics
        corner = math.sqrt(0.5) / optics.pixel_size_um
        top = min(corner, 2 * optics.rim_na / optics.wavelength_um)
        blur_um = reach_um * optics.blur_radius_px_per_um * optics.pixel_size_um
        # The OTF of a disc of radius R goes as J1(2πfR)/f.
        nodes = int(min(1536, max(256, 12 * top * blur_um)))
        self._frequency = torch.linspace(0, top, nodes, dtype=torch.float64)
        step_um = optics.depth_of_field_um / 12
        self._table = OtfTable(
            optics, reach_um, step_um, self._frequency, torch.float32
        )

    def at(self, dz_um: Tensor) -> Tensor:
        """Lines of any defocus, (n,) µm of the stage: (n, f) float32."""
        return self._table.at(dz_um)

    def places(self, shape: tuple[int, int], binning: int) -> tuple[Tensor, Tensor]:
        """Where every pixel of a half transform lies on the lines.

        Parameters
        ----------
        shape : (int, int)
            Height and width of the binned picture.
        binning : int
            Pixels of the camera in one of its pixels, along a side.

        Returns
        -------
        low, part : Tensor
            (H · (W // 2 + 1) · 2,) node below, and share of the next: every frequency
            twice, for the real and the imaginary part.
        """
        radius = fourier_radius(shape, self.optics.pixel_size_um * binning)
        last = len(self._frequency) - 1
        place = (radius / self._frequency[-1] * last).clamp_max(last).flatten()
        low = place.long().clamp_max(last - 1)
        part = (place - low).float()
        return low.repeat_interleave(2), part.repeat_interleave(2)
