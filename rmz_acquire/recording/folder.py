"""The files of a run, and whether a folder may take them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rmz_acquire.errors import InputError

__all__ = ["RUN_FILES", "check_folder", "is_run", "remove"]

RUN = "run.json"
EXPERIMENT = "experiment.yaml"
PLANES = "planes.ome.zarr"
VOLUMES = "volumes.ome.zarr"
CHECKS = "checks.ome.zarr"
DECISIONS = "decisions.jsonl"
SUMMARY = "summary.json"
VOLUME = "volume.ome.tif"
REPORT = "report.png"
OME_TIFF = "ome-tiff"

RUN_FILES = (
    RUN,
    EXPERIMENT,
    PLANES,
    VOLUMES,
    CHECKS,
    DECISIONS,
    SUMMARY,
    VOLUME,
    REPORT,
    OME_TIFF,
)
"""All that a run may leave; `VOLUME` and `REPORT` where it is of one volume."""


def check_folder(path: Path | str, *, overwrite: bool = False) -> None:
    """Check, without touching it, that a run may be written to a folder.

    Parameters
    ----------
    path : path
        The folder; it need not exist.
    overwrite : bool
        Whether a run in it may be replaced.

    Raises
    ------
    InputError
        If it holds a run already, is a file, or cannot be written to.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        msg = f"{path} is a file: name a folder for the run"
        raise InputError(msg)
    held = [name for name in RUN_FILES if (path / name).exists()]
    if held and not overwrite:
        msg = (
            f"{path} holds a run already ({held[0]}): choose another folder, or give "
            "overwrite=True"
        )
        raise InputError(msg)
    parent = path.absolute()
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        msg = f"{path} cannot be written: {parent} is not a folder open to writing"
        raise InputError(msg)


def is_run(path: Path) -> bool:
    """Whether a folder holds a run, also one that was killed, or of version 0.1.0."""
    return path.is_dir() and any((path / name).exists() for name in (RUN, PLANES))


def remove(path: Path) -> None:
    """Remove a file or a folder, or nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
