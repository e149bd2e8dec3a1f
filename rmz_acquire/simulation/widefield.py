"""What a wide-field microscope sees of a specimen, and what its camera makes of it.

The picture at focus z is the sum over depths l of the specimen's layers, each blurred
by the PSF of its defocus z - l. The computation reaches beyond the picture on all
sides, so light comes in from outside and nothing wraps around as far as the margin
reaches, and is sampled finer than the camera, whose pixels then add up what falls on
them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.optics import (
    Aberrations,
    Optics,
    RadialGrid,
    is_symmetric,
    otf,
    radial_otf,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.simulation.specimens import Specimen

__all__ = ["CameraModel", "WideField"]


class WideField:
    """A specimen under an objective: noise-free pictures at any focus.

    Parameters
    ----------
    specimen : Specimen
        The object.
    optics : Optics
        Objective, wavelength and pixel size.
    shape : (int, int)
        Height and width of the picture, camera pixels.
    z_range_um : (float, float)
        Depths of the specimen that are computed, µm: all that gives light. Made
        longer, alike at both ends, to a whole number of layers.
    layer_um : float
        Thickness of a layer, µm: a third of the depth of field or less.
    margin_px : int
        Camera pixels beyond the picture on every side. Light that is blurred farther
        than that comes in again at the other side.
    aberrations : Aberrations, optional
        Of the objective.
    oversampling : int
        Fine pixels along a camera pixel. By default enough for the objective's
        resolution.
    centre_um : (float, float)
        y, x of the picture's middle on the specimen, µm.
    """

    def __init__(
        self,
        specimen: Specimen,
        optics: Optics,
        *,
        shape: tuple[int, int],
        z_range_um: tuple[float, float],
        layer_um: float,
        margin_px: int,
        aberrations: Aberrations | None = None,
        oversampling: int | None = None,
        centre_um: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.optics = optics
        self.shape = shape
        self._aberrations = aberrations
        nyquist_um = optics.wavelength_um / (4 * optics.na)
        self._fine = oversampling or math.ceil(0.98 * optics.pixel_size_um / nyquist_um)
        n = max(1, math.ceil((z_range_um[1] - z_range_um[0]) / layer_um - 1e-6))
        middle = (z_range_um[0] + z_range_um[1]) / 2
        edges = middle + (np.arange(n + 1) - n / 2) * layer_um
        self._depths_um = torch.from_numpy((edges[1:] + edges[:-1]) / 2)
        self._pixel_um = optics.pixel_size_um / self._fine
        self._grid = (
            _fast_size((shape[0] + 2 * margin_px) * self._fine),
            _fast_size((shape[1] + 2 * margin_px) * self._fine),
        )
        # The grid is even: around an odd picture its middle is half a fine pixel off.
        odd_y, odd_x = (size * self._fine % 2 for size in shape)
        layers = specimen.layers(
            edges,
            shape=self._grid,
            pixel_size_um=self._pixel_um,
            centre_um=(
                centre_um[0] + odd_y * self._pixel_um / 2,
                centre_um[1] + odd_x * self._pixel_um / 2,
            ),
        )
        self._spectra = torch.fft.rfft2(torch.from_numpy(layers))
        self._radial: RadialGrid | None = None
        self._reach_um = 0.0

    def image(self, z_um: float) -> NDArray[np.float32]:
        """Picture at one focus.

        Parameters
        ----------
        z_um : float
            Focus, µm.

        Returns
        -------
        ndarray
            (Y, X) float32: light on every camera pixel per unit time, where all that
            the objective collects counts as 1.
        """
        dz_um = z_um - self._depths_um
        if is_symmetric(self._aberrations):
            spectrum = self._symmetric_sum(dz_um)
        else:
            transfer = otf(
                self.optics,
                dz_um,
                self._grid,
                pixel_size_um=self._pixel_um,
                aberrations=self._aberrations,
            )
            spectrum = torch.einsum("lyx,lyx->yx", self._spectra, transfer)
        picture: NDArray[np.float32] = self._on_camera(spectrum[None])[0]
        return picture

    def _symmetric_sum(self, dz_um: torch.Tensor) -> torch.Tensor:
        """Blurred layers added up one by one: no stack of OTFs, a quarter of the time.

        Parameters
        ----------
        dz_um : Tensor
            (L,) defocus of every layer, µm.

        Returns
        -------
        Tensor
            (H, W // 2 + 1) complex64 on the fine grid.
        """
        reach_um = float(dz_um.abs().max())
        if self._radial is None or reach_um > self._reach_um:
            # As far as the specimen is deep, or farther where the focus is beside it.
            depth_um = float(self._depths_um[-1] - self._depths_um[0])
            self._reach_um = max(depth_um, reach_um)
            self._radial = RadialGrid(
                self.optics, self._grid, self._pixel_um, self._reach_um
            )
        lines = radial_otf(
            self.optics, dz_um, self._radial.nodes, aberrations=self._aberrations
        )
        total = torch.zeros_like(torch.view_as_real(self._spectra[0]))
        for layer, line in zip(self._spectra, lines.float(), strict=True):
            blur = self._radial.spread(line)
            total.addcmul_(torch.view_as_real(layer), blur[..., None])
        return torch.view_as_complex(total)

    def stack(self, z_um: Sequence[float]) -> NDArray[np.float32]:
        """Pictures at many evenly spaced focus positions, faster than one by one.

        Parameters
        ----------
        z_um : sequence of float
            (n,) evenly spaced and ascending, µm; the spacing is a multiple of the
            layers' thickness, else each picture is computed by itself.

        Returns
        -------
        ndarray
            (n, Y, X) float32, as `image`.
        """
        z = np.asarray(z_um, dtype=np.float64)
        depths = self._depths_um.numpy()
        layer = depths[1] - depths[0] if len(depths) > 1 else 1.0
        step = (z[1] - z[0]) / layer if len(z) > 1 else 1.0
        every = round(step)
        even = len(z) < 2 or np.allclose(np.diff(z), z[1] - z[0], rtol=1e-4)
        if len(z) < 2 or not even or every < 1 or abs(step - every) > 1e-3:
            return np.stack([self.image(float(value)) for value in z])
        # A convolution along z: defocus runs over every z minus every depth.
        n_out, n_in = (len(z) - 1) * every + 1, len(depths)
        first = z[0] - depths[-1]
        dz = first + layer * np.arange(n_out + n_in - 1)
        transfer = otf(
            self.optics,
            torch.from_numpy(dz),
            self._grid,
            pixel_size_um=self._pixel_um,
            aberrations=self._aberrations,
        )
        size = _fast_size(n_out + n_in - 1)
        rows = []
        for top in range(0, self._grid[0], 64):  # by strips, to keep memory small
            strip = slice(top, top + 64)
            product = torch.fft.fft(self._spectra[:, strip], size, dim=0)
            product *= torch.fft.fft(transfer[:, strip], size, dim=0)
            full = torch.fft.ifft(product, dim=0)
            rows.append(full[n_in - 1 : n_in - 1 + n_out : every])
        return self._on_camera(torch.cat(rows, dim=1))

    def _on_camera(self, spectrum: torch.Tensor) -> NDArray[np.float32]:
        """From the fine spectrum to the camera's pixels, margin cut off."""
        fine = torch.fft.irfft2(spectrum, s=self._grid)
        f, (height, width) = self._fine, self.shape
        top = (self._grid[0] - height * f) // 2
        left = (self._grid[1] - width * f) // 2
        fine = fine[:, top : top + height * f, left : left + width * f]
        pixels = fine.reshape(-1, height, f, width, f).sum((2, 4))
        out: NDArray[np.float32] = pixels.clamp_min(0).numpy()
        return out


def _fast_size(n: int) -> int:
    """The next even size that has only the prime factors 2, 3 and 5."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1 and n % 2 == 0:
            return n
        n += 1


@dataclass(frozen=True, slots=True)
class CameraModel:
    """From light to counts, as an sCMOS or CCD does it.

    Parameters
    ----------
    photons : float
        Photons on a pixel for light 1, per ms.
    quantum_efficiency : float
        Electrons per photon.
    gain : float
        Electrons per count.
    offset : float
        Counts in the dark.
    read_noise_e : float
        Electrons, RMS.
    dark_e_per_s : float
        Dark current, electrons per pixel and second.
    full_well_e : float
        Electrons that a pixel holds.
    bit_depth : int
        Of the converter: counts end at 2**bit_depth - 1.

    References
    ----------
    EMVA Standard 1288, release 4.0, section 2 (linear model of the camera).
    """

    photons: float = 20.0
    quantum_efficiency: float = 0.7
    gain: float = 0.5
    offset: float = 100.0
    read_noise_e: float = 1.6
    dark_e_per_s: float = 0.5
    full_well_e: float = 30000.0
    bit_depth: int = 16

    def expected(
        self, light: NDArray[np.float32], exposure_ms: float
    ) -> NDArray[np.float32]:
        """Mean counts, neither noise nor saturation.

        Parameters
        ----------
        light : ndarray
            (..., Y, X) float32 from `WideField`.
        exposure_ms : float
            Exposure, ms.

        Returns
        -------
        ndarray
            Like `light`, counts.
        """
        dark = self.dark_e_per_s * exposure_ms / 1000
        per_light = self.photons * exposure_ms * self.quantum_efficiency
        counts = (light * per_light + dark) / self.gain + self.offset
        return counts.astype(np.float32)

    def expose(
        self,
        light: NDArray[np.float32],
        exposure_ms: float,
        rng: np.random.Generator,
    ) -> NDArray[np.uint16]:
        """One exposure: shot and read noise, full well, offset, conversion.

        Parameters
        ----------
        light : ndarray
            (..., Y, X) float32 from `WideField`.
        exposure_ms : float
            Exposure, ms.
        rng : numpy.random.Generator
            Of the noise.

        Returns
        -------
        ndarray
            Like `light`, uint16 counts.
        """
        mean_e = (self.expected(light, exposure_ms) - self.offset) * self.gain
        electrons = np.minimum(rng.poisson(mean_e), self.full_well_e)
        read = rng.normal(0, self.read_noise_e, electrons.shape)
        counts = np.rint((electrons + read) / self.gain + self.offset)
        return np.clip(counts, 0, 2**self.bit_depth - 1).astype(np.uint16)
