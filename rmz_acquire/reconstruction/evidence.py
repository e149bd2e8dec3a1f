"""How noisy planes are, and how bright their object: what the planes make likeliest.

References
----------
.. [1] Rasmussen and Williams, *Gaussian Processes for Machine Learning*, eq. 5.8.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["eigen_of", "evidence"]

_FINER = 16
"""Values of noise between two that are tried, where they are weighed."""

_BLUNT = 6e-4
"""By how much less likely a noise may be, for each value of the planes, and still
count: some planes are explained by two levels of noise nearly as well, and the volume
must not jump from one to the other for a hair of noise."""

_OCCAM = 8.0
"""What light on a ring has to gain, in twice the log likelihood: it always gains some,
by fitting noise."""

_UPWARDS = 4.0
"""Power of the noise of which the mean is taken: of noises as likely, the higher."""


def evidence(
    covariance: Tensor,
    power: Tensor,
    count: Tensor,
    *,
    width: int = 3,
    noise: float | None = None,
    eigen: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Noise over object power on every ring, and the noise, from the evidence [1]_.

    The noise is white and one number; the object's power is free on every ring but
    pooled with `width` neighbours on both sides. Both run over a logarithmic grid and
    are found between its values: they are continuous in the planes.

    Parameters
    ----------
    covariance : Tensor
        (f, M, M) prior covariance for unit power.
    power : Tensor
        (f, M, M) cross power of the planes, added up over each ring.
    count : Tensor
        (f,) frequencies on each ring.
    width : int
        Neighbours on either side that share their power.
    noise : float, optional
        Power of the noise at one frequency, where it is known.
    eigen : (Tensor, Tensor), optional
        Eigenvalues and vectors of the covariance, where they are known.

    Returns
    -------
    ratio : Tensor
        (f,) noise over object power.
    noise : Tensor
        () power of the noise at one frequency.
    """
    f64 = torch.float64
    eigenvalues, vectors = eigen or eigen_of(covariance)
    seen = torch.einsum("fim,fij,fjm->fm", vectors, power, vectors)
    m = covariance.shape[1]
    mean = seen.sum() / count.sum() / m
    ratios = torch.linspace(-6, 3, 46, dtype=f64) * math.log(10)
    gain = eigenvalues[:, None, :] / ratios.exp()[None, :, None] + 1  # (f, ratio, M)
    log_gain = count[:, None] * gain.log().sum(2)
    fit = (seen[:, None, :] / gain).sum(2)

    def pool(x: Tensor) -> Tensor:
        kernel = torch.ones(1, 1, 2 * width + 1, dtype=f64)
        return functional.conv1d(x.T[:, None], kernel, padding=width)[:, 0].T

    log_gain, fit, counts = pool(log_gain), pool(fit), pool(count[:, None]) * m
    floor = torch.finfo(f64).tiny ** 0.5

    def scores(log_noise: Tensor) -> Tensor:
        """(..., f, ratio) twice the log likelihood; each ring with its neighbours."""
        level = log_noise[..., None, None]
        return -(counts * level + log_gain + fit / level.exp())

    if noise is None:
        # noise may be all that there is: the highest lie beyond it
        levels = torch.linspace(-6, 0.4, 65, dtype=f64) * math.log(10)
        levels += mean.clamp_min(floor).log()
        tried = scores(levels)
        height = _peak(tried, ratios)[0] - _OCCAM
        # a ring shows light, or none, which is the last of the ratios
        height = 2 * torch.logaddexp(height / 2, tried[..., -1] / 2)
        profile = height.sum(1)
        found = _weighed(profile, levels, float(counts.sum()))
    else:
        found = torch.tensor(noise, dtype=f64).clamp_min(floor).log()
    return _peak(scores(found), ratios)[1].exp(), found.exp()


def eigen_of(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, (f, M) not negative, and vectors of covariances, (f, M, M)."""
    values, vectors = torch.linalg.eigh(covariance)
    return values.clamp_min(0), vectors


def _peak(scores: Tensor, axis: Tensor) -> tuple[Tensor, Tensor]:
    """Height and place of the highest point, by a parabola through three.

    Where two neighbours are as high, both parabolas have theirs halfway: no jump.

    Parameters
    ----------
    scores : Tensor
        (..., n) at even steps.
    axis : Tensor
        (n,) where.

    Returns
    -------
    height, place : Tensor
        (...); at an end of the axis where scores rise to it.
    """
    middle = scores.argmax(-1, keepdim=True).clamp(1, len(axis) - 2)
    left, top, right = (scores.gather(-1, middle + i)[..., 0] for i in (-1, 0, 1))
    bend = left - 2 * top + right
    curved = (left - right) / bend.clamp_max(-torch.finfo(bend.dtype).tiny) / 2
    away = torch.where(bend < 0, curved, (right - left).sign()).clamp(-1, 1)
    height = top + (right - left) / 4 * away
    return height, axis[middle[..., 0]] + away * (axis[1] - axis[0])


def _weighed(scores: Tensor, axis: Tensor, pixels: float) -> Tensor:
    """Mean over all that are likely: of two hills as high, between them.

    Parameters
    ----------
    scores : Tensor
        (n,) at even steps.
    axis : Tensor
        (n,) logarithms of what they are the scores of.
    pixels : float
        Number of values whose likelihood they are.

    Returns
    -------
    Tensor
        () logarithm of the mean.
    """
    ends = 2 * scores[:1] - scores[1:2], 2 * scores[-1:] - scores[-2:-1]
    around = torch.cat([ends[0], scores, ends[1]])
    a, b, c, d = (around[i : len(scores) - 1 + i, None] for i in range(4))
    t = torch.arange(_FINER, dtype=scores.dtype) / _FINER
    # cubic between the scores: as smooth in them as they are in the data
    between = (c - a) / 2 + t * (
        a - 2.5 * b + 2 * c - d / 2 + t * (3 * b - 3 * c + d - a) / 2
    )
    finer = (b + t * between).reshape(-1)
    places = (axis[:-1, None] + (axis[1] - axis[0]) * t).reshape(-1)
    weights = torch.softmax(finer / (_BLUNT * pixels), 0)
    return torch.logsumexp(weights.log() + _UPWARDS * places, 0) / _UPWARDS
