"""A useq sequence as text and back: what does not come back the same is refused."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import useq
import yaml
from pydantic_core import PydanticSerializationError

from rmz_acquire.errors import InputError, message_of

__all__ = ["as_json", "as_yaml", "check_kept", "from_json"]


def as_json(sequence: useq.MDASequence) -> dict[str, Any]:
    """Give everything that was set of a sequence, as JSON has it.

    Raises
    ------
    InputError
        Naming what is no text, number, list or mapping.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of useq's about itself
            made = sequence.model_dump(mode="json", exclude_unset=True)
    except PydanticSerializationError as error:
        msg = f"metadata holds what cannot be written down: {error}"
        raise InputError(" ".join(msg.split())) from None
    if sequence.setup is not None:
        # useq puts an action in itself, and tells its type by default only
        made["setup"]["action"] = sequence.setup.action.model_dump(mode="json")
    return made


def as_yaml(sequence: useq.MDASequence) -> str:
    """Give the same as the text of an experiment's file."""
    return yaml.safe_dump(as_json(sequence), allow_unicode=True)


def from_json(data: Mapping[str, Any]) -> useq.MDASequence:
    """Make the sequence of what `as_json` gave.

    Raises
    ------
    InputError
        In one line that names the key.
    """
    data = dict(data)
    setup = data.get("setup")
    if isinstance(setup, dict) and "type" not in (setup.get("action") or {"type": ""}):
        # as versions before this one wrote it
        data["setup"] = {**setup, "action": {**setup["action"], "type": "custom"}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return useq.MDASequence.model_validate(data)
    except (TypeError, ValueError) as error:
        raise InputError(message_of(error)) from None


def check_kept(sequence: useq.MDASequence) -> None:
    """Refuse a sequence that a folder would not give back as it is.

    Raises
    ------
    InputError
        Naming the first key that would be another.
    """
    made = as_json(sequence)
    try:
        text = json.dumps(made, allow_nan=False)
    except ValueError:
        back = made
    else:
        back = json.loads(text)
    again = _values(from_json(back))
    found = _first_difference(_values(sequence), again)
    if found is not None:
        key, value = found
        told = repr(value)
        told = told if len(told) < 60 else type(value).__name__
        msg = f"{key}: {told} cannot be kept in a file: write it as text or number"
        raise InputError(msg)


def _values(sequence: useq.MDASequence) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = sequence.model_dump(mode="json", exclude={"metadata"})
    # as they are: JSON would make texts of dates, and of the keys of a mapping
    return {**made, "metadata": sequence.metadata}


def _first_difference(a: Any, b: Any, key: str = "") -> tuple[str, Any] | None:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name, value in a.items():
            here = f"{key}.{name}" if key else str(name)
            if name not in b:
                return here, name
            found = _first_difference(value, b[name], here)
            if found is not None:
                return found
        return None
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            return key, a
        for number, (x, y) in enumerate(zip(a, b, strict=True)):
            found = _first_difference(x, y, f"{key}.{number}")
            if found is not None:
                return found
        return None
    same = type(a) is type(b) or {type(a), type(b)} == {int, float}
    return None if same and a == b else (key, a)
