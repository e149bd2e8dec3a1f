"""Small files that are whole or not there: JSON without NaN, replaced in one step."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any

__all__ = ["jsonable", "replace_json", "replace_text", "sync_directory"]


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


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, finds the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_directory(path.parent)


def replace_json(path: Path, value: Any) -> None:
    """Write a value as JSON, as `replace_text` does; NaN and infinity become null."""
    text = json.dumps(jsonable(value), indent=2, allow_nan=False, ensure_ascii=False)
    replace_text(path, text + "\n")


def sync_directory(path: Path) -> None:
    """Put a directory's entries on disk, where the system has a way to."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
