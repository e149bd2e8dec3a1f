"""What the convolutional competitors share: rims that all levels divide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["crop_to", "pad_to_multiple"]


def _margins(size: tuple[int, ...], unit: tuple[int, ...]) -> list[tuple[int, int]]:
    missing = [-n % u for n, u in zip(size, unit, strict=True)]
    return [(m // 2, m - m // 2) for m in missing]


def pad_to_multiple(x: Tensor, unit: tuple[int, ...]) -> Tensor:
    """Repeat the rim until the last axes are multiples of a unit.

    Parameters
    ----------
    x : Tensor
        (N, C, ...) with as many trailing axes as `unit`.
    unit : tuple of int
        One for each trailing axis.

    Returns
    -------
    Tensor
        Alike, padded evenly on both sides.
    """
    margins = _margins(tuple(x.shape[-len(unit) :]), unit)
    flat = [m for pair in reversed(margins) for m in pair]
    return functional.pad(x, flat, mode="replicate") if any(flat) else x


def crop_to(x: Tensor, size: tuple[int, ...], unit: tuple[int, ...]) -> Tensor:
    """Undo `pad_to_multiple`.

    Parameters
    ----------
    x : Tensor
        Padded.
    size : tuple of int
        Of the trailing axes before.
    unit : tuple of int
        As given to the padding.

    Returns
    -------
    Tensor
    """
    for axis, ((before, _), n) in enumerate(
        zip(_margins(size, unit), size, strict=True), -len(size)
    ):
        x = x.narrow(axis, before, n)
    return x
