"""Everything about an experiment that is known before anything moves.

Nothing here sets anything. What cannot go well is refused, with the key in the file
that says so.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymmcore_plus import DeviceType

from rmz_acquire.acquisition.checks import (
    check_camera,
    check_channel,
    check_free,
    check_property,
    check_range,
)
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.estimators import Channel, Estimators
from rmz_acquire.experiments.settings import BLOCK, ExperimentSettings
from rmz_acquire.experiments.volumes import Volume, volumes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.scanning import ScanPlan

__all__ = ["Prepared", "channel_of", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An experiment that may begin.

    Parameters
    ----------
    sequence : useq.MDASequence
        With the size of the camera's field in its grids.
    settings : ExperimentSettings
        Our block.
    volumes : list of Volume
        In the order taken.
    estimators : Estimators
        For each of them.
    stage : str
        Label of the focus stage.
    limits_um : (float, float)
        Where the stage may be sent.
    tolerance_um : float
        How far from its target it may stand.
    here_um : float
        Where the stage stood.
    pixel_size_um : float or None
        At the sample.
    """

    sequence: useq.MDASequence
    settings: ExperimentSettings
    volumes: list[Volume]
    estimators: Estimators
    stage: str
    limits_um: tuple[float, float]
    tolerance_um: float
    here_um: float
    pixel_size_um: float | None


def channel_of(volume: Volume) -> Channel:
    """Group and preset of a volume's channel; None for the one in place."""
    channel = volume.first.channel
    return None if channel is None else (channel.group, channel.config)


def prepare(
    core: CMMCorePlus, sequence: useq.MDASequence, here_um: float | None = None
) -> Prepared:
    """Check an experiment against the microscope that it will run on.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope; only asked.
    sequence : useq.MDASequence
        The experiment.
    here_um : float, optional
        Where the stage stood when the experiment began, µm; by default where it
        stands.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        In one line that names the key.
    """
    check_free(core)
    settings = ExperimentSettings.of(sequence.metadata)
    sequence = _with_fields(core, sequence)
    stage = settings.stage.device or str(core.getFocusDevice())
    if stage and stage not in core.getLoadedDevicesOfType(DeviceType.Stage):
        msg = f"{BLOCK}.stage.device: there is no focus stage {stage!r}"
        raise InputError(msg)
    if stage and settings.stage.approach_speed is not None:
        with _key(f"{BLOCK}.stage.approach_speed"):
            check_property(core, stage, *settings.stage.approach_speed)
    if here_um is None:
        here_um = float(core.getPosition(stage)) if stage else 0.0
    volumes = volumes_of(sequence, here_um)
    _check_channels(core, volumes)
    plans = _check_ranges(core, stage, volumes, settings)
    _check_leader(volumes, settings)
    channels = list(dict.fromkeys(channel_of(volume) for volume in volumes))
    uses = [(channel, plan.z_um) for (channel, _), plan in plans.items()]
    estimators = Estimators.on(core, settings, channels, uses)
    estimators.check()
    steps = [plan.step_um for plan in plans.values()]
    limits = _limits(core, stage, settings)
    size = float(core.getPixelSizeUm()) or None
    if settings.optics.pixel_size_um is not None:
        size = settings.optics.pixel_size_um
    return Prepared(
        sequence,
        settings,
        volumes,
        estimators,
        stage,
        limits,
        settings.stage.tolerance_um or min(steps) / 2,
        here_um,
        size,
    )


def _with_fields(core: CMMCorePlus, sequence: useq.MDASequence) -> useq.MDASequence:
    """Give the grids the size of the camera's field, as the stock engine does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sequence = sequence.model_copy(deep=True)
    pixel = float(core.getPixelSizeUm())
    if not pixel:
        return sequence
    *_, width, height = core.getROI()
    if sequence.setup is not None and sequence.setup.roi is not None:
        width, height = sequence.setup.roi.width, sequence.setup.roi.height
    inner = [p.sequence for p in sequence.stage_positions if p.sequence is not None]
    for each in (sequence, *inner):
        if each.grid_plan is not None:
            each.grid_plan.fov_width = width * pixel
            each.grid_plan.fov_height = height * pixel
    return sequence


def _check_channels(core: CMMCorePlus, volumes: list[Volume]) -> None:
    seen: set[Any] = set()
    for volume in volumes:
        event, number = volume.first, volume.key[3]
        what = (channel_of(volume), event.exposure)
        if what in seen:
            continue
        seen.add(what)
        with _key(f"channels.{number}"):
            check_channel(core, channel_of(volume))
        exposure = event.exposure
        if exposure is None:
            exposure = float(core.getExposure())
        with _key(f"channels.{number}.exposure"):
            check_camera(core, exposure)
    if any(volume.first.x_pos is not None for volume in volumes) and not (
        core.getXYStageDevice()
    ):
        msg = "stage_positions: the microscope has no XY stage (Core-XYStage)"
        raise InputError(msg)
    if any(volume.autofocus for volume in volumes) and not core.getAutoFocusDevice():
        msg = "autofocus_plan: the microscope has no autofocus (Core-AutoFocus)"
        raise InputError(msg)


def _check_ranges(
    core: CMMCorePlus, stage: str, volumes: list[Volume], settings: ExperimentSettings
) -> dict[tuple[Channel, tuple[float, ...]], ScanPlan]:
    plans: dict[tuple[Channel, tuple[float, ...]], ScanPlan] = {}
    ranges: set[tuple[float, float]] = set()
    for volume in volumes:
        what = (channel_of(volume), volume.z_um)
        span = (min(volume.z_um), max(volume.z_um))
        if not volume.single and what not in plans:
            with _key(BLOCK):
                plan = plans[what] = volume.plan(settings)
            asked = (*span, *(plan.z_exact_um or ()))
            span = (min(asked), max(asked))
        if span in ranges:
            continue
        ranges.add(span)
        if not stage:
            msg = "z_plan: no focus stage is selected in the configuration (Core-Focus)"
            raise InputError(msg)
        place = volume.index.get("p")
        where = "" if place is None else f" (at stage_positions.{place})"
        with _key(f"z_plan{where}"):
            check_range(
                core,
                stage,
                span,
                approach_um=settings.stage.approach_um,
                approach_from=settings.stage.approach_from,
                given=settings.stage.limits_um,
            )
    return plans


def _limits(
    core: CMMCorePlus, stage: str, settings: ExperimentSettings
) -> tuple[float, float]:
    here = float(core.getPosition(stage))
    try:
        return check_range(core, stage, (here, here), given=settings.stage.limits_um)
    except InputError as error:
        msg = f"{BLOCK}.stage.limits_um: the stage stands at {here:g} µm: {error}"
        raise InputError(msg) from None


def _check_leader(volumes: list[Volume], settings: ExperimentSettings) -> None:
    if settings.channels != "leader":
        return
    names = list(dict.fromkeys(v.channel for v in volumes if not v.single))
    if settings.leader is not None and settings.leader not in names:
        have = ", ".join(str(name) for name in names)
        msg = f"{BLOCK}.leader: no channel {settings.leader!r} is stacked: have {have}"
        raise InputError(msg)
    if settings.leader is not None and settings.leader != names[0]:
        msg = (
            f"{BLOCK}.leader: {settings.leader!r} must come first in channels, "
            f"not after {names[0]!r}: the others take its planes"
        )
        raise InputError(msg)


@contextmanager
def _key(key: str) -> Iterator[None]:
    """Put the key before the message of a refusal."""
    try:
        yield
    except InputError as error:
        msg = f"{key}: {error}"
        raise InputError(msg) from None
