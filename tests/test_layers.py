"""Rooms see only what lies below them, as docs/extending.md says."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "rmz_acquire"

# from top to bottom; rooms of one row do not see each other
ROWS = [
    {"cli"},
    {"gui"},
    {"experiments", "doctor"},
    {"training"},
    {"acquisition", "evaluation"},
    {"benchmark"},
    {"recording", "reconstruction", "simulation"},
    {"models", "scanning", "stacks"},
    {"networks", "objectives"},
    {"optics", "plugins", "settings_file"},
    {
        "atomic_io",
        "defaults",
        "errors",
        "installing",
        "methods",
        "resources",
        "workers",
    },
]
DEPTH = {room: depth for depth, row in enumerate(ROWS) for room in row}


def _imports(path: Path) -> set[str]:
    """Rooms that a file imports from, also inside functions and for typing only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "rmz_acquire":
                names = [f"rmz_acquire.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("rmz_acquire.")}
    return found - {"__version__"}


def test_every_room_has_its_row() -> None:
    rooms = {p.name.removesuffix(".py") for p in PACKAGE.iterdir()}
    private = {room for room in rooms if room.startswith(("_", "."))}
    assert rooms - private - {"py.typed"} == set(DEPTH)


@pytest.mark.slow
def test_arrows_point_down_only() -> None:
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room.startswith("__"):
            continue
        for other in _imports(path) - {room}:
            if DEPTH[other] <= DEPTH[room]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {other}")
    assert not wrong


def test_scanning_knows_neither_torch_nor_qt_nor_hardware() -> None:
    heavy = ("torch", "PyQt6", "pymmcore", "tensorstore", "matplotlib")
    for path in (PACKAGE / "scanning").glob("*.py"):
        text = path.read_text("utf-8")
        assert not [name for name in heavy if f"import {name}" in text]
        assert not [name for name in heavy if f"from {name}" in text]


LAZY = sorted(stub.parent.name for stub in PACKAGE.glob("*/__init__.pyi"))


@pytest.mark.parametrize("name", LAZY)
def test_what_a_room_offers_is_there(name: str) -> None:
    room = importlib.import_module(f"rmz_acquire.{name}")
    for path in (PACKAGE / name).glob("[a-z]*.py"):
        importlib.import_module(f"{room.__name__}.{path.stem}")
    # also after all modules were imported, some of which have the name of a function
    assert room.__all__
    assert not [n for n in room.__all__ if inspect.ismodule(getattr(room, n))]


@pytest.mark.slow
def test_only_the_command_line_speaks_of_flags() -> None:
    # a message is read by who calls from Python, types a command or looks at a window
    told = {"doctor.py", "evaluation/tables.py"}  # both name whole commands
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("cli/") or name in told:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        docs = {
            node.value
            for each in ast.walk(tree)
            if isinstance(each, ast.Module | ast.ClassDef | ast.FunctionDef)
            for node in each.body
            if isinstance(node, ast.Expr)
        }
        wrong += [
            f"{name}:{node.lineno} {node.value!r}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and node not in docs
            and isinstance(node.value, str)
            and re.search(r"(\w |^)--[a-z]+.* |\w --[a-z]", node.value)
        ]
    assert not wrong


def test_no_two_files_of_different_rooms_share_a_name() -> None:
    """A stranger who looks for a name finds one file; cli's are its commands."""
    met: dict[str, Path] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0]
        if room == "cli" or path.name.startswith("__"):
            continue
        assert path.name not in met, (path, met.get(path.name))
        met[path.name] = path


def _files() -> dict[str, Path]:
    """The modules of the package by their full names, rooms themselves aside."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] != "__init__":
            found[".".join(("rmz_acquire", *parts))] = path
    return found


def _offered() -> dict[tuple[str, str], str]:
    """Where what a room offers comes from: by room and name, the module."""
    found = {}
    for file in [*PACKAGE.rglob("__init__.pyi"), *PACKAGE.rglob("__init__.py")]:
        room = ".".join(("rmz_acquire", *file.parent.relative_to(PACKAGE).parts))
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = f"{room}.{node.module}" if node.level else node.module
                found |= {(room, alias.name): module for alias in node.names}
    return found


@pytest.mark.slow
def test_no_files_import_each_other_in_a_circle() -> None:
    """Also not for types alone: one can be read after the other."""
    files, offered = _files(), _offered()
    needs: dict[str, set[str]] = {}
    for name, path in files.items():
        needs[name] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                module = offered.get((node.module, alias.name), node.module)
                module = inner if inner in files else module
                if module in files and module != name:
                    needs[name].add(module)
    while True:
        # what needs nothing that is left is in no circle
        left = {n: {m for m in of if m in needs} for n, of in needs.items()}
        kept = {n: of for n, of in left.items() if of}
        if len(kept) == len(needs):
            break
        needs = kept
    while True:
        # nor is what nothing that is left needs
        needed = set().union(*needs.values()) if needs else set()
        kept = {n: of for n, of in needs.items() if n in needed}
        if len(kept) == len(needs):
            break
        needs = kept
    assert not needs


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {p: len(p.read_text("utf-8").splitlines()) for p in PACKAGE.rglob("*.py")}
    assert not {p.name: n for p, n in lengths.items() if n > 400}


def test_what_contributing_lists_is_there() -> None:
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| .+ \| `(rmz_acquire/.+?\.py)` \| `(.+?)` \|$", text, re.M)
    assert len(rows) >= 10
    for file, name in rows:
        body = ast.parse((PACKAGE.parent / file).read_text("utf-8")).body
        for part in name.split("."):
            kinds = ast.ClassDef | ast.FunctionDef
            named = [n for n in body if isinstance(n, kinds) and n.name == part]
            assert named, (file, name)
            body = named[0].body


def test_what_users_import_is_shown() -> None:
    package = importlib.import_module("rmz_acquire")
    shown = dir(package)
    assert {"run", "resume", "load", "open_core", "InputError"} <= set(shown)
    for name in shown:
        assert getattr(package, name) is not None
        assert name == "__version__" or getattr(package, name).__doc__
