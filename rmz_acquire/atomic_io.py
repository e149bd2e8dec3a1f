"""Files that are whole or as they were: written beside the old one, then put there.

And JSON without NaN.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "json_text",
    "jsonable",
    "replace_file",
    "replace_json",
    "replace_text",
    "sync_directory",
]


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
    """Write a value as `json_text` says it, as `replace_file` does."""
    replace_text(path, json_text(value, indent=2) + "\n")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Say a value as JSON; what is not a finite number becomes null.

    Parameters
    ----------
    value : object
        Anything made of mappings, sequences, numbers (numpy's too), text, paths,
        times and pydantic models.
    indent : int, optional
        Of what lies in another; by default all stands in one line.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If something in it does not fit into JSON.
    """
    text = to_json(value, indent=indent, inf_nan_mode="null", fallback=_without_numpy)
    return text.decode()


def jsonable(value: Any) -> Any:
    """Give what a reader of `json_text` finds: dicts, lists, texts and numbers."""
    return from_json(json_text(value))


def _without_numpy(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
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
