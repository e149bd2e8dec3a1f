"""Losses on normalised planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["berhu", "relative_error"]


def berhu(output: Tensor, target: Tensor, *, c: float = 0.1) -> Tensor:
    """Mean reversed Huber loss: linear up to c, quadratic beyond.

    Parameters
    ----------
    output, target : Tensor
        Normalised planes of one shape.
    c : float
        Where the two branches meet, with one slope.

    Returns
    -------
    Tensor
        Scalar.

    References
    ----------
    Huang et al., Light Sci. Appl. 10, 62 (2021), eq. 8.
    """
    error = (output - target).abs()
    both = error.where(error <= c, (error.square() + c * c) / (2 * c))
    return both.mean()


def relative_error(
    output: Tensor, target: Tensor, prior: Tensor, *, floor: float = 1e-5
) -> Tensor:
    """Squared plus absolute error, each over the prior's own.

    1 where the network adds nothing to its prior: a ratio, so that a specimen on
    which the prior is good counts as much as one on which it is bad.

    Parameters
    ----------
    output, target, prior : Tensor
        Normalised planes of one shape.
    floor : float
        Added to the prior's mean squared error.

    Returns
    -------
    Tensor
        Scalar.
    """
    error, before = output - target, prior - target
    squared = error.square().mean() / (before.square().mean() + floor)
    absolute = error.abs().mean() / (before.abs().mean() + floor**0.5)
    mean: Tensor = 0.5 * (squared + absolute)
    return mean
