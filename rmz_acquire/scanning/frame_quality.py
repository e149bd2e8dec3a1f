"""What a scan keeps of a plane, and whether its frame shows anything at all.

A small change of the volume is no convergence when the frame could not have changed
it: a closed shutter, a dead lamp, a camera that delivers the last frame again. These
checks need the frame alone, no optics and no camera calibration.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.model_fit import Misfit
    from rmz_acquire.scanning.records import ChosenBy, Estimate, Plane

__all__ = [
    "FrameFacts",
    "Observation",
    "blank_reason",
    "cut_off_part",
    "fault_of",
    "is_dark",
    "look_at",
]

# White noise correlates with its shifted self by 1/√n; five times that is no chance.
_SIGMAS = 5.0
_LEAST_CORRELATION = 0.02
# Pixels along each side that percentiles are taken of, at most twice as many.
_SOME = 256
# Farther from the median than this many robust deviations is no noise.
_OUTLIER = 6.0
# So many pixels at the highest count, and so many times more than just below it, are
# cut off there; a bright bead's tip is not.
_LEAST_CUT_OFF = 16
_SHARE_CUT_OFF = 0.001
_PILED_UP = 3.0
_JUST_BELOW = 0.02
# So many pixels between the lowest and the highest count, or a quarter of a tiny frame,
# are enough that noise cannot have left every one of them as it was.
_LEAST_BETWEEN = 64
_FULL_SCALES = frozenset(2**bits - 1 for bits in (8, 10, 11, 12, 14, 16))
# Wide-field light is about the same in every plane, in focus or not.
_DIM = 0.1
# The background of a frame without light is below its mean by its noise.
_DIM_AND_PLAIN = 0.5


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What is remembered of a frame once its pixels are on disk.

    Parameters
    ----------
    digest : str
        Hash of the pixels: two exposures are never equal to the last bit.
    constant : bool
        Whether all pixels are the same.
    structured : bool
        Whether neighbours correlate along y and along x more than noise does.
    background : float
        1st percentile, counts.
    mean : float
        Mean, counts.
    highest : float
        The highest count.
    saturated : float
        The part of the pixels that are cut off at it; 0 where none seem to be.
    telling : bool
        Whether another exposure cannot be equal to it in every pixel: it shows
        something, and more than pixels cut off at either end.
    """

    digest: str
    constant: bool
    structured: bool
    background: float
    mean: float
    highest: float
    saturated: float
    telling: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """A plane and its estimate without their pixels: what policies and rules see.

    Parameters
    ----------
    z_requested_um, z_um : float
        Position asked for and read back, µm.
    frame : FrameFacts
        What the frame shows.
    delta, delta_relative, innovation, innovation_raw, gap_um
        As in `rmz_acquire.scanning.Estimate`.
    chosen_by : {"policy", "hand", "more", "audit"}
        Who wanted it.
    predicted_error, tested_error, disagreement : tuple of float or None
        As in `Estimate`, of every z of the grid, counts.
    misprediction, spread : float or None
        As in `Estimate`, counts.
    misfit : Misfit or None
        As in `Estimate`.
    """

    z_requested_um: float
    z_um: float
    frame: FrameFacts
    delta: float | None
    delta_relative: float | None
    innovation: float | None
    gap_um: float
    chosen_by: ChosenBy = "policy"
    predicted_error: tuple[float, ...] | None = None
    disagreement: tuple[float, ...] | None = None
    misprediction: float | None = None
    spread: float | None = None
    misfit: Misfit | None = None
    innovation_raw: float | None = None
    tested_error: tuple[float, ...] | None = None

    @property
    def noise(self) -> float | None:
        """RMS of the noise of this exposure over the RMS of the light in its plane.

        What `innovation_raw` has in it beside `innovation`; None where not known.
        """
        clean, raw = self.innovation, self.innovation_raw
        if clean is None or raw is None or not clean <= raw < 1:
            return None
        return math.sqrt((raw**2 - clean**2) / (1 - raw**2))

    @classmethod
    def of(
        cls,
        plane: Plane,
        frame: FrameFacts,
        estimate: Estimate,
        chosen_by: ChosenBy = "policy",
    ) -> Observation:
        """Keep the numbers of a plane and its estimate."""
        return cls(
            z_requested_um=plane.z_requested_um,
            z_um=plane.z_um,
            frame=frame,
            delta=estimate.delta,
            delta_relative=estimate.delta_relative,
            innovation=estimate.innovation,
            gap_um=estimate.gap_um,
            chosen_by=chosen_by,
            predicted_error=_plain(estimate.predicted_error),
            disagreement=_plain(estimate.disagreement),
            misprediction=estimate.misprediction,
            spread=estimate.spread,
            misfit=estimate.misfit,
            innovation_raw=estimate.innovation_raw,
            tested_error=_plain(estimate.tested_error),
        )


def _plain(values: NDArray[np.float32] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values.tolist())


def look_at(image: NDArray[Any]) -> FrameFacts:
    """Note the facts of a frame.

    Parameters
    ----------
    image : ndarray, (Y, X)
        Camera counts.

    Returns
    -------
    FrameFacts

    Raises
    ------
    ValueError
        If the frame is not 2D, is empty or has pixels that are not finite.
    """
    if image.ndim != 2 or image.size == 0:
        msg = f"a frame must be a 2D image, not of shape {image.shape}"
        raise ValueError(msg)
    pixels = image.astype(np.float32)
    mean = float(pixels.mean(dtype=np.float64))
    if not np.isfinite(mean):
        msg = "the frame has pixels that are NaN or infinite"
        raise ValueError(msg)
    # some tens of thousands of pixels tell a percentile as well as millions do
    some = pixels[:: 1 + image.shape[0] // _SOME, :: 1 + image.shape[1] // _SOME]
    low, middle = np.percentile(some, (1.0, 50.0))
    limit = max(_SIGMAS / np.sqrt(image.size), _LEAST_CORRELATION)
    # as it is for a few bright beads, clipped for a few hot pixels that would drown
    # everything else: white noise passes neither
    likeness = _neighbour_correlation(pixels, mean)
    if likeness <= limit:
        reach = _OUTLIER * 1.4826 * float(np.median(np.abs(some - middle)))
        clipped = np.clip(pixels, middle - reach, middle + reach)
        likeness = _neighbour_correlation(clipped, float(clipped.mean()))
    structured = bool(likeness > limit)
    between = np.count_nonzero((image > image.min()) & (image < image.max()))
    return FrameFacts(
        digest=hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest(),
        constant=bool(image.min() == image.max()),
        structured=structured,
        background=float(low),
        mean=mean,
        highest=float(image.max()),
        saturated=cut_off_part(image),
        telling=structured and bool(between >= min(_LEAST_BETWEEN, image.size // 4)),
    )


def fault_of(
    frame: FrameFacts, earlier: Sequence[FrameFacts] = (), again: str | None = None
) -> str | None:
    """Say what is wrong with a frame, or None where nothing is.

    Parameters
    ----------
    frame : FrameFacts
        The frame in question.
    earlier : sequence of FrameFacts
        Those before it.
    again : str, optional
        Which frame it is once more, as `RecentFrames` finds.

    Returns
    -------
    str or None
        A clause that completes "the frame …".
    """
    if again is not None:
        return f"is {again} again, to the last bit: the camera gave no new frame"
    if frame.saturated > 0:
        return (
            f"is saturated: {frame.saturated:.1%} of its pixels are at "
            f"{frame.highest:g} counts"
        )
    blank = blank_reason(frame, earlier)
    return None if blank is None else f"is blank: it {blank}"


def blank_reason(frame: FrameFacts, earlier: Sequence[FrameFacts]) -> str | None:
    """Say why a frame is blank, or None where it shows something.

    Parameters
    ----------
    frame : FrameFacts
        The frame in question.
    earlier : sequence of FrameFacts
        Those before it.

    Returns
    -------
    str or None
        A clause that completes "the frame …".
    """
    if frame.constant:
        return f"has {frame.mean:g} counts in every pixel"
    if not frame.structured:
        return "shows nothing above its noise"
    others = [other for other in earlier if other.structured]
    if is_dark(frame, others):
        floor = min(f.background for f in (frame, *others))
        usual = median(other.mean - floor for other in others)
        light = frame.mean - floor
        return f"has {light / usual:.0%} of the light of the planes before it"
    return None


def is_dark(frame: FrameFacts, others: Sequence[FrameFacts]) -> bool:
    """Whether the light was off: far less of it than in others, whatever is in focus.

    Parameters
    ----------
    frame : FrameFacts
        The frame in question.
    others : sequence of FrameFacts
        Of the same specimen.

    Returns
    -------
    bool
    """
    lit = [other for other in others if other.structured and not other.constant]
    if frame.constant or not lit:
        return frame.constant
    floor = min(each.background for each in (frame, *lit))
    least = _DIM if frame.structured else _DIM_AND_PLAIN
    return frame.mean - floor < least * median(other.mean - floor for other in lit)


def cut_off_part(image: NDArray[Any]) -> float:
    """Part of the pixels at the highest count, where they pile up there."""
    if not np.issubdtype(image.dtype, np.integer):
        return 0.0
    top = int(image.max())
    count = int(np.count_nonzero(image == top))
    if count < max(_LEAST_CUT_OFF, _SHARE_CUT_OFF * image.size):
        return 0.0
    if top not in _FULL_SCALES:
        # a camera may clip below its full scale; a dark frame of few counts does not
        below = np.count_nonzero(image >= top * (1 - _JUST_BELOW)) - count
        low = float(image.min()) < top
        if top < min(_FULL_SCALES) or not low or count < _PILED_UP * below:
            return 0.0
    return count / image.size


def _neighbour_correlation(pixels: NDArray[np.float32], mean: float) -> float:
    """Correlation of neighbours, the lesser of along y and along x.

    The lesser, since the column noise of a dark sCMOS correlates along one only.
    """
    centred = pixels - np.float32(mean)
    return min(
        _correlation(centred[1:], centred[:-1]),
        _correlation(centred[:, 1:], centred[:, :-1]),
    )


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Correlate two centred arrays of one shape; 0 where either is flat."""
    norm = float(np.sqrt(_dot(a, a) * _dot(b, b)))
    return _dot(a, b) / norm if norm > 0 else 0.0


def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    # row by row in float32, without a copy of the slices, summed up in float64
    return float(np.einsum("ij,ij->i", a, b).sum(dtype=np.float64))
