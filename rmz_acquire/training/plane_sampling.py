"""Where the planes of a training sequence lie, and in which order they come.

An adaptive scan takes planes in no fixed pattern, so training shows all: evenly
spread, halving the gaps, at random, and close together in a window. What a plane
between two others owes to planes farther off is little, so a window of a few planes
teaches what a long dense scan needs at a fraction of its cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["draw_planes", "draw_spaced"]

SCHEMES = {"window": 0.5, "even": 0.2, "halving": 0.2, "random": 0.1}


def draw_planes(
    n_grid: int, m: int, targets: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw the grid positions of m planes, and of the output planes to compare.

    Parameters
    ----------
    n_grid : int
        Planes of the z grid; at least m.
    m : int
        Planes to take.
    targets : int
        Output planes wanted.
    rng : numpy.random.Generator
        Of the draw.

    Returns
    -------
    taken : ndarray
        (m,) distinct indices, in the order taken.
    wanted : ndarray
        (targets,) indices; distinct where there is room.
    """
    scheme = str(rng.choice(list(SCHEMES), p=list(SCHEMES.values())))
    if scheme == "window":
        return _window(n_grid, m, targets, rng)
    wanted = np.resize(rng.permutation(n_grid), targets)
    if scheme == "halving":
        return _halving(n_grid, m, rng), wanted
    if scheme == "random":
        return rng.permutation(n_grid)[:m], wanted
    return _spread(n_grid, m, rng), wanted


def _window(
    n_grid: int, m: int, targets: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Planes in a part of the grid, and targets in it or just outside.

    Up to a sixth of the grid lies between neighbours, short steps as often as long.
    """
    spacing = float(np.exp(rng.uniform(0, np.log(max(2.0, n_grid / 6)))))
    width = min(n_grid, max(m, round(spacing * m)))
    start = int(rng.integers(0, n_grid - width + 1))
    even = rng.random() < 0.7
    inside = _spread(width, m, rng) if even else rng.permutation(width)[:m]
    reach = round(spacing / 2)
    near = np.arange(max(0, start - reach), min(n_grid, start + width + reach))
    return start + inside, np.resize(rng.permutation(near), targets)


def _spread(n_grid: int, m: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Evenly spaced from a random start, upwards or in any order."""
    spacing = n_grid / m
    centres = (np.arange(m) + 0.5) * spacing + rng.uniform(-0.5, 0.5) * spacing
    index = np.clip(np.floor(centres), 0, n_grid - 1).astype(np.intp)
    if len(np.unique(index)) < m:
        return _halving(n_grid, m, rng)
    return index if rng.random() < 0.5 else rng.permutation(index)


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
    nearest: NDArray[np.intp] = np.abs(z_um[:, None] - at[None]).argmin(axis=0)
    return nearest
