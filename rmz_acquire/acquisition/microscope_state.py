"""How the microscope stands: noted at the beginning, brought back at the end.

An experiment that goes on with another binning, gain or objective would be two
experiments in one folder. So every setting that can be written is noted; going on
sets them again and refuses where one will not be what it was.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pymmcore_plus import DeviceType, FocusDirection, Keyword

from rmz_acquire.acquisition.cameras import Cameras, set_property
from rmz_acquire.acquisition.image_format import CAMERA
from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition.focus_stage import FocusDrive
    from rmz_acquire.acquisition.shutter import ShutterGuard

__all__ = [
    "home_step",
    "restore_settings",
    "restorer",
    "set_back_if_refused",
    "settings_of",
    "steps_back",
]

_MOVING = (DeviceType.Stage, DeviceType.XYStage)
# what follows from where the microscope stands, not from how it is set
_LOOSE = {Keyword.Position, "State"}
_MOST_TOLD = 5


def settings_of(core: CMMCorePlus) -> dict[str, Any]:
    """Note every setting that can be written, and the region of interest.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.

    Returns
    -------
    dict
        JSON-ready: ``properties`` of each device, ``camera``, ``roi``,
        ``auto_shutter``.
    """
    properties: dict[str, dict[str, str]] = {}
    for device in core.getLoadedDevices():
        if str(device) == Keyword.CoreDevice.value or core.getDeviceType(device) in (
            DeviceType.Hub,
            DeviceType.Shutter,
        ):
            continue
        told = {}
        for name in core.getDevicePropertyNames(device):
            if core.isPropertyReadOnly(device, name) or core.isPropertyPreInit(
                device, name
            ):
                continue
            if name in _LOOSE:
                continue
            told[str(name)] = str(core.getProperty(device, name))
        properties[str(device)] = told
    return {
        "properties": properties,
        "camera": str(core.getCameraDevice()),
        "roi": [int(n) for n in core.getROI()],
        "auto_shutter": bool(core.getAutoShutter()),
    }


def restore_settings(core: CMMCorePlus, before: dict[str, Any]) -> None:
    """Set the microscope as it was noted.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    before : dict
        As `settings_of` gave it.

    Raises
    ------
    InputError
        Naming what is not as it was: a device that is gone, a value not taken.
    """
    have = set(core.getLoadedDevices())
    wanted: dict[str, dict[str, str]] = before["properties"]
    gone = sorted(set(wanted) - have)
    if gone:
        msg = (
            f"the microscope has no device {', '.join(gone)}, which the experiment "
            "began with: load its configuration"
        )
        raise InputError(msg)
    core.setAutoShutter(before["auto_shutter"])
    camera = before.get("camera")
    if camera and core.getCameraDevice() != camera:
        core.setCameraDevice(camera)
    # twice: a setting may change another one, such as binning the region of interest
    for _ in range(2):
        differing = _differing(core, wanted)
        for device, name, _now, value in differing:
            try:
                core.setProperty(device, name, value)
            except (RuntimeError, ValueError, KeyError):
                continue  # told below, as what it still is
        core.waitForSystem()
    # after the binning, which it counts in
    if [int(n) for n in core.getROI()] != before["roi"]:
        with suppress(RuntimeError, ValueError):  # told below
            core.clearROI()
            core.setROI(*before["roi"])
    differing = _differing(core, wanted)
    said = [f"{dev}-{name} is {now}, was {was}" for dev, name, now, was in differing]
    if [int(n) for n in core.getROI()] != before["roi"]:
        said.append(f"the region of interest is {core.getROI()}, was {before['roi']}")
    if said:
        more = len(said) - _MOST_TOLD
        told = "; ".join(said[:_MOST_TOLD]) + (f"; {more} more" if more > 0 else "")
        msg = f"the microscope is not as the experiment began: {told}"
        raise InputError(msg)


@contextmanager
def set_back_if_refused(core: CMMCorePlus) -> Iterator[None]:
    """Set the microscope as it stood, where what is tried inside is refused.

    Raises
    ------
    InputError
        The refusal, and what could not be set back.
    """
    before, cameras = settings_of(core), Cameras.of(core)
    try:
        yield
    except InputError as error:
        try:
            restore_settings(core, before)
            cameras.bring_back(core)
        except (InputError, RuntimeError) as problem:
            said = " ".join(str(problem).split())
            msg = f"{error}; and it could not be set back: {said}"
            raise InputError(msg) from error
        raise


def _differing(
    core: CMMCorePlus, wanted: dict[str, dict[str, str]]
) -> list[tuple[str, str, str, str]]:
    found = []
    for device, properties in wanted.items():
        for name, was in properties.items():
            now = (
                str(core.getProperty(device, name))
                if core.hasProperty(device, name)
                else "gone"
            )
            if not _alike(now, was):
                found.append((device, name, now, was))
    return found


def _alike(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return abs(float(a) - float(b)) <= 1e-6 * max(1.0, abs(float(b)))
    except ValueError:
        return False


def restorer(
    core: CMMCorePlus,
    drive: FocusDrive,
    light: ShutterGuard,
    groups: Iterable[str],
    cameras: Iterable[str],
    also: dict[str, Callable[[], None]],
) -> dict[str, Callable[[], None]]:
    """Note how things stand; give the steps that bring them back, light first.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    drive, light
        Of the acquisition.
    groups : iterable of str
        Configuration groups whose settings are brought back.
    cameras : iterable of str
        Labels of cameras that are selected on the way.
    also : dict
        Further steps, by what to say where one fails.
    """
    before = Cameras.of(core, cameras)
    steps: dict[str, Callable[[], None]] = {
        "the light cannot be switched off": light.close,
        home_step(drive): drive.home,
    }
    for group in groups:
        # the properties, not the preset: they need not stand as any preset has them
        state = [tuple(setting) for setting in core.getConfigGroupState(group)]

        def set_back(state: list[Any] = state) -> None:
            for device, name, value in state:
                set_property(core, device, name, value)
            core.waitForSystem()

        steps[f"the {group} cannot be set back"] = set_back
    # the last: a group or a property may have changed the binning
    back = {"the camera cannot be set back": lambda: before.bring_back(core)}
    return {**steps, **also, **back}


def home_step(drive: FocusDrive) -> str:
    """What to say where the stage cannot be brought back."""
    return f"stage {drive.label!r} cannot be brought back"


def steps_back(
    core: CMMCorePlus, events: Sequence[useq.MDAEvent]
) -> dict[str, Callable[[], None]]:
    """Note how the microscope stands where events will change it.

    The XY stage goes back only where the direction of the focus is known, as the
    stock engine has it: sideways under a lowered objective is how slides break.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    events : sequence of useq.MDAEvent
        The first of each volume, and the setup.

    Returns
    -------
    dict
        The steps, by what to say where one fails.
    """
    steps: dict[str, Callable[[], None]] = {}
    if any(event.x_pos is not None or event.y_pos is not None for event in events):
        stage, focus = core.getXYStageDevice(), core.getFocusDevice()
        known = focus and core.getFocusDirection(focus) != FocusDirection.Unknown
        if known:
            x, y = core.getXYPosition(stage)

            def go_back() -> None:
                core.setXYPosition(stage, x, y)
                core.waitForDevice(stage)

            steps[f"stage {stage!r} cannot be brought back"] = go_back
    named = {
        (device, name): core.getProperty(device, name)
        for event in events
        for device, name, _ in event.properties or ()
        if (device, name) != CAMERA and core.hasProperty(device, name)
    }
    for (device, name), value in named.items():

        def set_back(
            device: str = device, name: str = name, value: str = value
        ) -> None:
            set_property(core, device, name, value)

        steps[f"{device}-{name} cannot be set back"] = set_back
    return steps
