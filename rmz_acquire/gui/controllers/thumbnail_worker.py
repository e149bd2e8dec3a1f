"""Makes the small pictures of runs, one after the other on a helper thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from rmz_acquire.gui.models.thumbnails import kept_thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rmz_acquire.gui.models.thumbnails import Thumbnail

__all__ = ["Thumbnailer"]

logger = logging.getLogger(__name__)


class Thumbnailer:
    """Takes folders and gives pictures, whenever they are done.

    Parameters
    ----------
    cache : Path
        Where the pictures are kept.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._asked: deque[Path] = deque()
        self._made: list[tuple[Path, Thumbnail | None]] = []
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether some are still to come."""
        with self._lock:
            return self._thread is not None or bool(self._made)

    def ask(self, folders: Iterable[Path]) -> None:
        """Make those of these folders, in order, in place of what was asked before."""
        with self._lock:
            self._asked = deque(folders)
            if self._asked and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="thumbnails")
                self._thread.start()

    def take(self) -> list[tuple[Path, Thumbnail | None]]:
        """Give what was made since the last call; None for a run without one."""
        with self._lock:
            made, self._made = self._made, []
        return made

    def stop(self) -> None:
        """Make no more; waits for the one under way."""
        with self._lock:
            self._asked.clear()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._asked:
                    self._thread = None
                    return
                folder = self._asked.popleft()
            try:
                made = kept_thumbnail(folder, self._cache)
            except Exception:
                logger.exception("no picture of %s", folder)
                made = None
            with self._lock:
                self._made.append((folder, made))
