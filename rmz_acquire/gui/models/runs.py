"""The list of the last runs, and names for new ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.recording import read_summary

if TYPE_CHECKING:
    from rmz_acquire.recording import Summary

__all__ = ["RecentRuns", "RunLine", "new_folder"]

_KEPT = 30
_WORDS = {
    "completed": "✓ done",
    "converged": "✓ converged",
    "max_planes": "■ all planes allowed were taken",
    "budget": "■ budget spent",
    "list_done": "✓ list done",
    "misfit": "■ optics do not fit",
    "stopped": "◼ stopped by hand, kept",
    "aborted": "✕ aborted",
    "failed": "✕ failed",
}


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in the list.

    Parameters
    ----------
    folder : Path
        Where it lies.
    text : str
        How it ended, in a few words.
    """

    folder: Path
    text: str


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

    def lines(self) -> list[RunLine]:
        """Give those whose summary can be read, with how they ended."""
        found = []
        for folder in self.folders():
            try:
                summary = read_summary(folder)
            except InputError:
                continue
            if summary is not None:
                found.append(RunLine(folder, _line_of(summary)))
        return found

    def add(self, folder: Path) -> None:
        """Put a folder first."""
        folder = folder.absolute()
        rest = [path for path in self.folders() if path != folder]
        listed = [str(path) for path in (folder, *rest)][:_KEPT]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(listed, indent=1), encoding="utf-8")


def _line_of(summary: Summary) -> str:
    """How a run ended, in a few words; of its only volume there is more to tell."""
    planes = f"{summary.planes_taken} of {summary.planes_full_scan} planes"
    status = summary.stop_reason or summary.status
    series = ""
    if summary.volumes != 1:
        series = f"{summary.volumes_done} of {summary.volumes} volumes, "
    left = ", not rendered yet" if summary.volumes_to_render else ""
    return f"{_WORDS[status]}, {series}{planes}, {summary.estimator}{left}"
