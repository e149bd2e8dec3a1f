"""What all experiments stand on: held-out stacks, the estimators, figures by plane."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.acceptance import BY_DEFAULT, LAYERS
from rmz_acquire.evaluation.held_out import HeldOut, simulate
from rmz_acquire.evaluation.metrics import data_range, ssim
from rmz_acquire.models import LoadedModel, default_for, load_model
from rmz_acquire.reconstruction import BASELINES, make_estimator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.evaluation.evaluation_config import DataSet, EvaluationConfig, Size
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction import VolumeEstimator

__all__ = ["UNTRAINED", "Contender", "Study", "by_plane"]

logger = logging.getLogger(__name__)

_KEPT_BYTES = 10**9
_KEPT_STACKS = 32
"""Experiments come back to the same stacks, and to the volumes of them."""

UNTRAINED = (LAYERS, *BASELINES)
"""Contenders that need no model, in every comparison."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One estimator in the comparison.

    Attributes
    ----------
    label : str
        In tables and figures.
    estimator : str
        A name that `make_estimator` knows.
    model : LoadedModel or None
        Of a network.
    """

    label: str
    estimator: str
    model: LoadedModel | None = None

    @property
    def key(self) -> str:
        """The same for those that make the same, whatever they are called."""
        return self.estimator if self.model is None else self.model.sha256

    @property
    def remembers(self) -> bool:
        """Whether what it makes of planes depends on how they came."""
        return self.estimator in ("recurrent-mz", "richardson-lucy")

    def fresh(self, z_um: NDArray[np.float64], optics: Optics) -> VolumeEstimator:
        """Make it, with no plane seen."""
        return make_estimator(self.estimator, z_um, optics, model=self.model)


class Study:
    """A configuration at work: makes stacks and volumes, each once.

    Parameters
    ----------
    config : EvaluationConfig
        What is done.
    size : Size
        How much of it.
    on_step : callable, optional
        Is told what begins.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        size: Size,
        *,
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        self.config, self.size = config, size
        self._say = on_step or (lambda _: None)
        self._models: dict[str, LoadedModel | None] = {}
        self._stack = lru_cache(maxsize=_KEPT_STACKS)(self._simulate)
        self._used: dict[str, str | None] = {}
        self._volumes: dict[
            tuple[str, HeldOut, tuple[int, ...], tuple[float, ...]],
            NDArray[np.float32],
        ] = {}

    def say(self, what: str) -> None:
        """Tell what begins."""
        self._say(what)

    def seeds(self, number: int | None = None) -> range:
        """Of the specimens; by default as many as the size tells."""
        first = self.config.seed
        return range(first, first + (number or self.size.seeds))

    def model(self, name: str) -> LoadedModel | None:
        """Load a model, once; None where it is not there."""
        model = self._load(name)
        self._used[name] = model.sha256 if model else None
        return model

    def _load(self, name: str) -> LoadedModel | None:
        if name not in self._models:
            try:
                self._models[name] = load_model(name)
            except InputError as error:
                logger.info("%s", error)
                self._models[name] = None
        return self._models[name]

    def budget(self, name: str) -> dict[str, Any] | None:
        """What a model had seen, as its card tells; None where it is not there."""
        model = self._load(name)
        return None if model is None else model.card.budget.model_dump()

    def models_used(self) -> dict[str, str | None]:
        """Hashes of the models asked for since the last call; None: not there."""
        used, self._used = self._used, {}
        return used

    def contenders(
        self, name: str, *, only: Iterable[str] | None = None
    ) -> tuple[list[Contender], list[str]]:
        """Networks that have a model for a data set, and the baselines.

        Parameters
        ----------
        name : str
            Of the data set.
        only : iterable of str, optional
            Labels; by default all.

        Returns
        -------
        (list of Contender, list of str)
            Those that can be made, and the labels of those that are missing.
        """
        found, missing = [], []
        wanted = None if only is None else set(only)
        for label, entry in self.dataset(name).models.items():
            if wanted is not None and label not in wanted:
                continue
            model = self.model(entry.model)
            if model is None:
                missing.append(f"{label} ({entry.model})")
            else:
                found.append(Contender(label, entry.estimator, model))
        if wanted is None or BY_DEFAULT in wanted:
            data = self.dataset(name)
            half = data.z_range_um / 2
            z_um = np.arange(-half, half + 1e-6, data.z_step_um)
            found += self.by_default(data.optics, z_um)
        for each in UNTRAINED:
            if wanted is None or each in wanted:
                found.append(Contender(each, each))
        return found, missing

    def by_default(self, optics: Optics, z_um: NDArray[np.float64]) -> list[Contender]:
        """What a scan uses by default, unless that is richardson-lucy alone."""
        name, chosen, _ = default_for([(optics, z_um)])
        model = None if chosen is None else self.model(chosen)
        return [] if model is None else [Contender(BY_DEFAULT, name, model)]

    def dataset(self, name: str) -> DataSet:
        """Look up a data set."""
        sets: dict[str, DataSet] = dict(self.config.more_sets)
        sets.update({str(key): value for key, value in self.config.sets.items()})
        return sets[name]

    def stack(
        self,
        name: str,
        seed: int,
        *,
        side_px: int | None = None,
        z_every: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> HeldOut:
        """Make a held-out stack of a data set, at the planes that are compared.

        Parameters
        ----------
        name : str
            Of the data set.
        seed : int
            Of the specimen.
        side_px, z_every : int, optional
            In place of the size's.
        options : dict, optional
            Of the specimen, in place of some of the data set's.

        Returns
        -------
        HeldOut
        """
        data = self.dataset(name)
        side_px = side_px or min(data.side_px or self.size.side_px, self.size.side_px)
        z_every = z_every or data.z_every or self.size.z_every
        options = {**data.options, **(options or {})}
        return self._stack(name, seed, side_px, z_every, tuple(sorted(options.items())))

    def _simulate(
        self,
        name: str,
        seed: int,
        side_px: int,
        z_every: int,
        options: tuple[tuple[str, Any], ...],
    ) -> HeldOut:
        data = self.dataset(name)
        step = data.z_step_um * z_every
        half = int(data.z_range_um / 2 / step + 1e-6)
        z = np.arange(-half, half + 1, dtype=np.float64) * step
        self.say(f"simulating {name} {seed}")
        return simulate(
            data.specimen,
            seed,
            data.optics,
            z,
            side_px=side_px,
            exposure_ms=data.exposure_ms,
            options=dict(options),
        )

    def volumes(
        self,
        contender: Contender,
        stack: HeldOut,
        planes: Sequence[int],
        *,
        z_um: Sequence[float] | None = None,
    ) -> list[NDArray[np.float32]]:
        """Volumes after each plane of a sequence.

        Parameters
        ----------
        contender : Contender
            Who makes them.
        stack : HeldOut
            Of what.
        planes : sequence of int
            Indices of the planes, in the order given.
        z_um : sequence of float, optional
            Where the estimator is told that they lie; by default where they do.

        Returns
        -------
        list of ndarray
            (Z, Y, X) each, counts; not to be changed.
        """
        told = self._told(stack, planes, z_um)
        estimator = None
        made: list[NDArray[np.float32]] = []
        for m in range(1, len(planes) + 1):
            known = self._recall(contender, stack, planes[:m], told[:m])
            if known is None:
                if estimator is None:
                    estimator = contender.fresh(stack.z_um, stack.optics)
                for i in range(estimator.planes_taken, m):
                    known = estimator.add(stack.counts[planes[i]], told[i]).volume
                assert known is not None
                known = self._remember(
                    contender, stack, planes[:m], told[:m], known.copy()
                )
            made.append(known)
        return made

    def volume(
        self,
        contender: Contender,
        stack: HeldOut,
        planes: Sequence[int],
        *,
        z_um: Sequence[float] | None = None,
    ) -> NDArray[np.float32]:
        """Volume after all planes; parameters as `volumes`."""
        if contender.remembers:
            return self.volumes(contender, stack, planes, z_um=z_um)[-1]
        told = self._told(stack, planes, z_um)
        known = self._recall(contender, stack, planes, told)
        if known is not None:
            return known
        estimator = contender.fresh(stack.z_um, stack.optics)
        made = estimator.add_all(stack.counts[list(planes)], told)
        return self._remember(contender, stack, planes, told, made)

    @staticmethod
    def _told(
        stack: HeldOut, planes: Sequence[int], z_um: Sequence[float] | None
    ) -> list[float]:
        return [float(z) for z in (stack.z_um[list(planes)] if z_um is None else z_um)]

    def _recall(self, *key: Any) -> NDArray[np.float32] | None:
        who, stack, planes, told = key
        return self._volumes.get((who.key, stack, tuple(planes), tuple(told)))

    def _remember(
        self,
        who: Contender,
        stack: HeldOut,
        planes: Sequence[int],
        told: Sequence[float],
        volume: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Keep the latest volumes: experiments ask for many of them again.

        Not of those that take no time, nor of planes at drawn places: nobody comes
        back to these.
        """
        volume.flags.writeable = False
        if who.estimator in BASELINES or list(told) != self._told(stack, planes, None):
            return volume
        self._volumes[who.key, stack, tuple(planes), tuple(told)] = volume
        while sum(v.nbytes for v in self._volumes.values()) > _KEPT_BYTES:
            self._volumes.pop(next(iter(self._volumes)))
        return volume

    def inputs_um(self, name: str, m: int = 3) -> list[float]:
        """Where M input planes lie, µm: the set's spacing, around the middle."""
        spacing = self.dataset(name).spacing_um
        return [(i - (m - 1) / 2) * spacing for i in range(m)]


def by_plane(
    truth: NDArray[np.float32],
    made: NDArray[np.float32],
    *,
    with_ssim: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """PSNR, NRMSE and SSIM of every plane, on the scale of the whole truth.

    Parameters
    ----------
    truth, made : ndarray
        (Z, Y, X) counts.
    with_ssim : bool
        SSIM too, which takes longer.

    Returns
    -------
    dict of str to ndarray
        "psnr_db", "nrmse", "rmse" and perhaps "ssim", (Z,) each.
    """
    error = np.sqrt(np.mean((made - truth).astype(np.float64) ** 2, axis=(1, 2)))
    span, spread = data_range(truth), float(truth.std(dtype=np.float64))
    out = {
        "rmse": error,
        "nrmse": error / spread,
        "psnr_db": 20 * np.log10(span / np.maximum(error, 1e-9)),
    }
    if with_ssim:
        keep = np.eye(len(truth), dtype=bool)
        values = [ssim(truth, made, only) for only in keep]
        out["ssim"] = np.array([np.nan if v is None else v for v in values])
    return out
