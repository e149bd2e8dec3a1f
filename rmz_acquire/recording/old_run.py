"""Runs of one volume as version 0.1.0 left them: read, never written.

``planes.ome.zarr`` is one image (t, y, x) whose attributes list the planes;
``volume.ome.tif`` has the volume; the lines of ``decisions.jsonl`` name no volume. What
is here gives them as the stores of a run do, so that every reader takes both.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorstore
import tifffile

from rmz_acquire.errors import InputError
from rmz_acquire.recording.folder import PLANES, RUN, SUMMARY, VOLUME
from rmz_acquire.recording.summary import read_summary

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rmz_acquire.recording.summary import Summary
    from rmz_acquire.recording.zarr_store import SeriesImage

__all__ = ["OldPlanes", "OldRun", "OldVolume"]

_KEY = {"t": 0, "p": 0, "g": 0, "c": 0}


class OldRun:
    """What such a run tells of itself; `is_one` finds out whether there is one.

    Parameters
    ----------
    path : Path
        Its folder.

    Raises
    ------
    InputError
        If a file is damaged, or of another program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: How it ended; None where it did not.
        self.summary: Summary | None = read_summary(path)
        store = path / PLANES
        # a run that failed at once has none
        told = _attributes(store) if store.exists() else {"planes": []}
        #: Its planes, one line each.
        self.lines: list[dict[str, Any]] = [
            {**_KEY, "order": line["index"], **line} for line in told["planes"]
        ]
        summary = self.summary
        known = None if summary is None else summary.pixel_size_um
        #: At the sample, µm; None where not known.
        self.pixel_size_um: float | None = told.get("pixel_size_um") or known
        #: As `Optics` has them; None where not known.
        self.optics: dict[str, Any] | None = told.get("optics") or (
            None if summary is None else summary.optics
        )
        #: Name of the channel; None where it has none.
        self.channel: str | None = told.get("channel")

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether a folder holds such a run."""
        there = any((path / name).exists() for name in (PLANES, SUMMARY))
        return there and not (path / RUN).exists()

    @property
    def z_um(self) -> list[float] | None:
        """Its grid, µm; None where a kill left it unknown."""
        return None if self.summary is None else self.summary.z_um

    def ending(self) -> list[dict[str, Any]]:
        """Give what the journal of volumes would tell: a line, or none of a kill."""
        summary = self.summary
        if summary is None:
            return []
        status = summary.stop_reason
        return [
            {
                **_KEY,
                "ok": status not in ("aborted", "failed"),
                "status": status,
                "reason": summary.reason,
                "error": summary.error,
                "planes_taken": summary.planes_taken,
                "volume": (self.path / VOLUME).is_file(),
                "plan": summary.plan,
            }
        ]


class _Lines:
    """In the place of a `Journal`: lines that are not added to."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.lines = lines


class OldPlanes:
    """The planes of such a run as a `Series` gives them.

    Parameters
    ----------
    run : OldRun
        The run.
    images : dict of SeriesImage
        The only one, at (0, 0).
    """

    def __init__(self, run: OldRun, images: dict[tuple[int, int], SeriesImage]) -> None:
        self.path = run.path / PLANES
        self.images = images
        self.journal = _Lines(run.lines)
        self._array: Any = None

    def read(self, key: tuple[int, int, int, int], z: int | slice) -> NDArray[Any]:
        """Give a plane by its place in the order taken."""
        return np.asarray(self._pixels()[z].read().result())

    def picture(self, place: tuple[int, int]) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Give size (Y, X) and type of the planes."""
        array = self._pixels()
        count, y, x = array.shape
        if count < len(self.journal.lines):
            msg = f"{self.path} lists more planes than it holds: {count}"
            raise InputError(msg)
        return (y, x), array.dtype.numpy_dtype

    def _pixels(self) -> Any:
        if self._array is None:
            where = str(self.path.resolve() / "0")
            spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": where}}
            self._array = tensorstore.open(spec, open=True, read=True).result()
        return self._array


class OldVolume:
    """The volume of such a run as a `Series` gives it.

    Parameters
    ----------
    run : OldRun
        The run.
    images : dict of SeriesImage
        The only one, at (0, 0).
    """

    def __init__(self, run: OldRun, images: dict[tuple[int, int], SeriesImage]) -> None:
        self.path = run.path / VOLUME
        self.images = images
        self.journal = _Lines(run.ending())

    def read(self, key: tuple[int, int, int, int], z: int | slice) -> NDArray[Any]:
        """Give planes of it."""
        with tifffile.TiffFile(self.path) as file:
            numbers = range(len(file.pages))[z]
            if isinstance(numbers, int):
                return np.asarray(file.pages[numbers].asarray())
            return np.stack([file.pages[number].asarray() for number in numbers])

    def has_spread(self, place: tuple[int, int]) -> bool:
        """No: that version kept none."""
        return False

    def picture(self, place: tuple[int, int]) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Give size (Y, X) and type of its planes."""
        with tifffile.TiffFile(self.path) as file:
            y, x = file.pages.first.shape
            return (y, x), np.dtype(file.pages.first.dtype)


def _attributes(store: Path) -> dict[str, Any]:
    """Read what a store of planes says of itself, also after a kill."""
    try:
        document = json.loads((store / "zarr.json").read_text(encoding="utf-8"))
        told: dict[str, Any] = document["attributes"]["rmz_acquire"]
        known = "planes" in told
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = f"{type(error).__name__} {error}"
        if isinstance(error, KeyError):
            said = "it was cut off before the first, or another program made it"
        msg = f"{store} holds no planes of a run: {said}"
        raise InputError(msg) from error
    if not known:
        msg = f"{store} holds no planes of a run: its list of them is missing"
        raise InputError(msg)
    return told
