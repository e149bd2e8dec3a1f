"""From the pupil of an objective to its blur: PSF and OTF at any defocus.

Scalar wide-field model: the pupil function with its amplitude, defocus, index mismatch
and Zernike aberrations, Fourier transformed. Light is kept: every plane holds the same
total.

References
----------
.. [1] Goodman, *Introduction to Fourier Optics*, 3rd ed., sections 6.4 and 6.6
   (OTF as autocorrelation of the pupil, aberrations as phase on it).
.. [2] Gibson and Lanni, "Experimental test of an analytical model of aberration in
   an oil-immersion objective lens", J. Opt. Soc. Am. A 8, 1601 (1991).
.. [3] Noll, "Zernike polynomials and atmospheric turbulence", J. Opt. Soc. Am. 66,
   207 (1976), table I (order and norm of the polynomials).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from torch import Tensor

from rmz_acquire.optics.grid import RadialGrid

if TYPE_CHECKING:
    from rmz_acquire.optics.microscope import Optics

__all__ = [
    "Aberrations",
    "is_symmetric",
    "otf",
    "psf",
    "radial_otf",
    "radial_psf",
    "zernike",
]


class Aberrations(BaseModel):
    """What an objective adds to plain defocus.

    Parameters
    ----------
    zernike : dict of int to float
        Noll index (from 4) to coefficient in waves RMS.
    depth_um : float
        Depth of the emitter below the coverslip, µm: with a sample index unlike the
        immersion's it gives the spherical aberration of Gibson and Lanni [2]_.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    zernike: dict[Annotated[int, Field(ge=4, le=37)], FiniteFloat] = {}
    depth_um: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


def _noll_to_nm(j: int) -> tuple[int, int]:
    """Radial order and signed azimuthal frequency of Noll's index (from 1)."""
    n = 0
    while (n + 1) * (n + 2) // 2 < j:
        n += 1
    k = j - n * (n + 1) // 2 - 1
    m = 2 * ((k + 1) // 2) if n % 2 == 0 else 2 * (k // 2) + 1
    return n, m if j % 2 == 0 else -m


def zernike(j: int, rho: Tensor, theta: Tensor) -> Tensor:
    """Zernike polynomial of Noll's index, unit RMS over the unit disc.

    Parameters
    ----------
    j : int
        Noll index, from 1 [3]_.
    rho, theta : Tensor
        Polar coordinates on the pupil, radius 1 at its rim; radians.

    Returns
    -------
    Tensor
        Like `rho`; not cut off outside the disc.
    """
    n, m = _noll_to_nm(j)
    a = abs(m)
    radial = torch.zeros_like(rho)
    for k in range((n - a) // 2 + 1):
        c = (-1) ** k * math.factorial(n - k)
        c /= math.factorial(k)
        c /= math.factorial((n + a) // 2 - k) * math.factorial((n - a) // 2 - k)
        radial = radial + c * rho ** (n - 2 * k)
    if m == 0:
        return math.sqrt(n + 1) * radial
    angle = torch.cos(a * theta) if m > 0 else torch.sin(a * theta)
    return math.sqrt(2 * (n + 1)) * radial * angle


def _pupil_path_um(optics: Optics, dz: Tensor, sine: Tensor, depth_um: float) -> Tensor:
    """Optical path of defocus and mismatch, µm; `sine` is NA·rho on the pupil.

    Gibson and Lanni's path [2]_ with the stage's travel counted from the paraxial
    focus of the emitter, so that zero depth is plain high-NA defocus. z grows away
    from the objective: into a thinner medium, the sharpest focus lies beyond the
    paraxial one. The sign is that of the focus: what the emitter adds is negative.
    """
    n_i = optics.immersion_index
    cosine_i = (n_i**2 - sine**2).clamp_min(0).sqrt()
    path = optics.z_scale * dz[:, None] * cosine_i.reshape(1, -1)
    if depth_um and optics.sample_index is not None:
        n_s = optics.sample_index
        cosine_s = (n_s**2 - sine**2).clamp_min(0).sqrt()
        mismatch = cosine_s - n_i / n_s * cosine_i
        path = path - depth_um * mismatch.reshape(1, -1)
    return path


def _reach_um(optics: Optics, dz: Tensor, depth_um: float) -> float:
    """How far from the axis rays meet the plane: the slope of the path, µm.

    Of all but the outermost hundredth of the light: where the pupil ends at the
    sample's own index, its last rays go anywhere.
    """
    sine = optics.rim_na * torch.linspace(0, 0.995, 200, dtype=torch.float64)
    n_i, n_s = optics.immersion_index, optics.sample_index or optics.immersion_index
    slope_i, slope_s = (sine / (n**2 - sine**2).sqrt() for n in (n_i, n_s))
    mismatch = slope_s - n_i / n_s * slope_i
    rays = optics.z_scale * dz[:, None] * slope_i - depth_um * mismatch
    return float(rays.abs().max())


def _zernike_waves(optics: Optics, aberrations: Aberrations) -> dict[int, float]:
    """Coefficients of both, waves RMS."""
    waves = dict(aberrations.zernike)
    for j, own in (
        (11, optics.spherical_waves),
        (22, optics.secondary_spherical_waves),
    ):
        if own:
            waves[j] = waves.get(j, 0.0) + own
    return waves


def _amplitude(optics: Optics, rho: Tensor) -> Tensor:
    """Amplitude over the pupil, 1 in its middle: a Gaussian, as of an apodised one."""
    return torch.exp(-optics.apodisation * rho**2)


def _radial_pupil(
    optics: Optics, dz: Tensor, nodes: int, aberrations: Aberrations
) -> tuple[Tensor, Tensor, Tensor]:
    """Radii (nodes,), amplitude (nodes,) and phase (n, nodes) of a symmetric pupil."""
    rho = (torch.arange(nodes, dtype=torch.float64) + 0.5) / nodes
    path = _pupil_path_um(optics, dz, optics.rim_na * rho, aberrations.depth_um)
    phase = 2 * math.pi / optics.wavelength_um * path
    for j, waves in _zernike_waves(optics, aberrations).items():
        phase = phase + 2 * math.pi * waves * zernike(j, rho, torch.zeros_like(rho))
    return rho, _amplitude(optics, rho), phase


def radial_psf(optics: Optics, dz_um: Tensor, r_um: Tensor) -> Tensor:
    """Light at distances from the axis, of an emitter with light 1.

    Only the first of the transforms of `radial_otf`: fast, where few radii are asked
    for, and without any grid.

    Parameters
    ----------
    optics : Optics
        The microscope.
    dz_um : Tensor
        (n,) focus minus emitter, µm of the stage.
    r_um : Tensor
        (k,) distances from the axis, µm.

    Returns
    -------
    Tensor
        (n, k) float64, per µm².
    """
    f64 = torch.float64
    dz, r = dz_um.to(f64), r_um.to(f64)
    scale = optics.rim_na / optics.wavelength_um
    r_max = _reach_um(optics, dz, 0.0) + float(r.max())
    nodes = min(6000, int(200 + 2.5 * math.pi * r_max * scale))
    rho, amplitude, phase = _radial_pupil(optics, dz, nodes, Aberrations())
    weight = amplitude * rho / nodes
    bessel = torch.special.bessel_j0(2 * math.pi * scale * torch.outer(rho, r))
    real, imag = ((weight * wave(phase)) @ bessel for wave in (torch.cos, torch.sin))
    # Parseval: every plane holds what passed the pupil
    light = float((amplitude * weight).sum()) / (2 * math.pi * scale**2)
    found: Tensor = (real**2 + imag**2) / light
    return found


def radial_otf(
    optics: Optics,
    dz_um: Tensor,
    frequency: Tensor,
    *,
    aberrations: Aberrations | None = None,
) -> Tensor:
    """OTF along one radius, for pupils that are rotationally symmetric.

    Two Hankel transforms by quadrature, pupil to amplitude and intensity to OTF:
    no grid, so nothing wraps round however large the defocus. The rim of the pupil
    gives every spot the same faint tail, cut off at the end of the quadrature; the
    error that this makes is measured on the perfect spot in focus, whose OTF is
    known in closed form [1]_, and subtracted, in proportion to the light at the rim.

    Parameters
    ----------
    optics : Optics
        The microscope.
    dz_um : Tensor
        (n,) focus minus emitter, µm of the stage.
    frequency : Tensor
        (f,) radial spatial frequencies, cycles per µm.
    aberrations : Aberrations, optional
        Only spherical terms (Noll 4, 11, 22, 37) and the depth.

    Returns
    -------
    Tensor
        (n, f) float64, exactly 1 at frequency 0 and 0 beyond 2 NA / λ.

    Raises
    ------
    ValueError
        On a Zernike term that is not spherical.
    """
    aberrations = aberrations or Aberrations()
    if not is_symmetric(aberrations):
        msg = f"a radial OTF has spherical terms only, not {aberrations.zernike}"
        raise ValueError(msg)
    f64 = torch.float64
    dz = dz_um.to(f64)
    lam, rim = optics.wavelength_um, optics.rim_na
    r_max = _reach_um(optics, dz, aberrations.depth_um) + 25 * lam / rim
    # The path varies by up to k·r_max·NA over the pupil: 2.5 nodes a radian.
    nodes = min(6000, int(200 + 2.5 * 2 * math.pi * r_max * rim / lam / 2))
    rho, amplitude, phase = _radial_pupil(optics, dz, nodes, aberrations)
    dr = lam / (16 * rim)
    r = (torch.arange(int(r_max / dr), dtype=f64) + 0.5) * dr
    bessel = torch.special.bessel_j0(2 * math.pi * rim / lam * torch.outer(rho, r))
    weighted = bessel * rho[:, None]
    # the last row is the perfect spot
    perfect = torch.ones(1, nodes, dtype=f64)
    cosine = torch.cat([amplitude * torch.cos(phase), perfect])
    sine = torch.cat([amplitude * torch.sin(phase), 0 * perfect])
    real, imag = cosine @ weighted, sine @ weighted
    intensity = (real**2 + imag**2) * r
    # Midpoint rule on r·I(r)·J0(2πfr): Euler-Maclaurin's terms in its first and third
    # derivative at r = 0. Their lack would be a dark dot in every blurred spot.
    moments = torch.stack([rho, 2 * (math.pi * rim / lam) ** 2 * rho**3], dim=1)
    c, s = (cosine @ moments).T[..., None], (sine @ moments).T[..., None]
    peak, fall = c[0] ** 2 + s[0] ** 2, c[0] * c[1] + s[0] * s[1]
    third = -6 * (fall + (math.pi * frequency.to(f64)) ** 2 * peak)
    bend = dr / 24 * peak - 7 / 5760 * dr**3 * third
    cutoff = 2 * rim / lam
    kernel = torch.special.bessel_j0(2 * math.pi * torch.outer(r, frequency.to(f64)))
    # Parseval: every spot holds the light that passed the pupil.
    energy = 0.5 * (nodes * lam / (2 * math.pi * rim)) ** 2 / dr
    transfer = (intensity @ kernel - bend) / energy
    nu = (frequency.to(f64) / cutoff).clamp_max(1)
    in_focus = 2 / math.pi * (nu.acos() - nu * (1 - nu**2).sqrt())
    light = 2 * float((amplitude**2 * rho).mean())
    rim_light = float(_amplitude(optics, torch.ones(1, dtype=f64)) ** 2)
    error = transfer[-1] - in_focus
    transfer = (transfer[:-1] - rim_light * error) / light
    transfer = torch.where(frequency == 0, 1.0, transfer)
    return torch.where(frequency < cutoff, transfer, 0.0)


def is_symmetric(aberrations: Aberrations | None) -> bool:
    """Whether the pupil is rotationally symmetric, and its OTF real."""
    return aberrations is None or set(aberrations.zernike) <= {4, 11, 22, 37}


def otf(
    optics: Optics,
    dz_um: Tensor,
    shape: tuple[int, int],
    *,
    pixel_size_um: float | None = None,
    aberrations: Aberrations | None = None,
) -> Tensor:
    """Wide-field OTF of every defocus, on the grid of `torch.fft.rfft2`.

    Parameters
    ----------
    optics : Optics
        The microscope.
    dz_um : Tensor
        (n,) focus minus emitter, µm of the stage.
    shape : (int, int)
        Height and width of the picture, pixels.
    pixel_size_um : float, optional
        Sampling of the picture, µm; by default that of `optics`.
    aberrations : Aberrations, optional
        None for plain defocus.

    Returns
    -------
    Tensor
        (n, H, W // 2 + 1), 1 at frequency 0 for every defocus: float32 for
        rotationally symmetric pupils (their OTF is real), else complex64.
        Frequencies above the grid's Nyquist are not folded back.
    """
    pixel = pixel_size_um or optics.pixel_size_um
    if not is_symmetric(aberrations):
        return _otf_by_fft(optics, dz_um, shape, pixel, aberrations or Aberrations())
    reach_um = float(dz_um.abs().max())
    grid = RadialGrid(optics, shape, pixel, reach_um)
    lines = radial_otf(optics, dz_um, grid.nodes, aberrations=aberrations)
    return grid.spread(lines.float())


def _otf_by_fft(
    optics: Optics,
    dz_um: Tensor,
    shape: tuple[int, int],
    pixel: float,
    aberrations: Aberrations,
) -> Tensor:
    """OTF of any pupil: one FFT to the amplitude, one back from the intensity."""
    lam, rim = optics.wavelength_um, optics.rim_na
    fine = math.ceil(pixel * 4 * rim / lam * 1.02)
    # Pad until the blurred spot of the largest defocus fits: no light wraps round.
    reach = _reach_um(optics, dz_um.to(torch.float64), aberrations.depth_um)
    times = max(1, math.ceil((2 * reach + 30 * lam / rim) / (min(shape) * pixel)))
    big = (shape[0] * fine * times, shape[1] * fine * times)
    f64 = torch.float64
    fy = torch.fft.fftfreq(big[0], pixel / fine, dtype=f64)[:, None]
    fx = torch.fft.fftfreq(big[1], pixel / fine, dtype=f64)[None, :]
    rho = torch.hypot(fy, fx) * lam / rim
    theta = torch.atan2(fy, fx)
    inside = rho <= 1
    sine, phase0 = rim * rho[inside], torch.zeros_like(rho[inside])
    amplitude = _amplitude(optics, rho[inside])
    for j, waves in _zernike_waves(optics, aberrations).items():
        phase0 += 2 * math.pi * waves * zernike(j, rho[inside], theta[inside])
    out = []
    for dz in dz_um.to(f64).reshape(-1, 1):
        path = _pupil_path_um(optics, dz, sine, aberrations.depth_um)[0]
        pupil = torch.zeros(big, dtype=torch.complex128)
        pupil[inside] = torch.polar(amplitude, phase0 + 2 * math.pi / lam * path)
        intensity = torch.fft.ifft2(pupil).abs() ** 2
        full = torch.fft.fft2(intensity / intensity.sum())[::times, ::times]
        rows = torch.fft.fftfreq(shape[0], 1 / shape[0]).long()
        columns = torch.arange(shape[1] // 2 + 1)
        out.append(full[rows][:, columns].to(torch.complex64))
    return torch.stack(out)


def psf(
    optics: Optics,
    dz_um: Tensor,
    shape: tuple[int, int],
    *,
    pixel_size_um: float | None = None,
    aberrations: Aberrations | None = None,
) -> Tensor:
    """Wide-field point spread function, centred on pixel (H // 2, W // 2).

    Parameters
    ----------
    optics, dz_um, shape, pixel_size_um, aberrations
        As for `otf`.

    Returns
    -------
    Tensor
        (n, H, W) float32; every plane sums to 1.
    """
    transfer = otf(
        optics, dz_um, shape, pixel_size_um=pixel_size_um, aberrations=aberrations
    )
    spot = torch.fft.irfft2(transfer.to(torch.complex64), s=shape)
    centred: Tensor = torch.fft.fftshift(spot, dim=(-2, -1))
    return centred
