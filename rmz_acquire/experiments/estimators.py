"""An estimator for every volume: its optics by channel, its model loaded once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.acquisition import optics_from_core
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.settings import BLOCK
from rmz_acquire.methods import METHODS
from rmz_acquire.models import (
    DEFAULT_MODEL,
    LoadedModel,
    instead_of,
    load_model,
    suitable_model,
)
from rmz_acquire.objectives import emission_um
from rmz_acquire.reconstruction import make_estimator

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.settings import ExperimentSettings
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator

__all__ = ["Estimators"]

logger = logging.getLogger(__name__)

Channel = tuple[str, str] | None
Use = tuple[Channel, Sequence[float]]
"""A channel, and a z grid that it is scanned on, µm."""


class Estimators:
    """Makes the estimators of an experiment.

    Parameters
    ----------
    settings : ExperimentSettings
        Which estimator, which model.
    optics : dict of Optics
        By the name of the channel, "" for the one that is in place.
    uses : sequence of (channel, z_um)
        What they are made for, in the order taken.
    """

    def __init__(
        self,
        settings: ExperimentSettings,
        optics: dict[str, Optics],
        uses: Sequence[Use] = (),
    ) -> None:
        self._settings = settings
        self._optics = optics
        self._uses = uses
        if settings.estimator != "recurrent-mz" and settings.model is not None:
            msg = f"{BLOCK}.model: the {settings.estimator} estimator has none"
            raise InputError(msg)

    @cached_property
    def _model(self) -> LoadedModel | None:
        """The model, loaded when it is needed first: not to look at pictures only."""
        if self._settings.estimator != "recurrent-mz":
            return None
        try:
            return load_model(self._settings.model or self._suitable())
        except InputError as error:
            msg = f"{BLOCK}.model: {error}"
            raise InputError(msg) from error

    def _suitable(self) -> str:
        """The model in the box that fits all channels and ranges, or the first."""
        uses = [(self._optics[_name(channel)], z) for channel, z in self._uses]
        if not uses:
            return DEFAULT_MODEL
        (optics, z_um), *others = uses
        return suitable_model(optics, z_um, others)

    @classmethod
    def on(
        cls,
        core: CMMCorePlus,
        settings: ExperimentSettings,
        channels: Sequence[Channel],
        uses: Sequence[Use] = (),
    ) -> Estimators:
        """Make them for a microscope, which is only asked.

        Parameters
        ----------
        core : CMMCorePlus
            Tells the optics.
        settings : ExperimentSettings
            With what the configuration does not tell.
        channels : sequence
            Group and preset of every channel, None for the one that is in place.
        uses : sequence of (channel, z_um)
            What they are made for, in the order taken.
        """
        optics = {}
        if METHODS[settings.estimator].optics:
            for channel in channels:
                optics[_name(channel)] = _optics_of(core, settings, channel)
        return cls(settings, optics, uses)

    def check(self) -> None:
        """Check that the model fits every channel on every grid.

        Raises
        ------
        InputError
            If it does not, and the experiment is strict about it.
        """
        if self._model is None:
            return
        told: set[str] = set()
        for channel, z_um in self._uses:
            optics = self._optics[_name(channel)]
            for line in self._model.card.check(optics, z_um):
                if self._settings.strict:
                    other = instead_of(self._model.card.name, optics, z_um)
                    msg = f"{BLOCK}.model: {line}: {other}, or set strict: false"
                    raise InputError(msg)
                many = len(self._optics) > 1
                line = f"channel {_name(channel)}: {line}" if many else line
                if line not in told:
                    logger.warning("%s", line)
                told.add(line)

    def make(self, channel: Channel, z_um: Sequence[float]) -> Estimator:
        """Make a fresh estimator for a volume."""
        return make_estimator(
            self._settings.estimator,
            np.asarray(z_um),
            self._optics.get(_name(channel)),
            model=self._model,
            device=self._settings.device,
        )

    def describe(self) -> dict[str, Any]:
        """What they all are, for run.json."""
        model = self._model
        return {
            "estimator": self._settings.estimator,
            "model": None if model is None else model.card.name,
            "model_sha256": None if model is None else model.sha256,
            "optics": {name: one.model_dump() for name, one in self._optics.items()}
            or None,
        }


def _name(channel: Channel) -> str:
    return "" if channel is None else channel[1]


def _optics_of(
    core: CMMCorePlus, settings: ExperimentSettings, channel: Channel
) -> Optics:
    given = settings.optics
    wavelength = given.wavelength_um
    if isinstance(wavelength, dict):
        wavelength = None if channel is None else wavelength.get(channel[1])
    if wavelength is None and channel is not None:
        # from the filter that the preset will put in, without putting it in
        for device, _name, value in core.getConfigData(*channel):
            if "emission" in str(device).lower():
                wavelength = emission_um(str(value)) or wavelength
    try:
        return optics_from_core(
            core,
            wavelength_um=wavelength,
            na=given.na,
            immersion_index=given.immersion_index,
            pixel_size_um=given.pixel_size_um,
            sample_index=given.sample_index,
        )
    except InputError as error:
        msg = f"{BLOCK}.optics: {error}"
        raise InputError(msg) from error
