"""Radial functions of frequency on the grid of a picture's transform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from rmz_acquire.optics.microscope import Optics

__all__ = ["RadialGrid", "fourier_radius"]


def fourier_radius(
    shape: tuple[int, int],
    pixel_size_um: float,
    *,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Radial spatial frequency on the grid of `torch.fft.rfft2`.

    Parameters
    ----------
    shape : (int, int)
        Picture height and width, pixels.
    pixel_size_um : float
        Pixel size, µm.
    device : torch.device or str
        Where the result lives.

    Returns
    -------
    Tensor
        (H, W // 2 + 1) float64, cycles per µm.
    """
    f64 = torch.float64
    fy = torch.fft.fftfreq(shape[0], pixel_size_um, dtype=f64, device=device)
    fx = torch.fft.rfftfreq(shape[1], pixel_size_um, dtype=f64, device=device)
    return torch.hypot(fy[:, None], fx[None, :])


class RadialGrid:
    """A line of radial frequencies, and where every pixel of a transform lies on it.

    Parameters
    ----------
    optics : Optics
        Sets the cutoff, beyond which everything is 0.
    shape : (int, int)
        Picture height and width, pixels.
    pixel_size_um : float
        Sampling of the picture, µm.
    reach_um : float
        Largest defocus, µm: its OTF oscillates fastest along the radius.

    Attributes
    ----------
    nodes : Tensor
        (f,) float64 frequencies, cycles per µm, evenly spaced from 0.
    """

    def __init__(
        self,
        optics: Optics,
        shape: tuple[int, int],
        pixel_size_um: float,
        reach_um: float,
    ) -> None:
        radius = fourier_radius(shape, pixel_size_um)
        top = min(float(radius.max()), 2 * optics.rim_na / optics.wavelength_um)
        # The OTF of a disc of radius R goes as J1(2πfR)/f.
        blur_um = reach_um * optics.blur_radius_px_per_um * optics.pixel_size_um
        n = int(min(2048, max(256, 16 * top * (blur_um + 5 * optics.wavelength_um))))
        # Two nodes more, where the OTF is 0, for all that lies beyond.
        self.nodes = torch.arange(n + 2, dtype=torch.float64) * top / (n - 1)
        self._shape = tuple(radius.shape)
        position = (radius.flatten() / top * (n - 1)).clamp_max(n)
        self._below = position.long()
        self._part = (position - self._below).float()

    def spread(self, line: Tensor) -> Tensor:
        """Values at every pixel of the transform, linear between nodes.

        Parameters
        ----------
        line : Tensor
            (..., f) values at the nodes.

        Returns
        -------
        Tensor
            (..., H, W // 2 + 1).
        """
        low = line.index_select(-1, self._below)
        high = line.index_select(-1, self._below + 1)
        values: Tensor = torch.lerp(low, high, self._part)
        return values.reshape(*line.shape[:-1], *self._shape)
