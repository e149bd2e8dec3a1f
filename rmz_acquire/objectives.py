"""What an objective's and a filter's label in Micro-Manager tell about the optics.

Micro-Manager knows positions of a turret, not what is screwed in; people write that
into the label: ``20x/0.75 Air``, ``Plan Apo 63x 1.40 Oil``, ``525/50``. It is read
here, for real and simulated microscopes alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

__all__ = [
    "Objective",
    "ToldOptics",
    "emission_um",
    "optics_from_core",
    "parse_objective",
]

#: Refractive index by the word on the barrel (at 23 °C, 589 nm, rounded).
_IMMERSION = {
    "air": 1.0,
    "dry": 1.0,
    "water": 1.333,
    "wat": 1.333,
    "w": 1.333,
    "silicone": 1.406,
    "sil": 1.406,
    "glycerol": 1.47,
    "glyc": 1.47,
    "gly": 1.47,
    "oil": 1.515,
}
_MAGNIFICATION = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*[x×](?![a-z])", re.IGNORECASE)
_NA = re.compile(r"(?<![\w.])(?:NA\s*=?\s*)?([01]\.\d{1,3})(?![\d])", re.IGNORECASE)
_NANOMETRES = re.compile(r"(?<!\d)(\d{3})(?!\d)")


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective as its label describes it.

    Parameters
    ----------
    label : str
        The label.
    magnification : float or None
        Nominal magnification.
    na : float or None
        Numerical aperture.
    immersion_index : float or None
        Refractive index of the immersion; 1 where the label names none and the
        aperture is below 0.96, as only dry objectives go unnamed.
    """

    label: str
    magnification: float | None
    na: float | None
    immersion_index: float | None


def parse_objective(label: str) -> Objective:
    """Read magnification, NA and immersion from the label of a turret position.

    Parameters
    ----------
    label : str
        For example ``20x/0.75 Air`` or ``Nikon 60X Plan Apo 1.40 Oil``.

    Returns
    -------
    Objective
        None for what the label does not tell.
    """
    magnification = _MAGNIFICATION.search(label)
    na = _NA.search(label, magnification.end() if magnification else 0)
    aperture = float(na[1]) if na else None
    words = re.findall(r"[a-z]+", label.lower())
    index = next((_IMMERSION[word] for word in words if word in _IMMERSION), None)
    if index is None and aperture is not None and aperture < 0.96:
        index = 1.0
    return Objective(
        label, float(magnification[1]) if magnification else None, aperture, index
    )


def emission_um(label: str) -> float | None:
    """Read the middle of an emission band from the label of a filter.

    Parameters
    ----------
    label : str
        For example ``525/50`` or ``Chroma-HQ535``.

    Returns
    -------
    float or None
        Wavelength, µm; None where no number from 350 to 1000 is in the label.
    """
    for number in _NANOMETRES.findall(label):
        if 350 <= int(number) <= 1000:
            return int(number) / 1000
    return None


@dataclass(frozen=True, slots=True)
class ToldOptics:
    """What a microscope tells about the optics as it stands; None where it does not.

    Parameters
    ----------
    objective : str
        Label of the objective in place; empty where there is no turret.
    na, immersion_index : float or None
        As the label tells.
    wavelength_um : float or None
        Middle of the emission filter in place, µm.
    pixel_size_um : float or None
        At the sample, binning counted, µm.
    """

    objective: str = ""
    na: float | None = None
    immersion_index: float | None = None
    wavelength_um: float | None = None
    pixel_size_um: float | None = None

    @classmethod
    def of(cls, core: CMMCorePlus, pixel_size_um: float | None = None) -> ToldOptics:
        """Ask a core with a loaded configuration.

        NA and immersion come from the label of the objective in place, the wavelength
        from the label of the emission filter in place, the pixel size, where it is not
        given, from the pixel-size configuration.
        """
        label, objective = _objective_in_place(core)
        return cls(
            label,
            objective.na,
            objective.immersion_index,
            _emission_in_place(core),
            pixel_size_um or float(core.getPixelSizeUm()) or None,
        )

    def optics(
        self,
        *,
        wavelength_um: float | None = None,
        na: float | None = None,
        immersion_index: float | None = None,
        pixel_size_um: float | None = None,
        sample_index: float | None = None,
        **fitted: float | None,
    ) -> Optics:
        """Put the optics together; what is given goes first.

        Parameters and errors are those of `optics_from_core`; `fitted` are the keys
        of `rmz_acquire.optics.FITTED`.
        """
        na = self.na if na is None else na
        if immersion_index is None:
            immersion_index = self.immersion_index
        pixel = self.pixel_size_um if pixel_size_um is None else pixel_size_um
        wavelength = self.wavelength_um if wavelength_um is None else wavelength_um
        label = self.objective
        where = (
            f"the label {label!r} of the objective" if label else "no objective turret"
        )
        missing = {
            f"the NA (from {where})": na,
            f"the immersion index (from {where})": immersion_index,
            "the pixel size (no pixel-size configuration fits)": pixel,
            "the emission wavelength (no filter label tells it)": wavelength,
        }
        unknown = [name for name, value in missing.items() if value is None]
        if unknown:
            msg = f"the configuration does not tell {', '.join(unknown)}: give it"
            raise InputError(msg)
        try:
            return Optics.model_validate(
                {
                    "na": na,
                    "immersion_index": immersion_index,
                    "wavelength_um": wavelength,
                    "pixel_size_um": pixel,
                    "sample_index": sample_index,
                }
                | {key: value for key, value in fitted.items() if value is not None}
            )
        except ValidationError as error:
            raise InputError(message_of(error)) from None


def optics_from_core(core: CMMCorePlus, **given: float | None) -> Optics:
    """Put together what the loaded configuration tells about the optics.

    NA and immersion come from the label of the objective in place, the pixel size
    from the pixel-size configuration (binning counted), the wavelength from the label
    of the emission filter in place. What is given here goes first.

    Parameters
    ----------
    core : CMMCorePlus
        A core with a loaded configuration.
    **given : float, optional
        ``wavelength_um``: emission wavelength, µm; ``na`` and ``immersion_index`` of
        the objective; ``pixel_size_um``: at the sample, binning included, µm;
        ``sample_index``: refractive index of the mounting medium, by default that of
        the immersion; the keys of `rmz_acquire.optics.FITTED` as a calibration found
        them.

    Returns
    -------
    Optics

    Raises
    ------
    InputError
        If something is neither given nor told by the configuration, or makes no sense.
    """
    return ToldOptics.of(core, given.get("pixel_size_um")).optics(**given)


def _objective_in_place(core: CMMCorePlus) -> tuple[str, Objective]:
    for device in core.guessObjectiveDevices():
        label = str(core.getStateLabel(device))
        return label, parse_objective(label)
    return "", Objective("", None, None, None)


def _emission_in_place(core: CMMCorePlus) -> float | None:
    from pymmcore_plus import DeviceType

    for device in core.getLoadedDevicesOfType(DeviceType.State):
        if "emission" in device.lower():
            wavelength = emission_um(str(core.getStateLabel(device)))
            if wavelength is not None:
                return wavelength
    return None
