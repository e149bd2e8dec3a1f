"""What is computed of pictures before they are drawn, off the GUI thread or fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.scanning.frame_quality import cut_off_part

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["contrast_along_z", "histogram_of", "levels_of", "marks_of", "saturated"]

_SIDE = 64
_BINS = 128
# highest counts of the converters that cameras have
_FULL_SCALES = {1: (255,), 2: (1023, 2047, 4095, 16383, 65535)}


def some_of(values: NDArray[Any]) -> NDArray[Any]:
    """Every so many-th value, at most 127 a side: enough for levels and histogram."""
    return values[tuple(slice(None, None, 1 + n // _SIDE) for n in values.shape)]


def levels_of(values: NDArray[Any]) -> tuple[float, float]:
    """Black and white for a picture or a volume, from a part of its values."""
    low, high = np.percentile(some_of(values), (0.5, 99.9))
    return float(low), float(max(high, low + 1))


def histogram_of(
    values: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Histogram of a part of the values of a picture or a volume.

    Returns
    -------
    edges : ndarray, (bins + 1,)
        Counts of the camera.
    height : ndarray, (bins,)
        log10(1 + number): the few bright pixels of a dark picture are to be seen.
    """
    some = some_of(values)
    low, high = float(some.min()), float(some.max())
    bins = _BINS
    if np.issubdtype(some.dtype, np.integer):
        # a bin of less than one count would leave gaps
        bins = int(min(bins, max(1, high - low + 1)))
    number, edges = np.histogram(some, bins, (low, high if high > low else low + 1))
    return edges, np.log10(1.0 + number)


def contrast_along_z(volume: NDArray[Any]) -> NDArray[np.float64]:
    """Standard deviation of every plane, (Z,), from a quarter of its pixels."""
    contrast: NDArray[np.float64] = volume[:, ::2, ::2].std(axis=(1, 2))
    return contrast


def saturated(
    image: NDArray[Any], bit_depth: int | None = None
) -> NDArray[np.bool_] | None:
    """Which pixels of a frame are at the highest count that the camera can give.

    Parameters
    ----------
    image : ndarray, (Y, X)
        Camera counts.
    bit_depth : int, optional
        Of the camera. Where it is not known, a highest count that is the end of a
        usual converter is taken for one.

    Returns
    -------
    ndarray of bool, (Y, X), or None
        None where no pixel is.
    """
    if image.size == 0 or not np.issubdtype(image.dtype, np.integer):
        return None
    top = int(image.max())
    if bit_depth is None:
        full = top in _FULL_SCALES.get(image.dtype.itemsize, ())
    else:
        full = top >= 2**bit_depth - 1
    # a camera may cut off below the end of its converter, too
    if full or cut_off_part(image) > 0:
        return np.asarray(image == top)
    return None


def marks_of(mask: NDArray[np.bool_], block: int) -> NDArray[np.bool_]:
    """Whether any pixel of each block of so many a side is set, (Y, X) blocks.

    A single pixel is not seen where a screen's pixel shows several of the camera's.
    """
    if block <= 1:
        return mask
    rows, columns = (np.arange(0, n, block) for n in mask.shape)
    down = np.logical_or.reduceat(mask, rows, axis=0)
    return np.asarray(np.logical_or.reduceat(down, columns, axis=1))
