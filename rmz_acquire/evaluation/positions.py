"""Where the planes of a comparison lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["even_positions"]


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
