"""Simulated specimens to train on, made while training runs.

Every specimen, its optics and its noise follow from one integer, so a run that is
resumed sees what it would have seen, and validation never meets training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.optics import Aberrations, Optics, OpticsRange
from rmz_acquire.resources import data_folder
from rmz_acquire.simulation.specimens import Specimen, VoxelSpecimen, make_specimen
from rmz_acquire.simulation.widefield import CameraModel, WideField
from rmz_acquire.stacks import read_stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.training.simulation_config import SimulationConfig

__all__ = ["Field", "simulate_field"]

_NEARLY = 1.2
"""Camera pixels over the Nyquist limit's that need no finer grid."""


@dataclass(frozen=True, slots=True)
class Field:
    """One simulated specimen under one objective.

    Attributes
    ----------
    light : ndarray
        (Z, Y, X) float32 noise-free, brightest spot near 1, haze included.
    z_um : ndarray
        (Z,) µm.
    believed : Optics
        What the prior is told; the truth differs by a few percent.
    camera : CameraModel
        One ms of exposure gives the drawn number of photons.
    """

    light: NDArray[np.float32]
    z_um: NDArray[np.floating[Any]]
    believed: Optics
    camera: CameraModel

    def expose(
        self,
        light: NDArray[np.float32],
        taken: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float32], float]:
        """Give the planes taken, counts, and a factor that is 1."""
        return self.camera.expose(light[taken], 1.0, rng).astype(np.float32), 1.0

    def truth(self, light: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
        """Give the same without noise."""
        return self.camera.expected(np.ascontiguousarray(light), factor)


def simulate_field(config: SimulationConfig, seed: list[int]) -> Field:
    """Draw a specimen, an objective and a camera, and render the whole z range.

    Parameters
    ----------
    config : SimulationConfig
        What is random, and how much.
    seed : list of int
        Of everything.

    Returns
    -------
    Field
    """
    rng = np.random.default_rng(seed)
    believed = config.optics
    if rng.random() < config.wide_optics:
        believed = _draw_optics(config.wide_range, rng)
    truth = believed.model_copy(
        update={
            "na": min(
                believed.na * (1 + config.optics_error * rng.normal()),
                0.985 * believed.immersion_index,
            ),
            "wavelength_um": believed.wavelength_um
            * (1 + config.optics_error * rng.normal()),
        }
    )
    # Lengths scale with the blur along z and with the pixel across it.
    axial = config.optics.blur_radius_px_per_um / believed.blur_radius_px_per_um
    low, high = config.thickness
    if low < high:
        axial *= math.exp(rng.uniform(math.log(low), math.log(high)))
    n = config.grid_planes
    step = config.z_step_um * axial
    z = (np.arange(n) - (n - 1) / 2) * step
    side = (config.field_px + 2 * config.margin_px) * believed.pixel_size_um
    beyond = rng.uniform(1.0, 1.3)
    extent = (float(n * step * beyond), 1.1 * side, 1.1 * side)
    specimen = _draw_specimen(config, rng, extent)
    nyquist = believed.wavelength_um / (4 * believed.na)
    phase, reach = rng.uniform(-0.5, 0.5) * step, extent[0] / 2 + 3 * step
    field = WideField(
        specimen,
        truth,
        shape=(config.field_px, config.field_px),
        z_range_um=(phase - reach, phase + reach),
        layer_um=step,
        margin_px=config.margin_px,
        oversampling=_oversampling(believed.pixel_size_um / nyquist),
        aberrations=Aberrations(zernike={11: config.aberration_waves * rng.normal()}),
    )
    light = field.stack(list(z))
    light /= max(float(np.percentile(light, 99.95)), 1e-9)
    light += rng.uniform(*config.haze) * rng.random()
    electrons = math.exp(rng.uniform(*np.log(config.photons)))
    camera = CameraModel(
        photons=electrons / 0.7,
        gain=float(rng.uniform(0.3, 1.0)),
        read_noise_e=float(rng.uniform(0.8, 6.0)),
        full_well_e=1e9,
    )
    return Field(light, z, believed, camera)


def _oversampling(sampling: float) -> int | None:
    """Fine pixels along a camera pixel that is so many times the Nyquist limit's.

    Details too fine for a coarse camera matter less than the time they take, and so
    does what little an objective passes just beyond the camera's limit: more specimens
    teach more than exacter ones.
    """
    if sampling <= _NEARLY:
        return 1
    return 3 if sampling > 3 else None


def _draw_optics(of: OpticsRange, rng: np.random.Generator) -> Optics:
    """Some other objective and camera, as they are found on microscopes."""
    immersion = float(rng.choice([1.0, 1.33, 1.515]))
    na = immersion * rng.uniform(*of.na_over_index)
    wavelength = rng.uniform(*of.wavelength_um)
    nyquist = wavelength / (4 * na)
    return Optics(
        na=float(na),
        immersion_index=immersion,
        wavelength_um=float(wavelength),
        pixel_size_um=float(nyquist * np.exp(rng.uniform(*np.log(of.sampling)))),
    )


def _draw_specimen(
    config: SimulationConfig, rng: np.random.Generator, extent: tuple[float, ...]
) -> Specimen:
    depth, height, width = extent
    size = (depth, height, width)
    names = sorted(config.families)
    weight = np.array([config.families[name] for name in names])
    name = str(rng.choice(names, p=weight / weight.sum()))
    seed = int(rng.integers(2**31))
    if name == "volumes":
        return _recorded_object(str(rng.choice(config.volumes)), size, rng)
    unit = height / 110  # specimens are described for a field of about 110 µm
    volume = float(np.prod(size)) / 1000
    if name == "beads":
        number = math.exp(rng.uniform(math.log(15), math.log(2500)))
        return make_specimen(
            name,
            seed,
            extent_um=size,
            per_1000_um3=number / volume,
            spread=float(rng.uniform(0, 0.8)),
        )
    if name == "filaments":
        number = math.exp(rng.uniform(math.log(10), math.log(300)))
        return make_specimen(
            name,
            seed,
            extent_um=size,
            per_1000_um3=number / volume,
            length_um=40 * unit,
            stiffness_um=float(rng.uniform(5, 30)) * unit,
            spread=float(rng.uniform(0, 0.8)),
        )
    small = rng.uniform(0.5, 1.8) * unit
    return make_specimen(
        name,
        seed,
        extent_um=size,
        number=int(math.exp(rng.uniform(math.log(20), math.log(600)))),
        radius_um=(float(small), float(small * rng.uniform(1.1, 4))),
        spread=float(rng.uniform(0.1, 0.8)),
        texture=float(rng.uniform(0, 0.8)),
        haze=float(rng.uniform(0, 0.5) * rng.random()),
    )


def _recorded_object(
    file: str, extent: tuple[float, float, float], rng: np.random.Generator
) -> VoxelSpecimen:
    """A sharp stack as the object, at some scale, mirrored on until it fills all."""
    volume = _sharp(file)
    if rng.random() < 0.3:
        volume = volume.swapaxes(0, int(rng.integers(1, 3)))
    depth, height, _ = extent
    across = height / volume.shape[1] * rng.uniform(0.25, 1.2)
    along = depth / volume.shape[0] * rng.uniform(0.4, 1.3)
    sides = [math.ceil(e / across) for e in extent[1:]]
    missing = [max(0, e - n) for e, n in zip(sides, volume.shape[1:], strict=True)]
    volume = np.pad(volume, [(0, 0), *((0, n) for n in missing)], mode="symmetric")
    shift = rng.integers(0, volume.shape[1:])
    volume = np.roll(volume, tuple(shift), axis=(1, 2))[:, : sides[0], : sides[1]]
    return VoxelSpecimen(np.ascontiguousarray(volume), (along, across, across))


@lru_cache(maxsize=8)
def _sharp(file: str) -> NDArray[np.float32]:
    """Light of a stack above its background, brightest 1."""
    path = data_folder() / file
    if not path.exists():
        msg = f"{file} is not in {path.parent}: set RMZ_ACQUIRE_DATA to its folder"
        raise InputError(msg)
    counts = read_stack(path).data.astype(np.float32)
    light = np.clip(counts - np.percentile(counts, 30), 0, None)
    bright = float(np.percentile(light, 99.9))
    sharp: NDArray[np.float32] = np.minimum(light / bright, 1.5).astype(np.float32)
    return sharp
