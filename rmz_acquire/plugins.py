"""Other people's estimators, policies and stop rules by name, and where they may lie.

A name is an entry point's or ``package.module:Class``. An experiment's file may come
from anybody, so a name in it runs no code that merely lies about: only modules that are
installed are imported, or that lie in a folder that `allow` was told of. The current
directory is no such place. Nothing is called by name but a class that has the methods
of its kind.
"""

from __future__ import annotations

import difflib
import importlib
import sys
import sysconfig
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.methods import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.machinery import ModuleSpec

__all__ = [
    "ESTIMATOR",
    "KINDS",
    "POLICY",
    "STOP_RULE",
    "Kind",
    "allow",
    "full_name",
    "installed_names",
    "is_name",
    "load",
    "name_check",
    "qualified_name",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be somebody else's.

    Parameters
    ----------
    title : str
        As messages call it.
    group : str
        Of its entry points.
    methods : tuple of str
        What its class has.
    protocol : str
        Where one reads what these do.
    ours : tuple of str
        The names that are built in.
    """

    title: str
    group: str
    methods: tuple[str, ...]
    protocol: str
    ours: tuple[str, ...] = ()


_AT = "rmz_acquire.scanning"
ESTIMATOR = Kind(
    "estimator",
    "rmz_acquire.estimators",
    ("add", "describe"),
    f"{_AT}.Estimator",
    tuple(METHODS),
)
POLICY = Kind(
    "policy",
    "rmz_acquire.policies",
    ("next_z",),
    f"{_AT}.Policy",
    ("bisect", "uniform", "error", "disagreement"),
)
STOP_RULE = Kind(
    "stop rule",
    "rmz_acquire.stop_rules",
    ("judge",),
    f"{_AT}.StopRule",
    ("guarded", "paper", "target"),
)
KINDS = (ESTIMATOR, POLICY, STOP_RULE)

_allowed: list[Path] = []


def allow(folder: Path | str) -> None:
    """Let modules that lie in a folder be imported by name, too.

    Parameters
    ----------
    folder : path
        Of one's own: whatever lies there may be run by an experiment's file.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    path = Path(folder).expanduser().resolve()
    if not path.is_dir():
        msg = f"{folder}: there is no such folder"
        raise InputError(msg)
    if path not in _allowed:
        _allowed.append(path)
        # for what its modules import later; behind all that is installed
        sys.path.append(str(path))


def qualified_name(thing: Any) -> str:
    """Give ``package.module:Class`` of a class, a function or an object.

    Parameters
    ----------
    thing : object
        Of an object its class; of a `functools.partial` its function.

    Returns
    -------
    str
    """
    if isinstance(thing, partial):
        thing = thing.func
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}:{named.__qualname__}"


def installed_names(kind: Kind) -> dict[str, str]:
    """Give the entry points of a kind: name and ``package.module:Class``.

    One with a name of ours is none: it could only mislead.
    """
    found = entry_points(group=kind.group)
    return {
        point.name: f"{point.module}:{point.attr}"
        for point in found
        if point.name not in kind.ours
    }


def is_name(kind: Kind, value: str) -> bool:
    """Whether a value has the form of a class's name, or is an entry point's."""
    return ":" in value or value in installed_names(kind)


def full_name(kind: Kind, name: str) -> str:
    """Give ``package.module:Class`` of an entry point; any other name as it is."""
    # to look through all that is installed takes a tenth of a second
    known = {} if ":" in name or name in kind.ours else installed_names(kind)
    return known.get(name, name)


def name_check(kind: Kind, known: Iterable[str]) -> AfterValidator:
    """Make pydantic's check of a field that holds a name.

    Parameters
    ----------
    kind : Kind
        Of what.
    known : iterable of str
        The names that are built in; the nearest comes first where one is mistyped.
    """
    names = list(known)

    def check(value: str) -> str:
        if value in names or is_name(kind, value):
            return value
        have = [*names, *installed_names(kind)]
        near = difflib.get_close_matches(value, have, 1)
        others = [
            repr(name) for name in sorted(have, key=lambda each: each not in near)
        ]
        raise PydanticCustomError(
            "literal_error",
            "Input should be {expected} or package.module:Class",
            {"expected": ", ".join(others)},
        )

    return AfterValidator(check)


def load(kind: Kind, name: str) -> type[Any]:
    """Import the class that a name stands for.

    Parameters
    ----------
    kind : Kind
        What it is to be.
    name : str
        ``package.module:Class``, or that of an entry point.

    Returns
    -------
    type
        Has the methods of its kind.

    Raises
    ------
    InputError
        In one line, if it cannot be imported or is nothing of the kind.
    """
    full = full_name(kind, name)
    module_name, _, path = full.partition(":")
    parts = [*module_name.split("."), *path.split(".")]
    if module_name == "__main__" or "<" in path:
        msg = (
            f"{full} has no place to be imported from: hand it over again, in Python, "
            "or put it in a module"
        )
        raise InputError(msg)
    if not path or not all(part.isidentifier() for part in parts):
        msg = f"{name!r} names no {kind.title}: write package.module:Class"
        raise InputError(msg)
    found: Any = _module(module_name, full)
    for part in path.split("."):
        found = getattr(found, part, None)
    if found is None:
        msg = f"{full} cannot be imported: {module_name} has no {path}"
        raise InputError(msg)
    has = [callable(getattr(found, method, None)) for method in kind.methods]
    if not isinstance(found, type) or not all(has):
        msg = (
            f"{full} is no {kind.title}: it must be a class with "
            f"{' and '.join(kind.methods)}, see {kind.protocol}"
        )
        raise InputError(msg)
    return found


def _module(name: str, full: str) -> Any:
    top = name.partition(".")[0]
    folders = [*_installed(), *_allowed]
    spec = None if top == "rmz_acquire" else _find(top, folders)
    if spec is None and top != "rmz_acquire":
        msg = (
            f"{full} cannot be imported: no module {top} is installed, or in a folder "
            "of plugins"
        )
        raise InputError(msg)
    there = getattr(sys.modules.get(top), "__spec__", None)
    if top in sys.modules and spec is not None and _place(there) != _place(spec):
        msg = f"{full} cannot be imported: another module {top} is in use"
        raise InputError(msg)
    try:
        with _path_of(folders):
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        typed = not isinstance(error, ImportError)
        msg = f"{full} cannot be imported: {message_of(error, typed=typed)}"
        raise InputError(msg) from error


def _find(top: str, folders: list[Path]) -> ModuleSpec | None:
    """Find a module that may be imported, without running it."""
    spec = PathFinder.find_spec(top, [str(folder) for folder in folders])
    if spec is not None:
        return spec
    for finder in sys.meta_path:
        # what an editable installation left
        kind = finder if isinstance(finder, type) else type(finder)
        if "editable" in f"{kind.__module__}.{kind.__qualname__}".lower():
            spec = finder.find_spec(top, None)
            if spec is not None:
                return spec
    return None


def _place(spec: ModuleSpec | None) -> Any:
    if spec is None:
        return None
    if spec.origin is not None:
        return Path(spec.origin).resolve()
    return [Path(each).resolve() for each in spec.submodule_search_locations or ()]


@contextmanager
def _path_of(folders: list[Path]) -> Iterator[None]:
    """Look where one may first, and not in the current directory at all."""
    before = sys.path[:]
    standard = sysconfig.get_path("stdlib")
    first = [p for p in before if p.startswith(standard) and "-packages" not in p]
    first += [str(folder) for folder in folders]
    here = Path.cwd()
    others = [p for p in before if p and p not in first and Path(p).resolve() != here]
    sys.path[:] = [*first, *others]
    try:
        yield
    finally:
        sys.path[:] = before


def _installed() -> list[Path]:
    """The folders of installed packages, and of those installed to be edited."""
    found: dict[Path, None] = {}
    for entry in sys.path:
        folder = Path(entry)
        if folder.name not in ("site-packages", "dist-packages"):
            continue
        found[folder] = None
        for file in sorted(folder.glob("*.pth")):
            lines = file.read_text("utf-8", errors="replace").splitlines()
            for line in lines:
                path = folder / line.strip()
                if line.strip() and not line.startswith("import") and path.is_dir():
                    found[path] = None
    return list(found)
