"""Training sequences: some planes of a specimen in, some output planes wanted.

What the n-th batch is follows from the configuration and n alone (and the number of
loading processes), so a run that is resumed sees what it would have seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.wiener import WienerFilter
from rmz_acquire.training.plane_sampling import draw_planes, draw_spaced
from rmz_acquire.training.simulated import Field, simulate_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rmz_acquire.training.recorded_dataset import RecordedField
    from rmz_acquire.training.training_config import TrainingConfig

__all__ = ["Sequence", "TrainingSequences"]

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
        (P, M, H, W) float32 linear estimate after each plane; where the network does
        without, (P, 1, H, W) the one after the last.
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
class _Drawn:
    """All of a sequence that is random."""

    counts: NDArray[np.float32]
    truth: NDArray[np.float32]
    taken: NDArray[np.intp]
    wanted: NDArray[np.intp]
    scale: Normalisation


class TrainingSequences(IterableDataset[Sequence]):
    """Sequences without end (training) or a fixed few (validation).

    Parameters
    ----------
    config : TrainingConfig
        What is drawn.
    consumed : int
        Sequences of this process's share that were used before: where a resumed run
        goes on.
    specimens : int or None
        How many; None for no end.
    validation : bool
        Draw from the seeds that training never uses, one sequence a specimen.
    recorded : list of RecordedField
        Crops of dense stacks.
    rank, ranks : int
        Which of how many training processes this is.
    """

    def __init__(
        self,
        config: TrainingConfig,
        *,
        consumed: int = 0,
        specimens: int | None = None,
        validation: bool = False,
        recorded: list[RecordedField] | None = None,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self._config = config
        self._consumed = consumed
        self._specimens = specimens
        self._validation = validation
        self._recorded = recorded or []
        self._rank, self._ranks = rank, ranks
        self._filter: tuple[object, WienerFilter] | None = None

    @property
    def _per_specimen(self) -> int:
        return 1 if self._validation else self._config.simulation.sequences

    def __iter__(self) -> Iterator[Sequence]:
        """Specimens of this worker, one after another."""
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        # The loader takes batches from its workers in turn. After so many of them this
        # worker takes the place of the one whose turn would be next.
        place = self._consumed + number
        lane = self._rank * workers + place % workers
        item = place // workers
        turn, skip = divmod(item, self._per_specimen)
        while True:
            specimen = lane + self._ranks * workers * turn
            if self._specimens is not None and specimen >= self._specimens:
                return
            yield from self.sequences_of(specimen, skip)
            turn, skip = turn + 1, 0

    def sequences_of(self, number: int, skip: int = 0) -> Iterator[Sequence]:
        """All sequences of one specimen.

        Parameters
        ----------
        number : int
            Of the specimen.
        skip : int
            Sequences to leave out at the start: they are drawn, not computed.

        Yields
        ------
        Sequence
        """
        config, offset = self._config, VALIDATION_SEED if self._validation else 0
        seed = [config.seed, number + offset]
        field = self._field(number, seed)
        rng = np.random.default_rng([*seed, 1])
        for k in range(self._per_specimen):
            low, high = config.planes
            if self._validation:  # every length comes up
                m = low + (number + k) % (high - low + 1)
            else:  # short ones more often: they cost less and come first in a scan
                m = low + int((high - low + 1) * rng.random() ** 2)
            drawn = self._draw(field, m, rng)
            if k >= skip:
                yield self._finish(field, drawn)

    def _field(self, number: int, seed: list[int]) -> Field | RecordedField:
        files = self._config.files
        if files is not None and self._recorded:
            if self._validation and files.share > 0:
                return self._recorded[number % len(self._recorded)]
            rng = np.random.default_rng([*seed, 2])
            if rng.random() < files.share:
                return self._recorded[int(rng.integers(len(self._recorded)))]
        return simulate_field(self._config.simulation, seed)

    def _draw(
        self, field: Field | RecordedField, m: int, rng: np.random.Generator
    ) -> _Drawn:
        config = self._config
        crop = config.simulation.crop_px
        top, left = rng.integers(0, np.array(field.light.shape[1:]) - crop + 1)
        light = field.light[:, top : top + crop, left : left + crop]
        light = np.rot90(light, int(rng.integers(4)), axes=(1, 2))
        if rng.random() < 0.5:
            light = light[:, :, ::-1]
        if rng.random() < 0.5:
            light = light[::-1]
        taken, wanted = self._places(field, m, rng)
        counts, factor = field.expose(light, taken, rng)
        if config.normalisation == "edf":
            scale = Normalisation.of(field.truth(light, factor), "edf")
        else:
            scale = Normalisation.of(counts)
        # A live scan keeps its scale while new planes agree with it roughly.
        scale = replace(scale, scale=scale.scale * math.exp(rng.uniform(-0.25, 0.25)))
        return _Drawn(counts, field.truth(light[wanted], factor), taken, wanted, scale)

    def _places(
        self, field: Field | RecordedField, m: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Indices of the planes taken, in order, and of the output planes."""
        config, n = self._config, len(field.z_um)
        if config.spacing_um is None:
            taken, wanted = draw_planes(n, m, config.targets, rng)
        else:
            # a specimen under another objective has its own axial scale
            grid = config.simulation.z_step_um * np.arange(n)
            taken = draw_spaced(grid, m, config.spacing_um, rng)
            wanted = np.resize(rng.permutation(n), config.targets)
        if config.network.kind == "unet3d":
            start = int(rng.integers(0, n - config.targets + 1))
            wanted = np.arange(start, start + config.targets)
        if config.order == "sorted":
            taken = np.sort(taken)
        elif config.order == "shuffled":
            taken = rng.permutation(taken)
        return taken, wanted

    def _finish(self, field: Field | RecordedField, drawn: _Drawn) -> Sequence:
        scale = drawn.scale
        planes = torch.from_numpy(scale.apply(drawn.counts))
        m = len(planes)
        wiener = self._wiener(field)
        z = torch.from_numpy(np.asarray(field.z_um, dtype=np.float64))
        z_in, z_out = z[drawn.taken], z[drawn.wanted]
        used = range(m) if self._config.network.prior == "wiener" else [m - 1]
        linear = [wiener.estimate(planes[: k + 1], z_in[: k + 1], z_out) for k in used]
        priors = torch.stack([estimate.volume for estimate in linear], dim=1)
        dz = (z_out[:, None] - z_in[None, :]) * field.believed.blur_radius_px_per_um
        target = torch.from_numpy(scale.apply(drawn.truth))
        return Sequence(planes, dz.float(), priors, linear[-1].error, target)

    def _wiener(self, field: Field | RecordedField) -> WienerFilter:
        key = (field.believed, tuple(field.z_um.tolist()))
        if self._filter is None or self._filter[0] != key:
            z = torch.from_numpy(np.asarray(field.z_um, dtype=np.float64))
            self._filter = key, WienerFilter(field.believed, z)
        return self._filter[1]
