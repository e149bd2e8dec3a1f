"""What can be known before anything moves: refuse a scan that cannot go well.

Each check asks the core only; nothing is set. The messages are for the user.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pymmcore_plus import DeviceType

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition.focus_stage import Side
    from rmz_acquire.scanning import ScanPlan

__all__ = [
    "check_camera",
    "check_channel",
    "check_duration",
    "check_exposure",
    "check_free",
    "check_property",
    "check_range",
    "check_stage",
    "focus_stage",
    "stage_limits_um",
]


def check_free(core: CMMCorePlus) -> None:
    """Refuse a microscope on which an acquisition runs already.

    Parameters
    ----------
    core : CMMCorePlus
        The core.

    Raises
    ------
    InputError
        If one does.
    """
    if core.mda.is_running():
        msg = "an acquisition is running on this microscope: stop it first"
        raise InputError(msg)


def check_camera(core: CMMCorePlus, exposure_ms: float) -> None:
    """Refuse a core without one grey camera, or an exposure that it cannot do.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    exposure_ms : float
        Exposure asked for, ms.

    Raises
    ------
    InputError
        With what to do.
    """
    camera = core.getCameraDevice()
    if not camera:
        msg = "no camera is selected: choose one in the configuration (Core-Camera)"
        raise InputError(msg)
    check_exposure(core, camera, exposure_ms)
    if core.getNumberOfComponents() != 1:
        msg = f"camera {camera!r} gives colour: set it to a grey pixel type"
        raise InputError(msg)
    if core.getNumberOfCameraChannels() != 1:
        msg = (
            f"camera {camera!r} gives {core.getNumberOfCameraChannels()} pictures at "
            "a time: select one of its physical cameras"
        )
        raise InputError(msg)


def check_duration(exposure_ms: float) -> None:
    """Refuse an exposure that no camera can do, ms.

    Raises
    ------
    InputError
        If it is not above 0.
    """
    if not (math.isfinite(exposure_ms) and exposure_ms > 0):
        msg = f"the exposure must be above 0 ms, not {exposure_ms:g}"
        raise InputError(msg)


def check_exposure(core: CMMCorePlus, camera: str, exposure_ms: float) -> None:
    """Refuse an exposure that a camera cannot do.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    camera : str
        Label of the camera.
    exposure_ms : float
        Exposure asked for, ms.

    Raises
    ------
    InputError
        With what the camera can do.
    """
    check_duration(exposure_ms)
    if not core.hasProperty(camera, "Exposure"):
        return
    if core.hasPropertyLimits(camera, "Exposure"):
        low = core.getPropertyLowerLimit(camera, "Exposure")
        high = core.getPropertyUpperLimit(camera, "Exposure")
        if not low <= exposure_ms <= high:
            msg = (
                f"camera {camera!r} exposes from {low:g} to {high:g} ms, "
                f"not {exposure_ms:g} ms"
            )
            raise InputError(msg)


def check_channel(core: CMMCorePlus, channel: tuple[str, str] | None) -> None:
    """Refuse a channel that the configuration does not have.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    channel : (str, str) or None
        Configuration group and preset.

    Raises
    ------
    InputError
        With those that it has.
    """
    if channel is None:
        return
    group, preset = channel
    groups = core.getAvailableConfigGroups()
    if group not in groups:
        msg = f"there is no configuration group {group!r}: have {', '.join(groups)}"
        raise InputError(msg)
    presets = core.getAvailableConfigs(group)
    if preset not in presets:
        msg = f"group {group!r} has no preset {preset!r}: have {', '.join(presets)}"
        raise InputError(msg)


def check_stage(
    core: CMMCorePlus,
    label: str | None,
    plan: ScanPlan,
    *,
    approach_um: float = 0.0,
    limits_um: tuple[float, float] | None = None,
) -> str:
    """Refuse a plan that leaves the range of the focus stage, or no stage.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    label : str or None
        The stage; None takes the core's focus device.
    plan : ScanPlan
        What the scan may ask for.
    approach_um : float
        How far below a target the stage may go to approach it, µm.
    limits_um : (float, float), optional
        Lowest and highest z allowed, µm, in addition to what the stage tells.

    Returns
    -------
    str
        The label of the stage.

    Raises
    ------
    InputError
        With what to do.
    """
    stage = focus_stage(core, label)
    asked = (*plan.z_um, *(plan.z_exact_um or ()))
    check_range(
        core, stage, (min(asked), max(asked)), approach_um=approach_um, given=limits_um
    )
    return stage


def focus_stage(core: CMMCorePlus, label: str | None) -> str:
    """Find the focus stage.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    label : str or None
        Its label; None takes the core's focus device.

    Returns
    -------
    str
        Its label.

    Raises
    ------
    InputError
        If there is none.
    """
    stage = label or str(core.getFocusDevice())
    if not stage:
        msg = "no focus stage is selected: choose one in the configuration (Core-Focus)"
        raise InputError(msg)
    stages = core.getLoadedDevicesOfType(DeviceType.Stage)
    if stage not in stages:
        have = ", ".join(stages) or "none"
        msg = f"there is no focus stage {stage!r}: have {have}"
        raise InputError(msg)
    return stage


def check_range(
    core: CMMCorePlus,
    stage: str,
    asked_um: tuple[float, float],
    *,
    approach_um: float = 0.0,
    approach_from: Side = "below",
    given: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Refuse positions outside the range of the focus stage.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    stage : str
        The stage's label.
    asked_um : (float, float)
        Lowest and highest z that will be asked for, µm.
    approach_um : float
        How far beside a target the stage may go to approach it, µm.
    approach_from : {"below", "above"}
        On which side.
    given : (float, float), optional
        Limits in addition to what the stage tells, µm.

    Returns
    -------
    (float, float)
        Where the stage may be sent, µm.

    Raises
    ------
    InputError
        With what to do.
    """
    lowest, highest = asked_um
    if approach_from == "below":
        lowest -= approach_um
    else:
        highest += approach_um
    told = stage_limits_um(core, stage)
    limits = given or (-math.inf, math.inf)
    for (low, high), whose in (
        (told, f"the range of stage {stage!r}"),
        (limits, "the limits given"),
    ):
        if lowest < low or highest > high:
            backlash = f" (with {approach_um:g} µm of approach)" if approach_um else ""
            msg = (
                f"the scan goes from {lowest:g} to {highest:g} µm{backlash}, outside "
                f"{whose}, {low:g} to {high:g} µm: move or shorten the z range"
            )
            raise InputError(msg)
    return max(told[0], limits[0]), min(told[1], limits[1])


def check_property(core: CMMCorePlus, device: str, name: str, value: str) -> None:
    """Refuse a property that a device has not, or a value that it does not take.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    device, name : str
        Which property.
    value : str
        What it shall be set to.

    Raises
    ------
    InputError
        With what there is.
    """
    names = core.getDevicePropertyNames(device)
    if name not in names:
        msg = f"device {device!r} has no property {name!r}: have {', '.join(names)}"
        raise InputError(msg)
    allowed = core.getAllowedPropertyValues(device, name)
    if allowed and value not in allowed:
        msg = f"{device}-{name} cannot be {value!r}: have {', '.join(allowed)}"
        raise InputError(msg)
    if not core.hasPropertyLimits(device, name):
        return
    low = core.getPropertyLowerLimit(device, name)
    high = core.getPropertyUpperLimit(device, name)
    try:
        fits = low <= float(value) <= high
    except ValueError:
        fits = False
    if not fits:
        msg = f"{device}-{name} goes from {low:g} to {high:g}, not {value}"
        raise InputError(msg)


def stage_limits_um(core: CMMCorePlus, stage: str) -> tuple[float, float]:
    """Lowest and highest position that a stage tells, infinite where it tells none.

    Micro-Manager has no call for it. Some adapters give limits to the property
    ``Position``; the others say nothing and only refuse the move.

    Parameters
    ----------
    core : CMMCorePlus
        The core.
    stage : str
        The stage's label.

    Returns
    -------
    (float, float)
        µm.
    """
    if core.hasProperty(stage, "Position") and core.hasPropertyLimits(
        stage, "Position"
    ):
        return (
            float(core.getPropertyLowerLimit(stage, "Position")),
            float(core.getPropertyUpperLimit(stage, "Position")),
        )
    return -math.inf, math.inf
