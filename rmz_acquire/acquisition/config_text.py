"""The text of a Micro-Manager configuration: read in any encoding, checked by line.

Micro-Manager writes its configurations in the encoding of the computer, so a name with
an umlaut from a Windows computer is no UTF-8. Its loaders differ in what they do about
it, about a byte order mark and about a command that they do not know: one refuses, one
loads nothing and says nothing. Here all of it is settled before a loader sees the file.
"""

from __future__ import annotations

import codecs
import difflib
import locale
import logging
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pymmcore_plus import CFGCommand
from pymmcore_plus.experimental.unicore import UniMMCore

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymmcore_plus import CMMCorePlus

__all__ = ["check_lines", "loadable", "read_configuration", "why_not"]

logger = logging.getLogger(__name__)

_PYTHON = "#py "
_PYTHON_DEVICE = "pyDevice"
_COMMANDS = {str(command.value) for command in CFGCommand} | {_PYTHON_DEVICE}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# How the loaders of pymmcore-plus and of MMCore name the line that they stopped at.
_AT_LINE = re.compile(r"(?:at line|^Line) (\d+):")
_WRAPPED = re.compile(r"^Error executing command '\w+' with arguments \[.*?\]: ")
_COUNTED = re.compile(r"requires .* arguments|number of tokens")
_MOST_SHOWN = 60
_MOST_SAID = 240


def read_configuration(path: Path) -> str:
    r"""Read the text of a configuration, whatever its encoding.

    Parameters
    ----------
    path : Path
        UTF-8 or UTF-16 with a byte order mark or UTF-8 without. Anything else is read
        as Latin-1 (in the variant of Windows), and a warning is logged.

    Returns
    -------
    str
        With ``\n`` at the ends of its lines.

    Raises
    ------
    InputError
        If it cannot be read, or is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise InputError(msg) from error
    text = _decoded(path, data)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(path: Path, data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                line = data[: error.start].count(b"\n") + 1
                msg = (
                    f"{path.name}, line {line}: no {encoding.removesuffix('-sig')} as "
                    "its beginning says: save the file as UTF-8"
                )
                raise InputError(msg) from error
    if b"\0" in data:
        msg = f"{path.name} is no text: give a Micro-Manager configuration (.cfg)"
        raise InputError(msg)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    shown = text.splitlines()[line - 1].strip()[:_MOST_SHOWN]
    logger.warning(
        "%s, line %d is not UTF-8 and is read as Latin-1: %s; if that looks wrong, "
        "save the file as UTF-8",
        path.name,
        line,
        shown,
    )
    return text


def check_lines(core: CMMCorePlus, path: Path, text: str) -> None:
    """Refuse a configuration with a command that there is not, or without any.

    Parameters
    ----------
    core : CMMCorePlus
        The core that shall load it; a plain one leaves out devices in Python, of
        which a warning is logged.
    path : Path
        Its file, to be named.
    text : str
        As `read_configuration` gave it.

    Raises
    ------
    InputError
        In one line that names file and line and says what to do.
    """
    commands = 0
    for number, line in enumerate(text.splitlines(), 1):
        command = _command(line)
        if not command:
            continue
        if command not in _COMMANDS:
            near = difflib.get_close_matches(command, sorted(_COMMANDS), 1)
            hint = f"do you mean {near[0]}?" if near else "correct it or take it out"
            msg = (
                f"{path.name}, line {number}: there is no command "
                f"{command[:_MOST_SHOWN]!r}: {hint}"
            )
            raise InputError(msg)
        commands += 1
        if command == _PYTHON_DEVICE and not isinstance(core, UniMMCore):
            logger.warning(
                "%s, line %d is left out: a device in Python needs a UniMMCore",
                path.name,
                number,
            )
    if not commands:
        msg = (
            f"{path.name} has no commands: give a configuration that Micro-Manager's "
            "Hardware Configuration Wizard wrote"
        )
        raise InputError(msg)


@contextmanager
def loadable(core: CMMCorePlus, path: Path, text: str) -> Iterator[Path]:
    """Give the file that a core's own loader reads as this text.

    Parameters
    ----------
    core : CMMCorePlus
        The core that shall load it.
    path : Path
        The file as it is.
    text : str
        Its text.

    Yields
    ------
    Path
        The file itself where the loader reads it right, else a copy for it.

    Raises
    ------
    InputError
        If the copy cannot hold a character.
    """
    # a UniMMCore reads text as the computer has it, MMCore hands bytes through to
    # callers that take them for UTF-8
    encoding = locale.getencoding() if isinstance(core, UniMMCore) else "utf-8"
    try:
        wanted = text.encode(encoding)
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n") + 1
        msg = (
            f"{path.name}, line {line}: {text[error.start]!r} is not in {encoding}, "
            "the encoding of this computer: set PYTHONUTF8=1 and start again"
        )
        raise InputError(msg) from error
    if path.read_bytes().replace(b"\r\n", b"\n") == wanted:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="rmz-acquire-") as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(wanted)
        yield copy


def why_not(path: Path, text: str, error: Exception) -> str:
    """Say in one line why a loader stopped: file, line, cause, and what to do.

    Parameters
    ----------
    path : Path
        The configuration.
    text : str
        Its text.
    error : Exception
        What the loader raised.
    """
    said = str(error)
    found = _AT_LINE.search(said)
    lines = text.splitlines()
    if found is None or not 0 < int(found.group(1)) <= len(lines):
        # no line of its own: the start-up preset, or a device that answers no more
        return (
            f"{path.name} cannot be loaded: {' '.join(said.split())}: see that every "
            "device is switched on and free"
        )
    number = int(found.group(1))
    line = lines[number - 1].strip()
    cause = _WRAPPED.sub("", said.partition("\n")[2].strip())
    cause = " ".join(cause.split()).rstrip(".") or type(error).__name__
    deepest: BaseException = error
    while deepest.__cause__ is not None:
        deepest = deepest.__cause__
    if line.startswith(_PYTHON) and isinstance(deepest, ImportError):
        cause = " ".join(str(deepest).split())  # of what the module itself imports too
    if len(cause) > _MOST_SAID:
        cause = cause[:_MOST_SAID] + "…"
    return f"{path.name}, line {number} ({line}): {cause}: {_remedy(line, cause)}"


def _remedy(line: str, cause: str) -> str:
    command = _command(line)
    if _COUNTED.search(cause):
        return "correct the line"
    if command == _PYTHON_DEVICE or line.startswith(_PYTHON):
        return "install its Python package beside this one, or take the line out"
    if command == "Device":
        return "install its device adapter, or take its lines out"
    if "Initialize,1" in line.replace(" ", ""):
        return "see that every device is switched on and free"
    return "correct the line, or write the configuration anew with Micro-Manager"


def _command(line: str) -> str:
    """The command of a line; empty for a comment."""
    line = line.strip().removeprefix(_PYTHON).lstrip()
    if not line or line.startswith("#"):
        return ""
    return line.partition(",")[0]
