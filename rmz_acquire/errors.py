"""The two ways in which a run goes wrong that a user can do something about.

And how any other exception is told in one line.
"""

from __future__ import annotations

__all__ = ["InputError", "ScanFailed", "message_of"]


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
        Whose message may have several lines.
    typed : bool
        The type before the message: for what nobody foresaw.

    Returns
    -------
    str
    """
    text, kind = " ".join(str(error).split()), type(error).__name__
    if not text:
        return kind
    return f"{kind}: {text}" if typed else text
