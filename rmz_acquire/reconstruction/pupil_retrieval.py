"""Phase and amplitude of a radially symmetric pupil from the image of a bead.

Hanser et al. [1]_ retrieve the pupil pixel by pixel, going back and forth between the
pupil and the planes with the amplitudes that were measured, after Gerchberg and Saxton.
Here the likelihood of the planes is maximised over a few terms instead: the pupil that
the estimators take is a line along the radius, which few terms describe; terms hold
across noise that pixels would follow; steps of the stage (`z_scale`) and the aperture
are fitted in one go, which a pixel-wise iteration takes for granted; and counts are
treated as what they are, Poisson's, not as amplitudes without noise.

References
----------
.. [1] Hanser, Gustafsson, Agard and Sedat, "Phase-retrieved pupil functions in
   wide-field fluorescence microscopy", J. Microsc. 216, 32 (2004).
.. [2] Snyder, Helstrom, Lanterman, Faisal and White, "Compensation for readout noise
   in CCD images", J. Opt. Soc. Am. A 12, 272 (1995).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import optimize, special

from rmz_acquire.optics import radial_psf
from rmz_acquire.reconstruction.likelihood import shift_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction.bead_average import MeanBead

__all__ = ["TERMS", "retrieve_pupil"]

TERMS = (
    ("z_scale",),
    ("z_scale", "spherical_waves"),
    ("z_scale", "na", "spherical_waves"),
    ("z_scale", "na", "spherical_waves", "secondary_spherical_waves"),
    ("z_scale", "na", "spherical_waves", "secondary_spherical_waves", "apodisation"),
)
"""What is fitted: terms that matter less come later."""

_BOUNDS = {
    "z_scale": (0.4, 2.0),
    "spherical_waves": (-0.4, 0.4),
    "secondary_spherical_waves": (-0.2, 0.2),
    "apodisation": (-0.5, 2.0),
}
_NA = (0.7, 1.2)
"""Of the nominal one; below the immersion index besides."""

_SPHERICAL = (-0.15, -0.05, 0.0, 0.05, 0.15)
"""Primary terms to begin with, waves RMS: the likelihood has more than one summit."""

_UNITS = {"z_scale": 0.1, "na": 0.05, "apodisation": 0.3}
_WAVES_UNIT = 0.02
_FROM, _STEP = 10.0, 0.02
_PIXEL = 12**-0.5
"""Standard deviation of a pixel's area along a side: no bead is sharper."""

_FINE_PX, _SUBPIXEL = 8.0, 0.25
"""To which radius rings are how thin; beyond, they are a pixel."""


def retrieve_pupil(
    bead: MeanBead, optics: Optics, terms: Sequence[Sequence[str]] = TERMS
) -> list[Optics]:
    """Fit the terms of a pupil to the planes of a bead.

    Free besides are its z, its light, the background of each plane and a Gaussian blur:
    beads have a size and pixels an area, which must not be taken for the pupil's.

    Parameters
    ----------
    bead : MeanBead
        Of planes that the fit may see.
    optics : Optics
        Where to begin.
    terms : sequence of sequences of str
        Fields of `Optics` to fit, in sets.

    Returns
    -------
    list of Optics
        The most likely for each set.
    """
    seen = _Likelihood(bead, optics.pixel_size_um)
    best = (optics, np.array([0.0, _PIXEL * optics.pixel_size_um]))
    found: list[Optics] = []
    for names in terms:
        if "spherical_waves" in names and not found[-1].spherical_waves:
            # the z scale that fits without it may be far from the one with it
            starts = [
                (one.model_copy(update={"spherical_waves": waves}), best[1])
                for waves in _SPHERICAL
                for one in (best[0], optics)
            ]
            fits = [_fit(seen, *start, names, optics, 6) for start in starts]
            best = min(fits, key=lambda fit: fit[0])[1:]
        best = _fit(seen, *best, names, optics)[1:]
        found.append(best[0])
    return found


def _fit(
    seen: _Likelihood,
    start: Optics,
    own: NDArray[np.float64],
    names: Sequence[str],
    nominal: Optics,
    most: int = 40,
) -> tuple[float, Optics, NDArray[np.float64]]:
    """Deviance, optics, and focus and blur of the bead at the highest likelihood."""
    bounds = dict(_BOUNDS)
    widest = min(_NA[1] * nominal.na, 0.985 * nominal.immersion_index)
    bounds["na"] = (_NA[0] * nominal.na, max(widest, nominal.na))
    depth = 1.5 * nominal.depth_of_field_um
    airy = nominal.airy_radius_um
    least = _PIXEL * nominal.pixel_size_um
    blur = (least, least + 0.8 * airy)
    ranges = [*(bounds[name] for name in names), (-depth, depth), blur]
    low, high = np.array(ranges).T
    begin = np.clip(
        [*(getattr(start, name) for name in names), *own], low + 1e-6, high - 1e-6
    )
    # Unlike units: each moves in its own, counted from far off zero, for the steps of
    # the derivatives are relative.
    unit = np.array(
        [*(_UNITS.get(name, _WAVES_UNIT) for name in names), 0.1 * depth, 0.1 * airy]
    )

    def told(moved: NDArray[np.float64]) -> tuple[Optics, NDArray[np.float64]]:
        x = begin + (moved - _FROM) * unit
        update = {name: float(v) for name, v in zip(names, x, strict=False)}
        return start.model_copy(update=update), x[-2:]

    fit = optimize.least_squares(
        lambda moved: seen.residuals(*told(moved)),
        np.full(len(begin), _FROM),
        bounds=(_FROM + (low - begin) / unit, _FROM + (high - begin) / unit),
        diff_step=_STEP / _FROM,
        max_nfev=most,
        ftol=1e-5,
        xtol=1e-5,
    )
    return 2 * float(fit.cost), *told(fit.x)


class _Likelihood:
    """What planes say about a pupil: the light on rings, which are all that it tells.

    Parameters
    ----------
    bead : MeanBead
        The planes.
    pixel_size_um : float
        Their sampling, µm.
    """

    def __init__(self, bead: MeanBead, pixel_size_um: float) -> None:
        self._z_um = torch.from_numpy(bead.z_um)
        half = bead.light.shape[1] // 2
        v, u = np.mgrid[-half : half + 1, -half : half + 1]
        r = np.hypot(v, u)
        ring = np.where(r < _FINE_PX, np.round(r / _SUBPIXEL) * _SUBPIXEL, np.round(r))
        inside = r <= half + 0.5
        _, ring = np.unique(ring[inside], return_inverse=True)
        self._pixels = np.bincount(ring).astype(np.float64)
        self._r_um = np.bincount(ring, r[inside]) / self._pixels * pixel_size_um
        edges = np.concatenate(
            [
                np.arange(0, _FINE_PX + 4, _SUBPIXEL),
                np.arange(_FINE_PX + 4, half + 5, 2 * _SUBPIXEL),
            ]
        )
        self._fine_um = (edges[1:] + edges[:-1]) / 2 * pixel_size_um
        self._area = np.diff(edges) * self._fine_um
        sums = [np.bincount(ring, plane[inside]) for plane in bead.light]
        self._light = np.stack(sums) / self._pixels
        # the read noise as counts, in the data and in what is predicted [2]_
        self._shift = shift_of(bead.noise, max(float(bead.light.mean()), 1e-9))

    def residuals(
        self, optics: Optics, own: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Root of each ring's share of the deviance, with its sign.

        Parameters
        ----------
        optics : Optics
            With the terms.
        own : ndarray
            (2,) z of the bead's focus and its blur (of a Gaussian), µm.
        """
        dz, fine = self._z_um - own[0], torch.from_numpy(self._fine_um)
        spot = radial_psf(optics, dz, fine).numpy() @ self._blur(float(own[1]))
        d, n = self._light, self._pixels
        least = 0.1 * self._shift
        c = np.maximum(d + self._shift, least)
        w = n / c
        for _ in range(2):  # weights by the data, then by what they predict
            total = w.sum(1, keepdims=True)
            mean_d = (w * d).sum(1, keepdims=True) / total
            away = spot - (w * spot).sum(1, keepdims=True) / total
            flux = (w * (d - mean_d) * away).sum() / (w * away**2).sum()
            p = np.maximum(mean_d + flux * away + self._shift, least)
            w = n / p
        deviance = 2 * n * (p - c + c * np.log(c / p))
        return np.asarray((np.sign(c - p) * np.sqrt(deviance.clip(min=0))).ravel())

    def _blur(self, width_um: float) -> NDArray[np.float64]:
        """(fine, rings) a radial function blurred by a Gaussian in two dimensions."""
        variance = max(width_um, 0.1 * float(self._fine_um[1])) ** 2
        from_, to = self._fine_um[:, None], self._r_um[None, :]
        # i0e is I0 without its growth
        kernel = np.exp(-((from_ - to) ** 2) / (2 * variance))
        kernel *= special.i0e(from_ * to / variance) * self._area[:, None]
        return np.asarray(kernel / kernel.sum(0))
