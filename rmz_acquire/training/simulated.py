"""Training sequences from simulated specimens, made while training runs.

Every specimen, its optics and its noise follow from one integer, so a run that is
resumed sees what it would have seen, and validation never meets training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from rmz_acquire.optics import Aberrations, Optics
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.wiener import WienerFilter
from rmz_acquire.simulation.specimens import Specimen, make_specimen
from rmz_acquire.simulation.widefield import CameraModel, WideField
from rmz_acquire.training.planes import draw_planes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rmz_acquire.training.config import SimulationConfig, TrainingConfig

__all__ = ["Field", "Sequence", "SimulatedSequences", "simulate_field"]

VALIDATION_SEED = 1_000_000_000
"""Added to a specimen's number in validation; training stays below."""


class Sequence(NamedTuple):
    """M planes and P output planes, all normalised.

    Attributes
    ----------
    planes : Tensor
        (M, H, W) float32.
    dz_px : Tensor
        (P, M) float32 z_out - z_plane as signed blur radius, pixels.
    priors : Tensor
        (P, M, H, W) float32 linear estimate after each plane.
    prior_error : Tensor
        (P,) float32 RMS error that the last estimate predicts for itself.
    target : Tensor
        (P, H, W) float32, without noise.
    """

    planes: Tensor
    dz_px: Tensor
    priors: Tensor
    prior_error: Tensor
    target: Tensor


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
        believed = _draw_optics(rng)
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
    n = config.grid_planes
    step = config.z_step_um * axial
    z = (np.arange(n) - (n - 1) / 2) * step
    side = (config.field_px + 2 * config.margin_px) * believed.pixel_size_um
    beyond = rng.uniform(1.0, 1.3)
    extent = (float(n * step * beyond), 1.1 * side, 1.1 * side)
    specimen = _draw_specimen(config, rng, extent)
    phase, reach = rng.uniform(-0.5, 0.5) * step, extent[0] / 2 + 3 * step
    field = WideField(
        specimen,
        truth,
        shape=(config.field_px, config.field_px),
        z_range_um=(phase - reach, phase + reach),
        layer_um=step,
        margin_px=config.margin_px,
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


def _draw_optics(rng: np.random.Generator) -> Optics:
    """Some other objective and camera, as they are found on microscopes."""
    immersion = float(rng.choice([1.0, 1.33, 1.515]))
    na = immersion * rng.uniform(0.3, 0.93)
    wavelength = rng.uniform(0.45, 0.68)
    nyquist = wavelength / (4 * na)
    return Optics(
        na=float(na),
        immersion_index=immersion,
        wavelength_um=float(wavelength),
        pixel_size_um=float(nyquist * rng.uniform(0.7, 2.6)),
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


class SimulatedSequences(IterableDataset[Sequence]):
    """Sequences without end (training) or a fixed few (validation).

    Parameters
    ----------
    config : TrainingConfig
        What is drawn.
    consumed : int
        Sequences that a run has had already: where it goes on when resumed, with as
        many workers as before.
    specimens : int or None
        How many; None for no end.
    validation : bool
        Draw from the seeds that training never uses, one sequence a specimen.
    """

    def __init__(
        self,
        config: TrainingConfig,
        *,
        consumed: int = 0,
        specimens: int | None = None,
        validation: bool = False,
    ) -> None:
        self._config = config
        self._consumed = consumed
        self._specimens = specimens
        self._validation = validation
        self._filter: tuple[Optics, WienerFilter] | None = None

    def __iter__(self) -> Iterator[Sequence]:
        """Specimens of this worker, one after another."""
        worker = get_worker_info()
        number, of = (worker.id, worker.num_workers) if worker else (0, 1)
        # A loader asks its workers in turn, from the first one on: this one takes the
        # place of whoever was next, and leaves out what that one had given.
        number = (number + self._consumed) % of
        given = (self._consumed - number + of - 1) // of
        each = 1 if self._validation else self._config.simulation.sequences
        i, skip = number + given // each * of, given % each
        while self._specimens is None or i < self._specimens:
            yield from islice(self.sequences_of(i), skip, None)
            i, skip = i + of, 0

    def sequences_of(self, number: int) -> Iterator[Sequence]:
        """All sequences of one specimen.

        Parameters
        ----------
        number : int
            Of the specimen.

        Yields
        ------
        Sequence
        """
        config, offset = self._config, VALIDATION_SEED if self._validation else 0
        seed = [config.seed, number + offset]
        field = simulate_field(config.simulation, seed)
        rng = np.random.default_rng([*seed, 1])
        for k in range(1 if self._validation else config.simulation.sequences):
            low, high = config.planes
            if self._validation:  # every length comes up
                m = low + (number + k) % (high - low + 1)
            else:  # short ones more often: they cost less and come first in a scan
                m = low + int((high - low + 1) * rng.random() ** 2)
            yield self._sequence(field, m, rng)

    def _sequence(self, field: Field, m: int, rng: np.random.Generator) -> Sequence:
        crop = self._config.simulation.crop_px
        top, left = rng.integers(0, np.array(field.light.shape[1:]) - crop + 1)
        light = field.light[:, top : top + crop, left : left + crop]
        light = np.rot90(light, int(rng.integers(4)), axes=(1, 2))
        if rng.random() < 0.5:
            light = light[:, :, ::-1]
        if rng.random() < 0.5:
            light = light[::-1]
        n = len(field.z_um)
        taken, wanted = draw_planes(n, m, self._config.targets, rng)
        counts = field.camera.expose(light[taken], 1.0, rng).astype(np.float32)
        scale = Normalisation.of(counts)
        # A live scan keeps its scale while new planes agree with it roughly.
        scale = replace(scale, scale=scale.scale * math.exp(rng.uniform(-0.25, 0.25)))
        planes = torch.from_numpy(scale.apply(counts))
        truth = field.camera.expected(np.ascontiguousarray(light[wanted]), 1.0)
        wiener = self._wiener(field)
        z = torch.from_numpy(field.z_um)
        z_in, z_out = z[taken], z[wanted]
        linear = [
            wiener.estimate(planes[: k + 1], z_in[: k + 1], z_out) for k in range(m)
        ]
        priors = torch.stack([estimate.volume for estimate in linear], dim=1)
        dz = (z_out[:, None] - z_in[None, :]) * field.believed.blur_radius_px_per_um
        target = torch.from_numpy(scale.apply(truth))
        return Sequence(planes, dz.float(), priors, linear[-1].error, target)

    def _wiener(self, field: Field) -> WienerFilter:
        if self._filter is None or self._filter[0] != field.believed:
            fresh = WienerFilter(field.believed, torch.from_numpy(field.z_um))
            self._filter = field.believed, fresh
        return self._filter[1]
