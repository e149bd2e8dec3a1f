"""The two ways in which a run goes wrong that a user can do something about.

And how any other exception is told in one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import ValidationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic_core import ErrorDetails

__all__ = ["InputError", "ScanFailed", "first_fault", "key_message", "message_of"]

_LONGEST_VALUE = 60


class InputError(ValueError):
    """Bad input, found before anything moved or was written.

    The message is one line that says what is wrong and what to do. Commands
    print it and exit with 2.
    """


class ScanFailed(RuntimeError):
    """A run that failed on its way; what was taken until then is on disk.

    Commands print the message and exit with 1.
    """


def message_of(error: BaseException, *, typed: bool = False) -> str:
    """Say an exception in one line: its message, or its type where it has none.

    Parameters
    ----------
    error : BaseException
        Whose message may have several lines; of pydantic's, the first fault is said.
    typed : bool
        The type before the message: for what nobody foresaw.

    Returns
    -------
    str
    """
    said = key_message(error) if isinstance(error, ValidationError) else str(error)
    text, kind = " ".join(said.split()), type(error).__name__
    if not text:
        return kind
    return f"{kind}: {text}" if typed else text


def key_message(
    error: ValidationError,
    under: str = "",
    *,
    names: Mapping[str, str] | None = None,
    unwritten: Collection[str] = (),
    kind: str = "key",
) -> str:
    """Say the first thing that pydantic found, in one line that names the key.

    Parameters
    ----------
    error : ValidationError
        What was raised.
    under : str
        Where in the file it was, with dots.
    names : mapping, optional
        What a key is called, where it is not by its name.
    unwritten : collection of str
        Names of alternatives, which pydantic puts into a key and nobody wrote.
    kind : str
        What the key is: a key of a file, an argument.

    Returns
    -------
    str
    """
    fault = first_fault(error)
    steps = [under, *(str(step) for step in fault["loc"] if step not in unwritten)]
    key = ".".join(filter(None, steps))
    key = (names or {}).get(key, key)
    message = " ".join(fault["msg"].removeprefix("Value error, ").split())
    match fault["type"]:
        case "extra_forbidden":
            return f"{key}: there is no such {kind}"
        case "missing":
            return f"{key} is missing"
        case "value_error":
            # one that was written with its name in it says it once
            named = not key or message.startswith(key)
            return message if named else f"{key}: {message}"
    value = repr(fault["input"])
    value = value if len(value) < _LONGEST_VALUE else "…"
    return f"{key or 'it'} {message.removeprefix('Input ')}, not {value}"


def first_fault(error: ValidationError) -> ErrorDetails:
    """Choose the fault that tells most of those that pydantic found.

    Parameters
    ----------
    error : ValidationError
        What was raised.

    Returns
    -------
    ErrorDetails
        The first that is not about a missing key: a key with a typing error is
        missing, too, and of a union the branch that came farthest names the key best.
    """
    found = error.errors(include_url=False)
    return next((each for each in found if each["type"] != "missing"), found[0])
