"""A journal: lines of JSON beside pixels, each written after what it tells of."""

from __future__ import annotations

import errno
import json
import os
import threading
from typing import TYPE_CHECKING, Any

from rmz_acquire.atomic_io import json_text, sync_directory

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Journal"]


class Journal:
    """Lines of JSON that are whole or not there.

    Parameters
    ----------
    path : Path
        The file; what a kill left of a last line is no line, and goes when the next
        one is added. To look at a file changes nothing in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines = self.read(path)
        self._begun = path.exists()
        self._checked = False
        # volumes are written behind the back of the planes
        self._lock = threading.Lock()

    @staticmethod
    def read(path: Path) -> list[dict[str, Any]]:
        """Give every line that is whole."""
        if not path.exists():
            return []
        return [json.loads(line) for line in Journal._text(path).splitlines()]

    @staticmethod
    def _text(path: Path) -> bytes:
        data = path.read_bytes()
        return data[: data.rfind(b"\n") + 1]

    def check(self) -> None:
        """Raise FileNotFoundError where the file that was begun is gone."""
        if self._begun and not self._path.exists():
            raise FileNotFoundError(
                errno.ENOENT, "the folder of the experiment is gone", str(self._path)
            )

    def append(self, line: dict[str, Any]) -> None:
        """Add a line; a killed process leaves it whole when this returns."""
        with self._lock:
            self.check()
            self._cut()
            text = json_text(line)
            fresh = not self._path.exists()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")  # closing it hands it to the system
            self._begun = True
            if fresh:
                sync_directory(self._path.parent)

    def _cut(self) -> None:
        """Cut off what a kill left of a last line, before the first line of ours."""
        if not self._checked and self._path.exists():
            whole = len(self._text(self._path))
            if whole < self._path.stat().st_size:
                os.truncate(self._path, whole)
        self._checked = True

    def sync(self) -> None:
        """Put every line on the disk itself, against a power cut."""
        if self._begun:
            with self._path.open("a", encoding="utf-8") as file:
                os.fsync(file.fileno())
