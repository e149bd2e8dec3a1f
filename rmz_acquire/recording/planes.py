"""Raw planes on disk as they are taken: an OME-Zarr that grows and survives a kill.

ome-writers' own stream writes behind its caller's back and keeps metadata in memory,
so a plane may not be there when `append` returns. Here each plane is one chunk that is
on disk, with its z, before `append` returns. The planes are in the order taken, which
is not the order of z; the first axis is therefore time, and z is metadata of each.

What counts is the list ``attributes.rmz_acquire.planes`` of the group: it is replaced
in one step, after the pixels, so that every plane in it is whole. A kill between the
two leaves at most one plane of zeros behind the last one listed, and readers here
leave it out.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore
from yaozarrs import v05
from yaozarrs.write.v05 import prepare_image

from rmz_acquire.errors import InputError
from rmz_acquire.recording.atomic_io import replace_json
from rmz_acquire.scanning import Plane

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.optics import Optics

__all__ = [
    "PlaneWriter",
    "open_pixels",
    "plane_line",
    "plane_of",
    "read_description",
    "read_planes",
]

_ATTRIBUTE = "rmz_acquire"
_VERSION = 1


class PlaneWriter:
    """Appends planes to an OME-Zarr (0.5) at a path that does not exist yet.

    Nothing is written before the first plane, whose shape and type all must share.

    Parameters
    ----------
    path : Path
        The store, by its usual name ``planes.ome.zarr``.
    pixel_size_um : float, optional
        Pixel size at the sample, µm; None where it is not known.
    optics : Optics, optional
        What they are taken with.
    channel : str, optional
        Name of the channel.
    """

    def __init__(
        self,
        path: Path,
        *,
        pixel_size_um: float | None = None,
        optics: Optics | None = None,
        channel: str | None = None,
    ) -> None:
        # resolved: the library that writes takes no ".." in a path
        self._path = path.resolve()
        self._pixel_size_um = pixel_size_um
        self._optics = None if optics is None else optics.model_dump()
        self._channel = channel
        self._array: Any = None
        self._planes: list[dict[str, Any]] = []

    def __len__(self) -> int:
        """Count the planes that are on disk."""
        return len(self._planes)

    def append(self, plane: Plane) -> None:
        """Put one plane on disk.

        Parameters
        ----------
        plane : Plane
            The plane; it is on disk with its metadata when this returns.

        Raises
        ------
        ValueError
            If its shape or type is not that of the planes before it.
        OSError
            If the disk does not take it.
        """
        image = np.ascontiguousarray(plane.image)
        image = image.astype(image.dtype.newbyteorder("="), copy=False)
        if self._array is None:
            self._create(image)
        count, *shape = self._array.shape
        if list(image.shape) != shape or image.dtype != self._array.dtype.numpy_dtype:
            msg = (
                f"plane {len(self) + 1} is {image.shape} {image.dtype}, those before "
                f"it are {tuple(shape)} {self._array.dtype.numpy_dtype}"
            )
            raise ValueError(msg)
        index = len(self)
        if count <= index:
            self._array = self._array.resize(
                exclusive_max=[index + 1, *shape], expand_only=True
            ).result()
        # result() returns when the chunk is committed: renamed in place and synced
        self._array[index].write(image).result()
        self._planes.append({"index": index, **plane_line(plane)})
        document = json.loads(self._document.read_text(encoding="utf-8"))
        document["attributes"][_ATTRIBUTE] = {
            "version": _VERSION,
            "pixel_size_um": self._pixel_size_um,
            "optics": self._optics,
            "channel": self._channel,
            "planes": self._planes,
        }
        replace_json(self._document, document)

    @property
    def _document(self) -> Path:
        return self._path / "zarr.json"

    def _create(self, image: NDArray[Any]) -> None:
        pixel = self._pixel_size_um
        unit = None if pixel is None else "micrometer"
        model = v05.Image(
            omero=None if self._channel is None else _shown(self._channel, image),
            multiscales=[
                v05.Multiscale(
                    name="planes in the order taken",
                    axes=[
                        v05.TimeAxis(name="t"),
                        v05.SpaceAxis(name="y", unit=unit),
                        v05.SpaceAxis(name="x", unit=unit),
                    ],
                    datasets=[
                        v05.Dataset(
                            path="0",
                            coordinateTransformations=[
                                v05.ScaleTransformation(
                                    scale=[1.0, pixel or 1.0, pixel or 1.0]
                                )
                            ],
                        )
                    ],
                )
            ],
        )
        _, arrays = prepare_image(
            self._path,
            model,
            ((1, *image.shape), image.dtype),
            chunks=(1, *image.shape),
            writer="tensorstore",
        )
        self._array = arrays["0"]


def read_planes(path: Path) -> list[Plane]:
    """Read the planes of a run back, in the order taken.

    Parameters
    ----------
    path : Path
        A ``planes.ome.zarr``, also of a run that was killed.

    Returns
    -------
    list of Plane
        Every plane that is whole, its pixels in the camera's type.

    Raises
    ------
    InputError
        If there is no such store, or it is not one of ours.
    """
    listed = read_description(path)["planes"]
    if not listed:
        return []
    array = open_pixels(path)
    return [
        plane_of(item, np.asarray(array[item["index"]].read().result()))
        for item in listed
    ]


def open_pixels(path: Path) -> Any:
    """Open the pixels of a run without reading any.

    Parameters
    ----------
    path : Path
        A ``planes.ome.zarr`` that lists at least one plane.

    Returns
    -------
    tensorstore.TensorStore
        (index, Y, X); it may have one plane more than are listed.

    Raises
    ------
    ValueError
        If the array is damaged, or gone.
    """
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(path.resolve() / "0")},
    }
    return tensorstore.open(spec, open=True, read=True).result()


def read_description(path: Path) -> dict[str, Any]:
    """Read what the store of a run says of itself.

    Parameters
    ----------
    path : Path
        A ``planes.ome.zarr``, also of a run that was killed.

    Returns
    -------
    dict
        Its planes, one line each, and as far as known pixel_size_um, optics, channel.

    Raises
    ------
    InputError
        If there is no such store, or it is not one of ours.
    """
    try:
        document = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        told: dict[str, Any] = document["attributes"][_ATTRIBUTE]
        known = "planes" in told
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"{type(error).__name__} {error}"
        if isinstance(error, KeyError):
            said = "it was cut off before the first, or another program made it"
        msg = f"{path} holds no planes of a run: {said}"
        raise InputError(msg) from error
    if not known:
        msg = (
            f"{path} is of an experiment: rmz-acquire export {path.parent} writes "
            "planes_*.ome.tif, give one of these"
        )
        raise InputError(msg)
    return told


def plane_line(plane: Plane) -> dict[str, Any]:
    """Everything about a plane but its pixels, as it stands in the files."""
    rare = {"noise_free": plane.noise_free, "after_resume": plane.after_resume}
    return {
        "z_requested_um": plane.z_requested_um,
        "z_actual_um": plane.z_um,
        "z_shift_um": plane.z_shift_um,
        "chosen_by": plane.chosen_by,
        "exposure_ms": plane.exposure_ms,
        "stage_ms": plane.stage_ms,
        "camera_ms": plane.camera_ms,
        "time": plane.time,
        **{name: True for name, is_so in rare.items() if is_so},
    }


def plane_of(line: dict[str, Any], image: NDArray[Any]) -> Plane:
    """Make a plane of what `plane_line` wrote and of its pixels."""
    return Plane(
        image=image,
        z_um=line["z_actual_um"],
        z_requested_um=line["z_requested_um"],
        exposure_ms=line["exposure_ms"],
        stage_ms=line["stage_ms"],
        camera_ms=line["camera_ms"],
        time=datetime.fromisoformat(line["time"]),
        z_shift_um=line.get("z_shift_um", 0.0),
        chosen_by=line.get("chosen_by", "policy"),
        noise_free=line.get("noise_free", False),
        after_resume=line.get("after_resume", False),
    )


def _shown(channel: str, image: NDArray[Any]) -> v05.Omero:
    """How a viewer calls and shows the planes; their brightness is the first one's."""
    low, high = (float(v) for v in np.percentile(image, (0.5, 99.9)))
    window = {"min": 0.0, "max": 65535.0, "start": low, "end": max(high, low + 1)}
    told = {"label": channel, "color": "FFFFFF", "active": True, "window": window}
    return v05.Omero.model_validate({"channels": [told]})
