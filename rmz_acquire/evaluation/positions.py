"""Where the planes of a comparison lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning import Observation, ScanPlan, look_at, make_policy

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["even_positions", "scan_order"]


def even_positions(n: int, m: int) -> NDArray[np.intp]:
    """Indices of m planes in the middles of m equal parts of a grid of n.

    Parameters
    ----------
    n, m : int
        Planes of the grid, and planes taken.

    Returns
    -------
    ndarray of int, (m,)
    """
    return ((np.arange(m) + 0.5) * n / m).astype(np.intp)


def scan_order(z_um: NDArray[np.float64], m: int) -> list[float]:
    """Where a scan of at most m planes takes them, in its order.

    Parameters
    ----------
    z_um : ndarray
        (Z,) grid, µm, ascending.
    m : int
        Planes, at most Z.

    Returns
    -------
    list of float
        (m,) µm. From three planes on, one of more begins with those of one of fewer.
    """
    policy = make_policy(ScanPlan(z_um=tuple(z_um.tolist()), max_planes=m))
    frame = look_at(np.eye(4))  # what it shows is nothing to the policy
    taken: list[Observation] = []
    while len(taken) < m and (z := policy.next_z(taken)) is not None:
        taken.append(Observation(z, z, frame, None, None, None, 0.0))
    return [each.z_um for each in taken]
