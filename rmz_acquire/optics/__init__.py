"""Objective, immersion, wavelength, pixel size: depth of field, blur, PSF, OTF."""

from __future__ import annotations

from rmz_acquire.optics.microscope import Optics
from rmz_acquire.optics.pupil import (
    Aberrations,
    fourier_radius,
    otf,
    psf,
    radial_otf,
    zernike,
)

__all__ = [
    "Aberrations",
    "Optics",
    "fourier_radius",
    "otf",
    "psf",
    "radial_otf",
    "zernike",
]
