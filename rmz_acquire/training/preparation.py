"""Dense stacks made ready for training: planes aligned, values checked.

References
----------
.. [1] Huang et al., Light Sci. Appl. 10, 62 (2021), Methods 4.1.
.. [2] Kuglin and Hines, "The phase correlation image alignment method", Proc. Int.
   Conf. Cybernetics and Society (1975).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage, optimize

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_values", "crop_corners", "lateral_shift", "register_planes"]

_SATURATED_SHARE = 1e-3
_LARGEST_SHIFT_PX = 8.0
_LARGEST_ANGLE = 2.0


def check_values(data: NDArray[Any], name: str) -> None:
    """Refuse a stack that shows nothing, or too much.

    Parameters
    ----------
    data : ndarray
        (Z, Y, X) counts.
    name : str
        Of the stack, for the message.

    Raises
    ------
    InputError
        Where all values are alike, or more than one pixel in a thousand stands at the
        top of a converter's range.
    """
    top = data.max()
    if top == data.min():
        what = "zero" if top == 0 else f"{float(top):g}"
        msg = f"{name}: every pixel is {what}; leave this stack out"
        raise InputError(msg)
    if data.dtype.kind != "u" or int(top) not in {255, 1023, 4095, 16383, 65535}:
        return
    share = float(np.mean(data == top))
    if share > _SATURATED_SHARE:
        msg = (
            f"{name}: {share:.1%} of the pixels are saturated (at {int(top)}); "
            "leave this stack out, or take it again with less light"
        )
        raise InputError(msg)


def lateral_shift(reference: NDArray[Any], moved: NDArray[Any]) -> tuple[float, float]:
    """How far one picture lies beside another, by their cross-correlation.

    Parameters
    ----------
    reference, moved : ndarray
        (Y, X).

    Returns
    -------
    (float, float)
        y and x, pixels, to a fraction: `moved` shows at (y, x) + shift what the
        reference shows at (y, x).
    """
    window = np.outer(*(np.hanning(n + 2)[1:-1] for n in reference.shape))
    spectra = []
    for picture in (reference, moved):
        values = picture.astype(np.float64)
        values = ndimage.gaussian_filter(values, 1) - ndimage.gaussian_filter(values, 8)
        spectra.append(np.fft.rfft2(values * window))
    cross = spectra[1] * np.conj(spectra[0])
    # between plain and phase correlation: defocus damps what is fine
    cross /= np.sqrt(np.abs(cross)) + 1e-9
    correlation = np.fft.fftshift(np.fft.irfft2(cross, s=reference.shape))
    place = np.unravel_index(int(np.argmax(correlation)), correlation.shape)
    found = []
    for axis, index in enumerate(int(i) for i in place):
        n = correlation.shape[axis]
        line = np.take(correlation, place[1 - axis], axis=1 - axis)
        below, at, above = (float(line[(index + d) % n]) for d in (-1, 0, 1))
        bend = below - 2 * at + above
        found.append(index - n // 2 + (0.5 * (below - above) / bend if bend else 0.0))
    return found[0], found[1]


def _angle(reference: NDArray[Any], moved: NDArray[Any]) -> float:
    """Degrees by which a picture is turned against another, two at most."""
    smooth = ndimage.gaussian_filter(reference.astype(np.float64), 1)
    inner = tuple(slice(n // 8, n - n // 8) for n in reference.shape)

    def unlike(angle: float) -> float:
        turned = ndimage.rotate(
            moved.astype(np.float64), angle, reshape=False, order=1, mode="nearest"
        )
        turned = ndimage.gaussian_filter(turned, 1)[inner]
        return -float(np.corrcoef(turned.ravel(), smooth[inner].ravel())[0, 1])

    bounds = (-_LARGEST_ANGLE, _LARGEST_ANGLE)
    best = optimize.minimize_scalar(unlike, bounds=bounds, method="bounded")
    return float(best.x) if best.fun < unlike(0.0) - 1e-4 else 0.0


def register_planes(
    stack: NDArray[Any], *, rotation: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Align every plane to its neighbour, from the middle outwards.

    Parameters
    ----------
    stack : ndarray
        (Z, Y, X) counts.
    rotation : bool
        Undo small rotations too.

    Returns
    -------
    aligned : ndarray
        (Z, Y, X) float32 counts; the rim is repeated where planes were moved in.
    shifts : ndarray
        (Z, 2) y and x that each plane was found at, pixels.
    """
    n, middle = len(stack), len(stack) // 2
    aligned = np.empty(stack.shape, dtype=np.float32)
    aligned[middle] = stack[middle]
    shifts = np.zeros((n, 2))
    for direction, last in ((1, n), (-1, -1)):
        for i in range(middle + direction, last, direction):
            plane = stack[i].astype(np.float32)
            neighbour = aligned[i - direction]
            if rotation:
                angle = _angle(neighbour, plane)
                if angle:
                    plane = ndimage.rotate(
                        plane, angle, reshape=False, order=1, mode="nearest"
                    )
            found = np.array(lateral_shift(neighbour, plane))
            expected = shifts[i - direction]
            if float(np.hypot(*(found - expected))) > _LARGEST_SHIFT_PX:
                # planes without structure correlate anywhere: as their neighbour
                found = expected.copy()
            shifts[i] = found
            small = np.abs(found).max() < 0.1
            aligned[i] = (
                plane
                if small
                else ndimage.shift(plane, -found, order=1, mode="nearest")
            )
    return aligned, shifts


def crop_corners(
    shape: tuple[int, int], crop_px: int, name: str
) -> list[tuple[int, int]]:
    """Corners of the crops that fit side by side, without overlap.

    Parameters
    ----------
    shape : (int, int)
        Height and width of a stack, pixels.
    crop_px : int
        Side of a crop.
    name : str
        Of the stack, for the message.

    Returns
    -------
    list of (int, int)
        Top and left of each, the whole in the middle of the picture.

    Raises
    ------
    InputError
        Where not one fits.
    """
    rows, columns = (n // crop_px for n in shape)
    if rows == 0 or columns == 0:
        msg = (
            f"{name}: planes of {shape[0]} × {shape[1]} pixels are smaller than a crop "
            f"of {crop_px}; set simulation.crop_px to {min(shape)} or less"
        )
        raise InputError(msg)
    top, left = (shape[0] - rows * crop_px) // 2, (shape[1] - columns * crop_px) // 2
    return [
        (top + i * crop_px, left + j * crop_px)
        for i in range(rows)
        for j in range(columns)
    ]
