"""Settings with calibrated optics in them, and what these took the place of."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rmz_acquire.experiments import ExperimentSettings
from rmz_acquire.gui.models.fitted_optics import Calibration

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.optics import Optics

__all__ = ["keeps_wavelengths", "replaced_by", "with_calibrated"]

_SAME = 1e-4
_TYPED = {
    "na": ("NA", 1.0, ""),
    "immersion_index": ("n", 1.0, ""),
    "wavelength_um": ("", 1000.0, " nm"),
    "pixel_size_um": ("pixel", 1.0, " µm"),
}
"""By the name in `ScanSettings`: what it is called in a sentence, factor, unit."""


def with_calibrated(settings: ScanSettings, optics: Optics) -> ScanSettings:
    """Give settings with calibrated optics in place of those that are typed.

    Parameters
    ----------
    settings : ScanSettings
        Of the form.
    optics : Optics
        What ``rmz-acquire calibrate-optics`` wrote.

    Returns
    -------
    ScanSettings
        Wavelengths by channel of the experiment that was loaded stay: index, aperture
        and z scale hold for all of them.
    """
    fitted = {name: getattr(optics, name) for name in _TYPED}
    if keeps_wavelengths(settings):
        del fitted["wavelength_um"]
    return replace(settings, calibration=Calibration.of(optics), **fitted)


def keeps_wavelengths(settings: ScanSettings) -> bool:
    """Whether each channel has a wavelength of its own, in the loaded experiment."""
    if settings.base is None or settings.wavelength_um is not None:
        return False
    given = ExperimentSettings.of(settings.base.metadata).optics
    return isinstance(given.wavelength_um, dict)


def replaced_by(before: ScanSettings, after: ScanSettings) -> str:
    """Say which optics stood in the form and are others now; empty where none."""
    said = []
    for name, (called, factor, unit) in _TYPED.items():
        was, now = getattr(before, name), getattr(after, name)
        if was is None or math.isnan(was):
            continue
        if now is not None and math.isclose(was, now, rel_tol=_SAME):
            continue
        said.append(f"{called} {factor * was:.4g}{unit}".strip())
    if not before.calibration.nominal and before.calibration != after.calibration:
        said.append(before.calibration.words())
    return ", ".join(said)
