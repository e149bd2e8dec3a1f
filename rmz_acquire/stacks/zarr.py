"""Opens OME-Zarr 0.1 to 0.5, in Zarr 2 or 3.

The attributes are read as they are: a model that validates would refuse old versions,
and units which people write. A chunk that is absent is the fill value, by the format
and by the default of its writers; only an array without any chunk is taken for damaged.
"""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.stacks.axis_claims import Claims, Length, Positions
from rmz_acquire.stacks.image import COPY_AGAIN, Image, several

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["open_zarr"]

_NO_IMAGE = "a folder without an OME-Zarr image; give the one that is"
# before 0.4 axes are fixed or names only
_FIXED = "TCZYX"


@contextmanager
def open_zarr(path: Path) -> Iterator[Image]:
    """Open an OME-Zarr image.

    Parameters
    ----------
    path : Path
        Its folder.

    Yields
    ------
    Image

    Raises
    ------
    InputError
        Without the path, if it holds no image or more than one, or is damaged.
    """
    attributes, zarr_format = _attributes(path)
    ome = attributes.get("ome", attributes)
    if not isinstance(ome, dict):
        raise InputError(_NO_IMAGE)
    multiscales = ome.get("multiscales")
    if not multiscales:
        raise InputError(_what_else(path, ome))
    if len(multiscales) != 1:
        raise InputError(several(len(multiscales)))
    try:
        image = multiscales[0]
        full = image["datasets"][0]
        where = path / str(full["path"])
        array, absent = _array(where, zarr_format)
        shape = tuple(int(n) for n in array.shape)
        version = image.get("version") or ome.get("version")
        axes = _axes(image.get("axes"), len(shape), version)
        claims = _claims(axes, image, full, shape)
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        msg = f"its OME-Zarr metadata cannot be read ({type(error).__name__}: {error})"
        raise InputError(" ".join(msg.split())) from error
    letters = _own(claims, path, attributes, "".join(a for a, _ in axes), shape)
    omero = ome.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if isinstance(channels, list) and len(channels) == 1:
        claims.channel = channels[0].get("label") or None

    def pixels() -> NDArray[Any]:
        try:
            return np.asarray(array.read().result())
        except (ValueError, OSError, NotImplementedError) as error:
            raise InputError(COPY_AGAIN) from error

    claims.notes += absent
    yield Image(shape, letters, claims, pixels)


def _attributes(path: Path) -> tuple[dict[str, Any], int]:
    for name, zarr_format in (("zarr.json", 3), (".zattrs", 2)):
        try:
            document = json.loads((path / name).read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            msg = f"{name} cannot be read: {COPY_AGAIN}"
            raise InputError(msg) from error
        if zarr_format == 3:
            document = _dict(document).get("attributes")
        return _dict(document), zarr_format
    raise InputError(_what_else(path, {}))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _what_else(path: Path, ome: Mapping[str, Any]) -> str:
    """Say what to give instead of a folder that is no image."""
    inside = sorted(
        child.name
        for child in path.iterdir()
        if child.is_dir() and child.name != "OME" and _is_image(child)
    )
    if inside:
        return f"holds {len(inside)} image(s): give one of them, such as {inside[0]}"
    if (path / ".zarray").is_file() or _is_image(path.parent):
        return f"one resolution of an image: give the image itself, {path.parent}"
    if "plate" in ome:
        return "a plate of many images: give one field of one well"
    return _NO_IMAGE


def _is_image(path: Path) -> bool:
    if not any((path / name).is_file() for name in ("zarr.json", ".zattrs")):
        return False
    attributes, _ = _attributes(path)
    return "multiscales" in _dict(attributes.get("ome", attributes))


def _array(where: Path, zarr_format: int) -> tuple[Any, list[str]]:
    """Open an array, and say which of its chunks are absent."""
    import tensorstore

    spec: dict[str, Any] = {
        "driver": "zarr3" if zarr_format == 3 else "zarr",
        "kvstore": {"driver": "file", "path": f"{where.resolve()}/"},
    }
    if not where.is_dir():
        msg = f"its array {where.name} is not there; copy it again"
        raise InputError(msg)
    files = [
        file
        for file in where.rglob("*")
        if file.is_file() and not file.name.startswith(".") and file.name != "zarr.json"
    ]
    if zarr_format == 2 and any(file.parent != where for file in files):
        # some writers of nested chunks leave out that they are
        spec["metadata"] = {"dimension_separator": "/"}
        try:
            told = json.loads((where / ".zarray").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(COPY_AGAIN) from error
        if told.get("dimension_separator", "/") != "/":
            del spec["metadata"]
    try:
        array: Any = tensorstore.open(spec, open=True, read=True).result()
    except (ValueError, OSError, NotImplementedError) as error:
        said = message_of(error)
        if "NOT_FOUND" in said or "Error parsing" not in said:
            raise InputError(COPY_AGAIN) from error
        why = said[said.index("Error parsing") :].split(" [")[0][:160]
        msg = f"its array cannot be read: {why}"
        raise InputError(msg) from error
    chunk: tuple[int, ...] = array.chunk_layout.write_chunk.shape
    number = math.prod(-(-n // c) for n, c in zip(array.shape, chunk, strict=True))
    if number and not files:
        msg = f"none of its {number} chunks is there; copy it again"
        raise InputError(msg)
    missing = number - len(files)
    if missing <= 0:
        return array, []
    fill = array.fill_value
    value = 0 if fill is None else np.asarray(fill).item()
    line = (
        f"{missing} of its {number} chunks are not stored and read as {value:g}, as "
        "the format has it; a copy that was cut short looks the same"
    )
    return array, [line]


def _axes(
    told: Any, dimensions: int, version: str | None
) -> list[tuple[str, str | None]]:
    """Letter and unit of each axis."""
    if told is None and version not in (None, "0.1", "0.2"):
        msg = f"its OME-Zarr {version} has no axes that are known here: save it as 0.5"
        raise InputError(msg)
    if told is None:
        return [(letter, None) for letter in _FIXED[-dimensions:]]
    axes: list[tuple[str, str | None]] = []
    for axis in told:
        if isinstance(axis, str):
            axes.append((axis.upper(), None))
            continue
        letter = str(axis["name"]).upper()
        kind = axis.get("type")
        if kind in ("time", "channel"):
            letter = kind[0].upper()
        axes.append((letter, axis.get("unit")))
    if len(axes) != dimensions:
        msg = f"{len(axes)} axes for {dimensions} dimensions"
        raise ValueError(msg)
    odd = [letter for letter, _ in axes if len(letter) != 1]
    if odd:
        names = ", ".join(letter.lower() for letter, _ in axes)
        msg = f"its axes are {names}: those of a z-stack are z, y, x"
        raise InputError(msg)
    return axes


def _claims(
    axes: Sequence[tuple[str, str | None]],
    image: Mapping[str, Any],
    full: Mapping[str, Any],
    shape: Sequence[int],
) -> Claims:
    claims = Claims()
    scale = [1.0] * len(axes)
    told = False
    for level in (image, full):
        for transform in level.get("coordinateTransformations") or ():
            if transform.get("type") == "scale":
                told = True
                factors = [float(factor) for factor in transform["scale"]]
                scale = [a * b for a, b in zip(scale, factors, strict=True)]
    if not told:
        # what 0.1 to 0.3 have no place for is not 1
        return claims
    sizes = {"X": claims.x, "Y": claims.y, "Z": claims.z_step}
    for (letter, unit), step, count in zip(axes, scale, shape, strict=True):
        source = f"the scale of axis {letter.lower()}"
        if letter in sizes and not (letter == "Z" and count == 1):
            sizes[letter].append(Length(step, unit, source))
        if letter == "T" and unit is not None:
            claims.interval = f"{step:g} {'s' if unit == 'second' else unit}"
    return claims


def _own(
    claims: Claims,
    path: Path,
    attributes: Mapping[str, Any],
    letters: str,
    shape: Sequence[int],
) -> str:
    """Take the z of each plane where this program wrote the image; give its axes."""
    block = _dict(attributes.get("rmz_acquire"))
    if not block and (path.parent / "zarr.json").is_file():
        series, _ = _attributes(path.parent)
        journal = _dict(series.get("rmz_acquire")).get("journal")
        if journal in ("planes.jsonl", "checks.jsonl"):
            msg = (
                "planes of an experiment in the order taken, without their z: "
                f"rmz-acquire export {path.parent.parent} writes planes_*.ome.tif, "
                "which have it"
            )
            raise InputError(msg)
    z, planes = block.get("z_um"), block.get("planes")
    if isinstance(planes, list):
        # one run: its first axis is the order taken
        z = [_dict(plane).get("z_actual_um") for plane in planes]
        letters = letters.replace("T", "Z")
    size = dict(zip(letters, shape, strict=True))
    if not isinstance(z, list) or len(z) != size.get("Z"):
        return letters
    if all(isinstance(value, int | float) and math.isfinite(value) for value in z):
        z_um = tuple(float(value) for value in z)
        claims.positions["Z"] = Positions(z_um, "the list of its planes")
    return letters
