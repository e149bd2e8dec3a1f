"""An estimator for every volume: its optics by channel, its model loaded once."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.acquisition import optics_from_core
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.settings import BLOCK
from rmz_acquire.models import (
    DEFAULT_MODEL,
    LoadedModel,
    load_model,
    suitable_model,
)
from rmz_acquire.objectives import emission_um
from rmz_acquire.reconstruction import make_estimator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.settings import ExperimentSettings
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Estimator

__all__ = ["Estimators"]

logger = logging.getLogger(__name__)

_NEED_OPTICS = ("recurrent-mz", "wiener")

Channel = tuple[str, str] | None


class Estimators:
    """Makes the estimators of an experiment.

    Parameters
    ----------
    settings : ExperimentSettings
        Which estimator, which model.
    optics : dict of Optics
        By the name of the channel, "" for the one that is in place.
    """

    def __init__(self, settings: ExperimentSettings, optics: dict[str, Optics]) -> None:
        self._settings = settings
        self._optics = optics
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
        """The model in the box for the first channel's optics, whatever the range."""
        for optics in self._optics.values():
            return suitable_model(optics, [0.0])
        return DEFAULT_MODEL

    @classmethod
    def on(
        cls,
        core: CMMCorePlus,
        settings: ExperimentSettings,
        channels: Sequence[Channel],
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
        """
        optics = {}
        if settings.estimator in _NEED_OPTICS:
            for channel in channels:
                optics[_name(channel)] = _optics_of(core, settings, channel)
        return cls(settings, optics)

    def check(self, channel: Channel, z_um: Sequence[float]) -> None:
        """Check that the model fits a channel and a grid.

        Raises
        ------
        InputError
            If it does not, and the experiment is strict about it.
        """
        if self._model is None:
            return
        for line in self._model.card.check(self._optics[_name(channel)], z_um):
            if self._settings.strict:
                msg = (
                    f"{BLOCK}.model: {line}: choose another model or estimator, or "
                    "set strict: false"
                )
                raise InputError(msg)
            logger.warning("%s", line)

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
