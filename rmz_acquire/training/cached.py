"""Training samples for the network on the richardson-lucy prior.

The prior costs seconds a specimen, so it is computed once and kept in the run's folder.
What the n-th sample is follows from the configuration and n alone: a folder whose
cache is lost makes it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from rmz_acquire.atomic_io import replace_file
from rmz_acquire.networks import Prior
from rmz_acquire.reconstruction.layers_prior import prior_of
from rmz_acquire.reconstruction.normalisation import Normalisation
from rmz_acquire.reconstruction.richardson_lucy import RichardsonLucyEstimator
from rmz_acquire.training.plane_sampling import draw_planes
from rmz_acquire.training.sequences import VALIDATION_SEED
from rmz_acquire.training.simulated import simulate_field

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.training.training_config import TrainingConfig

__all__ = ["BATCH", "CachedSequences", "LayersSample"]

FOLDER = "priors"

_KEPT = 3
"""Priors of a specimen at most: after its first planes at once, then one by one."""

_SPREAD = 0.8
"""Share of specimens whose planes lie over the whole grid, as those of a scan."""

BATCH = 4
"""Samples at once: alone, such small ones take four times as long on a CPU."""

_CROP_PLANES = 32
"""Output planes of a sample at most: the network sees nine to both sides."""


class LayersSample(NamedTuple):
    """A prior after some planes, and the truth; of one specimen or of several.

    Attributes
    ----------
    prior : Prior
        Normalised.
    target : Tensor
        (Z, Y, X) normalised alike, without noise.
    """

    prior: Prior
    target: Tensor


class CachedSequences(IterableDataset[LayersSample]):
    """Sequences without end from a growing set of specimens, or a fixed few.

    Parameters
    ----------
    config : TrainingConfig
        With `cache`.
    folder : Path
        Of the run: priors are kept in a folder in it.
    consumed : int
        Batches of this process's share that were used before: where a resumed run
        goes on.
    specimens : int or None
        How many, one sequence each, for validation; None for training without end.
    rank, ranks : int
        Which of how many training processes this is: no two see the same.
    """

    def __init__(
        self,
        config: TrainingConfig,
        folder: Path,
        *,
        consumed: int = 0,
        specimens: int | None = None,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self._config, self._folder = config, folder / FOLDER
        self._consumed, self._specimens = consumed, specimens
        self._rank, self._ranks = rank, ranks

    def __iter__(self) -> Iterator[LayersSample]:
        """Sequences of this worker, one after another."""
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        if self._specimens is not None:
            for n in range(number, self._specimens, workers):
                yield self.sequence(n + VALIDATION_SEED)
            return
        place = self._consumed + number
        while True:
            n = place * self._ranks + self._rank
            yield self._together(range(n * BATCH, (n + 1) * BATCH))
            place += workers

    def _together(self, samples: range) -> LayersSample:
        """Some samples of training, stacked."""
        made = []
        for n in samples:
            rng = np.random.default_rng([self._config.seed, n, 3])
            made.append(self.sequence(self._which(n, rng), rng))
        priors = zip(*(sample.prior for sample in made), strict=True)
        targets = torch.stack([sample.target for sample in made])
        return LayersSample(Prior(*(torch.stack(each) for each in priors)), targets)

    def _which(self, n: int, rng: np.random.Generator) -> int:
        """Specimen of a sample: a new one now and then, else one of those met."""
        cache = self._config.cache
        assert cache is not None
        met = n // cache.uses
        if n % cache.uses == 0 and met < cache.specimens:
            return met
        return int(rng.integers(min(met + 1, cache.specimens)))

    def sequence(
        self, specimen: int, rng: np.random.Generator | None = None
    ) -> LayersSample:
        """One prior of a specimen.

        Parameters
        ----------
        specimen : int
            Its number.
        rng : numpy.random.Generator, optional
            Of crop, turn and planes; None takes the whole field after the last plane.

        Returns
        -------
        LayersSample
        """
        kept = self._priors(specimen)
        volumes, target = kept["volumes"], kept["target"]
        which = len(volumes) - 1
        grid = slice(None)
        turns, mirrored, upside_down = 0, False, False
        if rng is not None:
            which = int(rng.integers(len(volumes)))
            crop = self._config.simulation.crop_px
            top, left = rng.integers(0, np.array(target.shape[1:]) - crop + 1)
            low = int(rng.integers(max(0, len(target) - _CROP_PLANES) + 1))
            grid = slice(low, low + _CROP_PLANES)
            window = (grid, slice(top, top + crop), slice(left, left + crop))
            volumes, target = volumes[..., *window], target[window]
            turns = int(rng.integers(4))
            mirrored, upside_down = rng.random() < 0.5, rng.random() < 0.5

        def turned(volume: NDArray[Any]) -> Tensor:
            volume = np.rot90(volume, turns, axes=(-2, -1))
            volume = volume[..., ::-1] if mirrored else volume
            volume = volume[::-1] if upside_down else volume
            return torch.from_numpy(volume.astype(np.float32))

        before, after = torch.from_numpy(kept["distances"][which][:, grid])
        if upside_down:
            before, after = after.flip(0), before.flip(0)
        estimate, wiener, light = (turned(volume) for volume in volumes[which])
        return LayersSample(
            Prior(estimate, wiener, light, before, after), turned(target)
        )

    def _priors(self, specimen: int) -> dict[str, NDArray[Any]]:
        """From the cache, or computed and kept."""
        path = self._folder / f"{specimen}.npz"
        if not path.exists():
            made = _compute(self._config, specimen)
            self._folder.mkdir(parents=True, exist_ok=True)
            with replace_file(path) as file:
                np.savez(file, allow_pickle=False, **made)
        with np.load(path) as kept:
            return {name: kept[name] for name in kept.files}


def _compute(config: TrainingConfig, specimen: int) -> dict[str, NDArray[Any]]:
    """Priors after every plane of a specimen, normalised, in half precision."""
    cache = config.cache
    assert cache is not None
    field = simulate_field(config.simulation, [config.seed, specimen])
    rng = np.random.default_rng([config.seed, specimen, 1])
    low, high = config.planes
    m = int(rng.integers(low, high + 1))
    if specimen >= VALIDATION_SEED:
        m = low + specimen % (high - low + 1)
    n = len(field.z_um)
    taken, _ = draw_planes(n, m, 1, rng)
    if rng.random() < _SPREAD:
        places = (np.arange(m) + 0.5 + rng.uniform(-0.2, 0.2, m)) * n / m
        taken = rng.permutation(places.astype(np.intp))
    counts, factor = field.expose(field.light, taken, rng)
    truth = field.truth(field.light, factor)
    # the stage's steps are longer than those of the focus
    z_um = np.asarray(field.z_um, dtype=np.float64)
    if rng.random() < cache.z_scaled:
        z_um = z_um / rng.uniform(*cache.z_scale)
    estimator = RichardsonLucyEstimator(z_um, field.believed, device="cpu")
    # few priors of every specimen: later ones cost more and are much alike
    at_once = max(1, m - int(rng.integers(_KEPT)))
    estimator.add_all(counts[:at_once], z_um[taken[:at_once]])
    scale = Normalisation.of(counts)
    priors = [prior_of(estimator, field.believed, scale)]
    for image, z in zip(counts[at_once:], z_um[taken[at_once:]], strict=True):
        estimator.add(image, float(z))
        priors.append(prior_of(estimator, field.believed, scale))
    return {
        "volumes": torch.stack([torch.stack(p[:3]) for p in priors]).half().numpy(),
        "distances": torch.stack([torch.stack(p[3:]) for p in priors]).numpy(),
        "target": scale.apply(truth).astype(np.float16),
    }
