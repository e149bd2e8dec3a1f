"""Beads in a stack: found, those that stand alone registered, and their mean taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, optimize

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction.likelihood import CameraFloor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = ["MeanBead", "average_beads"]

_NEED_DOF = 2.0
"""Depths of field that a stack has to reach to either side of the focus."""

_WANT_DOF = 6.0
"""To which blur is looked at where there is room for it."""

_RINGS = 3.0
"""Room around the cone of light, in Airy radii."""

_FAINT = 0.1
"""Share of a bead's brightness below which another is no neighbour."""

_SEEN = 10.0
"""Standard deviations of the background above which a spot is one."""

_WIDE = 2.5
"""A point is so many times as wide at most as the optics show one: they are guesses."""

_CLIPPED = 3
"""Pixels of one plane at the very same maximum that mean a saturated spot."""

_MOST_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class MeanBead:
    """The mean of some beads that lie in one plane.

    Attributes
    ----------
    light : ndarray
        (n, S, S) float64 counts above the camera's dark level; S is odd.
    z_um : ndarray
        (n,) z of the stage less that of the sharpest focus, µm.
    planes : ndarray
        (n,) which planes of the stack these are.
    noise : float
        Standard deviation of the camera's noise in the dark, in one picture, counts.
    beads : int
        How many it is made of.
    at : (int, int)
        Row and column of the brightest of them in the stack, pixels.
    """

    light: NDArray[np.float64]
    z_um: NDArray[np.float64]
    planes: NDArray[np.int64]
    noise: float
    beads: int
    at: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Spot:
    """A bead where the stack shows it sharpest."""

    row: int
    column: int
    height: float
    focus_um: float
    reach_um: float
    """To which defocus nothing else lies in its light."""
    near: bool
    """Whether a neighbour, not the rim of the picture, sets that."""


def average_beads(
    data: NDArray[np.generic], z_um: NDArray[np.float64], optics: Optics
) -> MeanBead:
    """Find beads that stand alone in a stack, and take their mean.

    Beads whose focus lies within a quarter of a depth of field of each other are
    shifted onto one another by fractions of a pixel, in Fourier space. Along z nothing
    is interpolated: planes that are kept apart stay apart.

    Parameters
    ----------
    data : ndarray
        (n, Y, X) counts.
    z_um : ndarray
        (n,) ascending z of the stage, µm.
    optics : Optics
        What the microscope is said to be: how large the blur is.

    Returns
    -------
    MeanBead

    Raises
    ------
    InputError
        In one line, if there is no bead, none that is a point, is not saturated, stands
        alone, or whose blur the stack shows to either side of the focus.
    """
    floor = CameraFloor()
    for plane in data:
        floor.add(np.asarray(plane, dtype=np.float32))
    dark, noise = floor.level()
    airy_px = optics.airy_radius_um / optics.pixel_size_um
    spots = _spots(data, z_um, optics, airy_px)
    spots = _not_saturated(data, spots, airy_px)
    _check_points(data, z_um, optics, spots)
    spots = _reaching(z_um, optics, spots)
    need_um = _NEED_DOF * optics.depth_of_field_um
    alone = [spot for spot in spots if spot.reach_um >= need_um]
    if not alone:
        if any(spot.near for spot in spots):
            msg = f"all {len(spots)} beads are too near others: take a sparser specimen"
            raise InputError(msg)
        raise InputError("the beads are too near the rim of the picture")
    alone = _in_one_plane(alone, optics.depth_of_field_um / 4)
    focus_um = float(np.mean([spot.focus_um for spot in alone]))
    ends_um = float(np.abs(z_um - focus_um).max())
    want_um = min(_WANT_DOF * optics.depth_of_field_um, ends_um)
    # blur far from the focus tells more than another bead
    reach_um = max(
        (min(want_um, spot.reach_um) for spot in alone),
        key=lambda um: um**2 * sum(spot.reach_um >= um for spot in alone),
    )
    alone = [spot for spot in alone if spot.reach_um >= reach_um]
    planes = np.flatnonzero(np.abs(z_um - focus_um) <= reach_um + 1e-9)
    half = _room_px(optics, reach_um)
    mean = np.zeros((len(planes), 2 * half + 1, 2 * half + 1))
    sharp = int(np.abs(z_um[planes] - focus_um).argmin())
    for spot in alone:
        crop = _crop(data[planes], spot, half) - dark
        mean += _centred(crop, sharp, airy_px) / len(alone)
    brightest = max(alone, key=lambda spot: spot.height)
    at = (brightest.row, brightest.column)
    return MeanBead(mean, z_um[planes] - focus_um, planes, noise, len(alone), at)


def _spots(
    data: NDArray[np.generic],
    z_um: NDArray[np.float64],
    optics: Optics,
    airy_px: float,
) -> list[_Spot]:
    """All bright spots, where they are sharp, and how much room each has."""
    smooth = max(0.5, airy_px / 3)
    planes = (
        ndimage.gaussian_filter(np.asarray(plane, dtype=np.float32), smooth)
        for plane in data
    )
    bright = np.stack(list(planes))
    highest = bright.max(0)
    size = 2 * math.ceil(max(2.0, 2 * airy_px)) + 1
    level = float(np.median(highest))
    spread = 1.4826 * float(np.median(np.abs(highest - level)))
    least = level + max(
        _SEEN * spread, 0.05 * (float(np.percentile(highest, 99.99)) - level)
    )
    peak = (highest == ndimage.maximum_filter(highest, size)) & (highest > least)
    places = np.argwhere(peak)
    if spread == 0 or not len(places):
        raise InputError("no bead is found: nothing stands out from the background")
    heights = highest[peak] - level
    spots = []
    for (row, column), height in zip(places, heights, strict=True):
        others = np.hypot(*(places - (row, column)).T)
        others = others[(others > 0) & (heights > _FAINT * height)]
        neighbour = float(others.min()) if len(others) else math.inf
        rim = min(
            row, column, data.shape[1] - 1 - row, data.shape[2] - 1 - column, _MOST_PX
        )
        ring = _RINGS * airy_px
        # a neighbour's cone must not reach into its own
        room = min(float(rim) - ring, (neighbour - ring) / 2)
        near = (neighbour - ring) / 2 < float(rim) - ring
        focus = _vertex(z_um, bright[:, row, column])
        reach = room / optics.blur_radius_px_per_um
        spots.append(_Spot(int(row), int(column), height, focus, reach, near))
    return spots


def _vertex(z_um: NDArray[np.float64], height: NDArray[np.float32]) -> float:
    """Where a curve is highest, between its samples, µm."""
    i = int(height.argmax())
    if not 0 < i < len(height) - 1:
        return float(z_um[i])
    square, slope, _ = np.polyfit(
        z_um[i - 1 : i + 2] - z_um[i], height[i - 1 : i + 2].astype(np.float64), 2
    )
    return float(z_um[i] - slope / (2 * square)) if square < 0 else float(z_um[i])


def _not_saturated(
    data: NDArray[np.generic], spots: list[_Spot], airy_px: float
) -> list[_Spot]:
    """Leave out spots with a flat top."""
    half = math.ceil(2 * airy_px) + 1
    kept = []
    for spot in spots:
        rows = slice(max(0, spot.row - half), spot.row + half + 1)
        columns = slice(max(0, spot.column - half), spot.column + half + 1)
        near = data[:, rows, columns]
        top = near.max()
        if (near == top).sum((1, 2)).max() < _CLIPPED:
            kept.append(spot)
    if not kept:
        msg = "the beads are saturated: take the stack again with less light"
        raise InputError(msg)
    return kept


def _reaching(
    z_um: NDArray[np.float64], optics: Optics, spots: list[_Spot]
) -> list[_Spot]:
    """Leave out spots whose blur is not seen to either side of the focus."""
    need = _NEED_DOF * optics.depth_of_field_um
    low, high = float(z_um[0]), float(z_um[-1])
    kept = [s for s in spots if s.focus_um - need >= low and s.focus_um + need <= high]
    if not kept:
        z = max(spots, key=lambda spot: spot.height).focus_um - low
        msg = (
            f"the stack does not reach out of focus: beads are sharp {z:.1f} µm above "
            f"its first plane, and {need:.1f} µm to either side are needed"
        )
        raise InputError(msg)
    return kept


def _in_one_plane(spots: Sequence[_Spot], within_um: float) -> list[_Spot]:
    """The most spots whose focus is that of one of them."""
    groups = (
        [other for other in spots if abs(other.focus_um - spot.focus_um) <= within_um]
        for spot in spots
    )
    return max(groups, key=lambda group: (len(group), sum(s.height for s in group)))


def _room_px(optics: Optics, reach_um: float) -> int:
    """Half the side of a picture that holds a bead's light, pixels."""
    ring = _RINGS * optics.airy_radius_um / optics.pixel_size_um
    return min(_MOST_PX, math.floor(abs(optics.blur_radius_px(reach_um)) + ring))


def _crop(data: NDArray[np.generic], spot: _Spot, half: int) -> NDArray[np.float64]:
    """The planes around a spot; beyond the picture, its rim once more."""
    low = (spot.row - half, spot.column - half)
    inside = data[
        :,
        max(0, low[0]) : spot.row + half + 1,
        max(0, low[1]) : spot.column + half + 1,
    ].astype(np.float64)
    before = (max(0, -low[0]), max(0, -low[1]))
    side = 2 * half + 1
    after = tuple(side - b - n for b, n in zip(before, inside.shape[1:], strict=True))
    return np.pad(inside, ((0, 0), *zip(before, after, strict=True)), mode="edge")


def _centred(
    crop: NDArray[np.float64], sharp: int, airy_px: float
) -> NDArray[np.float64]:
    """Shift planes so that the sharpest shows its spot in the middle pixel."""
    half = crop.shape[1] // 2
    r = max(3, math.ceil(1.5 * airy_px))
    spot = crop[sharp, half - r : half + r + 1, half - r : half + r + 1]
    v, u = np.mgrid[-r : r + 1, -r : r + 1]

    def left(p: NDArray[np.float64]) -> NDArray[np.float64]:
        height, v0, u0, width, base = p
        gauss = np.exp(-((v - v0) ** 2 + (u - u0) ** 2) / (2 * width**2))
        return np.asarray((height * gauss + base - spot).ravel())

    start = [np.ptp(spot), 0, 0, max(0.7, airy_px / 2.9), spot.min()]
    found = optimize.least_squares(left, start).x
    away = np.clip(found[1:3], -1, 1)
    spectra = ndimage.fourier_shift(np.fft.fft2(crop), (0, -away[0], -away[1]))
    return np.asarray(np.fft.ifft2(spectra).real)


def _check_points(
    data: NDArray[np.generic],
    z_um: NDArray[np.float64],
    optics: Optics,
    spots: Sequence[_Spot],
) -> None:
    """Refuse beads that are no points: their size would be taken for the optics'."""
    point_um = math.hypot(0.51 * optics.wavelength_um / optics.na, optics.pixel_size_um)
    half = math.ceil(2 * _WIDE * point_um / optics.pixel_size_um)
    brightest = max(spots, key=lambda spot: spot.height)
    sharp = int(np.abs(z_um - brightest.focus_um).argmin())
    spot = _crop(data[sharp : sharp + 1], brightest, half)[0]
    v, u = np.mgrid[-half : half + 1, -half : half + 1]
    r = np.hypot(v, u)
    base = np.median(spot[r > 0.8 * half])
    rings = [
        float(spot[(r >= k - 0.5) & (r < k + 0.5)].mean() - base) for k in range(half)
    ]
    below = next((k for k, ring in enumerate(rings) if ring < rings[0] / 2), half)
    part = 0.5
    if 0 < below < half:
        part = (rings[below - 1] - rings[0] / 2) / (rings[below - 1] - rings[below])
    width_um = 2 * (below - 1 + part) * optics.pixel_size_um
    if width_um > _WIDE * point_um:
        msg = (
            f"the beads are {width_um:.2g} µm wide in focus, where these optics show "
            f"a point as {point_um:.2g} µm: take smaller beads, or check the optics"
        )
        raise InputError(msg)
