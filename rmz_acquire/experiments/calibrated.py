"""Optics from a calibration: for an experiment, or beside what else was given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK, ExperimentSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import useq

    from rmz_acquire.optics import Optics

__all__ = ["check_given", "read_optics", "with_optics"]

_SAME = 0.02
"""Part of a value by which one that was typed may be rounded."""


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


def check_given(
    optics: Optics,
    given: Mapping[str, float | None],
    *,
    source: str,
    name: Callable[[str], str],
) -> None:
    """Refuse what was given beside calibrated optics, and is another value.

    Parameters
    ----------
    optics : Optics
        The calibrated ones.
    given : mapping
        By field of `Optics`; None where nothing was given.
    source : str
        Where the calibrated ones come from.
    name : callable
        Says how who gave a field knows it.

    Raises
    ------
    InputError
        Naming the first that is another.
    """
    for field, value in given.items():
        here = getattr(optics, field)
        if value is None or (
            here is not None and math.isclose(value, here, rel_tol=_SAME)
        ):
            continue
        known = "none" if here is None else f"{here:.4g}"
        msg = f"{name(field)} is {value:g}, {source} has {known}: leave one of them out"
        raise InputError(msg)


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
    settings = ExperimentSettings.of(sequence.metadata).optics
    given = settings.model_dump(exclude_none=True)
    by_channel = {k: v for k, v in given.items() if isinstance(v, dict)}
    check_given(
        optics,
        {field: value for field, value in given.items() if field not in by_channel},
        source="the calibration",
        name=f"{BLOCK}.optics.{{}}".format,
    )
    metadata = dict(sequence.metadata)
    block = dict(metadata["rmz_acquire"])
    block["optics"] = optics.model_dump(exclude_none=True) | by_channel
    metadata["rmz_acquire"] = block
    return sequence.replace(metadata=metadata)
