"""Messages of Python calls, which name arguments, in the words of the command line."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError, ScanFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["BLOCK", "FOLDER", "PLAN", "RANGE", "STACK", "flagged", "in_flags"]

PLAN = {
    "first_planes": "--first-planes",
    "min_planes": "--min-planes",
    "max_planes": "--max-planes",
    "tau": "--tau",
    "audit": "--audit",
    "patience": "--patience",
    "max_light_ms": "--max-light-ms",
    "max_seconds": "--max-seconds",
    "epsilon": "--epsilon",
    "target_nrmse": "--target-nrmse",
    "confidence": "--confidence",
    "alpha": "--alpha",
    "calibration": "--calibration",
    "stop_rule": "--stop-rule",
    "misfit": "--misfit",
    "z_exact_um": "--z",
    "seed": "--seed",
}
"""Of a `ScanPlan`."""
RANGE = {"bottom_um": "--bottom", "top_um": "--top", "step_um": "--z-step"}
"""Of `ScanPlan.from_range`."""
STACK = {
    "z_step_um": "--z-step",
    "pixel_size_um": "--pixel-size",
    "z_axis": "--z-axis",
    "z_um": "--z",
}
"""Of what is said of a stack."""
BLOCK = {
    "metadata.rmz_acquire.model: ": "",
    "metadata.rmz_acquire.estimator": "--estimator",
    "metadata.rmz_acquire.policy": "--policy",
    "metadata.rmz_acquire.device: ": "--device ",
    "metadata.rmz_acquire.optics: ": "",
    "metadata.rmz_acquire.z_um": "--z",
    "metadata.rmz_acquire.regions": "--regions",
    "metadata.rmz_acquire.calibration": "--calibration",
    "metadata.rmz_acquire: ": "",
    "metadata.rmz_acquire.": "",
    "channels.0.exposure: ": "--exposure: ",
    "with strict: false": "without --strict",
    "z_plan: ": "",
}
"""Of an experiment's block, where options made it."""
FOLDER = {"overwrite=True": "--overwrite"}
"""Of a folder for a run."""


def in_flags(text: str, names: Mapping[str, str]) -> str:
    """Put flags in the place of arguments.

    Parameters
    ----------
    text : str
        A message.
    names : mapping
        Flag by argument.

    Returns
    -------
    str
    """
    for name, flag in names.items():
        end = r"(?!\w)" if name[-1].isalnum() else ""
        text = re.sub(rf"(?<![\w-]){re.escape(name)}{end}", flag, text)
    return text


@contextmanager
def flagged(*tables: Mapping[str, str]) -> Iterator[None]:
    """Say what goes wrong inside with the flags that a user typed.

    Parameters
    ----------
    *tables : mapping
        Flag by argument, as `in_flags` takes them.
    """
    names = {name: flag for table in tables for name, flag in table.items()}
    try:
        yield
    except (InputError, ScanFailed) as error:
        if error.args:
            error.args = (in_flags(str(error), names), *error.args[1:])
        raise
