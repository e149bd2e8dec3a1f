"""An image in a file, before its pixels are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.stacks.axis_claims import Claims

__all__ = ["COPY_AGAIN", "Image", "several"]

COPY_AGAIN = "truncated or damaged, part of it cannot be read; copy it again"


@dataclass(frozen=True, slots=True)
class Image:
    """What a reader hands over.

    Parameters
    ----------
    shape : sequence of int
        Of the pixels.
    axes : str
        A letter for each.
    claims : Claims
        What the file says of its voxels.
    pixels : callable
        Reads them, as long as the file is open.
    """

    shape: Sequence[int]
    axes: str
    claims: Claims
    pixels: Callable[[], NDArray[Any]]


def several(images: int) -> str:
    """Say that there is not exactly one image."""
    if images == 0:
        return "empty, there is no image in it"
    return f"holds {images} images (positions or series); give one z-stack"
