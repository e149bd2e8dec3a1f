from .fit import objective_words
from .grid import RadialGrid, fourier_radius
from .microscope import Optics
from .otf_table import OtfTable
from .pupil import (
    Aberrations,
    is_symmetric,
    otf,
    psf,
    radial_otf,
    zernike,
)
from .range import OpticsRange

__all__ = [
    "Aberrations",
    "Optics",
    "OpticsRange",
    "OtfTable",
    "RadialGrid",
    "fourier_radius",
    "is_symmetric",
    "objective_words",
    "otf",
    "psf",
    "radial_otf",
    "zernike",
]
