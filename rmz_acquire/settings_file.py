"""Settings from a YAML file: strict models, and one line where a key is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from rmz_acquire.errors import InputError, key_message, message_of

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Strict", "read_settings"]

_DEEPEST = 3


class Strict(BaseModel):
    """A model that refuses keys it does not know, and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=BaseModel)


def read_settings(
    path: Path,
    model: type[Model],
    *,
    whole: Collection[str] = (),
    tags: Collection[str] = (),
) -> Model:
    """Read and check a file of settings.

    A key `extends` names another file beside it, whose keys it then changes.

    Parameters
    ----------
    path : Path
        The YAML file.
    model : type
        What it has to be.
    whole : collection of str
        Keys that an extending file replaces as a whole; the others one by one.
    tags : collection of str
        Names of alternatives, which pydantic puts into a key and nobody wrote.

    Returns
    -------
    BaseModel
        Of the given type.

    Raises
    ------
    InputError
        Where the file is missing or a key is wrong; names the key.
    """
    path = Path(path)
    try:
        return model.model_validate(_read(path, whole))
    except OSError as error:
        msg = f"cannot read the configuration {path}: {error.strerror}"
        raise InputError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"{path} is not YAML: {message_of(error)}"
        raise InputError(msg) from error
    except ValidationError as error:
        msg = f"{path}: {key_message(error, unwritten=tags)}"
        raise InputError(msg) from error


def _read(path: Path, whole: Collection[str], depth: int = 0) -> Any:
    """Read a file with what it extends."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or "extends" not in data:
        return data
    if depth > _DEEPEST:
        msg = f"{path}: extends too many others, or itself"
        raise InputError(msg)
    base = _read(path.parent / str(data.pop("extends")), whole, depth + 1)
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in data.items():
        before = merged.get(key)
        if key not in whole and isinstance(value, dict) and isinstance(before, dict):
            merged[key] = {**before, **value}
        else:
            merged[key] = value
    return merged
