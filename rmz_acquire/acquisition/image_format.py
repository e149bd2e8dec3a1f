"""How pictures are made once everything is set: camera, size, pixel, optics.

A channel may bring its own camera, binning, objective or region of interest, so none
of these is known before the channel is set. Here it is set, read, and brought back:
no light, nothing moves but what the pictures depend on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from pymmcore_plus import DeviceType, Keyword

from rmz_acquire.acquisition.cameras import Box, Cameras, crop, set_property
from rmz_acquire.acquisition.preflight import check_camera, check_exposure
from rmz_acquire.errors import InputError, message_of
from rmz_acquire.objectives import ToldOptics, emission_um

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import useq
    from pymmcore_plus import CMMCorePlus

__all__ = [
    "CAMERA",
    "EXPOSURE",
    "ROI",
    "Bench",
    "Imaging",
    "Setting",
    "cameras_of",
    "image_channel",
    "picture_settings",
]

Setting = tuple[str, str]
"""A device and one of its properties, or a camera and ``EXPOSURE`` or ``ROI``."""

EXPOSURE = "exposure, ms"
ROI = "region of interest"
CAMERA: Setting = (Keyword.CoreDevice.value, Keyword.CoreCamera.value)
_TYPES = {1: "uint8", 2: "uint16", 4: "uint32"}


@dataclass(frozen=True, slots=True)
class Imaging:
    """How one channel is imaged, read with the microscope set for it.

    Parameters
    ----------
    camera : str
        Label of the camera.
    binning : str
        Of the camera, in its own words; empty where it has none.
    roi : Box
        x, y, width and height of its region of interest, binned pixels.
    shape : (int, int)
        Of its pictures, (Y, X); (0, 0) where not known.
    pixel_type : str
        Of its pictures, as numpy names it; empty where not known.
    exposure_ms : float or None
        Of its planes, ms; None where not known.
    told : ToldOptics
        What the configuration tells about objective, filter and pixel size.
    """

    camera: str
    binning: str
    roi: Box
    shape: tuple[int, int]
    pixel_type: str
    exposure_ms: float | None
    told: ToldOptics

    @property
    def pixel_size_um(self) -> float | None:
        """Pixel size at the sample, binning counted, µm; None where not known."""
        return self.told.pixel_size_um

    @property
    def field_um(self) -> tuple[float, float] | None:
        """Width and height of the field, µm; None where the pixel is not known."""
        pixel, (height, width) = self.pixel_size_um, self.shape
        return None if not pixel or not width else (width * pixel, height * pixel)

    def with_pixel(self, pixel_size_um: float | None) -> Imaging:
        """Have a pixel size that is given go first; None leaves all as it is."""
        if pixel_size_um is None:
            return self
        return replace(self, told=replace(self.told, pixel_size_um=pixel_size_um))

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Imaging:
        """Make it of what `to_dict` gave, read back from JSON."""
        x, y, width, height = data["roi"]
        rows, columns = data["shape"]
        return cls(
            data["camera"],
            data["binning"],
            (x, y, width, height),
            (rows, columns),
            data["pixel_type"],
            data["exposure_ms"],
            ToldOptics(**data["told"]),
        )


def picture_settings(
    core: CMMCorePlus, event: useq.MDAEvent, camera: str
) -> dict[Setting, Any]:
    """Give what an event sets that pictures depend on, in the order in which it does.

    Positions and shutters are none of it, nor is a lamp or a laser.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope; only asked.
    event : useq.MDAEvent
        The first of a channel, or a setup.
    camera : str
        Label of the camera that is selected before it.

    Returns
    -------
    dict
        Values by `Setting`; the label of a turret stands as its state.
    """
    asked: list[tuple[str, str, Any]] = []
    if event.channel is not None:
        preset = core.getConfigData(event.channel.group, event.channel.config)
        asked += [(str(d), str(p), str(v)) for d, p, v in preset]
    if event.properties:
        asked += [(d, p, str(v)) for d, p, v in event.properties]
    known = _devices(core)
    made: dict[Setting, Any] = {}
    for device, name, value in asked:
        if device in known or (device, name) == CAMERA:
            setting, meant = _as_state(core, device, name, value)
            made.pop(setting, None)
            made[setting] = meant
    camera = made.get(CAMERA, camera)
    if event.exposure is not None:
        made[camera, EXPOSURE] = float(event.exposure)
    if (roi := event.roi) is not None:
        made[camera, ROI] = (roi.offset_x, roi.offset_y, roi.width, roi.height)
    return made


def cameras_of(core: CMMCorePlus, events: Iterable[useq.MDAEvent]) -> list[str]:
    """Give the labels of the cameras that events select, as far as they are there."""
    have = core.getLoadedDevicesOfType(DeviceType.Camera)
    named = dict.fromkeys(
        picture_settings(core, event, "").get(CAMERA, "") for event in events
    )
    return [label for label in named if label in have]


class Bench:
    """The microscope, set for one channel after another; all is brought back.

    Use it as a context: at its end everything stands as it stood.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope; nothing may be running on it.
    cameras : iterable of str
        Labels of cameras that may be selected.
    """

    def __init__(self, core: CMMCorePlus, cameras: Iterable[str] = ()) -> None:
        self._core = core
        self._labels = list(cameras)
        self._cameras: Cameras | None = None
        self._before: dict[Setting, str] = {}
        self._now: dict[Setting, Any] = {}

    def __enter__(self) -> Self:
        """Note how the cameras stand; live pictures end here."""
        if self._core.isSequenceRunning():
            self._core.stopSequenceAcquisition()
        self._cameras = Cameras.of(self._core, self._labels)
        return self

    def __exit__(self, *_: object) -> None:
        """Bring everything back, the last that was set first.

        Raises
        ------
        RuntimeError
            Naming what could not be brought back, when all else was.
        """
        core, problems = self._core, list[str]()
        for (device, name), value in reversed(self._before.items()):
            try:
                if str(core.getProperty(device, name)) != value:
                    set_property(core, device, name, value)
            except Exception as error:
                problems.append(f"{device}-{name} cannot be set back: {error}")
        try:
            self._wait()
            if self._cameras is not None:
                self._cameras.bring_back(core)
        except Exception as error:
            problems.append(f"the camera cannot be set back: {error}")
        if problems:
            raise RuntimeError(" ".join("; ".join(problems).split()))

    def set(self, settings: Mapping[Setting, Any]) -> None:
        """Set what differs from what was set here before, and wait until it is so.

        Raises
        ------
        InputError
            Naming what cannot be set.
        """
        for setting, value in settings.items():
            if self._now.get(setting) == value:
                continue
            try:
                self._set(setting, value)
            except InputError:
                raise
            except Exception as error:
                said = message_of(error)
                msg = f"{'-'.join(setting)} cannot be set to {value}: {said}"
                raise InputError(msg) from error
            self._now[setting] = value
        self._wait()

    def read(self, event: useq.MDAEvent) -> Imaging:
        """Read how pictures are made now, with the settings of an event in place.

        Raises
        ------
        InputError
            If there is no camera, it gives colour, or cannot do the exposure.
        """
        core = self._core
        exposure_ms = float(core.getExposure()) if core.getCameraDevice() else 1.0
        check_camera(core, exposure_ms)
        camera, binning = str(core.getCameraDevice()), Keyword.Binning.value
        has_binning = core.hasProperty(camera, binning)
        x, y, width, height = (int(n) for n in core.getROI())
        told = ToldOptics.of(core)
        wavelength_um = _filter_of(core, event) or told.wavelength_um
        return Imaging(
            camera,
            str(core.getProperty(camera, binning)) if has_binning else "",
            (x, y, width, height),
            (int(core.getImageHeight()), int(core.getImageWidth())),
            _TYPES.get(int(core.getBytesPerPixel()), ""),
            exposure_ms,
            replace(told, wavelength_um=wavelength_um),
        )

    def _set(self, setting: Setting, value: Any) -> None:
        core, (device, name) = self._core, setting
        if name == EXPOSURE:
            check_exposure(core, device, value)
            core.setExposure(device, value)
        elif name == ROI:
            selected = core.getCameraDevice()
            core.setCameraDevice(device)
            crop(core, value)
            core.setCameraDevice(selected)
        elif setting == CAMERA:
            set_property(core, device, name, value)
        else:
            self._before.setdefault(setting, str(core.getProperty(device, name)))
            set_property(core, device, name, value)

    def _wait(self) -> None:
        for device in dict.fromkeys(device for device, _ in self._before):
            self._core.waitForDevice(device)


def image_channel(
    core: CMMCorePlus, event: useq.MDAEvent, pixel_size_um: float | None = None
) -> Imaging:
    """Set one channel, read how it is imaged, and bring everything back.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    event : useq.MDAEvent
        With channel, exposure and properties; all of them may be missing.
    pixel_size_um : float, optional
        At the sample, µm; goes before what the configuration tells.

    Raises
    ------
    InputError
        If it cannot be set, or the camera cannot do it.
    """
    with Bench(core, cameras_of(core, [event])) as bench:
        bench.set(picture_settings(core, event, str(core.getCameraDevice())))
        imaging = bench.read(event)
    return imaging.with_pixel(pixel_size_um)


def _filter_of(core: CMMCorePlus, event: useq.MDAEvent) -> float | None:
    """The emission wavelength that a preset names, µm; None where it names none."""
    # a filter that is no turret has no label to ask for
    found = None
    if event.channel is not None:
        preset = core.getConfigData(event.channel.group, event.channel.config)
        for device, _name, value in preset:
            if "emission" in str(device).lower():
                found = emission_um(str(value)) or found
    return found


def _devices(core: CMMCorePlus) -> set[str]:
    """The devices that camera, picture, pixel size and optics depend on."""
    found = {
        str(label)
        for kind in (DeviceType.Camera, DeviceType.Magnifier)
        for label in core.getLoadedDevicesOfType(kind)
    }
    found |= {str(label) for label in core.guessObjectiveDevices()}
    found |= {
        str(label)
        for label in core.getLoadedDevicesOfType(DeviceType.State)
        if "emission" in label.lower()
    }
    for config in core.getAvailablePixelSizeConfigs():
        found |= {str(setting[0]) for setting in core.getPixelSizeConfigData(config)}
    unlit = (DeviceType.Stage, DeviceType.XYStage, DeviceType.Shutter, DeviceType.Core)
    return {label for label in found if core.getDeviceType(label) not in unlit}


def _as_state(
    core: CMMCorePlus, device: str, name: str, value: str
) -> tuple[Setting, str]:
    """The label of a turret as its state, so that both are one setting."""
    if (
        name == Keyword.Label.value
        and core.getDeviceType(device) == DeviceType.State
        and value in core.getStateLabels(device)
    ):
        state = core.getStateFromLabel(device, value)
        return (device, Keyword.State.value), str(state)
    return (device, name), value
