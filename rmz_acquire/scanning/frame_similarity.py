"""Whether two frames show the same, told without knowing the camera's noise.

Two exposures of one plane differ by noise, which is independent from pixel to pixel,
and perhaps by brightness. What has moved, or went out of focus, differs by something
that neighbours share. So the difference is measured by the covariance of neighbours,
to which noise adds nothing: no gain, no read noise and no second exposure are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["FrameDifference", "compare", "contrast_of", "depth_of"]

# White noise correlates with its shifted self by 1/√n; five times that is no chance.
_SIGMAS = 5.0
_LEAST = 0.02
# Larger frames are binned: time, and what matters is seen in fewer pixels too.
_MOST_PX = 512


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """How a frame differs from an earlier one of the same place.

    Parameters
    ----------
    change : float
        RMS of what differs beyond noise and brightness, as a part of the earlier
        frame's contrast; 0 where nothing does.
    brightness : float or None
        Of the later over the earlier frame, above their backgrounds; None where the
        earlier one shows nothing.
    shift_px : (float, float)
        By how much the picture moved along y and x, pixels.
    """

    change: float
    brightness: float | None
    shift_px: tuple[float, float]


def compare(before: NDArray[Any], after: NDArray[Any]) -> FrameDifference:
    """Compare two frames of the same place.

    Parameters
    ----------
    before, after : ndarray, (Y, X)
        Camera counts, of one shape.

    Returns
    -------
    FrameDifference

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if before.shape != after.shape:
        msg = f"frames of {before.shape} and {after.shape} cannot be compared"
        raise ValueError(msg)
    scale = _bin_of(before.shape)
    a, b = _binned(before, scale), _binned(after, scale)
    first, second = a - a.mean(), b - b.mean()
    contrast = _shared(first, first)
    if contrast <= _limit(first) * float((first**2).mean()):
        # nothing to be seen in the earlier one: anything in the later is a change
        seen = _shared(second, second) > _limit(second) * float((second**2).mean())
        return FrameDifference(1.0 if seen else 0.0, None, (0.0, 0.0))
    gain = _shared(first, second) / contrast
    rest = second - gain * first
    left, noise = _shared(rest, rest), float((rest**2).mean())
    change = np.sqrt(left / contrast) if left > _limit(rest) * noise else 0.0
    height = _height(a)
    light = _height(b) / height if height > 0 else None
    dy, dx = _shift(first, second)
    return FrameDifference(float(change), light, (dy * scale, dx * scale))


def contrast_of(image: NDArray[Any]) -> float:
    """Give the RMS contrast of what a frame shows, without its noise, counts.

    Parameters
    ----------
    image : ndarray, (Y, X)
        Camera counts.

    Returns
    -------
    float
    """
    pixels = _binned(image, _bin_of(image.shape))
    pixels = pixels - pixels.mean()
    return float(np.sqrt(max(0.0, _shared(pixels, pixels))))


def depth_of(image: NDArray[Any], volume: NDArray[Any], z_um: ArrayLike) -> float:
    """Find the z at which a volume looks most like a frame.

    Parameters
    ----------
    image : ndarray, (Y, X)
        The frame, counts.
    volume : ndarray, (Z, Y, X)
        The volume, counts.
    z_um : array_like, (Z,)
        Its grid, µm, ascending.

    Returns
    -------
    float
        µm, between the planes of the grid too.
    """
    z = np.asarray(z_um, dtype=np.float64)
    scale = _bin_of(image.shape)
    frame = _binned(image, scale)
    frame = frame - frame.mean()
    likeness = np.zeros(len(z))
    for i, layer in enumerate(volume):
        plane = _binned(layer, scale)
        plane = plane - plane.mean()
        own = _shared(plane, plane)
        likeness[i] = _shared(frame, plane) / np.sqrt(own) if own > 0 else 0.0
    best = int(np.argmax(likeness))
    if 0 < best < len(z) - 1:
        low, top, high = likeness[best - 1 : best + 2]
        curve = low - 2 * top + high
        if curve < 0:
            part = 0.5 * (low - high) / curve
            step = z[best + 1] - z[best] if part > 0 else z[best] - z[best - 1]
            return float(z[best] + part * step)
    return float(z[best])


def _bin_of(shape: tuple[int, ...]) -> int:
    return max(1, int(np.ceil(max(shape) / _MOST_PX)))


def _binned(image: NDArray[Any], scale: int) -> NDArray[np.float64]:
    pixels = np.asarray(image, dtype=np.float64)
    if scale == 1:
        return pixels
    y, x = (n // scale for n in pixels.shape)
    parts = pixels[: y * scale, : x * scale].reshape(y, scale, x, scale)
    binned: NDArray[np.float64] = parts.mean(axis=(1, 3))
    return binned


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Covariance of neighbours, the lesser of along y and along x.

    The lesser, since the column noise of a sCMOS is shared along one only.
    """
    along_y = (a[1:] * b[:-1]).mean() + (a[:-1] * b[1:]).mean()
    along_x = (a[:, 1:] * b[:, :-1]).mean() + (a[:, :-1] * b[:, 1:]).mean()
    return float(min(along_y, along_x, key=abs) / 2)


def _limit(pixels: NDArray[np.float64]) -> float:
    """The share of neighbours' covariance in the variance that noise may reach."""
    return float(max(_SIGMAS / np.sqrt(pixels.size), _LEAST))


def _height(pixels: NDArray[np.float64]) -> float:
    """Mean above the background, of pixels averaged by threes: less noise in it."""
    smooth = sum(
        np.roll(pixels, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)
    )
    some = np.asarray(smooth)[1:-1, 1:-1] / 9
    return float(some.mean() - np.percentile(some, 1.0))


def _shift(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """By how much b lies beside a, from the peak of their correlation, pixels."""
    window = np.hanning(a.shape[0])[:, None] * np.hanning(a.shape[1])[None]
    product = np.conj(np.fft.rfft2(a * window)) * np.fft.rfft2(b * window)
    surface = np.fft.irfft2(product, s=a.shape)
    peak = np.unravel_index(int(np.argmax(surface)), surface.shape)
    found = []
    for axis, at in enumerate(peak):
        size = surface.shape[axis]
        line = np.take(surface, peak[1 - axis], axis=1 - axis)
        low, top, high = line[(at - 1) % size], line[at], line[(at + 1) % size]
        curve = low - 2 * top + high
        part = 0.5 * (low - high) / curve if curve < 0 else 0.0
        found.append(float((at + size // 2) % size - size // 2 + part))
    return found[0], found[1]
