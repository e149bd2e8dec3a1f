"""Makes the small pictures of runs, one after the other on a helper thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from rmz_acquire.gui.models.thumbnails import Thumbnail, kept_thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Thumbnailer"]

logger = logging.getLogger(__name__)

_PATIENCE_S = 20.0


class Thumbnailer(QObject):
    """Takes folders and gives pictures, whenever they are done.

    Parameters
    ----------
    cache : Path
        Where the pictures are kept.
    """

    #: The picture of a run was made; of one without planes none comes.
    made = pyqtSignal(Path, Thumbnail)

    def __init__(self, cache: Path) -> None:
        super().__init__()
        self._cache = cache
        self._lock = threading.Lock()
        self._asked: deque[Path] = deque()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether some are still to come."""
        with self._lock:
            return self._thread is not None

    def ask(self, folders: Iterable[Path]) -> None:
        """Make those of these folders, in order, in place of what was asked before."""
        with self._lock:
            self._asked = deque(folders)
            if self._asked and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="thumbnails")
                self._thread.start()

    def stop(self) -> None:
        """Make no more; waits for the one under way.

        Raises
        ------
        TimeoutError
            If that does not end, as from a drive that does not answer.
        """
        with self._lock:
            self._asked.clear()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=_PATIENCE_S)
            if thread.is_alive():
                msg = f"small pictures of runs: no answer for {_PATIENCE_S:.0f} s"
                raise TimeoutError(msg)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._asked:
                    self._thread = None
                    return
                folder = self._asked.popleft()
            try:
                picture = kept_thumbnail(folder, self._cache)
            except Exception:
                logger.exception("no picture of %s", folder)
            else:
                if picture is not None:
                    self.made.emit(folder, picture)
