"""Diffraction integrals written down once more, point by point, with scipy.

Nothing here is shared with the package: no transform, no grid of frequencies. A pupil
of even amplitude in ρ = sin θ / sin α, as Born and Wolf and Gibson and Lanni have it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

Array = "NDArray[np.float64]"


# eigenvalues of an n × n matrix: a quarter of a second for 1500 nodes
leggauss = cache(np.polynomial.legendre.leggauss)


def gauss(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre nodes and weights on 0 to 1."""
    x, w = leggauss(n)
    return (x + 1) / 2, w / 2


def defocus_um(optics: Optics, dz_um: float) -> Callable[[Array], Array]:
    """Path over the pupil for a focus dz_um beyond the emitter, one medium."""
    return lambda rho: (
        dz_um * np.sqrt(optics.immersion_index**2 - (optics.na * rho) ** 2)
    )


def intensity(
    optics: Optics,
    r_um: NDArray[np.float64],
    path_um: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    nodes: int = 1500,
) -> NDArray[np.float64]:
    """Light per µm² at distance r from the axis, of an emitter with light 1."""
    rho, weight = gauss(nodes)
    k = 2 * np.pi / optics.wavelength_um
    pupil = np.exp(1j * k * path_um(rho)) * rho * weight
    amplitude = special.j0(k * optics.na * np.outer(r_um, rho)) @ pupil
    # Parseval: the integral of |amplitude|² over the plane.
    light = (optics.wavelength_um / optics.na) ** 2 / (4 * np.pi)
    return np.abs(amplitude) ** 2 / light


def transfer(optics: Optics, nu: float, dz_um: float, nodes: int = 500) -> float:
    """OTF at a share nu of the cutoff: autocorrelation of the pupil, by quadrature."""
    x, w = leggauss(nodes)
    y = x[:, None] * np.sqrt(1 - nu**2)
    half = np.sqrt(1 - y**2) - nu
    x2 = x[None, :] * half
    path = defocus_um(optics, dz_um)
    ahead = path(np.hypot(x2 + nu, y).clip(max=1))
    behind = path(np.hypot(x2 - nu, y).clip(max=1))
    wave = np.cos(2 * np.pi / optics.wavelength_um * (ahead - behind))
    area = np.sqrt(1 - nu**2) * half * w[:, None] * w[None, :]
    return float((wave * area).sum() / np.pi)


def on_axis(optics: Optics, dz_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light per µm² on the axis: the same integral in closed form.

    With u = sqrt(n² - NA²ρ²) the pupil integral is that of u·exp(ikzu) over u.
    """
    n, na = optics.immersion_index, optics.na
    a = 1j * 2 * np.pi / optics.wavelength_um * dz_um
    low = np.sqrt(n**2 - na**2)

    def primitive(u: float) -> NDArray[np.complex128]:
        return np.exp(a * u) * (u / a - 1 / a**2)

    amplitude = (primitive(n) - primitive(low)) / na**2
    return np.abs(amplitude) ** 2 * 4 * np.pi * (na / optics.wavelength_um) ** 2
