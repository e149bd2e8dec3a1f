"""The wide-field renderer, fast enough for a live camera.

Same picture as `WideField.image`, in about a fifth of the time: the OTF of every layer
depends on the radius alone, so it is looked up from a line of values and added to the
sum at once, without ever being spread over a stack of planes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from rmz_acquire.optics import fourier_radius, radial_otf
from rmz_acquire.simulation.widefield import WideField

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LiveField"]


class LiveField(WideField):
    """A `WideField` without aberrations, for one picture after the other.

    Parameters
    ----------
    *args, **options
        As for `WideField`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        optics = self.optics
        radius = fourier_radius(self._grid, self._pixel_um).flatten()
        # no light beyond the pupil, which a low sample index narrows
        rim = min(optics.na, optics.sample_index or optics.na)
        top = min(float(radius.max()), 2 * rim / optics.wavelength_um)
        # as many as `otf` takes: the OTF of the largest defocus oscillates
        depths_um = self._depths_um
        reach_um = float(depths_um[-1] - depths_um[0]) * optics.blur_radius_px_per_um
        reach_um = reach_um * optics.pixel_size_um + 5 * optics.wavelength_um
        nodes = int(min(2048, max(256, 16 * top * reach_um)))
        # two more where it is 0, for all that lies beyond
        self._nodes = torch.arange(nodes + 2, dtype=torch.float64) * top / (nodes - 1)
        position = (radius / top * (nodes - 1)).clamp_max(nodes)
        self._below = position.long()
        self._part = (position - self._below).float()

    def image(self, z_um: float) -> NDArray[np.float32]:
        """Picture at one focus; as `WideField.image`."""
        lines = radial_otf(self.optics, z_um - self._depths_um, self._nodes).float()
        height, half = self._grid[0], self._grid[1] // 2 + 1
        layers = torch.view_as_real(self._spectra).flatten(1, 2)
        total = torch.zeros(height * half, 2)
        above = self._below + 1
        for layer, line in zip(layers, lines, strict=True):
            low = torch.index_select(line, 0, self._below)
            transfer = torch.lerp(low, torch.index_select(line, 0, above), self._part)
            total.addcmul_(layer, transfer[:, None])
        spectrum = torch.view_as_complex(total).reshape(1, height, half)
        picture: NDArray[np.float32] = self._on_camera(spectrum)[0]
        return picture
