"""Counts what an estimator asks of a machine: operations, and memory at most."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Operations", "Peak", "counted", "peak_memory"]

_RESIDENT = Path("/proc/self/statm")
_EVERY_S = 0.002


@dataclass(slots=True)
class Operations:
    """Operations that torch was asked for; what numpy does is not seen.

    Parameters
    ----------
    products : float
        Of matrix products and convolutions, two for a multiplication and a sum.
    transforms : float
        Of Fourier transforms: 5 N log2 N of a complex one, half of that of a real.
    """

    products: float = 0.0
    transforms: float = 0.0


def _transform(shape: Sequence[int], axes: Sequence[int], factor: float) -> float:
    points = math.prod(shape[axis] for axis in axes)
    return factor * math.prod(shape) * math.log2(max(2, points))


def _r2c(shape: Sequence[int], axes: Sequence[int], *_: Any, **__: Any) -> float:
    return _transform(shape, axes, 2.5)


def _c2r(
    shape: Sequence[int],
    axes: Sequence[int],
    *_: Any,
    out_shape: Sequence[int],
    **__: Any,
) -> float:
    return _transform(out_shape, axes, 2.5)


def _c2c(shape: Sequence[int], axes: Sequence[int], *_: Any, **__: Any) -> float:
    return _transform(shape, axes, 5.0)


@contextmanager
def counted() -> Iterator[Operations]:
    """Count the operations inside, on any device; slower than without."""
    aten, found = torch.ops.aten, Operations()
    transforms = {aten._fft_r2c: _r2c, aten._fft_c2r: _c2r, aten._fft_c2c: _c2c}  # noqa: SLF001
    with FlopCounterMode(display=False, custom_mapping=transforms) as counter:
        yield found
    everything = counter.get_flop_counts().get("Global", {})
    for operation, number in everything.items():
        if operation in transforms:
            found.transforms += number
        else:
            found.products += number


@dataclass(slots=True)
class Peak:
    """Memory at most.

    Parameters
    ----------
    extra_bytes : int or None
        Beyond what stood before; None where it cannot be told.
    """

    extra_bytes: int | None = None


@contextmanager
def peak_memory(device: str = "cpu") -> Iterator[Peak]:
    """Watch how much memory the work inside takes at most.

    Of a GPU what torch holds there; otherwise what the process has in memory, looked
    at every 2 ms, on Linux alone.

    Parameters
    ----------
    device : str
        Of torch.
    """
    peak = Peak()
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        peak.extra_bytes = torch.cuda.max_memory_allocated(device) - before
        return
    if sys.platform != "linux":
        yield peak
        return
    _give_back()
    before, most, over = _resident(), [0], threading.Event()

    def look() -> None:
        while not over.wait(_EVERY_S):
            most[0] = max(most[0], _resident())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        most[0] = max(most[0], _resident())
        over.set()
        watcher.join()
    peak.extra_bytes = max(0, most[0] - before)


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = int(_RESIDENT.read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _give_back() -> None:
    """Return freed memory to the system, which otherwise is used again unseen."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc only
    if trim is not None:
        trim(0)
