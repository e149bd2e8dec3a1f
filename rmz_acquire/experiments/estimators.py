"""An estimator for every volume: its optics by channel, its model loaded once."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.channel_imaging import optics_of
from rmz_acquire.experiments.keys import key_of
from rmz_acquire.experiments.on_regions import Deciding
from rmz_acquire.experiments.own import Own
from rmz_acquire.experiments.spreads import check_spread, wanting
from rmz_acquire.experiments.target_calibration import (
    check_calibration,
    conditions_now,
)
from rmz_acquire.methods import AUTO, METHODS, NO_VOLUME, method_of
from rmz_acquire.models import (
    DEFAULT_MODEL,
    LoadedModel,
    default_for,
    load_model,
    misfits_of,
    read_card,
    suitable_model,
)
from rmz_acquire.models.store import CARD
from rmz_acquire.plugins import ESTIMATOR, POLICY, STOP_RULE, full_name
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.torch_device import check_device
from rmz_acquire.scanning import (
    POLICY_NAMES,
    RULE_NAMES,
    NoEstimator,
    make_policy,
    make_rule,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.experiments.block import ExperimentSettings
    from rmz_acquire.experiments.channel_imaging import Imagings
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.optics import Optics
    from rmz_acquire.reconstruction import VolumeEstimator
    from rmz_acquire.scanning import Estimator

__all__ = ["Estimators", "check_method"]

logger = logging.getLogger(__name__)

_LAYERS = "richardson-lucy"


def check_method(settings: ExperimentSettings, model: str | None = None) -> None:
    """Refuse a model that does not exist, or for an estimator that has none.

    Parameters
    ----------
    settings : ExperimentSettings
        The block.
    model : str, optional
        Name or folder of the model, where it is known better than by the block.

    Raises
    ------
    InputError
        Naming the key.
    """
    name = model or settings.model
    if name is None:
        if method_of(settings.estimator).model and settings.estimator != "recurrent-mz":
            msg = f"{BLOCK}.model is missing: name one for {settings.estimator}"
            raise InputError(msg)
        return
    if not method_of(settings.estimator).model:
        msg = f"{BLOCK}.model: the {settings.estimator} estimator has none"
        raise InputError(msg)
    with key_of(f"{BLOCK}.model"):
        kind = read_card(name).network.kind
        if kind != settings.estimator:
            msg = f"{name} is a {kind} network, not a {settings.estimator} one"
            raise InputError(msg)


class Estimators:
    """Makes the estimators of an experiment.

    Parameters
    ----------
    settings : ExperimentSettings
        Which estimator, which model, and what the configuration does not tell.
    volumes : sequence of Volume
        What they are made for, in the order taken.
    imagings : Imagings
        How these are imaged.
    model : str, optional
        Name or folder of the model, where it is known; by default that of the
        settings, or the one that fits all channels and ranges.
    own : Own, optional
        What was handed over.

    Raises
    ------
    InputError
        If an estimator needs optics that are not known. Names the key.
    """

    def __init__(
        self,
        settings: ExperimentSettings,
        volumes: Sequence[Volume],
        imagings: Imagings,
        model: str | None = None,
        own: Own | None = None,
    ) -> None:
        self._settings = settings
        self._foreign = settings.estimator not in (*METHODS, NO_VOLUME)
        self._volumes = volumes
        self._imagings = imagings
        self._deciding: dict[tuple[tuple[int, int], tuple[float, ...]], Deciding] = {}
        #: What memory is needed, a line for each kind of volume that is large.
        self.memory: list[str] = []
        #: What was handed over.
        self.own = own or Own()
        self._name = model or settings.model
        self._optics: dict[tuple[int, int], Optics] = {}
        self._channels: dict[tuple[int, int], str] = {}
        self._uses: dict[tuple[tuple[int, int], tuple[float, ...]], None] = {}
        needed = method_of(settings.estimator).optics and not self._foreign
        for volume in volumes:
            if volume.single:
                continue
            place = _place(volume)
            if place not in self._optics:
                self._channels[place] = volume.channel or ""
                try:
                    self._optics[place] = optics_of(settings.optics, imagings, volume)
                except InputError:
                    if needed:
                        raise
                    continue  # somebody else's says whether it needs them
            self._uses[place, tuple(sorted(volume.z_um))] = None
        #: Why the default has no network here, in a line.
        self._without = ""
        if settings.estimator == AUTO:
            uses = [(self._optics[place], z_um) for place, z_um in self._uses]
            name, self._name, self._without = default_for(uses)
            self._settings = settings.model_copy(update={"estimator": name})

    @cached_property
    def _model(self) -> LoadedModel | None:
        """The model, loaded when it is needed first: not to look at pictures only."""
        if not method_of(self._settings.estimator).model:
            return None
        with key_of(f"{BLOCK}.model"):
            return load_model(self._name or self._suitable())

    def _suitable(self) -> str:
        """The bundled model that fits all channels and ranges, or the first."""
        uses = [(self._optics[place], z_um) for place, z_um in self._uses]
        if not uses:
            return DEFAULT_MODEL
        (optics, z_um), *others = uses
        return suitable_model(optics, z_um, others)

    def optics_of(self, volume: Volume) -> Optics | None:
        """Give the optics that a volume is made with; None where not known."""
        return self._optics.get(_place(volume))

    def check(self) -> None:
        """Check that the model fits every channel on every grid.

        Raises
        ------
        InputError
            If it does not, and the experiment is strict about it.
        """
        self._try_own()
        self._check_model()
        check_spread(self._settings, on_layers=self._on_layers)
        self._check_calibration()
        self._check_memory()

    def _check_model(self) -> None:
        if self._without:
            logger.warning("%s", self._without)
        if not method_of(self._settings.estimator).model:
            return
        with key_of(f"{BLOCK}.device"):
            check_device(self._settings.device)
        if self._model is None:
            return
        if self._settings.misfit != "warn" and not self._on_layers:
            msg = f"{BLOCK}.misfit: the model {self._model.card.name} tells none"
            raise InputError(msg)
        told: set[str] = set()
        many = len(set(self._channels.values())) > 1
        for place, z_um in self._uses:
            optics = self._optics[place]
            with key_of(f"{BLOCK}.model"):
                misfits = misfits_of(
                    self._model.card, optics, z_um, strict=self._settings.strict
                )
            for line in misfits:
                line = f"channel {self._channels[place]}: {line}" if many else line
                if line not in told:
                    logger.warning("%s", line)
                told.add(line)

    def _check_calibration(self) -> None:
        if self._settings.calibration is None:
            return
        for volume in self._volumes:
            if not volume.single:
                check_calibration(self._settings, **self._facts(volume))

    def conditions(self, volume: Volume) -> dict[str, Any]:
        """Give the settings on which a calibration of its stop hangs."""
        return conditions_now(self._settings, **self._facts(volume))

    def _facts(self, volume: Volume) -> dict[str, Any]:
        model = self._model
        return {
            "plan": volume.plan(self._settings),
            "model_sha256": None if model is None else model.sha256,
            "optics": self.optics_of(volume),
            "shape": self._imagings.of(volume).shape,
            "on_regions": self.deciding(volume).on_regions,
        }

    def make(self, volume: Volume, z_um: Sequence[float]) -> Estimator:
        """Make a fresh estimator for a volume."""
        if self._settings.estimator == NO_VOLUME:
            return NoEstimator(z_um)
        if self._foreign:
            self.deciding(volume)
            with key_of(f"{BLOCK}.estimator"):
                return self.own.make_estimator(
                    self._settings.estimator, z_um, self.optics_of(volume)
                )
        seed = (self._settings.seed, volume.number)
        deciding = self.deciding(volume)
        makes = self._to_decide if deciding.on_regions else self._of_ours
        return deciding.make(makes, np.asarray(z_um), seed)

    def make_whole(self, volume: Volume) -> VolumeEstimator:
        """Make a fresh estimator of the whole picture, or of tiles of it; of ours.

        Where the spread is to be kept, what it makes has that behind the volume.
        """
        made = self._of_ours(np.array(sorted(volume.z_um)), self.optics_of(volume))
        return wanting(made, self._settings)

    def deciding(self, volume: Volume) -> Deciding:
        """Tell on what the scan of a volume decides.

        Raises
        ------
        InputError
            If the regions that are given do not fit. Names the key.
        """
        use = _place(volume), volume.z_um
        if use not in self._deciding:
            shape, optics = self._imagings.of(volume).shape, self.optics_of(volume)
            plan = volume.plan(self._settings)
            settings = self._settings
            if self._on_layers:
                settings = settings.model_copy(update={"estimator": _LAYERS})
            self._deciding[use] = Deciding(settings, shape, optics, plan)
        return self._deciding[use]

    def render(self, volume: Volume) -> str | None:
        """When its whole volume is made; None where its estimator makes it."""
        if self._foreign or self._settings.estimator == NO_VOLUME:
            return None
        return self.deciding(volume).render

    @cached_property
    def _on_layers(self) -> bool:
        """Whether a network goes on richardson-lucy: scans decide as that does."""
        if not method_of(self._settings.estimator).model:
            return False
        with key_of(f"{BLOCK}.model"):
            card = read_card(self._name or self._suitable())
        return card.network.prior == _LAYERS

    def _to_decide(
        self, z_um: NDArray[np.float64], optics: Optics | None
    ) -> VolumeEstimator:
        """Of tiles, whose pixels a network may never have seen binned."""
        if not self._on_layers:
            return self._of_ours(z_um, optics)
        return make_estimator(_LAYERS, z_um, optics, device=self._settings.device)

    def _of_ours(
        self, z_um: NDArray[np.float64], optics: Optics | None
    ) -> VolumeEstimator:
        return make_estimator(
            self._settings.estimator,
            z_um,
            optics,
            model=self._model,
            device=self._settings.device,
        )

    def _check_memory(self) -> None:
        """See that what is large fits, and note what it needs."""
        if self._settings.estimator == NO_VOLUME:
            return
        seen = set()
        for volume in self._volumes:
            use = _place(volume), volume.z_um
            if volume.single or use in seen:
                continue
            seen.add(use)
            deciding = self.deciding(volume)
            if self._foreign or not deciding.large:
                continue
            planes = volume.plan(self._settings).max_planes
            line = deciding.check_memory(self.make_whole(volume), planes)
            if line not in self.memory:
                self.memory.append(line)

    def describe(self) -> dict[str, Any]:
        """What they all are, for run.json."""
        model = self._model
        optics: dict[str, Optics] = {}
        for place, one in self._optics.items():
            name = self._channels[place]
            if optics.setdefault(name, one) != one:
                optics[f"{name} at position {place[0]}"] = one
        return {
            "estimator": full_name(ESTIMATOR, self._settings.estimator),
            "model": None if model is None else model.card.name,
            "model_path": self._path(),
            "model_sha256": None if model is None else model.sha256,
            "optics": {name: one.model_dump() for name, one in optics.items()} or None,
            **self.foreign_rules(),
        }

    def foreign_rules(self) -> dict[str, str]:
        """Policy and stop rule, where they are somebody else's."""
        policy, rule = self._settings.policy, self._settings.stop_rule
        found = {} if policy in POLICY_NAMES else {"policy": full_name(POLICY, policy)}
        if rule in RULE_NAMES:
            return found
        return {**found, "stop_rule": full_name(STOP_RULE, rule)}

    def _try_own(self) -> None:
        """Make what is somebody else's once for every grid, before anything moves."""
        settings, tried = self._settings, set[tuple[float, ...]]()
        if not self._foreign and not self.foreign_rules():
            return
        self.own.check_count(sum(not volume.single for volume in self._volumes))
        for volume in self._volumes:
            if volume.single or volume.z_um in tried:
                continue
            tried.add(volume.z_um)
            plan = volume.plan(settings)
            if self._foreign:
                self.make(volume, plan.z_um)
            with key_of(f"{BLOCK}.policy"):
                policy = self.own.policy_for(plan) or make_policy(plan)
                try:
                    first = policy.next_z(())
                except InputError:
                    raise
                except Exception as error:
                    raise InputError(message_of(error, typed=True)) from error
                if first is None:
                    msg = f"{full_name(POLICY, settings.policy)} asks for no plane"
                    raise InputError(msg)
            with key_of(f"{BLOCK}.stop_rule"):
                self.own.rule_for(plan) or make_rule(plan)

    def _path(self) -> str | None:
        """Where a model lies that is named by its folder, from wherever one looks."""
        if self._name is None or not (Path(self._name) / CARD).is_file():
            return None
        return str(Path(self._name).resolve())


def _place(volume: Volume) -> tuple[int, int]:
    return volume.key[1], volume.key[3]
