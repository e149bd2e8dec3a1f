"""Files that are whole or as they were: written beside the old one, then put there.

And JSON without NaN.
"""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["jsonable", "replace_file", "replace_json", "replace_text", "sync_directory"]


@contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of another when all of it is on disk.

    A reader, or a crash, finds the old one or the new one. Where anything is raised
    inside, the old one stays and nothing is left beside it.

    Parameters
    ----------
    path : Path
        The file; its folder exists.

    Yields
    ------
    binary file
        To write to; may be searched.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    # another process may be writing the same file
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_directory(path.parent)


def replace_text(path: Path, text: str) -> None:
    """Write a text, UTF-8, as `replace_file` does."""
    with replace_file(path) as file:
        file.write(text.encode())


def replace_json(path: Path, value: Any) -> None:
    """Write a value as JSON, as `replace_text` does; NaN and infinity become null."""
    text = json.dumps(jsonable(value), indent=2, allow_nan=False, ensure_ascii=False)
    replace_text(path, text + "\n")


def jsonable(value: Any) -> Any:
    """Make a value fit for JSON: what is not a finite number becomes null.

    Parameters
    ----------
    value : object
        Anything made of mappings, sequences, numbers (numpy's too), text, paths,
        times and models that can `model_dump`.

    Returns
    -------
    object
        Dicts, lists, str, int, float, bool and None only.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "model_dump"):
        return jsonable(value.model_dump(mode="json"))
    if hasattr(value, "tolist"):
        return jsonable(value.tolist())
    msg = f"a {type(value).__name__} does not fit into JSON"
    raise TypeError(msg)


def sync_directory(path: Path) -> None:
    """Put a directory's entries on disk, where the system has a way to."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
