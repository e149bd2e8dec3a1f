"""The machine that is measured on: its devices, its clocks, and what it can do."""

from __future__ import annotations

import math
import platform
import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "QUIET",
    "Clock",
    "Rates",
    "device_name",
    "devices",
    "idle_share",
    "measure_rates",
    "one_thread",
]

QUIET = 0.9
"""Of its processor, from which on the wall clock means something."""
_LOOK_S = 0.3
_MATRIX = 1024
_PICTURES = (4, 512, 512)
_TRIES = 5


class Clock(StrEnum):
    """What seconds are counted by.

    On a machine that does something else as well, the time on the wall tells nothing
    of the estimator; the processor's own time, in one thread, does.
    """

    wall = "wall"
    cpu = "cpu"

    def now(self, device: str = "cpu") -> float:
        """Seconds from anywhere; a GPU has finished what it was given.

        Parameters
        ----------
        device : str
            Of torch; a GPU's work counts by the wall.
        """
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
            return time.perf_counter()
        return time.perf_counter() if self is Clock.wall else time.process_time()


def idle_share() -> tuple[float, bool]:
    """Look whether the machine leaves this process its threads.

    Returns
    -------
    float
        Of the processor time that its threads could have had, what they got.
    bool
        Whether that is enough for the wall clock to mean something.
    """
    threads = torch.get_num_threads()
    a = torch.ones(_MATRIX, _MATRIX)
    a @ a
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < _LOOK_S:
        a @ a
    passed = (time.perf_counter() - wall) * threads
    share = min(1.0, (time.process_time() - cpu) / passed)
    return share, share >= QUIET


@contextmanager
def one_thread(wanted: bool) -> Iterator[None]:
    """Compute in one thread, so that processor time is the time that it takes."""
    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def devices() -> list[str]:
    """The CPU and each GPU, as torch calls them."""
    return ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]


def device_name(device: str = "auto") -> str:
    """A device in words; by default the one that networks run on here."""
    if device == "mps":
        return f"{platform.processor() or platform.machine()} GPU (mps)"
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name(None if device == "auto" else device)
    threads = torch.get_num_threads()
    said = f"{threads} thread{'s' if threads > 1 else ''}"
    return f"{platform.processor() or platform.machine()} CPU, {said}"


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast a device is at what estimators are made of, float32.

    Parameters
    ----------
    products : float
        Of a matrix product, operations/s.
    transforms : float
        Of real 2D Fourier transforms, operations/s: N log2 N times 2.5 for N pixels.
    """

    products: float
    transforms: float

    def seconds(self, products: float, transforms: float) -> float:
        """Least seconds for so many operations of each kind."""
        return products / self.products + transforms / self.transforms


def measure_rates(clock: Clock, device: str = "cpu") -> Rates:
    """Measure what a device can do at its best.

    Parameters
    ----------
    clock : Clock
        As for the estimators.
    device : str
        Of torch.

    Returns
    -------
    Rates
        The best of several tries.
    """
    a = torch.ones(_MATRIX, _MATRIX, device=device)
    pictures = torch.ones(_PICTURES, device=device)
    best = [math.inf, math.inf]
    for _ in range(_TRIES + 1):  # the first is the slowest
        start = clock.now(device)
        torch.matmul(a, a)
        between = clock.now(device)
        torch.fft.rfft2(pictures)
        end = clock.now(device)
        best = [min(best[0], between - start), min(best[1], end - between)]
    n, height, width = _PICTURES
    pixels = height * width
    return Rates(
        products=2 * _MATRIX**3 / max(best[0], 1e-9),
        transforms=2.5 * n * pixels * math.log2(pixels) / max(best[1], 1e-9),
    )
