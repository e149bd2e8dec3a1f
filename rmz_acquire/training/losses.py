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
    output: Tensor,
    target: Tensor,
    prior: Tensor,
    prior_error: Tensor,
    *,
    floor: float = 0.02,
) -> Tensor:
    """Squared and absolute error, each over the prior's own.

    About 1 where the network adds nothing to its prior. Errors count in units of what
    the prior predicts for each plane, so that planes near and far from those taken,
    specimens on which the prior is good and bad, all weigh alike.

    Parameters
    ----------
    output, target, prior : Tensor
        (P, H, W) normalised planes.
    prior_error : Tensor
        (P,) RMS error that the prior predicts for itself.
    floor : float
        Added to the prior's mean errors, in those units.

    Returns
    -------
    Tensor
        Scalar.
    """
    unit = prior_error[:, None, None]
    error, before = (output - target) / unit, (prior - target) / unit
    squared = error.square().mean() / (before.square().mean() + floor)
    absolute = error.abs().mean() / (before.abs().mean() + floor)
    mean: Tensor = 0.5 * (squared + absolute)
    return mean
