"""How much more wrong an estimator was than expected, as it varies along z."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["surprise_along_z"]


def surprise_along_z(
    grid_um: NDArray[np.float64],
    at_um: NDArray[np.float64],
    log_ratio: NDArray[np.float64],
    usual: float,
    *,
    planes: int,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Mean of what the planes nearby tell, and of one more that was as all others.

    Parameters
    ----------
    grid_um : ndarray, (Z,)
        Where it is wanted, µm.
    at_um, log_ratio : ndarray, (n,)
        Where planes were predicted, and the logarithm of how wrong over how wrong they
        were expected to be.
    usual : float
        The logarithm where nothing near tells.
    planes : int
        How many share the range between them: as near as that is nearby.
    weights : ndarray, (n,), optional
        How much each counts.

    Returns
    -------
    ndarray, (Z,)
        Logarithms.
    """
    width = (grid_um[-1] - grid_um[0]) / planes
    weight = np.exp(-(((grid_um[:, None] - at_um) / width) ** 2) / 2)
    if weights is not None:
        weight *= weights
    mean: NDArray[np.float64] = (weight @ log_ratio + usual) / (weight.sum(1) + 1)
    return mean
