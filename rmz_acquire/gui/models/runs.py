"""The list of the last runs, and names for new ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

__all__ = ["RecentRuns", "RunLine", "new_folder"]

_KEPT = 30
_WORDS = {
    "completed": "✓ done",
    "converged": "✓ converged",
    "max_planes": "■ most planes taken",
    "list_done": "✓ list done",
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
                data = json.loads((folder / "summary.json").read_text("utf-8"))
                found.append(RunLine(folder, _line_of(folder, data)))
            except (OSError, ValueError, KeyError, TypeError, IndexError):
                continue
        return found

    def add(self, folder: Path) -> None:
        """Put a folder first."""
        folder = folder.absolute()
        rest = [path for path in self.folders() if path != folder]
        listed = [str(path) for path in (folder, *rest)][:_KEPT]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(listed, indent=1), encoding="utf-8")


def _line_of(folder: Path, data: dict[str, object]) -> str:
    planes = f"{data['planes_taken']} of {data['planes_full_scan']} planes"
    if "stop_reason" in data:
        return f"{_WORDS[str(data['stop_reason'])]}, {planes}, {data['estimator']}"
    status, series = str(data["status"]), ""
    if data["volumes"] != 1:
        series = f"{data['volumes_done']} of {data['volumes']} volumes, "
    elif status == "completed":
        # of the only volume there is more to tell
        journal = folder / "volumes.ome.zarr" / "volumes.jsonl"
        last = journal.read_text("utf-8").splitlines()[-1]
        status = json.loads(last)["status"]
    estimator = data["estimator"]
    assert isinstance(estimator, dict)
    return f"{_WORDS[status]}, {series}{planes}, {estimator['estimator']}"
