from .fit import objective_words
from .grid import RadialGrid, fourier_radius
from .microscope import FITTED, Apodisation, Optics, Waves, ZScale
from .otf_table import OtfTable
from .pupil import (
    Aberrations,
    is_symmetric,
    otf,
    psf,
    radial_otf,
    radial_psf,
    zernike,
)
from .range import OpticsRange

__all__ = [
    "FITTED",
    "Aberrations",
    "Apodisation",
    "Optics",
    "OpticsRange",
    "OtfTable",
    "RadialGrid",
    "Waves",
    "ZScale",
    "fourier_radius",
    "is_symmetric",
    "objective_words",
    "otf",
    "psf",
    "radial_otf",
    "radial_psf",
    "zernike",
]
