"""Leaves the planes of every volume as a stack that a model is trained on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.atomic_io import replace_text
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.stacks import write_stack

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["export_stacks"]

LIST = "stacks.yaml"


def export_stacks(folder: Path) -> list[Path]:
    """Write the planes of every stack that is whole as a file, and list them.

    Parameters
    ----------
    folder : Path
        Of a run; the files are written into it.

    Returns
    -------
    list of Path
        position-001.ome.tif and so on.

    Raises
    ------
    OSError
        If the disk does not take them; the planes are in the run all the same.
    """
    stored = StoredExperiment(folder)
    files: list[Path] = []
    entries: list[dict[str, str]] = []
    for volume in stored.prepared.volumes:
        if volume.single or not stored.folder.done(volume.key):
            continue
        path = folder / f"position-{volume.number + 1:03d}.ome.tif"
        planes = sorted(stored.counted(volume), key=lambda plane: plane.z_requested_um)
        z_um = sorted(volume.z_um)
        write_stack(
            path,
            np.stack([plane.image for plane in planes]),
            z_step_um=z_um[1] - z_um[0],
            pixel_size_um=stored.prepared.pixel_size_of(volume) or 1.0,
        )
        files.append(path)
        name = volume.first.pos_name or path.stem[:-4]
        entries.append({"path": path.name, "specimen": name})
    if entries:
        _write_list(folder / LIST, entries)
    return files


def _write_list(path: Path, entries: list[dict[str, str]]) -> None:
    lines = ["# for the files of a training configuration that lies in this folder"]
    lines += ["stacks:", *(f"  - {json.dumps(entry)}" for entry in entries)]
    replace_text(path, "\n".join(lines) + "\n")
