"""Rooms see only what lies below them, as the README's picture of the parts says."""

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
