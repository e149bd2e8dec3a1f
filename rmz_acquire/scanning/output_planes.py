"""What is known of every output plane beside its pixels.

Whether it was measured, how far the nearest measured one is, and how wrong it is
expected to be. An estimator that knows optics tells in advance where along z it will be
wrong; by how much it was wrong, the planes say that it predicted before they were taken,
those drawn by chance most of all, since no policy chose them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.frame_quality import Observation

__all__ = ["OutputPlanes", "measured_planes"]

_BY_CHANCE = 3.0
"""How many other planes one counts for that was drawn by chance."""

_POWER = 0.5
"""Of the distance, of the error of an estimator that tells none."""

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
        error, spread = _errors(grid, taken), None
        light = _light(grid, taken)
        if taken and taken[-1].disagreement is not None:
            spread = np.asarray(taken[-1].disagreement)
        return cls(
            tuple(grid.tolist()),
            tuple(measured_planes(grid, own).tolist()),
            tuple(nearest.tolist()),
            _relative(error, light),
            _relative(spread, light),
        )

    @classmethod
    def of_line(cls, line: Mapping[str, Any] | None) -> Self | None:
        """Read what `to_dict` gave; None where it is not told."""
        if not line:
            return None
        told = {name: line.get(name) for name in cls.__slots__}
        return cls(**{k: None if v is None else tuple(v) for k, v in told.items()})

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


def _errors(
    grid: NDArray[np.float64], taken: Sequence[Observation]
) -> NDArray[np.float64] | None:
    """Predicted RMS error, (Z,) counts: what is told, by how wrong that was so far."""
    squares, weights = [], []
    for n, plane in enumerate(taken):
        if n == 0 or plane.misprediction is None:
            continue
        told = float(np.interp(plane.z_um, grid, _told(grid, taken[:n])))
        if told > 0:
            squares.append((plane.misprediction / told) ** 2)
            weights.append(_BY_CHANCE if plane.chosen_by == "audit" else 1.0)
    if not squares:
        return None
    scale = np.exp(np.average(np.log(np.maximum(squares, _TINY)), weights=weights) / 2)
    return np.asarray(scale * _told(grid, taken))


def _told(
    grid: NDArray[np.float64], taken: Sequence[Observation]
) -> NDArray[np.float64]:
    """How wrong the estimator says that it is at every z, or how far it has to reach.

    (Z,), in counts, or in a power of µm.
    """
    if taken[-1].predicted_error is not None:
        return np.asarray(taken[-1].predicted_error)
    at = np.array([plane.z_um for plane in taken])
    away = np.abs(grid[:, None] - at).min(1)
    return np.maximum(away, np.diff(grid).min() / 2) ** _POWER


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
