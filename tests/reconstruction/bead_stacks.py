"""Simulated stacks of beads, made without the package's microscope."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.optics import Optics, otf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
Z_UM = np.arange(-6, 6.01, 0.5)
PLACES = ((40.3, 41.8), (110.6, 40.2), (60.2, 120.4), (122.7, 118.1))


def told(**terms: float) -> Optics:
    return AIR.model_copy(update=terms)


def bead_stack(
    optics: Optics,
    places: Sequence[tuple[float, float]] = PLACES,
    *,
    z_um: NDArray[np.float64] = Z_UM,
    side: int = 160,
    photons: float = 2e4,
    seed: int = 0,
) -> NDArray[np.uint16]:
    """Beads at places (y, x), pixels, all in focus at 0; pixels have an area."""
    f64 = torch.float64
    fy = torch.fft.fftfreq(side, dtype=f64)[:, None]
    fx = torch.fft.rfftfreq(side, dtype=f64)[None, :]
    turns = [torch.exp(-2j * math.pi * (fy * y + fx * x)) for y, x in places]
    transfer = otf(optics, torch.from_numpy(z_um), (side, side))
    transfer = transfer * torch.sinc(fy) * torch.sinc(fx) * sum(turns)
    light = torch.fft.irfft2(transfer, s=(side, side)).numpy()
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(photons * light.clip(min=0) + 10)
    counts = 100 + 0.5 * electrons + rng.normal(0, 1.5, light.shape)
    return np.asarray(counts.round().clip(0, 65535).astype(np.uint16))
