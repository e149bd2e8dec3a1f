"""What a microscope tells of itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
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
    """

    exposure_ms: float = 0.0
    channel: tuple[str, str] | None = None
    stage_um: tuple[float, float] = (-math.inf, math.inf)
    optics: dict[str, float | None] = field(default_factory=dict)
    missing: str | None = None
    channels: tuple[str, ...] = ()
    bit_depth: int | None = None

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
        )

    def resolve(
        self, given: dict[str, float | None] | None = None
    ) -> tuple[Optics | None, str | None]:
        """Give the optics, or say why they are not known.

        Parameters
        ----------
        given : dict, optional
            `ScanSettings.overrides`, which go first.

        Returns
        -------
        (Optics or None, str or None)
        """
        from pydantic import ValidationError

        from rmz_acquire.optics import Optics

        typed = {k: v for k, v in (given or {}).items() if v is not None}
        values = {**self.optics, **typed}
        unknown = [_WORDS[name] for name in _WORDS if values.get(name) is None]
        if unknown:
            told = ", ".join(unknown)
            return None, f"the configuration does not tell {told}: type it in"
        try:
            return Optics.model_validate(values), None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = _WORDS.get(str(first["loc"][0]), "") if first["loc"] else ""
            said = first["msg"].removeprefix("Value error, ")
            return None, f"{name}: {said}" if name else said


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


def _told(core: CMMCorePlus, name: str) -> float | None:
    from rmz_acquire.acquisition import optics_from_core

    others: dict[str, Any] = {k: v for k, v in _STANDINS.items() if k != name}
    try:
        return float(getattr(optics_from_core(core, **others), name))
    except InputError:
        return None
