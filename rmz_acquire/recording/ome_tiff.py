"""One position of an experiment as one OME-TIFF, for programs that read no OME-Zarr.

What is not known is left out of the metadata, and what was never taken out of the file:
its description lists the planes that are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from ome_types import model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TiffPlane", "write_ome_tiff"]

_UM, _MS, _S = model.UnitsLength.MICROMETER, model.UnitsTime.MILLISECOND, "s"
# as numpy calls them, and as OME does where it has another name
_PIXEL_TYPES = {"float32": "float", "float64": "double"}


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
    """

    index: tuple[int, int, int]
    read: Callable[[], NDArray[Any]]
    x_um: float | None = None
    y_um: float | None = None
    z_um: float | None = None
    exposure_ms: float | None = None
    delta_s: float | None = None


def write_ome_tiff(
    path: Path,
    planes: Sequence[TiffPlane],
    *,
    name: str,
    channels: Sequence[str],
    pixel_size_um: float | None,
    z_step_um: float | None,
    started: datetime | None,
) -> None:
    """Write one image, whole or not at all; one plane in memory at a time.

    Parameters
    ----------
    path : Path
        The file, ``*.ome.tif``; replaced where it exists.
    planes : sequence of TiffPlane
        One or more, all of one size and type.
    name : str
        Of the image.
    channels : sequence of str
        Names of the channels.
    pixel_size_um, z_step_um : float or None
        Voxel size, µm; None where not known, or where z has no even step.
    started : datetime or None
        When it was begun.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    first = planes[0].read()
    sizes = [1 + max(plane.index[axis] for plane in planes) for axis in range(3)]
    ome = _describe(
        planes, sizes, first, name, channels, pixel_size_um, z_step_um, started
    )
    beside = path.with_name(f".{path.name}.tmp")
    big = len(planes) * first.nbytes > 2**31
    try:
        with tifffile.TiffWriter(beside, bigtiff=big, ome=False) as file:
            for number, plane in enumerate(planes):
                file.write(
                    np.ascontiguousarray(plane.read()),
                    photometric="minisblack",
                    description=ome.to_xml().encode() if number == 0 else None,
                    contiguous=False,
                    metadata=None,
                )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _describe(
    planes: Sequence[TiffPlane],
    sizes: Sequence[int],
    pixels: NDArray[Any],
    name: str,
    channels: Sequence[str],
    pixel_size_um: float | None,
    z_step_um: float | None,
    started: datetime | None,
) -> model.OME:
    t, c, z = sizes
    y, x = pixels.shape
    length: dict[str, Any] = {}
    for axis, size in (("x", pixel_size_um), ("y", pixel_size_um), ("z", z_step_um)):
        if size is not None:
            length |= {f"physical_size_{axis}": size, f"physical_size_{axis}_unit": _UM}
    image = model.Image(
        id="Image:0",
        name=name,
        acquisition_date=started,
        pixels=model.Pixels(
            id="Pixels:0",
            dimension_order="XYZCT",
            type=_PIXEL_TYPES.get(str(pixels.dtype), str(pixels.dtype)),
            size_x=x,
            size_y=y,
            size_z=z,
            size_c=c,
            size_t=t,
            channels=[
                model.Channel(id=f"Channel:0:{n}", name=label, samples_per_pixel=1)
                for n, label in enumerate(channels[:c])
            ],
            tiff_data_blocks=[
                model.TiffData(
                    ifd=n,
                    first_t=plane.index[0],
                    first_c=plane.index[1],
                    first_z=plane.index[2],
                    plane_count=1,
                )
                for n, plane in enumerate(planes)
            ],
            planes=[_plane(plane) for plane in planes],
            **length,
        ),
    )
    return model.OME(images=[image])


def _plane(plane: TiffPlane) -> model.Plane:
    t, c, z = plane.index
    known: dict[str, Any] = {}
    for axis in "xyz":
        value = getattr(plane, f"{axis}_um")
        if value is not None:
            known |= {f"position_{axis}": value, f"position_{axis}_unit": _UM}
    if plane.exposure_ms is not None:
        known |= {"exposure_time": plane.exposure_ms, "exposure_time_unit": _MS}
    if plane.delta_s is not None:
        known |= {"delta_t": plane.delta_s, "delta_t_unit": _S}
    return model.Plane(the_t=t, the_c=c, the_z=z, **known)
