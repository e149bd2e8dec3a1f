"""What is known of every output plane beside its pixels.

Whether it was measured, how far the nearest measured one is, and how wrong it is
expected to be. An estimator that knows optics tells in advance where along z it will
be wrong; by how much it was, the planes say that it predicted before they were taken,
those drawn by chance most of all, since no policy chose them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rmz_acquire.scanning.surprise import surprise_along_z

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.frame_quality import Observation

__all__ = ["OutputPlanes", "measured_planes"]

_BY_CHANCE = 2.0
"""How many other planes one counts for that was drawn by chance."""

_POWER = 0.7
"""Of the distance, by which errors usually grow."""

_DRAWN = 1.4
"""By how many planes, an e-fold apart in distance, that is held on to."""

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class OutputPlanes:
    """Of every plane of the grid, in its order.

    Parameters
    ----------
    z_um : tuple of float
        The grid, µm.
    measured : tuple of bool
        Whether a plane of this volume was taken there.
    nearest_um : tuple of float
        Distance to the nearest plane that the volume is made of, µm.
    predicted_error : tuple of float or None
        RMS error over the RMS of the light, as the innovation is; the camera's noise
        left out. None where nothing was predicted before it was taken.
    spread : tuple of float or None
        RMS difference of the candidates in the same unit; None where there is one.
    """

    z_um: tuple[float, ...]
    measured: tuple[bool, ...]
    nearest_um: tuple[float, ...]
    predicted_error: tuple[float, ...] | None
    spread: tuple[float, ...] | None

    @property
    def by_plane(self) -> list[dict[str, float | bool | None]]:
        """The same plane by plane, without z."""
        names = [name for name in type(self).__slots__ if name != "z_um"]
        columns = {name: getattr(self, name) for name in names}
        return [
            {name: None if each is None else each[n] for name, each in columns.items()}
            for n in range(len(self.z_um))
        ]

    @classmethod
    def of(
        cls,
        z_um: Sequence[float],
        taken: Sequence[Observation],
        carried_z_um: Sequence[float] = (),
    ) -> Self:
        """Tell it from what a scan saw.

        Parameters
        ----------
        z_um : sequence of float
            The grid, µm, ascending.
        taken : sequence of Observation
            Of the planes that the estimator was given, in order.
        carried_z_um : sequence of float
            Where it was given planes of an earlier time point, µm.
        """
        grid = np.asarray(z_um, dtype=np.float64)
        own = [plane.z_um for plane in taken]
        every = np.array([*own, *carried_z_um])
        nearest = np.abs(grid[:, None] - every[None]).min(1, initial=np.inf)
        light = _light(grid, taken)
        error = _relative(_errors(grid, taken, carried_z_um), light)
        if error is None:
            # somebody else's may tell how well it predicted by a ratio alone
            told = [plane.innovation for plane in taken]
            error = cls.of_places(z_um, own, told).predicted_error
        spread = _curve(grid, taken[-1].disagreement) if taken else None
        return cls(
            tuple(grid.tolist()),
            tuple(measured_planes(grid, own).tolist()),
            tuple(nearest.tolist()),
            error,
            _relative(spread, light),
        )

    @classmethod
    def of_places(
        cls,
        z_um: Sequence[float],
        z_taken_um: Sequence[float],
        relative_errors: Sequence[float | None],
    ) -> Self:
        """Tell it from places and errors alone.

        Parameters
        ----------
        z_um : sequence of float
            The grid, µm, ascending.
        z_taken_um : sequence of float, (M,)
            Where planes were taken, in their order, µm.
        relative_errors : sequence of float or None, (M,)
            With which each was predicted from those before it, over the light.
        """
        grid, at = np.asarray(z_um, float), np.asarray(z_taken_um, float)
        known = [n for n, error in enumerate(relative_errors) if n and error]
        missed = _Missed(
            at[known],
            np.array([relative_errors[n] for n in known], float),
            np.array([np.abs(at[:n] - at[n]).min() for n in known]),
            None,
            np.ones(len(known)),
        )
        error = _expected(grid, at.tolist(), missed, None)
        nearest = np.abs(grid[:, None] - at[None]).min(1, initial=np.inf)
        return cls(
            tuple(grid.tolist()),
            tuple(measured_planes(grid, at.tolist()).tolist()),
            tuple(nearest.tolist()),
            None if error is None else tuple(error.tolist()),
            None,
        )

    @classmethod
    def of_line(cls, line: Mapping[str, Any] | None) -> Self | None:
        """Read what `to_dict` gave; None where it is not told."""
        if not line:
            return None
        told: dict[str, Any] = {
            name: None if line.get(name) is None else tuple(line[name])
            for name in cls.__slots__
        }
        return cls(**told)

    def to_dict(self) -> dict[str, list[Any] | None]:
        """Give JSON-ready values, each rounded to what it can be known to."""
        return {
            name: None if values is None else [_short(value) for value in values]
            for name in type(self).__slots__
            for values in [getattr(self, name)]
        }


def measured_planes(
    grid_um: NDArray[np.float64], taken_um: Sequence[float]
) -> NDArray[np.bool_]:
    """Find the planes of a grid that were taken.

    Parameters
    ----------
    grid_um : ndarray, (Z,)
        µm, ascending.
    taken_um : sequence of float
        Where planes were taken, µm.

    Returns
    -------
    ndarray of bool, (Z,)
        True for the grid plane nearest to each taken one, where it is within half a
        step of the grid.
    """
    found = np.zeros(grid_um.size, dtype=bool)
    half = np.diff(grid_um).min() / 2 * (1 + 1e-6) if grid_um.size > 1 else np.inf
    for z in taken_um:
        nearest = int(np.argmin(np.abs(grid_um - z)))
        found[nearest] |= abs(grid_um[nearest] - z) <= half
    return found


@dataclass(frozen=True, slots=True)
class _Missed:
    """Planes that were predicted before they were taken.

    Parameters
    ----------
    z_um : ndarray, (n,)
        Where, µm.
    error : ndarray, (n,)
        RMS error of each, in any unit.
    away_um : ndarray, (n,)
        How far the nearest plane was by then, µm.
    told : ndarray, (n,), or None
        The error that the estimator told for it.
    weight : ndarray, (n,)
        How much it counts.
    """

    z_um: NDArray[np.float64]
    error: NDArray[np.float64]
    away_um: NDArray[np.float64]
    told: NDArray[np.float64] | None
    weight: NDArray[np.float64]


def _errors(
    grid: NDArray[np.float64],
    taken: Sequence[Observation],
    carried_um: Sequence[float],
) -> NDArray[np.float64] | None:
    """Predicted RMS error, (Z,) counts; None where no plane was predicted."""
    at = [plane.z_um for plane in taken]
    told = [_curve(grid, plane.predicted_error) for plane in taken]
    known = [
        n for n, plane in enumerate(taken) if n and (plane.misprediction or 0.0) > 0
    ]
    tells = bool(taken) and told[-1] is not None
    before = []
    for n in known:
        curve = told[n - 1]
        tells &= curve is not None
        before.append(0.0 if curve is None else np.interp(at[n], grid, curve))
    tells &= min(before, default=0.0) > 0
    missed = _Missed(
        np.array([at[n] for n in known]),
        np.array([taken[n].misprediction for n in known], float),
        np.array(
            [np.abs(np.array([*at[:n], *carried_um]) - at[n]).min() for n in known]
        ),
        np.array(before) if tells else None,
        np.array([_BY_CHANCE if taken[n].chosen_by == "audit" else 1 for n in known]),
    )
    at += carried_um
    return _expected(grid, at, missed, told[-1] if tells else None)


def _expected(
    grid: NDArray[np.float64],
    taken_um: Sequence[float],
    missed: _Missed,
    told: NDArray[np.float64] | None,
) -> NDArray[np.float64] | None:
    """RMS error that is to be expected, (Z,) in the unit of what was missed.

    Of what an estimator tells and of a power of the distance the geometric mean, since
    each is wrong where the other is not; scaled by how wrong that was, nearby most.
    """
    if len(missed.error) == 0:
        return None
    half = float(np.diff(grid).min()) / 2
    away = np.abs(grid[:, None] - np.array(taken_um)).min(1)
    log_away = np.log(np.maximum(away, half))
    log_missed = np.log(np.maximum(missed.away_um, half))
    if told is not None and missed.told is not None:
        here = (np.log(np.maximum(told, _TINY)) + _POWER * log_away) / 2
        there = (np.log(missed.told) + _POWER * log_missed) / 2
    else:
        power = _power(log_missed, np.log(missed.error), missed.weight)
        here, there = power * log_away, power * log_missed
    ratio = np.log(missed.error) - there
    usual = float(np.average(ratio, weights=missed.weight))
    surprise = surprise_along_z(
        grid, missed.z_um, ratio, usual, planes=len(taken_um), weights=missed.weight
    )
    return np.asarray(np.exp(here + surprise))


def _power(
    log_away: NDArray[np.float64],
    log_error: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> float:
    """Power of the distance by which errors grow, drawn towards the usual one."""
    x = log_away - np.average(log_away, weights=weight)
    y = log_error - _POWER * log_away
    y -= np.average(y, weights=weight)
    return _POWER + float((weight * x) @ y / ((weight * x) @ x + _DRAWN))


def _curve(
    grid: NDArray[np.float64], told: Sequence[float] | None
) -> NDArray[np.float64] | None:
    """What an estimator tells of every z, (Z,), where it does so properly."""
    if told is None or len(told) != len(grid) or not np.isfinite(told).all():
        return None
    return np.asarray(told, float)


def _light(
    grid: NDArray[np.float64], taken: Sequence[Observation]
) -> NDArray[np.float64] | None:
    """RMS of the light at every z, (Z,) counts, between the planes that tell it."""
    known = sorted(
        (plane.z_um, plane.misprediction / plane.innovation)
        for plane in taken
        if plane.innovation and plane.misprediction
    )
    return np.interp(grid, *np.array(known).T) if known else None


def _relative(
    counts: NDArray[np.float64] | None, light: NDArray[np.float64] | None
) -> tuple[float, ...] | None:
    if counts is None or light is None:
        return None
    return tuple((counts / light).tolist())


def _short(value: float | bool | None) -> float | bool | None:
    if value is None or isinstance(value, bool):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
