"""Opens the folder of an experiment to look at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.coordinates import (
    along,
    attrs_of,
    output_coords,
    pixel_coords,
    plane_coords,
)
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.optics import Optics
from rmz_acquire.recording import Coordinate, LazyArray, read_summary
from rmz_acquire.recording.folder import PLANES, VOLUMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning.output_planes import OutputPlanes

__all__ = ["KeptExperiment"]


class KeptExperiment:
    """An experiment, also one that was killed.

    Parameters
    ----------
    folder : Path
        Where it lies.

    Raises
    ------
    InputError
        If a file is damaged, or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self._stored = StoredExperiment(folder)
        self._record = self._stored.folder
        self._volumes = self._stored.prepared.volumes
        self.summary = read_summary(folder)
        told = self._stored.told["optics"] or {}
        self.optics = {name or "camera": Optics(**one) for name, one in told.items()}
        named = {(*volume.key[:3], volume.channel) for volume in self._volumes}
        self._same_names = len(named) < len(self._volumes)
        self._many_fields = any(volume.key[2] for volume in self._volumes)

    @cached_property
    def decisions(self) -> list[dict[str, Any]]:
        """The lines of decisions.jsonl, volume by volume."""
        every = (self._stored.decisions(volume) for volume in self._stored.begun)
        return [line for lines in every for line in lines]

    def planes(self) -> LazyArray:
        """Give the planes, (plane, y, x)."""
        taken = [
            (volume, line)
            for volume in self._stored.begun
            for line in self._record.planes_before[volume.key]
        ]
        volumes = [volume for volume, _ in taken]
        coords = plane_coords([line for _, line in taken])
        places = [self._at(volume) for volume in volumes]
        for name in ("time", "position", "field"):
            if name != "field" or self._many_fields:
                numbers = np.array([at[name] for at in places], np.int64)
                coords[name] = along("plane", numbers)
        channels = [at["channel"] for at in places]
        coords["channel"] = along("plane", np.array(channels, str))
        names = [volume.first.pos_name or "" for volume in volumes]
        if any(names):
            coords["position_name"] = along("plane", names)
        (y, x), dtype = self._picture(volumes, raw=True)
        pixel = self._pixel_um(volumes)

        def read(_place: tuple[int, ...], rows: NDArray[np.intp]) -> NDArray[Any]:
            wanted = [taken[row] for row in rows]
            return np.stack(
                [self._record.plane_pixels(v.key, line["order"]) for v, line in wanted]
            )

        return LazyArray(
            ("plane", "y", "x"),
            (len(taken), y, x),
            dtype,
            read,
            self._record.path / PLANES,
            {**coords, **pixel_coords((y, x), pixel)},
            attrs_of(pixel),
        )

    def spread(self) -> LazyArray | None:
        """Give the spread of the volumes, laid out as they are; None: not kept."""
        places = {v.key[1:3] for v in self._volumes if not v.single}
        if not any(self._record.has_spread(place) for place in places):
            return None
        return self.volumes(spread=True)

    def volumes(self, *, spread: bool = False) -> LazyArray | None:
        """Give the volumes, (time, position, [field,] channel, z, y, x)."""
        stacks = [volume for volume in self._volumes if not volume.single]
        made = [v for v in stacks if self._record.has_volume(v.key)]
        if not made:
            return None
        (y, x), dtype = self._picture(made, raw=False)
        pixel = self._pixel_um(made)
        axes = self._axes(stacks)
        outer = tuple(axes)
        sizes = tuple(len(values) for values in axes.values())
        deep = max(len(volume.z_um) for volume in stacks)
        status = np.full(sizes, "", object)
        there = np.zeros(sizes, bool)
        z_um = np.full((*sizes, deep), np.nan)
        known: dict[tuple[int, ...], OutputPlanes] = {}
        by_place: dict[tuple[int, ...], Volume] = {}
        for volume in stacks:
            at = self._at(volume)
            place = tuple(values.index(at[name]) for name, values in axes.items())
            z_um[place][: len(volume.z_um)] = sorted(volume.z_um)
            status[place] = self._status(volume)
            told = self._stored.output_planes(volume) or self._stored.seen(volume)
            if told is not None:
                known[place] = told
            if self._record.has_volume(volume.key):
                by_place[place] = volume
                there[place] = True

        def read(place: tuple[int, ...], rows: NDArray[np.intp]) -> NDArray[Any]:
            got = np.full((len(rows), y, x), np.nan, dtype)
            kept = place in by_place and (
                not spread or self._record.has_spread(by_place[place].key[1:3])
            )
            if kept:
                volume = by_place[place]
                # others may have more planes
                has = rows < len(volume.z_um)
                if has.any():
                    got[has] = self._part(volume, rows[has], spread=spread)
            return got

        coords = {name: along(name, np.array(of)) for name, of in axes.items()}
        coords |= {
            **_z_coords(outer, z_um, stacks),
            **output_coords(outer, (*sizes, deep), known),
            **pixel_coords((y, x), pixel),
            **self._position_names(axes["position"]),
            "status": Coordinate(outer, status.astype(str), {}),
            "made": Coordinate(outer, there, {}),
        }
        dims = (*outer, "z", "y", "x")
        shape = (*sizes, deep, y, x)
        store = self._record.path / VOLUMES
        return LazyArray(dims, shape, dtype, read, store, coords, attrs_of(pixel))

    def _part(
        self, volume: Volume, rows: NDArray[np.intp], *, spread: bool
    ) -> NDArray[np.float32]:
        """Read some planes of a volume; in one go, since many are of one chunk."""
        first, record = int(rows.min()), self._record
        read = record.spread_part if spread else record.volume_part
        return read(volume.key, first, int(rows.max()))[rows - first]

    def _at(self, volume: Volume) -> dict[str, Any]:
        """Where a volume stands: its time, position, field and channel."""
        t, p, g, _ = volume.key
        at = {"time": t, "position": p, "field": g, "channel": self._channel(volume)}
        if not self._many_fields:
            del at["field"]
        return at

    def _axes(self, volumes: Sequence[Volume]) -> dict[str, list[Any]]:
        """Give what is along each axis: numbers, and the channels by their index."""
        found: dict[str, dict[Any, None]] = {}
        for volume in sorted(volumes, key=lambda volume: volume.key):
            for name, value in self._at(volume).items():
                found.setdefault(name, {})[value] = None
        return {
            name: list(values) if name == "channel" else sorted(values)
            for name, values in found.items()
        }

    def _channel(self, volume: Volume) -> str:
        name = volume.channel or "camera"
        return f"{name} {volume.key[3]}" if self._same_names else name

    def _status(self, volume: Volume) -> str:
        if volume.key not in self._record.planes_before:
            return ""
        ended = self._stored.ending(volume)
        return "killed" if ended is None else str(ended["status"])

    def _position_names(self, positions: Sequence[int]) -> dict[str, Coordinate]:
        names = {v.key[1]: v.first.pos_name or "" for v in self._volumes}
        told = [names[position] for position in positions]
        return {"position_name": along("position", np.array(told))} if any(told) else {}

    def _picture(
        self, volumes: Sequence[Volume], *, raw: bool
    ) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Give the size and type that all pictures have."""
        places = dict.fromkeys(volume.key[1:3] for volume in volumes)
        found = [self._record.picture(place, raw=raw) for place in places]
        if not found:
            return (0, 0), np.dtype("uint16")
        sizes = {size for size, _ in found}
        if len(sizes) > 1:
            told = " and ".join(f"{y} × {x}" for y, x in sorted(sizes))
            msg = (
                f"{self._record.path} has pictures of several sizes, {told}, which "
                "make no one array: open its OME-Zarr position by position"
            )
            raise InputError(msg)
        return sizes.pop(), np.result_type(*(dtype for _, dtype in found))

    def _pixel_um(self, volumes: Sequence[Volume]) -> float | None:
        """Size of a pixel, µm; None where it is not known, or not the same."""
        sizes = {self._stored.prepared.pixel_size_of(volume) for volume in volumes}
        return sizes.pop() if len(sizes) == 1 else None


def _z_coords(
    outer: tuple[str, ...], z_um: NDArray[np.float64], volumes: Sequence[Volume]
) -> dict[str, Coordinate]:
    """Give z, µm: along its own dim where all volumes have the same."""
    same = {tuple(sorted(volume.z_um)) for volume in volumes}
    if len(same) == 1:
        return {"z": along("z", same.pop(), "µm")}
    return {"z_um": Coordinate((*outer, "z"), z_um, {"units": "µm"})}
