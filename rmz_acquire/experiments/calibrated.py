"""An experiment whose optics come from a calibration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK, ExperimentSettings

if TYPE_CHECKING:
    from pathlib import Path

    import useq

    from rmz_acquire.optics import Optics

__all__ = ["read_optics", "with_optics"]


def read_optics(file: Path) -> Optics:
    """Read the optics that ``rmz-acquire calibrate-optics`` wrote.

    Parameters
    ----------
    file : Path
        YAML of `Optics`.

    Returns
    -------
    Optics

    Raises
    ------
    InputError
        In one line that names the file and the key, if it is no optics.
    """
    from rmz_acquire.optics import Optics
    from rmz_acquire.settings_file import read_settings

    return read_settings(file, Optics)


def with_optics(sequence: useq.MDASequence, optics: Optics) -> useq.MDASequence:
    """Give the experiment with calibrated optics in its block.

    Parameters
    ----------
    sequence : useq.MDASequence
        With our block in its metadata.
    optics : Optics
        What ``rmz-acquire calibrate-optics`` wrote.

    Returns
    -------
    useq.MDASequence

    Raises
    ------
    InputError
        If the block has another value for something that was calibrated. Wavelengths
        by channel stay: index, aperture and z scale hold for all of them.
    """
    given = ExperimentSettings.of(sequence.metadata).optics
    fitted = optics.model_dump(exclude_none=True)
    if isinstance(given.wavelength_um, dict):
        del fitted["wavelength_um"]
    for name, value in fitted.items():
        here = getattr(given, name)
        if here is not None and not math.isclose(value, here, rel_tol=0.02):
            msg = f"{BLOCK}.optics.{name} is {here:g}, the calibrated optics have "
            raise InputError(f"{msg}{value:.4g}: leave one of them out")
    metadata = dict(sequence.metadata)
    block = dict(metadata["rmz_acquire"])
    block["optics"] = given.model_dump(exclude_none=True) | fitted
    metadata["rmz_acquire"] = block
    return sequence.replace(metadata=metadata)
