"""A lock between processes: one at a time does what is inside."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["locked"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process is inside with the same file.

    The system lets go of it when a process ends, however it ends.

    Parameters
    ----------
    path : Path
        A file for this alone; made where it is missing, empty, and left there.

    Raises
    ------
    OSError
        If the file cannot be made, or another process stays inside too long (Windows:
        10 seconds).
    """
    with path.open("ab") as file:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
