"""The folder of an experiment: many volumes, each plane on disk before it is used.

``run.json`` what was asked for and how the microscope stood; ``planes.ome.zarr`` and
``volumes.ome.zarr``, each with a journal (see `zarr_store`); ``decisions.jsonl`` a line
a plane; ``summary.json`` how it ended. All but the last are enough to go on after a
kill.
"""

from __future__ import annotations

import json
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.atomic_io import replace_json, replace_text
from rmz_acquire.errors import InputError
from rmz_acquire.recording.folder import (
    CHECKS,
    DECISIONS,
    EXPERIMENT,
    PLANES,
    RUN,
    RUN_FILES,
    VOLUMES,
    check_folder,
    remove,
)
from rmz_acquire.recording.journal import Journal
from rmz_acquire.recording.old_run import OldPlanes, OldRun, OldVolume
from rmz_acquire.recording.planes import plane_line, plane_of
from rmz_acquire.recording.summary import write_summary
from rmz_acquire.recording.zarr_store import Series, SeriesImage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.recording.summary import Summary
    from rmz_acquire.scanning import Decision, Outcome, Plane

__all__ = ["ExperimentFolder", "Key", "VolumeRecord", "read_run"]

Key = tuple[int, int, int, int]
"""t, p, g and c of a volume."""


def read_run(path: Path | str) -> dict[str, Any]:
    """Read what was asked for, of an experiment that has begun.

    Parameters
    ----------
    path : path
        The folder.

    Returns
    -------
    dict
        The contents of ``run.json``.

    Raises
    ------
    InputError
        If it holds no run.
    """
    try:
        told = json.loads((Path(path) / RUN).read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path} holds no run: {RUN}: {error.strerror}"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{path}: {RUN} cannot be read: {error}"
        raise InputError(msg) from error
    if not isinstance(told, dict) or told.get("version") != 1:
        msg = f"{path}: {RUN} is not of this version of rmz-acquire"
        raise InputError(msg)
    return told


class ExperimentFolder:
    """Records an experiment; made fresh, or opened to go on.

    Parameters
    ----------
    path : path
        The folder.
    planes, volumes, checks : dict of SeriesImage
        The images of the stores, by position and field (p, g).
    """

    def __init__(
        self,
        path: Path | str,
        *,
        planes: dict[tuple[int, int], SeriesImage],
        volumes: dict[tuple[int, int], SeriesImage],
        checks: dict[tuple[int, int], SeriesImage],
    ) -> None:
        self.path = Path(path)
        self._planes: Series | OldPlanes
        self._volumes: Series | OldVolume
        if OldRun.is_one(self.path):
            old = OldRun(self.path)
            self._planes = OldPlanes(old, planes)
            self._volumes = OldVolume(old, volumes)
        else:
            self._planes = Series(self.path / PLANES, "planes.jsonl", planes)
            self._volumes = Series(self.path / VOLUMES, "volumes.jsonl", volumes)
        self._checks = Series(self.path / CHECKS, "checks.jsonl", checks)
        self._decisions = Journal(self.path / DECISIONS)
        #: What lay in the journals when it was opened.
        self.planes_before = _by_key(self._planes.journal.lines)
        self.checks_before = _by_key(self._checks.journal.lines)
        made = self._decisions.lines
        if isinstance(self._planes, OldPlanes):
            # which name no volume
            made = [{"t": 0, "p": 0, "g": 0, "c": 0, **line} for line in made]
        self.decisions_before = _by_key(made)
        taken = [*self._planes.journal.lines, *self._checks.journal.lines]
        #: The planes and those of checks, as they were exposed one after the other.
        self.exposures_before = sorted(
            (line for line in taken if "time" in line), key=itemgetter("time")
        )
        self.volumes_before = {
            key: lines[-1]
            for key, lines in _by_key(self._volumes.journal.lines).items()
        }

    @classmethod
    def prepare(
        cls,
        path: Path | str,
        run: Mapping[str, Any],
        experiment_yaml: str,
        *,
        overwrite: bool,
    ) -> None:
        """Make the folder, empty but for what was asked for.

        Parameters
        ----------
        path : path
            The folder.
        run : mapping
            The contents of ``run.json``, but its version.
        experiment_yaml : str
            The experiment as useq writes it.
        overwrite : bool
            Whether to replace an experiment that is there.

        Raises
        ------
        InputError
            As `check_folder`.
        """
        path = Path(path)
        check_folder(path, overwrite=overwrite)
        path.mkdir(parents=True, exist_ok=True)
        for name in RUN_FILES:
            remove(path / name)
        replace_text(path / EXPERIMENT, experiment_yaml)
        replace_json(path / RUN, {"version": 1, **run})

    def done(self, key: Key) -> bool:
        """Whether a volume was finished, and well, before the folder was opened."""
        return bool(self.volumes_before.get(key, {}).get("ok"))

    def to_render(self, key: Key) -> bool:
        """Whether a volume was to be made of its planes later, and is not yet."""
        return self.volumes_before.get(key, {}).get("render") == "after"

    def unused_before(self, key: Key) -> set[int]:
        """Which planes of a volume did not count: old frames, handed out again."""
        lines = self.decisions_before.get(key, [])
        return {line["index"] for line in lines if not line.get("used", True)}

    def has_volume(self, key: Key) -> bool:
        """Whether a volume was written before the folder was opened.

        None is where a scan was aborted, or failed, before its first one.
        """
        line = self.volumes_before.get(key)
        if line is None:
            return False
        if "volume" in line:
            return bool(line["volume"])
        # not told in older files: there is one with the first estimate
        made = self.decisions_before.get(key, [])
        return any(decision["inference_ms"] is not None for decision in made)

    def planes_of(self, key: Key) -> list[Plane]:
        """Give the planes of a volume that were taken before the folder was opened."""
        return [
            plane_of(line, self._planes.read(key, line["order"]))
            for line in self.planes_before.get(key, [])
        ]

    def plane_pixels(self, key: Key, order: int) -> NDArray[Any]:
        """Give the pixels of any plane that is on disk, (Y, X) counts."""
        return self._planes.read(key, order)

    def picture(
        self, place: tuple[int, int], *, raw: bool
    ) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Give size and type of a place's planes, or of those of its volumes."""
        return (self._planes if raw else self._volumes).picture(place)

    def volume_part(self, key: Key, first: int, last: int) -> NDArray[np.float32]:
        """Give a part of a volume, (Z, Y, X) camera counts; last plane included."""
        part: NDArray[np.float32] = self._volumes.read(key, slice(first, last + 1))
        return part

    def has_spread(self, place: tuple[int, int]) -> bool:
        """Whether spreads were kept of a position and field (p, g)."""
        return self._volumes.has_spread(place)

    def spread_part(self, key: Key, first: int, last: int) -> NDArray[np.float32]:
        """Give a part of a spread that was kept; NaN where it was not."""
        return self._new_volumes().read_spread(key, slice(first, last + 1))

    def volume_of(self, key: Key, planes: int) -> NDArray[np.float32]:
        """Give a volume of so many planes back, (Z, Y, X) camera counts."""
        return self.volume_part(key, 0, planes - 1)

    def image(self, place: tuple[int, int], *, raw: bool) -> SeriesImage:
        """Give what is known of a position and field (p, g): of planes or volumes."""
        return (self._planes if raw else self._volumes).images[place]

    def record(
        self,
        key: Key,
        late_s: Callable[[], float] | None = None,
        told: Callable[[Plane, int], None] | None = None,
    ) -> VolumeRecord:
        """Make the recorder of one volume.

        Parameters
        ----------
        key : (int, int, int, int)
            t, p, g, c.
        late_s : callable, optional
            By how much the volume came later than planned, s; asked when its first
            plane is there.
        told : callable, optional
            Is handed each plane and its index once it is on disk.
        """
        volumes, planes = self._new_volumes(), self._planes
        assert isinstance(planes, Series)  # as the volumes are
        stores = planes, volumes, self._checks
        return VolumeRecord(key, *stores, self._decisions, late_s, told)

    def write_part(
        self,
        key: Key,
        corner: tuple[int, int],
        pixels: NDArray[np.float32],
        size: tuple[int, int],
        *,
        spread: bool = False,
    ) -> None:
        """Put a part of a volume on disk, as `Series.write_part`; or of its spread."""
        self._new_volumes().write_part(key, corner, pixels, size, spread=spread)

    def rendered(
        self, line: Mapping[str, Any], shares: Mapping[str, float] | None
    ) -> None:
        """Note a volume whole of which a line told that it was not, and its shares."""
        store = self._new_volumes()
        store.tell_planes(line)
        journal = store.journal
        journal.append({**line, "volume": True, "render": "done", "shares": shares})
        journal.sync()

    def _new_volumes(self) -> Series:
        if isinstance(self._volumes, OldVolume):
            msg = f"{self.path} is of version 0.1.0, which did not go on with a run"
            raise InputError(msg)
        return self._volumes

    def write_summary(self, summary: Summary) -> None:
        """Replace ``summary.json``."""
        write_summary(self.path, summary)


class VolumeRecord:
    """Records one volume of an experiment; a `rmz_acquire.scanning.Recorder`."""

    def __init__(
        self,
        key: Key,
        planes: Series,
        volumes: Series,
        checks: Series,
        decisions: Journal,
        late_s: Callable[[], float] | None,
        told: Callable[[Plane, int], None] | None,
    ) -> None:
        t, p, g, c = self.key = key
        self._index = {"t": t, "p": p, "g": g, "c": c}
        self._planes = planes
        self._volumes = volumes
        self._checks = checks
        self._decisions = decisions
        self._ask_late = late_s
        self._told = told
        #: By how much it came later than planned, s; None where nobody planned it.
        self.late_s: float | None = None
        #: How many planes there are, with those of before.
        self.planes = 0
        #: The planes that the next time point may begin with; None where none may.
        self.stands_on: list[dict[str, Any]] | None = None
        #: Why it did not go on with those of the last one; None where it did.
        self.dropped: str | None = None
        #: What becomes of its volume where regions decided: "after" it is made of
        #: `made_of`, "none" where nobody wants it; None where there was a whole one.
        self.render: str | None = None
        #: The planes that the estimator was given, in their order: t, index and z.
        self.made_of: list[tuple[int, int, float]] | None = None
        #: The settings of its scan, as `ScanPlan.to_line` gives them.
        self.plan: dict[str, Any] | None = None
        #: Makes the spread of its volume, (Z, Y, X) counts, where that is to be kept.
        self.spread: Callable[[], NDArray[np.float32] | None] = lambda: None
        #: Gives what there is to be told of its planes, at the end.
        self.ledger: Callable[[], dict[str, Any]] = dict
        #: How it ended, as the journal of the volumes has it; empty before.
        self.line: dict[str, Any] = {}
        #: The lines of its check: one a plane, and the last with what was found.
        self.check: list[dict[str, Any]] = []

    def write_plane(self, plane: Plane, index: int) -> None:
        """Put a plane on disk, findable by t, p, g, c and its order."""
        if index == 0 and self._ask_late is not None:
            took_s = ((plane.stage_ms or 0.0) + (plane.camera_ms or 0.0)) / 1000
            self.late_s = self._ask_late() - took_s
        line = {**self._index, "order": index, **plane_line(plane)}
        self._planes.write(self.key, index, plane.image, line)
        self.planes = max(self.planes, index + 1)
        if self._told is not None:
            self._told(plane, index)

    def read_plane(self, order: int) -> NDArray[Any]:
        """Give the pixels of a plane back, (Y, X) counts."""
        return self._planes.read(self.key, order)

    def write_check(self, plane: Plane, number: int) -> None:
        """Put a plane that was taken for a check on disk."""
        line = {**self._index, "number": number, **plane_line(plane)}
        self._checks.write(self.key, number, plane.image, line)
        self.check.append(line)

    def finish_check(self, found: Mapping[str, Any]) -> None:
        """Put what came of a check on disk, where it took a plane."""
        if not self.check:
            return
        line = {**self._index, "number": None, **found}
        self._checks.journal.append(line)
        self._checks.journal.sync()
        self.check.append(line)

    def write_decision(self, decision: Decision) -> None:
        """Add a line to ``decisions.jsonl``."""
        self._decisions.append({**self._index, **decision.to_dict()})

    def finish(self, outcome: Outcome, volume: NDArray[np.float32] | None) -> None:
        """Put the volume on disk, and how its scan ended; nothing before a plane."""
        if outcome.planes_taken == 0:
            return
        line: dict[str, Any] = {
            **self._index,
            "ok": outcome.ok,
            "status": outcome.status,
            "reason": outcome.reason,
            "error": outcome.error,
            "planes_taken": outcome.planes_taken,
            "volume": volume is not None,
            "late_s": self.late_s,
            "stands_on": self.stands_on,
            "dropped": self.dropped,
            "plan": self.plan,
            **self.ledger(),
        }
        if self.render is not None:
            line |= {"render": self.render, "made_of": self.made_of}
        self.line = line
        if volume is None:
            self._volumes.path.mkdir(parents=True, exist_ok=True)
            self._volumes.journal.append(line)
        else:
            self._volumes.write(self.key, 0, volume, line, self.spread())
        for journal in (self._planes.journal, self._decisions, self._volumes.journal):
            journal.sync()


def _by_key(lines: list[dict[str, Any]]) -> dict[Key, list[dict[str, Any]]]:
    found: dict[Key, list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault((line["t"], line["p"], line["g"], line["c"]), []).append(line)
    return found
