"""Writes the same small stack in every format, with what each says of its voxels."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

if TYPE_CHECKING:
    from pathlib import Path

STACK = np.random.default_rng(11).integers(90, 4000, (5, 12, 14)).astype(np.uint16)


def imagej(
    path: Path,
    *,
    data: np.ndarray = STACK,
    pixel: tuple[float, float] = (0.1, 0.1),
    axes: str = "ZYX",
    tag_unit: int = 1,
    **said: Any,
) -> Path:
    """As ImageJ does: pixels per unit as resolution, a description for the rest.

    Values of `said` are bytes of any encoding, or anything that prints.
    """
    sizes = {"Z": "slices", "T": "frames", "C": "channels", "I": None}
    kind = sizes[axes[0]]
    lines = [b"ImageJ=1.54f", b"images=%d" % len(data)]
    if kind is not None:
        lines.append(f"{kind}={len(data)}".encode())
    for key, value in said.items():
        text = value if isinstance(value, bytes) else str(value).encode("ascii")
        lines.append(key.encode() + b"=" + text)
    with tifffile.TiffWriter(path) as tiff:
        for number, plane in enumerate(data):
            tiff.write(
                plane,
                description=b"\n".join([*lines, b""]) if number == 0 else None,
                resolution=(1 / pixel[0], 1 / pixel[1]),
                resolutionunit=tag_unit,
                photometric="minisblack",
                metadata=None,
                contiguous=True,
            )
    return path


def ome(
    path: Path,
    *,
    data: np.ndarray = STACK,
    axes: str = "ZYX",
    size: tuple[float | None, float | None, float | None] = (0.5, 0.1, 0.1),
    units: tuple[str | None, str | None, str | None] = (None, None, None),
    z: list[float] | None = None,
    z_unit: str | None = "µm",
    extra: str = "",
    resolution: tuple[float, int] | None = None,
    **pixels: Any,
) -> Path:
    """OME-XML by hand, so that units and positions may be what no model allows."""
    counts = dict.fromkeys("XYZCT", 1) | dict(zip(axes, data.shape, strict=True))
    said = {f"Size{axis}": count for axis, count in counts.items()} | pixels
    for axis, value, unit in zip("ZYX", size, units, strict=True):
        if value is not None:
            said[f"PhysicalSize{axis}"] = value
        if unit is not None:
            said[f"PhysicalSize{axis}Unit"] = unit
    first = axes[0]
    planes = ""
    for i, value in enumerate(z or ()):
        index = {f"The{axis}": 0 for axis in "ZCT"} | {f"The{first}": i}
        told = " ".join(f'{key}="{n}"' for key, n in index.items())
        unit = "" if z_unit is None else f' PositionZUnit="{z_unit}"'
        planes += f'<Plane {told} PositionZ="{value}"{unit}/>'
    attributes = " ".join(f'{key}="{value}"' for key, value in said.items())
    channel = '<Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
    if "<Channel" in extra:
        channel = ""
    image_extra = "".join(re.findall(r"<ObjectiveSettings[^>]*/>", extra))
    pixels_extra = "".join(re.findall(r"<Channel[^>]*/>", extra))
    root_extra = "".join(re.findall(r"<Instrument.*</Instrument>", extra))
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'{root_extra}<Image ID="Image:0" Name="a">{image_extra}<Pixels ID="Pixels:0" '
        f'DimensionOrder="XYZCT" Type="uint16" {attributes}>{channel}{pixels_extra}'
        f"<TiffData/>{planes}</Pixels></Image></OME>"
    )
    flat = data.reshape(-1, *data.shape[-2:])
    per, unit_tag = resolution or (1.0, 1)
    with tifffile.TiffWriter(path, ome=False) as tiff:
        for number, plane in enumerate(flat):
            tiff.write(
                plane,
                description=xml.encode() if number == 0 else None,
                resolution=(per, per),
                resolutionunit=unit_tag,
                photometric="minisblack",
                metadata=None,
                contiguous=False,
            )
    return path


def zarr2(
    path: Path,
    *,
    data: np.ndarray = STACK,
    axes: Any = "zyx",
    units: tuple[str | None, ...] = ("micrometer",) * 3,
    scale: tuple[float, ...] | None = (0.5, 0.1, 0.1),
    version: str | None = "0.4",
    leave_out: tuple[int, ...] = (),
    **array: Any,
) -> Path:
    """OME-Zarr in Zarr 2, uncompressed, a chunk a plane."""
    (path / "0").mkdir(parents=True)
    entry: dict[str, Any] = {"datasets": [_dataset(scale)]}
    entry |= _axes(axes, units)
    if version is not None:
        entry["version"] = version
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text(json.dumps({"multiscales": [entry]}))
    told = {
        "zarr_format": 2,
        "shape": data.shape,
        "chunks": (1,) * (data.ndim - 2) + data.shape[-2:],
        "dtype": data.dtype.str,
        "compressor": None,
        "fill_value": 0,
        "order": "C",
        "filters": None,
        "dimension_separator": "/",
    } | array
    told = {key: value for key, value in told.items() if value != "leave out"}
    (path / "0" / ".zarray").write_text(json.dumps(told))
    for number, index in enumerate(np.ndindex(*data.shape[:-2])):
        if number not in leave_out:
            chunk = path / "0" / "/".join(map(str, (*index, 0, 0)))
            chunk.parent.mkdir(parents=True, exist_ok=True)
            chunk.write_bytes(data[index].tobytes())
    return path


def zarr3(
    path: Path,
    *,
    data: np.ndarray = STACK,
    axes: Any = "zyx",
    units: tuple[str | None, ...] = ("micrometer",) * 3,
    scale: tuple[float, ...] | None = (0.5, 0.1, 0.1),
    version: str | None = "0.5",
    sharded: bool = False,
) -> Path:
    """OME-Zarr in Zarr 3, written by tensorstore, which leaves chunks of zeros out."""
    import tensorstore

    path.mkdir(parents=True)
    told: dict[str, Any] = {"multiscales": [{"datasets": [_dataset(scale)]}]}
    told["multiscales"][0] |= _axes(axes, units)
    if version is not None:
        told["version"] = version
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": told}}
    (path / "zarr.json").write_text(json.dumps(group))
    plane = [1, *data.shape[1:]]
    metadata: dict[str, Any] = {
        "shape": data.shape,
        "data_type": data.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": plane}},
    }
    if sharded:
        inner = {"chunk_shape": [1, plane[1] // 2, plane[2] // 2]}
        metadata["codecs"] = [{"name": "sharding_indexed", "configuration": inner}]
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{path / '0'}/"},
        "metadata": metadata,
        "create": True,
    }
    tensorstore.open(spec).result().write(data).result()
    return path


def _dataset(scale: tuple[float, ...] | None) -> dict[str, Any]:
    if scale is None:
        return {"path": "0"}
    moves = [{"type": "scale", "scale": scale}]
    return {"path": "0", "coordinateTransformations": moves}


def _axes(axes: Any, units: tuple[str | None, ...]) -> dict[str, Any]:
    """Axes as 0.4 has them of a string; None for none, a list as it is."""
    if axes is None:
        return {}
    if not isinstance(axes, str):
        return {"axes": axes}
    kinds = {"t": "time", "c": "channel"}
    made = []
    for name, unit in zip(axes, units, strict=True):
        axis = {"name": name, "type": kinds.get(name, "space")}
        made.append(axis if unit is None else {**axis, "unit": unit})
    return {"axes": made}
