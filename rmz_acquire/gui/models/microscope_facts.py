"""What a microscope tells of itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError, first_fault, key_message
from rmz_acquire.objectives import emission_um, parse_objective

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.optics import Optics

__all__ = ["ScopeFacts"]


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """What the microscope tells of itself, read once and not on the GUI thread.

    Parameters
    ----------
    exposure_ms : float
        Of the camera, ms; 0 without one.
    channel : (str, str) or None
        Group and preset in place.
    stage_um : (float, float)
        Lowest and highest position of the focus stage, µm.
    optics : dict
        na, immersion_index, wavelength_um, pixel_size_um; None where not told.
    missing : str or None
        Which device is missing, if one is.
    channels : tuple of str
        Labels of all presets of the channel group.
    bit_depth : int or None
        Of the camera.
    picture_px : (int, int)
        Height and width of the pictures, pixels; 0 without a camera.
    settle_ms : float
        Rest of the focus stage after a move, ms.
    objective : str or None
        What the objective in place is called: "20x/0.75".
    emission_um : dict
        Emission wavelength by the channel preset that sets its filter, µm.
    """

    exposure_ms: float = 0.0
    channel: tuple[str, str] | None = None
    stage_um: tuple[float, float] = (-math.inf, math.inf)
    optics: dict[str, float | None] = field(default_factory=dict)
    missing: str | None = None
    channels: tuple[str, ...] = ()
    bit_depth: int | None = None
    picture_px: tuple[int, int] = (0, 0)
    settle_ms: float = 0.0
    objective: str | None = None
    emission_um: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, core: CMMCorePlus) -> ScopeFacts:
        """Read them; devices may take their time to answer."""
        from rmz_acquire.acquisition import stage_limits_um

        channel = None
        group = core.getChannelGroup()
        if group:
            preset = core.getCurrentConfig(group)
            channel = (str(group), str(preset)) if preset else None
        camera, focus = core.getCameraDevice(), core.getFocusDevice()
        missing = None
        if not camera or not focus:
            what = "focus stage" if camera else "camera"
            missing = f"the configuration has no {what}"
        return cls(
            exposure_ms=float(core.getExposure()) if camera else 0.0,
            channel=channel,
            stage_um=stage_limits_um(core, focus) if focus else (0.0, 0.0),
            optics={name: _told(core, name) for name in _STANDINS},
            missing=missing,
            channels=tuple(core.getAvailableConfigs(group)) if group else (),
            bit_depth=_bit_depth(core) if camera else None,
            picture_px=_picture_px(core) if camera else (0, 0),
            settle_ms=float(core.getDeviceDelayMs(focus)) if focus else 0.0,
            objective=_objective(core),
            emission_um=_emissions(core, group) if group else {},
        )

    def resolve(
        self, given: dict[str, float | None] | None = None
    ) -> tuple[Optics | None, dict[str, str]]:
        """Give the optics, or say by field why they are not known.

        Parameters
        ----------
        given : dict, optional
            `ScanSettings.overrides`, which go first.

        Returns
        -------
        (Optics or None, dict)
            Name of the field: one line that says what to do, in the field's unit.
        """
        from pydantic import ValidationError

        from rmz_acquire.optics import Optics

        typed = {k: v for k, v in (given or {}).items() if v is not None}
        values = {**self.optics, **typed}
        found = _wrong(values, typed)
        if found:
            return None, found
        try:
            return Optics.model_validate(values), {}
        except ValidationError as error:
            where = first_fault(error)["loc"]
            name = str(where[0]) if where else "na"
            return None, {name: key_message(error, names=_WORDS)}

    def optics_of(self, channels: Iterable[str], optics: Optics) -> list[Optics]:
        """Give the optics of channels that put another emission filter in.

        Parameters
        ----------
        channels : iterable of str
            Names of presets.
        optics : Optics
            Those in place.
        """
        each = []
        for name in channels:
            light = self.emission_um.get(name, optics.wavelength_um)
            each.append(optics.model_copy(update={"wavelength_um": light}))
        return each

    def objective_for(self, optics: Optics) -> str | None:
        """What the objective in place is called, where these optics are its own."""
        same = self.optics.get("na") == optics.na
        return self.objective if same else None


_WORDS = {
    "na": "the NA",
    "immersion_index": "the immersion index",
    "wavelength_um": "the emission wavelength",
    "pixel_size_um": "the pixel size",
}
# so that one number can be read where another is not told
_STANDINS = {
    "na": 0.01,
    "immersion_index": 9.0,
    "wavelength_um": 0.5,
    "pixel_size_um": 0.1,
}


def _bit_depth(core: CMMCorePlus) -> int | None:
    """Bits of the camera's converter, which may be fewer than those of its pixels."""
    camera, bits = core.getCameraDevice(), int(core.getImageBitDepth())
    if core.hasProperty(camera, "BitDepth"):
        said = str(core.getProperty(camera, "BitDepth"))
        bits = min(bits, int(said)) if said.isdecimal() else bits
    return bits or None


_ABOVE_ZERO = {"wavelength_um": " nm", "pixel_size_um": " µm"}


def _wrong(values: dict[str, float | None], typed: dict[str, float]) -> dict[str, str]:
    """What is wrong with optics, by field."""
    found: dict[str, str] = {}
    unknown = [name for name in _WORDS if values.get(name) is None]
    for name in unknown:
        # the first one is said, each is marked
        told = [_WORDS[n] for n in unknown] if not found else [_WORDS[name]]
        words = ", ".join(told)
        found[name] = f"the configuration does not give {words}: type it in"
    for name, value in typed.items():
        if name not in _WORDS:
            continue
        if math.isnan(value):
            found[name] = f"{_WORDS[name]} is not a number"
        elif not (value > 0 and math.isfinite(value)):
            found[name] = f"{_WORDS[name]} must be above 0{_ABOVE_ZERO.get(name, '')}"
    light = values.get("wavelength_um")
    if light is not None and "wavelength_um" not in found and not 0.1 <= light <= 3:
        said = f"{1000 * light:g} nm is outside 100 to 3000 nm"
        found["wavelength_um"] = f"the emission wavelength of {said}"
    na, index = values.get("na"), values.get("immersion_index")
    if na is None or index is None or found.keys() & {"na", "immersion_index"}:
        return found
    if na >= index:
        # the field that somebody typed into is the one to look at
        only_index = "immersion_index" in typed and "na" not in typed
        said = f"the NA of {na:g} is not below the immersion index, {index:g}"
        found["immersion_index" if only_index else "na"] = said
    return found


def _picture_px(core: CMMCorePlus) -> tuple[int, int]:
    return int(core.getImageHeight()), int(core.getImageWidth())


def _objective(core: CMMCorePlus) -> str | None:
    for device in core.guessObjectiveDevices():
        told = parse_objective(str(core.getStateLabel(device)))
        if told.magnification is not None and told.na is not None:
            return f"{told.magnification:g}x/{told.na:g}"
        break
    return None


def _emissions(core: CMMCorePlus, group: str) -> dict[str, float]:
    found = {}
    for preset in core.getAvailableConfigs(group):
        for device, _, value in core.getConfigData(group, preset):
            wavelength = emission_um(str(value))
            if "emission" in str(device).lower() and wavelength is not None:
                found[str(preset)] = wavelength
    return found


def _told(core: CMMCorePlus, name: str) -> float | None:
    from rmz_acquire.acquisition import optics_from_core

    others: dict[str, Any] = {k: v for k, v in _STANDINS.items() if k != name}
    try:
        return float(getattr(optics_from_core(core, **others), name))
    except InputError:
        return None
