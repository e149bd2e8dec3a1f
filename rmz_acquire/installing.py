"""Which optional parts are installed, and the line to type for those that are not.

The package is on no registry: the line names the checkout, or what the extra asks for.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

__all__ = ["install_line", "missing", "pip_line", "system_line"]

Extra = Literal["cluster", "gui", "simulation", "train"]

_PARTS: dict[str, tuple[str, ...]] = {
    "cluster": ("distributed",),
    "gui": (
        "PyQt6",
        "ndv",
        "vispy",
        "pymmcore_widgets",
        "pyqtgraph",
        "qtpy",
        "superqt",
    ),
    "simulation": ("mm_test_adapters",),
    "train": ("lightning", "pytorch_msssim", "tensorboard"),
}
_ROOT = Path(__file__).resolve().parent.parent


def missing(extra: Extra) -> list[str]:
    """Modules of an extra that are not installed.

    Parameters
    ----------
    extra : {"cluster", "gui", "simulation", "train"}
        As in pyproject.toml.

    Returns
    -------
    list of str
        Empty where all are there; none is imported.
    """
    return [name for name in _PARTS[extra] if not _is_there(name)]


def install_line(extra: Extra | None = None) -> str:
    """Line to type that installs an extra, or with None the package again.

    Parameters
    ----------
    extra : {"cluster", "gui", "simulation", "train"}, optional
        As in pyproject.toml.

    Returns
    -------
    str
        It works in any folder.
    """
    wanted = f"[{extra}]" if extra else ""
    if (_ROOT / "pyproject.toml").is_file():
        where = "." if Path.cwd() == _ROOT else str(_ROOT)
        return pip_line("-e", f"{where}{wanted}")
    if extra is None:
        return pip_line("--force-reinstall", "rmz_acquire-*.whl")
    return pip_line(*_asked_for(extra))


def pip_line(*words: str) -> str:
    """Line to type that calls the pip of this very environment.

    Parameters
    ----------
    *words : str
        After ``pip install``; quoted where a shell needs it.

    Returns
    -------
    str
    """
    return " ".join([_python(), "-m pip install", *map(_quoted, words)])


def system_line() -> str:
    """Line to type that installs what Qt needs of the system.

    Returns
    -------
    str
        For Debian and its kin.
    """
    script = _ROOT / "scripts" / "system-packages.sh"
    if script.is_file():
        return f"sudo sh {_quoted(str(script))} {_python()} window"
    return "sudo apt-get install libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0"


def _python() -> str:
    # not resolved: the link in an environment is what makes it that environment's
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return _quoted(str(python))


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


def _asked_for(extra: str) -> list[str]:
    """Requirements of an extra, with those of the extras that it takes in."""
    found: list[str] = []
    for line in metadata.requires("rmz-acquire") or ():
        what, _, marker = line.partition(";")
        if not re.search(rf"extra == ['\"]{extra}['\"]", marker):
            continue
        inner = re.match(r"rmz[-_]acquire\[([\w,-]+)\]", what.strip())
        if inner is None:
            found.append(what.strip())
        else:
            for other in inner[1].split(","):
                found += _asked_for(other)
    return found


def _quoted(word: str) -> str:
    if re.fullmatch(r"[\w./:\\-]+", word):
        return word
    return f'"{word}"' if sys.platform == "win32" else f"'{word}'"
