"""Runs on disk: one read back whole, and the list of the last ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import tifffile
from pydantic import ValidationError

from rmz_acquire.errors import InputError
from rmz_acquire.recording import Summary, read_planes
from rmz_acquire.scanning import Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.scanning import Plane

__all__ = ["RecentRuns", "StoredRun", "new_folder", "why"]

_KEPT = 30


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it lies in its folder.

    Parameters
    ----------
    folder : Path
        Where it lies.
    summary : Summary
        What became of it.
    decisions : sequence of Decision
        One a plane, in the order taken.
    planes : sequence of Plane
        The raw planes.
    volume : ndarray of float32, (Z, Y, X), or None
        Camera counts; None where no plane got that far.
    """

    folder: Path
    summary: Summary
    decisions: Sequence[Decision]
    planes: Sequence[Plane]
    volume: NDArray[np.float32] | None

    @classmethod
    def load(cls, folder: Path) -> StoredRun:
        """Read a run.

        Raises
        ------
        InputError
            If the folder holds none that is finished.
        """
        try:
            text = (folder / "summary.json").read_text("utf-8")
            summary = Summary.model_validate_json(text)
        except FileNotFoundError:
            msg = f"{folder} holds no finished run: choose a folder with summary.json"
            raise InputError(msg) from None
        except (OSError, ValidationError, ValueError) as error:
            first = " ".join(str(error).split())[:160]
            msg = f"{folder} cannot be read as a run: {first}"
            raise InputError(msg) from error
        decisions = []
        lines = folder / "decisions.jsonl"
        if lines.is_file():
            known = {field.name for field in fields(Decision)}
            for line in lines.read_text("utf-8").splitlines():
                data = {k: v for k, v in json.loads(line).items() if k in known}
                data["time"] = datetime.fromisoformat(data["time"])
                decisions.append(Decision(**data))
        file = folder / "volume.ome.tif"
        volume = tifffile.imread(file).astype("float32") if file.is_file() else None
        store = folder / "planes.ome.zarr"
        planes = read_planes(store) if store.is_dir() else []
        return cls(folder, summary, decisions, planes, volume)


def why(summary: Summary) -> tuple[str, str]:
    """Say why a run ended: in a few words, and in a sentence with the numbers."""
    head = {
        "converged": "Done: the volume stopped changing",
        "max_planes": "Stopped at the most planes allowed",
        "list_done": "Done",
        "aborted": "Stopped early",
        "failed": "Failed",
    }[summary.stop_reason]
    taken, full = summary.planes_taken, summary.planes_full_scan
    cost = f"{taken} of the full stack's {full} planes"
    if summary.stop_reason != "failed":
        cost += f", {taken / full:.0%} of its light"
    reason = summary.reason[:1].upper() + summary.reason[1:]
    return head, f"{reason}. Took {cost}."


def new_folder(root: Path, now: datetime | None = None) -> Path:
    """Name a folder for a run by date and time that does not exist yet."""
    stamp = (now or datetime.now()).strftime("%Y-%m-%d_%H%M%S")
    folder, count = root / stamp, 1
    while folder.exists():
        count += 1
        folder = root / f"{stamp}_{count}"
    return folder


class RecentRuns:
    """The folders of the last runs, kept in a file.

    Parameters
    ----------
    file : Path
        A JSON list of paths; need not exist.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def folders(self) -> list[Path]:
        """Give those that are still there, the latest first."""
        try:
            listed = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        if not isinstance(listed, list):
            return []
        paths = [Path(item) for item in listed if isinstance(item, str)]
        return [path for path in paths if (path / "summary.json").is_file()]

    def add(self, folder: Path) -> None:
        """Put a folder first."""
        folder = folder.absolute()
        rest = [path for path in self.folders() if path != folder]
        listed = [str(path) for path in (folder, *rest)][:_KEPT]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(listed, indent=1), encoding="utf-8")
