"""Real Fourier transforms of stacks of pictures, in pieces that stay in the cache."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rmz_acquire.reconstruction.how_far import worked

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["add_low", "backward", "few_threads", "forward", "low", "pieces"]

_PIECE = 1 << 18
"""Pixels at a time on a CPU: one call over a whole stack is four times slower."""


def pieces(stack: Tensor) -> Iterator[slice]:
    """Parts of a stack that are worked on together: all of it on a GPU.

    Parameters
    ----------
    stack : Tensor
        (n, H, W).

    Yields
    ------
    slice
        Along the first axis.
    """
    n, height, width = stack.shape
    size = n if stack.is_cuda else max(1, _PIECE // (height * width))
    for start in range(0, n, size):
        yield slice(start, min(n, start + size))


@contextmanager
def few_threads(pixels: int) -> Iterator[None]:
    """Compute small pictures in one thread.

    Steps are thousands of short calls. Two threads that wait for each other at every
    one gain little on an idle machine, and cost ten times as much on a busy one.

    Parameters
    ----------
    pixels : int
        Of a picture.
    """
    before = torch.get_num_threads()
    if pixels <= _PIECE:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def forward(pictures: Tensor) -> Tensor:
    """Half transform, real and imaginary parts side by side.

    Parameters
    ----------
    pictures : Tensor
        (n, H, W) float32.

    Returns
    -------
    Tensor
        (n, H, 2 (W // 2 + 1)) float32: products with a real OTF are products of
        reals, if each of its values stands twice.
    """
    worked(pictures.numel())
    return torch.view_as_real(torch.fft.rfft2(pictures)).flatten(-2)


def backward(spectra: Tensor, shape: tuple[int, int]) -> Tensor:
    """Pictures from what `forward` gives.

    Parameters
    ----------
    spectra : Tensor
        (n, H, 2 (W // 2 + 1)) float32.
    shape : (int, int)
        Height and width of the pictures.

    Returns
    -------
    Tensor
        (n, H, W) float32.
    """
    pairs = torch.view_as_complex(spectra.reshape(*spectra.shape[:-1], -1, 2))
    # irfft2 copies its input twice on a CPU: nearly half of its time
    columns = torch.fft.ifft(pairs, dim=-2)
    made: Tensor = torch.fft.irfft(columns, n=shape[1])
    worked(made.numel())
    return made


def low(spectra: Tensor, shape: tuple[int, int], times: int) -> Tensor:
    """Frequencies that a grid of larger pixels can hold, cut out of spectra.

    Parameters
    ----------
    spectra : Tensor
        (n, H, 2 W') as `forward` gives them.
    shape : (int, int)
        Height and width of the pictures.
    times : int
        Pixels in one of the larger, along a side.

    Returns
    -------
    Tensor
        (n, h, 2 w'): rows not negative, then the others; those of half a cycle a pixel
        have no sign and are left out.
    """
    high, columns = _ends(shape, times)
    rows = spectra[:, : high + 1, :columns], spectra[:, shape[0] - high :, :columns]
    return torch.cat(rows, 1)


def add_low(spectra: Tensor, part: Tensor, shape: tuple[int, int], times: int) -> None:
    """Add to spectra, in place, what `low` has cut out of others."""
    high, columns = _ends(shape, times)
    spectra[:, : high + 1, :columns] += part[:, : high + 1]
    spectra[:, shape[0] - high :, :columns] += part[:, high + 1 :]


def _ends(shape: tuple[int, int], times: int) -> tuple[int, int]:
    """Highest row, and number of columns, that a grid of larger pixels can hold."""
    high, wide = ((n // times - 1) // 2 for n in shape)
    return max(high, 0), 2 * (max(wide, 0) + 1)
