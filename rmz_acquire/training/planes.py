"""Where the planes of a training sequence lie, and in which order they come.

An adaptive scan takes planes in no fixed pattern, so training shows all: evenly
spread, halving the gaps, at random, and bunched around one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["draw_planes", "draw_spaced"]


def draw_planes(n_grid: int, m: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw the grid positions of m planes.

    Parameters
    ----------
    n_grid : int
        Planes of the z grid; at least m.
    m : int
        Planes to take.
    rng : numpy.random.Generator
        Of the draw.

    Returns
    -------
    ndarray
        (m,) distinct indices, in the order taken.
    """
    scheme = rng.choice(
        ["even", "halving", "random", "bunch"], p=[0.35, 0.35, 0.2, 0.1]
    )
    if scheme == "halving":
        return _halving(n_grid, m, rng)
    if scheme == "random":
        return rng.permutation(n_grid)[:m]
    if scheme == "bunch":
        width = int(rng.integers(m, n_grid + 1))
        start = int(rng.integers(0, n_grid - width + 1))
        return start + rng.permutation(width)[:m]
    spacing = n_grid / m
    centres = (np.arange(m) + 0.5) * spacing + rng.uniform(-0.5, 0.5) * spacing
    index = np.clip(np.floor(centres), 0, n_grid - 1).astype(np.intp)
    if len(np.unique(index)) < m:
        return _halving(n_grid, m, rng)
    return index[np.argsort(index)] if rng.random() < 0.5 else rng.permutation(index)


def _halving(n_grid: int, m: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """A few even ones, then always the position farthest from all taken."""
    first = min(m, int(rng.integers(1, 4)))
    taken = [int((i + 0.5) / first * n_grid) for i in range(first)]
    grid = np.arange(n_grid)
    while len(taken) < m:
        gap = np.abs(grid[:, None] - np.array(taken)[None]).min(1).astype(float)
        taken.append(int(np.argmax(gap + rng.uniform(0, 0.1, n_grid))))
    return np.array(taken, dtype=np.intp)


def draw_spaced(
    z_um: NDArray[np.floating[Any]],
    m: int,
    spacing_um: float,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Draw m planes at one spacing, from a random start.

    Parameters
    ----------
    z_um : ndarray
        (n,) ascending grid, µm; as long as (m - 1) times the spacing.
    m : int
        Planes to take.
    spacing_um : float
        Distance of neighbours, µm.
    rng : numpy.random.Generator
        Of the start.

    Returns
    -------
    ndarray
        (m,) indices, by z.
    """
    room = float(z_um[-1] - z_um[0]) - (m - 1) * spacing_um
    at = z_um[0] + rng.uniform(0, max(room, 0.0)) + spacing_um * np.arange(m)
    return np.abs(z_um[:, None] - at[None]).argmin(axis=0)
