"""The folder of a run: everything that was taken and decided, as it happens."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError
from rmz_acquire.optics import Optics
from rmz_acquire.recording.atomic_io import jsonable, replace_json, sync_directory
from rmz_acquire.recording.planes import PlaneWriter
from rmz_acquire.recording.summary import Summary, summarise
from rmz_acquire.recording.volume import write_volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.scanning import Decision, Outcome, Plane, ScanPlan

__all__ = ["RUN_FILES", "RunFolder", "check_folder", "unused_planes"]

PLANES = "planes.ome.zarr"
VOLUME = "volume.ome.tif"
DECISIONS = "decisions.jsonl"
SUMMARY = "summary.json"
REPORT = "report.png"

RUN_FILES = (PLANES, VOLUME, DECISIONS, SUMMARY, REPORT)

logger = logging.getLogger(__name__)


def check_folder(
    path: Path | str, *, overwrite: bool = False, names: Iterable[str] = RUN_FILES
) -> None:
    """Check, without touching it, that a run may be written to a folder.

    Parameters
    ----------
    path : path
        The folder; it need not exist.
    overwrite : bool
        Whether a run in it may be replaced.
    names : iterable of str
        Files that make a run.

    Raises
    ------
    InputError
        If it holds a run already, is a file, or cannot be written to.
    """
    path = Path(path)
    if path.exists() and not path.is_dir():
        msg = f"{path} is a file: name a folder for the run"
        raise InputError(msg)
    held = [name for name in names if (path / name).exists()]
    if held and not overwrite:
        msg = (
            f"{path} holds a run already ({held[0]}): choose another folder, or give "
            "overwrite=True"
        )
        raise InputError(msg)
    parent = path.absolute()
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        msg = f"{path} cannot be written: {parent} is not a folder open to writing"
        raise InputError(msg)


def unused_planes(path: Path) -> set[int]:
    """Which planes of a run did not count: old frames that a camera gave again.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    set of int
        Their places in the order taken, from 0.
    """
    file = path / DECISIONS
    if not file.is_file():
        return set()
    # the last line of a killed run may be cut off
    whole = file.read_text("utf-8").rpartition("\n")[0].splitlines()
    lines = [json.loads(line) for line in whole]
    return {line["index"] for line in lines if not line.get("used", True)}


class RunFolder:
    """Records a run of one volume in a folder; a `rmz_acquire.scanning.Recorder`.

    The first thing written makes the folder and, with `overwrite`, removes the run
    that it holds; files of other names are left alone. So a run that is refused before
    anything moved costs no earlier one. Planes and decisions are on disk when the
    call that writes them returns, so a killed run leaves every one of them.

    Parameters
    ----------
    path : path
        The folder.
    plan : ScanPlan
        What the run was asked to do.
    description : mapping, optional
        The estimator's `describe()`.
    pixel_size_um : float, optional
        Pixel size at the sample, µm; None where it is not known.
    channel : str, optional
        Name of the channel.
    overwrite : bool
        Whether to replace a run that is there.
    report : bool
        Whether `finish` draws the report; without it, `write_report` does.

    Raises
    ------
    InputError
        As `check_folder`.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        plan: ScanPlan,
        description: Mapping[str, Any] | None = None,
        pixel_size_um: float | None = None,
        channel: str | None = None,
        overwrite: bool = False,
        report: bool = True,
    ) -> None:
        self.path = Path(path)
        check_folder(self.path, overwrite=overwrite)
        self._begun = False
        self._plan = plan
        self._description = dict(description or {})
        self._pixel_size_um = pixel_size_um
        self._report = report
        told = self._description.get("optics")
        self._optics = None if told is None else Optics.model_validate(told)
        self._channel = channel
        self._planes = PlaneWriter(
            self.path / PLANES,
            pixel_size_um=pixel_size_um,
            optics=self._optics,
            channel=channel,
        )
        self._decisions: list[Decision] = []
        self._volume: NDArray[np.float32] | None = None
        self._summary: Summary | None = None
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()

    @property
    def summary(self) -> Summary | None:
        """What ``summary.json`` says; None before `finish`."""
        return self._summary

    @property
    def planes_path(self) -> Path:
        """The store of the raw planes."""
        return self.path / PLANES

    def write_plane(self, plane: Plane, index: int) -> None:
        """Put a plane on disk.

        Parameters
        ----------
        plane : Plane
            The plane.
        index : int
            Its place in the order taken, from 0.

        Raises
        ------
        ValueError
            If planes are missing before it, or it differs in shape or type.
        OSError
            If the disk does not take it.
        """
        if index != len(self._planes):
            msg = f"plane {index} came where plane {len(self._planes)} was due"
            raise ValueError(msg)
        self._begin()
        self._planes.append(plane)

    def write_decision(self, decision: Decision) -> None:
        """Add a line to ``decisions.jsonl``, on disk when this returns."""
        self._begin()
        line = json.dumps(
            jsonable(decision.to_dict()), allow_nan=False, ensure_ascii=False
        )
        with (self.path / DECISIONS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._decisions.append(decision)

    def finish(self, outcome: Outcome, volume: NDArray[np.float32] | None) -> None:
        """Write the volume, the summary and, unless told not to, the report.

        Parameters
        ----------
        outcome : Outcome
            How the scan ended.
        volume : ndarray of float32, (Z, Y, X), or None
            The last volume, camera counts; None where no plane got that far.
        """
        self._begin()
        self._volume = volume
        self.write_summary(
            summarise(
                self._plan,
                outcome,
                self._decisions,
                planes_taken=len(self._planes),
                description=self._description,
                pixel_size_um=self._pixel_size_um,
                started=self._started,
                wall_s=time.perf_counter() - self._clock,
            )
        )
        if volume is not None:
            write_volume(
                self.path / VOLUME,
                volume,
                self._plan.z_um,
                pixel_size_um=self._pixel_size_um,
                optics=self._optics,
                channel=self._channel,
            )
        sync_directory(self.path)
        if self._report:
            self.write_report()

    def write_summary(self, summary: Summary) -> None:
        """Replace ``summary.json``, as when scores have come to it."""
        replace_json(self.path / SUMMARY, summary)
        self._summary = summary

    def write_report(self, truth: NDArray[Any] | None = None) -> None:
        """Draw ``report.png``; a picture that fails is logged and spoils no run.

        Parameters
        ----------
        truth : ndarray, (Z, Y, X), optional
            The stack to show beside the volume, camera counts.
        """
        if self._summary is None:
            msg = "the run is not finished: there is nothing to report"
            raise RuntimeError(msg)
        from rmz_acquire.recording.report import write_report

        try:
            write_report(
                self.path / REPORT,
                self._summary,
                self._decisions,
                volume=self._volume,
                truth=truth,
            )
        except Exception:
            logger.exception("the report could not be drawn; the run itself is whole")

    def _begin(self) -> None:
        """Make room for the run, once."""
        if self._begun:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        for name in RUN_FILES:
            remove(self.path / name)
        self._begun = True


def remove(path: Path) -> None:
    """Remove a file or a folder, or nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
