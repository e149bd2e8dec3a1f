"""A small microscope with a known volume, and small models, for the estimators."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmz_acquire.models import LoadedModel, ModelCard, load_model, save_model
from rmz_acquire.networks import RecurrentMZ, RecurrentMZConfig
from rmz_acquire.optics import Optics
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import CameraModel, WideField

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.networks import NetworkConfig

AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
Z_UM = np.arange(-6, 6.01, 0.5)
CAMERA = CameraModel(photons=60.0, gain=0.5, offset=100.0, read_noise_e=1.6)
SPECIMENS = {
    "beads": {"per_1000_um3": 3.0},
    "nuclei": {"number": 90, "haze": 0.05},
}


@cache
def stacks(
    name: str, seed: int = 11, optics: Optics = AIR
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Noise-free and noisy counts of one specimen, (25, 64, 60) each."""
    specimen = make_specimen(name, seed, extent_um=(16, 60, 60), **SPECIMENS[name])
    light = WideField(
        specimen,
        optics,
        shape=(64, 60),
        z_range_um=(-8, 8),
        layer_um=0.5,
        margin_px=40,
    ).stack(list(Z_UM))
    light = light / np.percentile(light, 99.9)
    noisy = CAMERA.expose(light, 10.0, np.random.default_rng(seed))
    return CAMERA.expected(light, 10.0), noisy.astype(np.float32)


def evenly(m: int) -> list[int]:
    """Grid positions of m planes at the middles of m equal parts."""
    return [int((i + 0.5) * len(Z_UM) / m) for i in range(m)]


def rms(a: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(a, dtype=np.float64))))


def small_card(name: str, network: NetworkConfig) -> ModelCard:
    """The card of a network of random weights for this microscope."""
    return ModelCard(
        name=name,
        description="random weights",
        network=network,
        optics=AIR,
        z_range_um=12,
        z_step_um=0.5,
        largest_gap_um=2,
        planes=(1, 8),
        order="any",
        dz_unit="blur radius",
        normalisation="as now",
        data="none",
        training={},
        date="2026-01-01",
        sha256="",
    )


def small_model(folder: Path, *, prior: str, trained: bool = True) -> LoadedModel:
    """A network of random weights, through disk as any released one."""
    config = RecurrentMZConfig(levels=3, base_channels=4, norm="group", prior=prior)
    torch.manual_seed(4)
    network = RecurrentMZ(config)
    if trained:
        with torch.no_grad():
            for p in network.parameters():
                if p.ndim == 4:
                    p.normal_(std=(1.5 / p[0].numel()) ** 0.5)
                else:
                    p.add_(0.1 * torch.randn_like(p))
    save_model(folder, network, small_card(f"small-{prior}", config))
    return load_model(folder)
