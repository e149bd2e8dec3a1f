"""An experiment as OME-TIFF: a file of volumes and one of raw planes a position."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.stacks.writing import TiffPlane, write_ome_tiff

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import Key

__all__ = ["export_ome_tiff"]

logger = logging.getLogger(__name__)


def export_ome_tiff(path: Path | str, out: Path | str) -> list[Path]:
    """Write what an experiment has so far as OME-TIFF.

    The volumes have their voxel size, and a file of their spread where it was kept;
    the raw planes lie in the order taken, each with
    its z, and no step.

    Parameters
    ----------
    path : path
        The experiment's folder; it is left as it is.
    out : path
        The folder for the files; files of the same names are replaced.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        If it holds no experiment, or no plane.
    OSError
        If the disk does not take them.
    """
    run = StoredExperiment(path)
    if not run.folder.planes_before:
        msg = f"{path} holds no planes yet"
        raise InputError(msg)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    started = datetime.fromisoformat(run.told["started"])
    places: dict[tuple[int, int], list[Volume]] = {}
    for volume in run.begun:
        places.setdefault(volume.key[1:3], []).append(volume)
    later = sum(run.folder.to_render(volume.key) for volume in run.begun)
    if later:
        logger.warning(
            "%d of the volumes are not made yet, and left out: resume the run first",
            later,
        )
    files = []
    for place, volumes in places.items():
        for kind, planes, raw in (
            ("planes", _raw(run, volumes, started), True),
            ("volumes", _made(run, volumes), False),
            ("spread", _spread(run, volumes), False),
        ):
            if not planes:
                continue
            image = run.folder.image(place, raw=raw)
            files.append(out / f"{kind}_{image.name}.ome.tif")
            write_ome_tiff(
                files[-1], planes, image.about, key=image.name, started=started
            )
    return files


def _raw(
    run: StoredExperiment, volumes: list[Volume], started: datetime
) -> list[TiffPlane]:
    return [
        TiffPlane(
            (volume.key[0], volume.key[3], line["order"]),
            partial(run.folder.plane_pixels, volume.key, line["order"]),
            **_place(volume),
            z_um=line["z_actual_um"],
            exposure_ms=line["exposure_ms"],
            delta_s=(datetime.fromisoformat(line["time"]) - started).total_seconds(),
        )
        for volume in volumes
        for line in run.folder.planes_before[volume.key]
    ]


def _made(run: StoredExperiment, volumes: list[Volume]) -> list[TiffPlane]:
    return [
        TiffPlane(
            (volume.key[0], volume.key[3], number),
            partial(_plane, run.folder.volume_part, volume, number),
            **_place(volume),
            z_um=z_um,
            told=told[number] if told else {},
        )
        for volume in volumes
        if run.folder.done(volume.key) and run.folder.has_volume(volume.key)
        for told in [run.told_of_planes(volume)]
        for number, z_um in enumerate(sorted(volume.z_um))
    ]


def _spread(run: StoredExperiment, volumes: list[Volume]) -> list[TiffPlane]:
    if not run.folder.has_spread(volumes[0].key[1:3]):
        return []
    return [
        replace(
            plane,
            read=partial(_plane, run.folder.spread_part, volume, plane.index[2]),
            told={},
        )
        for volume in volumes
        for plane in _made(run, [volume])
    ]


def _plane(
    part: Callable[[Key, int, int], NDArray[np.float32]], volume: Volume, number: int
) -> NDArray[np.float32]:
    plane: NDArray[np.float32] = part(volume.key, number, number)[0]
    return plane


def _place(volume: Volume) -> dict[str, Any]:
    return {"x_um": volume.first.x_pos, "y_um": volume.first.y_pos}
