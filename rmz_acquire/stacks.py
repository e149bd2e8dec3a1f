"""Reads a recorded z-stack from TIFF, OME-TIFF or OME-Zarr, and refuses what is none.

A stack that is half there must not pass for a whole one: tifffile reads what it can
of a truncated file and logs the rest, and a Zarr array gives zeros for the chunks
that are missing. Both are errors here, told in one line.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Stack", "read_stack", "write_stack"]

MIN_SIDE_PX = 8

_UM_PER = {
    "µm": 1.0,  # micro sign
    "\N{GREEK SMALL LETTER MU}m": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "mm": 1e3,
    "millimeter": 1e3,
    "m": 1e6,
    "meter": 1e6,
}


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A z-stack of one channel.

    Parameters
    ----------
    data : ndarray, (Z, Y, X)
        Camera counts in the dtype of the file, integer or floating, all finite,
        at least two planes.
    z_step_um, pixel_size_um : float or None
        Voxel size as the file tells it, µm; None where it does not.
    path : Path
        Where it was read from.
    """

    data: NDArray[Any]
    z_step_um: float | None
    pixel_size_um: float | None
    path: Path


def read_stack(path: str | Path) -> Stack:
    """Read and check a z-stack.

    Parameters
    ----------
    path : str or Path
        A TIFF or OME-TIFF file, or the folder of an OME-Zarr image.

    Returns
    -------
    Stack
        Axes (Z, Y, X).

    Raises
    ------
    InputError
        If there is no such file, it is of another kind or damaged, or it does not
        hold one finite z-stack: 2D, RGB, empty, one plane, several channels, times
        or positions, NaN or infinity.
    """
    path = Path(path)
    if not path.exists():
        msg = f"{path}: no such file"
        raise InputError(msg)
    if path.is_dir():
        data, axes, z_step, pixel = _read_zarr(path)
    else:
        data, axes, z_step, pixel = _read_tiff(path)
    volume = _as_zyx(data, axes, path)
    _check_values(volume, path)
    return Stack(volume, z_step, pixel, path)


def write_stack(
    path: str | Path, data: NDArray[Any], *, z_step_um: float, pixel_size_um: float
) -> None:
    """Write a z-stack as OME-TIFF with its voxel size, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; overwritten.
    data : ndarray, (Z, Y, X)
        Integer or floating.
    z_step_um, pixel_size_um : float
        Voxel size, µm.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.tmp")
    sizes = {"X": pixel_size_um, "Y": pixel_size_um, "Z": z_step_um}
    voxel: dict[str, Any] = {}
    for axis, size in sizes.items():
        voxel |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    try:
        with beside.open("wb") as file:
            tifffile.imwrite(
                file,
                data,
                ome=True,
                photometric="minisblack",
                metadata={"axes": "ZYX", **voxel},
            )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


_Read = tuple["NDArray[Any]", str, float | None, float | None]


class _Complaints(logging.Handler):
    """Keeps what tifffile only logs: a broken chain of pages, missing data."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno >= logging.ERROR or "missing data" in message:
            self.errors.append(message)


@contextmanager
def _tifffile_complaints() -> Iterator[list[str]]:
    logger = tifffile.logger()
    handler, propagate = _Complaints(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield handler.errors
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def _read_tiff(path: Path) -> _Read:
    if path.stat().st_size == 0:
        msg = f"{path}: the file is empty (0 bytes)"
        raise InputError(msg)
    with path.open("rb") as file:
        if file.read(2) not in (b"II", b"MM"):
            msg = f"{path}: not a TIFF; give a TIFF or OME-TIFF file, or an OME-Zarr"
            raise InputError(msg)
    with _tifffile_complaints() as errors:
        try:
            with tifffile.TiffFile(path) as tiff:
                if len(tiff.series) != 1:
                    msg = _several(path, len(tiff.series))
                    raise InputError(msg)
                series = tiff.series[0]
                axes = series.axes
                holes = any(page is None for page in series.pages)
                data = series.asarray()
                voxel = _tiff_voxel(tiff)
                rgb = series.keyframe.photometric in (
                    tifffile.PHOTOMETRIC.RGB,
                    tifffile.PHOTOMETRIC.YCBCR,
                    tifffile.PHOTOMETRIC.PALETTE,
                )
        except InputError:
            raise
        except OSError as error:
            msg = f"{path}: cannot be read ({error.strerror or error})"
            raise InputError(msg) from error
        except Exception as error:
            # a damaged file makes the parser and the codecs raise anything
            if "codec" in str(error) or "imagecodecs" in str(error):
                msg = f"{path}: its compression needs a codec: pip install imagecodecs"
                raise InputError(msg) from error
            raise InputError(_damaged(path)) from error
    if errors or holes:
        raise InputError(_damaged(path))
    if rgb:
        raise InputError(_colour(path))
    return data, axes, *voxel


def _several(path: Path, images: int) -> str:
    if images == 0:
        return f"{path}: empty, there is no image in it"
    return f"{path}: holds {images} images (positions or series); give one z-stack"


def _colour(path: Path) -> str:
    return f"{path}: a colour (RGB) image; give the camera's counts, one channel"


def _damaged(path: Path) -> str:
    return f"{path}: truncated or damaged, part of it cannot be read; copy it again"


def _tiff_voxel(tiff: tifffile.TiffFile) -> tuple[float | None, float | None]:
    """Return z step and pixel size, µm, of what OME or ImageJ wrote down."""
    if tiff.ome_metadata:
        try:
            root = ElementTree.fromstring(tiff.ome_metadata)
        except ElementTree.ParseError:
            return None, None
        pixels = root.find(".//{*}Pixels")
        if pixels is None:
            return None, None
        return _ome_size(pixels, "Z"), _ome_size(pixels, "X")
    ij = tiff.imagej_metadata
    if not ij:
        return None, None
    # ImageJ writes µ as an escape
    unit = str(ij.get("unit", "")).replace("\\u00B5", "µ")
    scale = _UM_PER.get(unit)
    resolution = tiff.pages.first.tags.valueof("XResolution", default=(1, 1))
    if scale is None or resolution[0] == resolution[1]:
        # one pixel a unit is what is written where nobody knew
        return None, None
    spacing = ij.get("spacing")
    z_step = _positive(spacing * scale) if isinstance(spacing, (int, float)) else None
    return z_step, _positive(scale * resolution[1] / max(resolution[0], 1))


def _ome_size(pixels: ElementTree.Element, axis: str) -> float | None:
    scale = _UM_PER.get(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    try:
        value = float(pixels.get(f"PhysicalSize{axis}", "nan"))
    except ValueError:
        return None
    return None if scale is None else _positive(value * scale)


def _positive(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0 else None


def _read_zarr(path: Path) -> _Read:
    import tensorstore
    import yaozarrs

    no_image = f"{path}: a folder without an OME-Zarr image; give the one that is"
    try:
        group = yaozarrs.open_group(path)
        image = group.ome_metadata()
    except (OSError, ValueError) as error:
        raise InputError(no_image) from error
    multiscales = getattr(image, "multiscales", None)
    if not multiscales:
        raise InputError(no_image)
    if len(multiscales) != 1:
        raise InputError(_several(path, len(multiscales)))
    levels = multiscales[0]
    full = levels.datasets[0]
    names = [axis.name.upper() for axis in levels.axes]
    driver = "zarr3" if group.zarr_format == 3 else "zarr"
    spec = {
        "driver": driver,
        "kvstore": {"driver": "file", "path": str(path.resolve() / full.path)},
        # the chunks that are not there would read as zeros
        "fill_missing_data_reads": False,
    }
    try:
        data = np.asarray(tensorstore.open(spec, read=True).result().read().result())
    except (ValueError, OSError, NotImplementedError) as error:
        raise InputError(_damaged(path)) from error
    scale = [1.0] * len(names)
    for transforms in (
        levels.coordinateTransformations,
        full.coordinateTransformations,
    ):
        for transform in transforms or ():
            if transform.type == "scale":
                scale = [a * b for a, b in zip(scale, transform.scale, strict=True)]
    size: dict[str, float | None] = {}
    for name, axis, step in zip(names, levels.axes, scale, strict=True):
        unit = _UM_PER.get(getattr(axis, "unit", None) or "")
        size[name] = None if unit is None else _positive(step * unit)
    if any(len(name) != 1 for name in names):
        raise InputError(no_image)
    return data, "".join(names), size.get("Z"), size.get("X")


def _as_zyx(data: NDArray[Any], axes: str, path: Path) -> NDArray[Any]:
    """Return the data as (Z, Y, X), or say why it is not a z-stack."""
    if data.size == 0:
        msg = f"{path}: empty, it has no pixels (shape {_shape(data)})"
        raise InputError(msg)
    size = dict(zip(axes, data.shape, strict=True))
    if size.get("S", 1) > 1:
        raise InputError(_colour(path))
    if size.get("C", 1) > 1:
        msg = f"{path}: has {size['C']} channels; save the one you want"
        raise InputError(msg)
    # a stack without metadata has an axis of unknown kind (I, Q), and many a z-stack
    # calls its planes times: any one long axis will do
    deep = [a for a in axes if a not in "YXSC" and size[a] > 1]
    if len(deep) > 1 or "Y" not in size or "X" not in size:
        msg = f"{path}: has axes {', '.join(axes)} of {_shape(data)}; give one z-stack"
        raise InputError(msg)
    if not deep:
        kind = "2D" if set(size) <= set("YXSC") else "a stack of one plane"
        msg = f"{path}: {kind}; a z-stack of two planes or more is needed"
        raise InputError(msg)
    shape = (size[deep[0]], size["Y"], size["X"])
    if min(shape[1:]) < MIN_SIDE_PX:
        msg = f"{path}: planes of {shape[1]} × {shape[2]} pixels are too small"
        raise InputError(msg)
    first = [axes.index(a) for a in (deep[0], "Y", "X")]
    rest = [i for i in range(data.ndim) if i not in first]  # all of length 1
    return np.ascontiguousarray(data.transpose(first + rest).reshape(shape))


def _shape(data: NDArray[Any]) -> str:
    return " × ".join(str(n) for n in data.shape)


def _check_values(volume: NDArray[Any], path: Path) -> None:
    if volume.dtype.kind not in "uif":
        msg = f"{path}: pixels of type {volume.dtype}; give integers or floats"
        raise InputError(msg)
    if volume.dtype.kind == "f":
        bad = ~np.isfinite(volume)
        if bad.any():
            planes = np.flatnonzero(bad.any(axis=(1, 2)))
            msg = (
                f"{path}: {int(bad.sum())} pixels are NaN or infinite, "
                f"first in plane {int(planes[0]) + 1} of {len(volume)}; mend or crop it"
            )
            raise InputError(msg)
