"""How near a volume is to the truth, over the planes that were not taken.

Scale and spread are those of the whole truth stack: the range of the PSNR and of the
SSIM is from its 0.5 to its 99.9 percentile, the NRMSE is the RMS error over its
standard deviation. So figures of different scans of one specimen compare.

References
----------
.. [1] Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
   visibility to structural similarity", IEEE Trans. Image Process. 13, 600 (2004):
   eq. 13 with the Gaussian window of 11 pixels, σ = 1.5, K1 = 0.01, K2 = 0.03.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter

from rmz_acquire.scanning.output_planes import measured_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Scores",
    "data_range",
    "nrmse",
    "planes_not_taken",
    "psnr_db",
    "score",
    "ssim",
]

LOW_PERCENTILE = 0.5
HIGH_PERCENTILE = 99.9

_SIGMA = 1.5
_RADIUS = 5
_K1, _K2 = 0.01, 0.03


@dataclass(frozen=True, slots=True)
class Scores:
    """The three figures of a volume; None where one is not defined.

    Parameters
    ----------
    psnr_db : float or None
        Peak signal to noise ratio, dB.
    nrmse : float or None
        RMS error over the standard deviation of the truth.
    ssim : float or None
        Structural similarity, mean over planes.
    """

    psnr_db: float | None
    nrmse: float | None
    ssim: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Give the figures by name, those that are not finite as None."""
        return {
            name: value if value is not None and np.isfinite(value) else None
            for name, value in asdict(self).items()
        }


def planes_not_taken(
    z_um: Sequence[float], z_taken_um: Sequence[float]
) -> NDArray[np.bool_]:
    """Find the planes of the grid that no plane was taken at.

    Parameters
    ----------
    z_um : sequence of float, (Z,)
        The grid, µm, ascending.
    z_taken_um : sequence of float, (M,)
        Where planes were taken, µm.

    Returns
    -------
    ndarray of bool, (Z,)
        False for the grid plane nearest to each taken one, where it is within half
        a step of the grid; True for the others.
    """
    return ~measured_planes(np.asarray(z_um, dtype=np.float64), z_taken_um)


def data_range(truth: NDArray[Any]) -> float:
    """Range of a stack, counts: from its 0.5 to its 99.9 percentile."""
    low, high = np.percentile(truth, (LOW_PERCENTILE, HIGH_PERCENTILE))
    return float(high - low)


def psnr_db(
    truth: NDArray[Any],
    estimate: NDArray[Any],
    unseen: NDArray[np.bool_] | None = None,
) -> float | None:
    """Peak signal to noise ratio of a volume.

    Parameters
    ----------
    truth, estimate : ndarray, (Z, Y, X)
        Camera counts.
    unseen : ndarray of bool, (Z,), optional
        The planes that count; by default all.

    Returns
    -------
    float or None
        20 log10(range / RMS error), dB; infinite where they are equal, None where no
        plane counts or the truth has no range.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    true, made = _pick(truth, estimate, unseen)
    span = data_range(truth)
    if true.size == 0 or span <= 0:
        return None
    error = _rms(made - true)
    return float(20 * np.log10(span / error)) if error > 0 else float("inf")


def nrmse(
    truth: NDArray[Any],
    estimate: NDArray[Any],
    unseen: NDArray[np.bool_] | None = None,
) -> float | None:
    """RMS error of a volume over the standard deviation of the truth.

    Parameters, returns and raises as `psnr_db`, without unit.
    """
    true, made = _pick(truth, estimate, unseen)
    spread = float(np.std(truth, dtype=np.float64))
    if true.size == 0 or spread <= 0:
        return None
    return _rms(made - true) / spread


def ssim(
    truth: NDArray[Any],
    estimate: NDArray[Any],
    unseen: NDArray[np.bool_] | None = None,
) -> float | None:
    """Structural similarity, mean over planes, each without its outer 5 pixels.

    Parameters, returns and raises as `psnr_db`, without unit; None also where a plane
    is smaller than the window of 11 pixels.
    """
    true, made = _pick(truth, estimate, unseen)
    span = data_range(truth)
    if true.size == 0 or span <= 0 or min(true.shape[1:]) <= 2 * _RADIUS:
        return None
    values = [_ssim_plane(a, b, span) for a, b in zip(true, made, strict=True)]
    return float(np.mean(values))


def score(
    truth: NDArray[Any],
    estimate: NDArray[Any],
    unseen: NDArray[np.bool_] | None = None,
) -> Scores:
    """Give all three figures; parameters and raises as `psnr_db`."""
    return Scores(
        psnr_db=psnr_db(truth, estimate, unseen),
        nrmse=nrmse(truth, estimate, unseen),
        ssim=ssim(truth, estimate, unseen),
    )


def _pick(
    truth: NDArray[Any], estimate: NDArray[Any], unseen: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if truth.ndim != 3 or truth.shape != estimate.shape:
        msg = f"truth {truth.shape} and estimate {estimate.shape} are not one volume"
        raise ValueError(msg)
    planes = slice(None) if unseen is None else unseen
    return truth[planes].astype(np.float64), estimate[planes].astype(np.float64)


def _rms(error: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(error))))


def _ssim_plane(a: NDArray[np.float64], b: NDArray[np.float64], span: float) -> float:
    """Eq. 13 of Wang et al., with the biased local moments that they use."""

    def blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
        smooth = gaussian_filter(image, _SIGMA, radius=_RADIUS, mode="reflect")
        return np.asarray(smooth[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS])

    mean_a, mean_b = blur(a), blur(b)
    var_a = blur(a * a) - mean_a**2
    var_b = blur(b * b) - mean_b**2
    cov = blur(a * b) - mean_a * mean_b
    c1, c2 = (_K1 * span) ** 2, (_K2 * span) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * cov + c2)
    bottom = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float(np.mean(top / bottom))
