"""The camera's dark level, found in the planes themselves.

The variance of a camera's noise grows with the light: g (mean - c), with the gain g,
and c the offset less the variance of the read noise over g. c is where the line through
the noise of bright and dim blocks meets zero: the dark level is not below it, and not
above the darkest blocks. Between the two it is as far below these as the next ones are
above: many blocks that are equally dark have no light, and where each is brighter than
the one before, none may be dark. A level that is too high takes light away which the
object must have given, and costs far more than one that is too low: in light that is
little beside the noise, it is lower by up to that noise.

References
----------
.. [1] Janesick, *Photon Transfer*, SPIE Press (2007), chapter 5.
.. [2] Immerkaer, "Fast noise variance estimation", Comput. Vis. Image Underst. 64,
   300 (1996) (the difference operator that is blind to smooth structure).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CameraFloor", "shift_of"]

_BLOCK = 8
_BINS = 16
_LEAST_BLOCKS = 64
"""In a bin, where the least of all is looked for: it must not be chance."""
_LOW = 0.3
"""Quantile of the variances of blocks alike in brightness: structure only adds."""
_LOW_OF_NOISE = 0.80
"""The same quantile for blocks of white noise of variance 1."""
_DARKEST = 0.01, 0.25
"""Quantiles of the blocks: dark wherever anything is, and how fast light rises there.
Where it does, there may be as much light in the darkest blocks."""
_RISE_OF_NOISE = 1.65
"""The difference between them for normal noise, in standard deviations."""
_DARKEST_PIXEL = 0.005
"""Quantile of the pixels that is dark, in pictures smaller than a block."""
_LEAST_SPREAD = 1e-3
"""Least difference between dim and bright blocks, over the noise, for a line."""
_LEAST_SHIFT = 0.01
"""Least shift, over the mean light."""


class CameraFloor:
    """Dark level and noise of a camera, from planes that come one by one."""

    def __init__(self) -> None:
        self._mean: list[NDArray[np.float64]] = []
        self._variance: list[NDArray[np.float64]] = []
        self._pixels: list[NDArray[np.float32]] = []

    def add(self, plane: NDArray[np.float32]) -> None:
        """Take in a plane, (Y, X) counts."""
        if min(plane.shape) < _BLOCK + 2:
            self._pixels.append(plane.ravel()[:: max(1, plane.size // 50_000)])
            return
        x = plane.astype(np.float64)
        across = x[:, 2:] - 2 * x[:, 1:-1] + x[:, :-2]
        both = across[2:] - 2 * across[1:-1] + across[:-2]
        self._variance.append(_blocks(both**2 / 36))
        self._mean.append(_blocks(x[1:-1, 1:-1]))

    def level(self) -> tuple[float, float]:
        """The level and the noise there.

        Returns
        -------
        dark : float
            Counts that mean no light.
        noise : float
            Standard deviation of a pixel's noise in the dark, counts.
        """
        if not self._mean:
            pixels = np.concatenate(self._pixels)
            darkest = float(np.quantile(pixels, _DARKEST_PIXEL))
            return darkest, 0.1 * (float(pixels.mean()) - darkest)
        at, noise = self._transfer()
        in_dark = float(np.sqrt(noise.min()))
        # noise alone spreads the means of blocks that are alike
        own = in_dark / _BLOCK
        blocks = np.concatenate(self._mean)
        low, quarter = np.quantile(blocks, _DARKEST)
        darkest = float(low) + own
        rise = max(0.0, float(quarter - low) - _RISE_OF_NOISE * own)
        crossing = _crossing(at, noise)
        light = max(float(blocks.mean()) - darkest, in_dark)
        level = darkest - rise - (in_dark**2 / light if light > 0 else 0.0)
        if crossing is not None:
            level = max(level, min(crossing, darkest))
        return level, in_dark

    def shift(self, dark: float, noise: float, mean: float) -> float:
        """Give what stands for the read noise in the likelihood.

        That is its variance over the gain: by so much the line through the noise
        meets zero below the dark level. More than the noise itself is not taken: a
        large one slows every step where there is little light.

        Parameters
        ----------
        dark, noise : float
            As of `level`.
        mean : float
            Mean light of the planes, counts.

        Returns
        -------
        float
            As `Seen.shift`, counts.
        """
        least = shift_of(noise, mean)
        crossing = _crossing(*self._transfer()) if self._mean else None
        return least if crossing is None else max(least, min(dark - crossing, noise))

    def variance(self, dark: float, shift: float) -> float:
        """Variance of a pixel's noise over its counts: the camera's gain.

        Structure only adds to the variance of a block: the least ratio that any
        brightness shows is taken.

        Parameters
        ----------
        dark : float
            Counts that mean no light.
        shift : float
            Counts that stand for the read noise.

        Returns
        -------
        float
            Counts; 0 where pictures are too small to tell.
        """
        if not self._mean:
            return 0.0
        light = np.concatenate(self._mean) - dark + shift
        lit = light > 0
        if not lit.any():
            return 0.0
        light, noise = light[lit], np.concatenate(self._variance)[lit]
        # of each block: few bins hold blocks of very different light
        ratio = (noise / light)[np.argsort(light)]
        # two at least: in the dark, read noise is more than what stands for it
        bins = max(2, min(_BINS, len(ratio) // _LEAST_BLOCKS))
        least = min(np.quantile(x, _LOW) for x in np.array_split(ratio, bins) if x.size)
        return float(least) / _LOW_OF_NOISE

    def noise(self) -> float:
        """Variance of a pixel's noise, mean over the planes, squared counts.

        0 where pictures are too small to tell. Structure as fine as pixels adds to it.
        """
        return float(self._transfer()[1].mean()) if self._mean else 0.0

    def _transfer(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of noise of blocks alike in brightness, dark to bright."""
        mean = np.concatenate(self._mean)
        variance = np.concatenate(self._variance)
        parts = [p for p in np.array_split(np.argsort(mean), _BINS) if p.size]
        at = np.array([mean[p].mean() for p in parts])
        noise = np.array([np.quantile(variance[p], _LOW) for p in parts])
        return at, noise / _LOW_OF_NOISE


def shift_of(noise: float, mean: float) -> float:
    """Give what stands for the read noise in the likelihood.

    Planes without noise would trust their darkest pixels beyond measure.

    Parameters
    ----------
    noise : float
        Standard deviation of a pixel's noise in the dark, counts.
    mean : float
        Mean light of the planes, counts.

    Returns
    -------
    float
        As `Seen.shift`, counts.
    """
    return max(noise / 2, _LEAST_SHIFT * mean)


def _blocks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of square blocks, one after another."""
    rows, columns = (n // _BLOCK for n in x.shape)
    cut = x[: rows * _BLOCK, : columns * _BLOCK]
    means: NDArray[np.float64] = cut.reshape(rows, _BLOCK, columns, _BLOCK).mean((1, 3))
    return means.ravel()


def _crossing(at: NDArray[np.float64], noise: NDArray[np.float64]) -> float | None:
    """Where the line through noise against light is zero; None if it does not rise."""
    if noise.min() <= 0 or at[-1] - at[0] < _LEAST_SPREAD * noise.min() ** 0.5:
        return None
    weight = 1 / noise
    slope = offset = 0.0
    for _ in range(3):
        slope, offset = np.polyfit(at, noise, 1, w=weight)
        weight = 1 / np.maximum(slope * at + offset, noise.min() / 2)
    return float(-offset / slope) if slope > 0 else None
