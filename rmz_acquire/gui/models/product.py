"""What the program is: version, licences, manual."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import rmz_acquire

__all__ = ["LICENCE", "manual_file", "manual_text", "parts", "version"]

LICENCE = "BSD-3-Clause"

_PARTS = (
    "pymmcore-plus",
    "pymmcore-widgets",
    "useq-schema",
    "torch",
    "PyQt6",
    "pyqtgraph",
    "ndv",
    "tensorstore",
    "numpy",
)


def version() -> str:
    """Of this program."""
    return rmz_acquire.__version__


def parts() -> list[tuple[str, str, str]]:
    """Name, version and licence of the libraries behind the window."""
    found = []
    for name in _PARTS:
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        found.append((name, about["Version"], _licence(about)))
    return found


def manual_file() -> Path | None:
    """README of a checkout; None where the program was installed without one."""
    file = Path(rmz_acquire.__file__).resolve().parent.parent / "README.md"
    return file if file.is_file() else None


def manual_text() -> str:
    """Give the manual as Markdown; of an installed program what came with it."""
    file = manual_file()
    if file is not None:
        return file.read_text("utf-8")
    return str(metadata.metadata("rmz-acquire").json["description"])


def _licence(about: metadata.PackageMetadata) -> str:
    said = about.get_all("License-Expression") or about.get_all("License") or []
    # some put the whole text there, or those of all that they contain
    first, *others = re.split(r" AND ", said[0]) if said else [""]
    if 0 < len(first) < 40 and "\n" not in first:
        return f"{first} and others" if others else first
    for line in about.get_all("Classifier") or []:
        match = re.fullmatch(r"License :: OSI Approved :: (.+)", line)
        if match:
            return match[1]
    return "see its own"
