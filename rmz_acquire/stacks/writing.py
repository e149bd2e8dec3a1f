"""Writes OME-TIFF: a stack, a volume, or a position for programs without OME-Zarr.

What is not known is left out of the metadata, and what was never taken out of the file:
its description lists the planes that are there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from ome_types import model

from rmz_acquire.atomic_io import replace_file
from rmz_acquire.stacks.ome_image import About, ome_image, ome_note, ome_of, ome_plane
from rmz_acquire.stacks.plane_positions import even_step_um

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics
    from rmz_acquire.stacks.scratch import ScratchVolume

__all__ = ["NAMESPACE", "TiffPlane", "write_ome_tiff", "write_stack", "write_volume"]

NAMESPACE = "rmz_acquire.plane"
"""Of what the OME model has no place for."""


@dataclass(frozen=True, slots=True)
class TiffPlane:
    """One plane of the file: where it belongs, and how to get at its pixels.

    Parameters
    ----------
    index : (int, int, int)
        t, c and z.
    read : callable
        Gives its pixels, (Y, X).
    x_um, y_um, z_um : float or None
        On the stage, µm.
    exposure_ms : float or None
        ms.
    delta_s : float or None
        When its exposure ended, s since the experiment began.
    told : mapping
        What else is known of it: numbers and truths by name.
    """

    index: tuple[int, int, int]
    read: Callable[[], NDArray[Any]]
    x_um: float | None = None
    y_um: float | None = None
    z_um: float | None = None
    exposure_ms: float | None = None
    delta_s: float | None = None
    told: Mapping[str, float | bool | None] = field(default_factory=dict)


def write_ome_tiff(
    path: Path,
    planes: Sequence[TiffPlane],
    about: About,
    *,
    key: str = "0",
    started: datetime | None = None,
) -> None:
    """Write one image, whole or not at all; one plane in memory at a time.

    Parameters
    ----------
    path : Path
        The file, ``*.ome.tif``; replaced where it exists.
    planes : sequence of TiffPlane
        One or more, all of one size and type.
    about : About
        What other programs are told of it.
    key : str
        Its ID in the file; no spaces.
    started : datetime or None
        When it was begun.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    first = planes[0].read()
    notes = {
        n: ome_note(f"Annotation:{n}", NAMESPACE, plane.told)
        for n, plane in enumerate(planes)
        if plane.told
    }
    sizes = [1 + max(plane.index[axis] for plane in planes) for axis in range(3)]
    image, instrument = ome_image(
        key,
        about,
        (*sizes, *first.shape),
        first.dtype,
        planes=[
            ome_plane(
                plane.index,
                (plane.z_um, plane.y_um, plane.x_um),
                exposure_ms=plane.exposure_ms,
                delta_s=plane.delta_s,
                note=notes[n].id if n in notes else None,
            )
            for n, plane in enumerate(planes)
        ],
        tiff_data_blocks=[
            model.TiffData(ifd=n, first_t=t, first_c=c, first_z=z, plane_count=1)
            for n, (t, c, z) in enumerate(plane.index for plane in planes)
        ],
    )
    image.acquisition_date = started
    ome = ome_of([(image, instrument)], list(notes.values()))
    big = len(planes) * first.nbytes > 2**31
    with (
        replace_file(path) as file,
        tifffile.TiffWriter(file, bigtiff=big, ome=False) as tiff,
    ):
        for number, plane in enumerate(planes):
            tiff.write(
                np.ascontiguousarray(plane.read()),
                photometric="minisblack",
                description=ome.to_xml().encode() if number == 0 else None,
                contiguous=False,
                metadata=None,
            )


def write_volume(
    path: Path,
    volume: NDArray[Any] | ScratchVolume,
    z_um: Sequence[float],
    *,
    pixel_size_um: float | None = None,
    optics: Optics | None = None,
    channel: str | None = None,
    told: Sequence[Mapping[str, float | bool | None]] = (),
) -> None:
    """Write a volume, whole or not at all.

    Parameters
    ----------
    path : Path
        The file, by its usual name ``volume.ome.tif``; replaced where it exists.
    volume : ndarray or ScratchVolume, (Z, Y, X)
        Camera counts; written as float32.
    z_um : sequence of float, (Z,)
        Position of each plane, µm, kept with each; the voxel has a z size only where
        they are evenly spaced.
    pixel_size_um : float, optional
        Pixel size at the sample, µm; left out of the metadata where not known.
    optics : Optics, optional
        What it was taken with.
    channel : str, optional
        Name of the channel.
    told : sequence of mapping, (Z,), optional
        What else is known of each plane: numbers and truths by name.

    Raises
    ------
    ValueError
        If the volume is not 3D or has not one plane per z.
    OSError
        If the disk does not take it.
    """
    if volume.ndim != 3 or len(volume) != len(z_um):
        msg = f"a volume of shape {volume.shape} does not fit {len(z_um)} z positions"
        raise ValueError(msg)
    z = [float(value) for value in z_um]
    write_ome_tiff(
        path,
        [
            TiffPlane(
                (0, 0, i),
                partial(_plane, volume, i),
                z_um=z[i],
                told=told[i] if told else {},
            )
            for i in range(len(volume))
        ],
        About(
            name=path.name.split(".")[0],
            channels=() if channel is None else (channel,),
            optics=(optics,),
            pixel_size_um=pixel_size_um,
            z_step_um=even_step_um(z),
        ),
    )


def _plane(volume: NDArray[Any] | ScratchVolume, i: int) -> NDArray[np.float32]:
    return np.asarray(volume[i], np.float32)


def write_stack(
    path: str | Path, data: NDArray[Any], *, z_step_um: float, pixel_size_um: float
) -> None:
    """Write a z-stack with its voxel size, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; replaced where it exists.
    data : ndarray, (Z, Y, X)
        Integer or floating; written as it is.
    z_step_um, pixel_size_um : float
        Voxel size, µm.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    path = Path(path)
    write_ome_tiff(
        path,
        [TiffPlane((0, 0, i), partial(np.asarray, data[i])) for i in range(len(data))],
        About(
            path.name.split(".")[0], pixel_size_um=pixel_size_um, z_step_um=z_step_um
        ),
    )
