"""What a microscope can be asked about an experiment while it stands as it stands."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymmcore_plus import DeviceType, Keyword

from rmz_acquire.acquisition.focus_stage import position_um
from rmz_acquire.acquisition.preflight import (
    check_camera,
    check_channel,
    check_property,
    check_range,
)
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.estimators import check_method
from rmz_acquire.experiments.grids import with_one_field
from rmz_acquire.experiments.keys import key_of
from rmz_acquire.experiments.obeyed import check_obeyed
from rmz_acquire.experiments.own import Own
from rmz_acquire.experiments.volumes import Volume, channels_at, volumes_of

if TYPE_CHECKING:
    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.block import ExperimentSettings

__all__ = ["Asked", "ask"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of an experiment before anything is set.

    Parameters
    ----------
    volumes : list of Volume
        In the order taken, with one field for each grid.
    stage : str
        Label of the focus stage.
    limits_um : (float, float)
        Where it may be sent.
    here_um : float
        Where it stood when the experiment began.
    least_step_um : float
        Of the plans.
    """

    volumes: list[Volume]
    stage: str
    limits_um: tuple[float, float]
    here_um: float
    least_step_um: float


def ask(
    core: CMMCorePlus,
    sequence: useq.MDASequence,
    settings: ExperimentSettings,
    here_um: float | None = None,
    model: str | None = None,
    own: Own | None = None,
) -> Asked:
    """Check what can be checked without setting anything.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope; only asked.
    sequence : useq.MDASequence
        The experiment.
    settings : ExperimentSettings
        Its block.
    here_um : float, optional
        Where the stage stood when the experiment began, µm.
    model : str, optional
        Name or folder of the model that it began with.
    own : Own, optional
        What was handed over.

    Raises
    ------
    InputError
        In one line that names the key.
    """
    check_method(settings, model)
    (own or Own()).check(settings)
    stage = _stage(core, sequence, settings)
    if here_um is None:
        here_um = position_um(core, stage) if stage else 0.0
    one = with_one_field(sequence)
    volumes = volumes_of(one, here_um)
    check_obeyed(one, volumes)
    _check_setup(core, sequence)
    _check_channels(core, one, volumes)
    _check_places(core, sequence, volumes)
    steps = _check_ranges(core, stage, volumes, settings)
    _check_leader(volumes, settings)
    limits = _limits(core, stage, settings)
    return Asked(volumes, stage, limits, here_um, min(steps))


def _stage(
    core: CMMCorePlus, sequence: useq.MDASequence, settings: ExperimentSettings
) -> str:
    focus = str(core.getFocusDevice())
    stage = settings.stage.device or focus
    key = f"{BLOCK}.stage.device"
    if stage and stage not in core.getLoadedDevicesOfType(DeviceType.Stage):
        msg = f"{key}: there is no focus stage {stage!r}"
        raise InputError(msg)
    if stage and settings.stage.approach_speed is not None:
        with key_of(f"{BLOCK}.stage.approach_speed"):
            check_property(core, stage, *settings.stage.approach_speed)
    if stage == focus:
        return stage
    for number, position in enumerate(sequence.stage_positions):
        if position.z is not None:
            msg = (
                f"{key}: {stage!r} is not the focus device ({focus!r}), and "
                f"stage_positions.{number}.z is of one of them: select {stage!r} in "
                "the configuration (Core-Focus), or leave out the z of positions"
            )
            raise InputError(msg)
    return stage


def _check_setup(core: CMMCorePlus, sequence: useq.MDASequence) -> None:
    setup = sequence.setup
    if setup is None:
        return
    if setup.channel is not None:
        with key_of("setup.channel"):
            check_channel(core, (setup.channel.group, setup.channel.config))
    _check_properties(core, setup.properties, "setup.properties")
    if (setup.x_pos, setup.y_pos) != (None, None) and not core.getXYStageDevice():
        msg = "setup.x_pos: the microscope has no XY stage (Core-XYStage)"
        raise InputError(msg)


def _check_channels(
    core: CMMCorePlus, sequence: useq.MDASequence, volumes: list[Volume]
) -> None:
    if not core.getCameraDevice():
        check_camera(core, 1.0)
    cameras = core.getLoadedDevicesOfType(DeviceType.Camera)
    seen: set[Any] = set()
    for volume in volumes:
        channel = volume.first.channel
        what = (channel, volume.camera)
        if channel is None or what in seen:
            continue
        seen.add(what)
        _, key = channels_at(sequence, volume.index.get("p"))
        key = f"{key}.{volume.index.get('c', 0)}"
        with key_of(key):
            check_channel(core, (channel.group, channel.config))
        if volume.camera is not None and volume.camera not in cameras:
            have = ", ".join(cameras)
            msg = f"{key}.camera: there is no camera {volume.camera!r}: have {have}"
            raise InputError(msg)


def _check_places(
    core: CMMCorePlus, sequence: useq.MDASequence, volumes: list[Volume]
) -> None:
    for number, position in enumerate(sequence.stage_positions):
        key = f"stage_positions.{number}.properties"
        _check_properties(core, position.properties, key)
    events = [volume.first for volume in volumes]
    if any((e.x_pos, e.y_pos) != (None, None) for e in events) and not (
        core.getXYStageDevice()
    ):
        msg = "stage_positions: the microscope has no XY stage (Core-XYStage)"
        raise InputError(msg)
    focusing = [v.autofocus.action for v in volumes if v.autofocus is not None]
    if focusing and not core.getAutoFocusDevice():
        msg = "autofocus_plan: the microscope has no autofocus (Core-AutoFocus)"
        raise InputError(msg)
    stages = core.getLoadedDevicesOfType(DeviceType.Stage)
    for name in dict.fromkeys(
        getattr(a, "autofocus_device_name", None) for a in focusing
    ):
        if name and name not in stages:
            have = ", ".join(stages)
            msg = (
                f"autofocus_plan.autofocus_device_name: there is no offset stage "
                f"{name!r}: have {have}"
            )
            raise InputError(msg)
    plan = sequence.z_plan
    if plan is not None and not plan.is_relative:
        idle = [
            f"stage_positions.{number}.z"
            for number, position in enumerate(sequence.stage_positions)
            if position.z is not None
            and not (position.sequence and position.sequence.z_plan)
        ]
        if idle:
            more = f" (and {len(idle) - 1} more)" if len(idle) > 1 else ""
            logger.warning(
                "%s%s is not used: the z_plan is absolute, not relative to it",
                idle[0],
                more,
            )


def _check_properties(core: CMMCorePlus, properties: Any, key: str) -> None:
    loaded = core.getLoadedDevices()
    for number, (device, name, value) in enumerate(properties or ()):
        with key_of(f"{key}.{number}"):
            if device not in loaded:
                have = ", ".join(loaded)
                msg = f"there is no device {device!r}: have {have}"
                raise InputError(msg)
            kind = core.getDeviceType(device)
            if name == Keyword.Position.value and kind in (
                DeviceType.Stage,
                DeviceType.XYStage,
            ):
                continue
            if kind == DeviceType.Core:
                # of a camera in Python the core does not know as of a property
                continue
            check_property(core, device, name, str(value))
            if core.isPropertyReadOnly(device, name):
                msg = f"{device}-{name} can only be read"
                raise InputError(msg)


def _check_ranges(
    core: CMMCorePlus, stage: str, volumes: list[Volume], settings: ExperimentSettings
) -> list[float]:
    """Check every z that may be asked for; give the steps of the plans."""
    steps: dict[tuple[str | None, tuple[float, ...]], float] = {}
    ranges: set[tuple[float, float]] = set()
    for volume in volumes:
        what = (volume.channel, volume.z_um)
        span = (min(volume.z_um), max(volume.z_um))
        if not volume.single and what not in steps:
            with key_of(BLOCK):
                plan = volume.plan(settings)
            steps[what] = plan.step_um
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
        with key_of(f"z_plan{where}"):
            check_range(
                core,
                stage,
                span,
                approach_um=settings.stage.approach_um,
                approach_from=settings.stage.approach_from,
                given=settings.stage.limits_um,
            )
    return list(steps.values())


def _limits(
    core: CMMCorePlus, stage: str, settings: ExperimentSettings
) -> tuple[float, float]:
    here = position_um(core, stage)
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
