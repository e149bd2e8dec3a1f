"""The best linear estimate of a volume from a few planes, from the optics alone.

A wide-field plane at z is the sum over depths l of object layers blurred by the OTF
H(z - l) of their defocus. For layers that are independent with power S, the planes at
all z are jointly Gaussian at every lateral frequency, with covariance

    K(z, z') = S · sum_l H(z - l) H*(z' - l),

and the mean of the plane at z, given M planes I with noise, is

    V(z) = k(z)^T (K + λ 1)^-1 I :

an M x M solve a frequency. Pupils here are rotationally symmetric, so the solves run
over radial frequency only and their weights are read off for every pixel of the
transform. λ, the noise over the power of the object, comes from the planes themselves
by the evidence.

References
----------
.. [1] Rasmussen and Williams, *Gaussian Processes for Machine Learning*, eqs. 2.22
   to 2.24 (mean and variance), 5.8 (evidence) and 5.12 (leaving out).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rmz_acquire.optics import Optics, OtfTable, fourier_radius
from rmz_acquire.reconstruction.evidence import eigen_of
from rmz_acquire.reconstruction.evidence import evidence as _evidence
from rmz_acquire.reconstruction.how_far import worked
from rmz_acquire.reconstruction.interpolation import interpolation_weights

__all__ = ["WienerFilter", "WienerVolume"]

_SETS = 6
"""Sets of planes of which is kept what they have in common: tiles, and planes left
out, ask for the same ones."""


_LEAST_OFF = 0.05
"""Times the predicted error, or times that it is, that a plane left out can be off."""


class _Known(NamedTuple):
    """Of planes at some z: OTFs, covariances, (f, M, M) and (f, n, M), eigenvalues."""

    rows: Tensor
    among: Tensor
    of_grid: Tensor
    eigen: tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class WienerVolume:
    """What the filter knows after M planes.

    Attributes
    ----------
    volume : Tensor
        (n, H, W) float32, in the unit of the planes.
    error : Tensor
        (n,) float32 predicted RMS error of every output plane, same unit: the root of
        the posterior variance of a pixel, mean over the picture.
    noise : Tensor
        () float32 estimated variance of a pixel's noise, same unit.
    left_out : Tensor or None
        (M,) float64 RMS error at which each plane is predicted from the others, its
        noise taken out, over the error that is predicted of it; where asked for.
    """

    volume: Tensor
    error: Tensor
    noise: Tensor
    left_out: Tensor | None = None


class WienerFilter:
    """Linear minimum-mean-square-error volume from planes at known z.

    Parameters
    ----------
    optics : Optics
        What the microscope is believed to be.
    z_um : Tensor
        (n,) ascending z grid, µm.
    beyond : float
        Object layers beyond each end of the grid, as a share of its length.
    padding_px : int
        Reflected border of the pictures while they are filtered, pixels.
    misfit : float
        Least noise, as a share of the signal's power at the same frequency: optics
        are known to a few percent only, and planes close together must not be
        trusted to tell the rest of the volume through their differences.
    """

    def __init__(
        self,
        optics: Optics,
        z_um: Tensor,
        *,
        beyond: float = 1 / 3,
        padding_px: int = 24,
        misfit: float = 1e-3,
    ) -> None:
        self.optics = optics
        self._misfit = misfit
        self.z_um = z_um.to(torch.float64)
        self.padding_px = padding_px
        span = float(self.z_um[-1] - self.z_um[0])
        wave = optics.wavelength_um * optics.immersion_index / optics.na**2
        wave /= optics.z_scale
        step = min(wave / 2, span / 16)
        reach = span * beyond + wave
        n = math.ceil((span + 2 * reach) / step) + 1
        self._depths = torch.linspace(
            float(self.z_um[0]) - reach,
            float(self.z_um[-1]) + reach,
            n,
            dtype=torch.float64,
        )
        top = min(
            math.sqrt(0.5) / optics.pixel_size_um, 2 * optics.na / optics.wavelength_um
        )
        blur = (span + reach) * optics.blur_radius_px_per_um * optics.pixel_size_um
        n_f = int(min(768, max(128, 5 * top * blur)))
        self._frequency = torch.linspace(0, top, n_f, dtype=torch.float64)
        # OTFs are looked up in a table over defocus: planes need not lie on the grid.
        furthest = span + reach + 2 * step
        self._table = OtfTable(optics, furthest, step / 4, self._frequency)
        self._grid_rows = self._rows(self.z_um)
        self._bins: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        self._known: dict[tuple[float, ...], _Known] = {}

    def _rows(self, z_um: Tensor) -> Tensor:
        """(f, n, layers) OTF of every layer at every z."""
        dz = z_um.to(torch.float64)[:, None] - self._depths[None, :]
        return self._table.at(dz).permute(2, 0, 1)

    def estimate(
        self,
        planes: Tensor,
        planes_z_um: Tensor,
        z_out_um: Tensor | None = None,
        *,
        noise: float | None = None,
        leave_out: bool = False,
    ) -> WienerVolume:
        """The volume that the planes make most probable.

        Parameters
        ----------
        planes : Tensor
            (M, H, W) float32; any unit, any constant background.
        planes_z_um : Tensor
            (M,) where they were taken, µm.
        z_out_um : Tensor, optional
            (n,) output positions, µm; by default the z grid.
        noise : float, optional
            Variance of a pixel's noise, squared unit of the planes, where it is known;
            by default the evidence tells it. What a fit has left of planes has less
            than its noise where the fit took some of it, and cannot tell it.
        leave_out : bool
            Whether to tell how well each of them is predicted from the others, too.

        Returns
        -------
        WienerVolume
        """
        p = self.padding_px
        z_out = self.z_um if z_out_um is None else z_out_um
        # Light from outside the picture changes the mean along z, which no blur within
        # it can tell: the mean is interpolated.
        mean = planes.mean((1, 2), keepdim=True)
        evenly = torch.from_numpy(
            interpolation_weights(planes_z_um.numpy(), z_out.numpy())
        )
        padded = (planes - mean)[None]
        while p > 0 and min(padded.shape[-2:]) <= p:  # pictures smaller than the border
            p //= 2
        padded = functional.pad(padded, (p, p, p, p), mode="reflect")[0]
        shape = (padded.shape[-2], padded.shape[-1])
        spectra = torch.fft.rfft2(padded)

        about = self._about(planes_z_um)
        k_mm = about.among
        at_output = self._grid_rows if z_out_um is None else self._rows(z_out_um)
        k_zm = about.of_grid
        if z_out_um is not None:
            k_zm = self._covariance(at_output, about.rows)
        power, count = self._cross_power(spectra, shape)
        pixels = shape[0] * shape[1]
        known = None if noise is None else noise * pixels
        ratio, found = _evidence(k_mm, power, count, noise=known, eigen=about.eigen)
        signal = torch.diagonal(k_mm, dim1=1, dim2=2).mean(1)
        object_power = found / ratio * count
        ratio = torch.maximum(ratio, self._misfit * signal)

        system = k_mm + torch.diag_embed(ratio[:, None].expand(-1, len(planes)))
        weights = torch.linalg.solve(system, k_zm.transpose(1, 2)).transpose(1, 2)
        explained = (weights * k_zm).sum(2)
        total = self._covariance_diagonal(at_output)
        weights[0] = evenly
        spread = ((total - explained).clamp_min(0) * object_power[:, None])[1:].sum(0)

        left_out = None
        if leave_out:
            noise_power = found * count
            left_out = _left_out(system, ratio, power, noise_power, object_power)
        volume = torch.fft.irfft2(self._weigh(weights.float(), spectra, shape), s=shape)
        worked(2 * volume.numel())
        if p:
            volume = volume[:, p:-p, p:-p]
        return WienerVolume(
            volume + torch.einsum("nm,mhw->nhw", evenly.float(), mean),
            (spread / pixels**2).sqrt().float(),
            (found / pixels).float(),
            left_out,
        )

    def _about(self, z_um: Tensor) -> _Known:
        """What planes at some z have in common, whatever they show."""
        key = tuple(z_um.tolist())
        made = self._known.get(key)
        if made is None:
            rows = self._rows(z_um)
            among = self._covariance(rows, rows)
            of_grid = self._covariance(self._grid_rows, rows)
            made = _Known(rows, among, of_grid, eigen_of(among))
            for old in list(self._known)[: 1 - _SETS]:
                self._known.pop(old, None)
            self._known[key] = made
        return made

    def _covariance(self, a: Tensor, b: Tensor) -> Tensor:
        """(f, A, B) prior covariance; 1 at f = 0 by the choice of unit."""
        return a @ b.transpose(1, 2) / len(self._depths)

    def _covariance_diagonal(self, a: Tensor) -> Tensor:
        return a.square().sum(2) / len(self._depths)

    def _bin(self, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Place of every pixel of the transform on the radial axis, and fraction."""
        made = self._bins.get(shape)
        if made is None:
            radius = fourier_radius(shape, self.optics.pixel_size_um)
            position = radius / self._frequency[-1] * (len(self._frequency) - 1)
            low = position.long().clamp_max(len(self._frequency) - 2)
            made = low, (position - low).clamp_max(1).float()
            self._bins = {shape: made}
        return made

    def _cross_power(
        self, spectra: Tensor, shape: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """(f, M, M) cross power added up on every ring, and (f,) its pixels."""
        low, fraction = self._bin(shape)
        ring = low + (fraction > 0.5)
        # The half transform shows most frequencies once that count twice.
        twice = torch.full((1, spectra.shape[-1]), 2.0)
        twice[0, 0] = 1.0
        if shape[1] % 2 == 0:
            twice[0, -1] = 1.0
        weight = twice.expand(spectra.shape[-2], -1) * (ring > 0)
        flat, m = ring.reshape(-1), len(spectra)
        n_f = len(self._frequency)
        count = torch.zeros(n_f).index_add_(0, flat, weight.reshape(-1))
        power = torch.zeros(n_f, m, m, dtype=torch.float64)
        for i in range(m):
            for j in range(i + 1):
                product = (spectra[i] * spectra[j].conj()).real * weight
                ring_sum = torch.zeros(n_f, dtype=torch.float64)
                ring_sum.index_add_(0, flat, product.reshape(-1).double())
                power[:, i, j] = power[:, j, i] = ring_sum
        return power, count.double()

    def _weigh(
        self, weights: Tensor, spectra: Tensor, shape: tuple[int, int]
    ) -> Tensor:
        """(n, H, W') sum of the planes' spectra, each by its radial weight."""
        low, fraction = self._bin(shape)
        low, fraction = low.reshape(-1), fraction.reshape(-1)
        columns = weights.permute(1, 2, 0).contiguous()  # (n, M, f)
        out = torch.empty(len(columns), *spectra.shape[1:], dtype=spectra.dtype)
        flat = spectra.reshape(len(spectra), -1)
        for n, column in enumerate(columns):
            at_pixels = torch.lerp(column[:, low], column[:, low + 1], fraction)
            out[n] = (at_pixels * flat).sum(0).reshape(spectra.shape[1:])
        return out


def _left_out(
    system: Tensor, ratio: Tensor, power: Tensor, noise: Tensor, object_power: Tensor
) -> Tensor:
    """(M,) error of each plane predicted from the others, over what is expected of it.

    In closed form [1]_, eq. 5.12: with B the inverse of the system, plane i is missed
    by (B I)_i / B_ii, with variance 1 / B_ii for unit power of the object.
    """
    inverse = torch.linalg.inv(system)
    alone = torch.diagonal(inverse, dim1=1, dim2=2)
    missed = torch.diagonal(inverse @ power @ inverse, dim1=1, dim2=2) / alone.square()
    found = (missed - noise[:, None])[1:].sum(0)
    expected = (1 / alone - ratio[:, None]).clamp_min(0) * object_power[:, None]
    told = expected[1:].sum(0).clamp_min(torch.finfo(torch.float64).tiny)
    # by chance the noise is more than was missed
    return (found / told).clamp(_LEAST_OFF**2, _LEAST_OFF**-2).sqrt()
