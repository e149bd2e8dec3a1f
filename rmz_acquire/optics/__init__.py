"""Objective, immersion, wavelength, pixel size: depth of field, blur, PSF, OTF."""

from __future__ import annotations

from rmz_acquire.optics.fit import objective_words
from rmz_acquire.optics.grid import RadialGrid, fourier_radius
from rmz_acquire.optics.microscope import Optics
from rmz_acquire.optics.pupil import (
    Aberrations,
    is_symmetric,
    otf,
    psf,
    radial_otf,
    zernike,
)
from rmz_acquire.optics.range import OpticsRange

__all__ = [
    "Aberrations",
    "Optics",
    "OpticsRange",
    "RadialGrid",
    "fourier_radius",
    "is_symmetric",
    "objective_words",
    "otf",
    "psf",
    "radial_otf",
    "zernike",
]
