"""Opens the folder of a run of one volume to look at; and what both kinds share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from rmz_acquire.errors import InputError
from rmz_acquire.optics import Optics
from rmz_acquire.recording import (
    Coordinate,
    LazyArray,
    Summary,
    read_description,
    read_summary,
)
from rmz_acquire.recording.folder import DECISIONS, PLANES, VOLUME
from rmz_acquire.recording.journal import Journal
from rmz_acquire.recording.planes import open_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["KeptVolume", "along", "attrs_of", "pixel_coords", "plane_coords"]

COUNTS = {"units": "counts"}


class KeptVolume:
    """A run of one volume.

    Parameters
    ----------
    folder : Path
        Where it lies.

    Raises
    ------
    InputError
        If a file is damaged, or of another program.
    """

    name = "one volume"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.summary = read_summary(folder, Summary)
        store = folder / PLANES
        # a run that failed at once has none
        self._told = read_description(store) if store.exists() else {"planes": []}
        self._lines: list[dict[str, Any]] = self._told["planes"]
        self.decisions = Journal.read(folder / DECISIONS)
        summary = self.summary
        told = self._told.get("optics") or (None if summary is None else summary.optics)
        self._channel = self._told.get("channel") or "camera"
        self.optics = {} if told is None else {self._channel: Optics(**told)}
        known = None if summary is None else summary.pixel_size_um
        self._pixel_um = self._told.get("pixel_size_um") or known

    def planes(self) -> LazyArray:
        """Give the planes, (plane, y, x)."""
        coords = plane_coords(self._lines)
        if not self._lines:
            return LazyArray(
                ("plane", "y", "x"),
                (0, 0, 0),
                np.dtype("uint16"),
                _none,
                self._folder / PLANES,
                coords,
                COUNTS,
            )
        array = open_pixels(self._folder / PLANES)
        order = np.array([line["index"] for line in self._lines])
        count, y, x = array.shape
        if count <= order.max():
            msg = f"{self._folder / PLANES} lists more planes than it holds: {count}"
            raise InputError(msg)

        def read(_place: tuple[int, ...], rows: NDArray[np.intp]) -> NDArray[Any]:
            return np.asarray(array[order[rows]].read().result())

        return LazyArray(
            ("plane", "y", "x"),
            (len(order), y, x),
            array.dtype.numpy_dtype,
            read,
            self._folder / PLANES,
            {**coords, **pixel_coords((y, x), self._pixel_um)},
            attrs_of(self._pixel_um, channel=self._channel),
        )

    def volumes(self) -> LazyArray | None:
        """Give the volume, (z, y, x)."""
        path = self._folder / VOLUME
        if not path.is_file():
            return None
        with tifffile.TiffFile(path) as file:
            pages = len(file.pages)
            y, x = file.pages.first.shape
            dtype = file.pages.first.dtype
        coords = pixel_coords((y, x), self._pixel_um)
        if self.summary is not None:
            z_um = self.summary.z_um
            if len(z_um) != pages:
                msg = f"{path} has {pages} planes, summary.json tells of {len(z_um)}"
                raise InputError(msg)
            coords = {"z": along("z", z_um, "µm"), **coords}

        def read(_place: tuple[int, ...], rows: NDArray[np.intp]) -> NDArray[Any]:
            with tifffile.TiffFile(path) as file:
                return np.stack([file.pages[int(n)].asarray() for n in rows])

        return LazyArray(
            ("z", "y", "x"),
            (pages, y, x),
            np.dtype(dtype),
            read,
            path,
            coords,
            attrs_of(self._pixel_um, channel=self._channel),
        )


def along(dim: str, values: Any, units: str | None = None) -> Coordinate:
    """Make a coordinate along one dim."""
    attrs = {} if units is None else {"units": units}
    return Coordinate((dim,), np.asarray(values), attrs)


def attrs_of(pixel_size_um: float | None, **more: Any) -> dict[str, Any]:
    """What holds for all of an array of camera counts."""
    return {**COUNTS, "pixel_size_um": pixel_size_um, **more}


def plane_coords(lines: Sequence[dict[str, Any]]) -> dict[str, Coordinate]:
    """Give what stands in the files of each plane, in their order.

    Parameters
    ----------
    lines : sequence of dict
        As `rmz_acquire.recording.planes.plane_line` made them, with ``index`` or
        ``order``.
    """

    def numbers(name: str) -> NDArray[np.float64]:
        # None becomes NaN
        return np.array([line[name] for line in lines], np.float64)

    times = [datetime.fromisoformat(line["time"]).astimezone(UTC) for line in lines]
    order = [line["index"] if "index" in line else line["order"] for line in lines]
    return {
        "index": along("plane", np.array(order, np.int64)),
        "z_requested_um": along("plane", numbers("z_requested_um"), "µm"),
        "z_actual_um": along("plane", numbers("z_actual_um"), "µm"),
        "exposure_ms": along("plane", numbers("exposure_ms"), "ms"),
        "acquired": along(
            "plane",
            np.array([time.replace(tzinfo=None) for time in times], "datetime64[us]"),
        ),
    }


def pixel_coords(
    shape: tuple[int, int], pixel_size_um: float | None
) -> dict[str, Coordinate]:
    """Give y and x, µm from the first pixel; nothing where a pixel has no size."""
    if pixel_size_um is None:
        return {}
    return {
        name: along(name, pixel_size_um * np.arange(size), "µm")
        for name, size in zip("yx", shape, strict=True)
    }


def _none(_place: tuple[int, ...], rows: NDArray[np.intp]) -> NDArray[Any]:
    return np.zeros((len(rows), 0, 0), np.uint16)
