"""No two files of the window need each other, not even for a type."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "rmz_acquire"


def _imports(path):
    """Files of the package that a file names in its imports, wherever they stand."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            file = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
            if file.is_file():
                found.add(file)
    return found


def test_the_files_of_the_window_stand_in_an_order():
    left = {path: _imports(path) for path in (PACKAGE / "gui").rglob("*.py")}
    assert any(left.values())
    while free := [path for path, needs in left.items() if not needs & left.keys()]:
        for path in free:
            del left[path]
    # what is left stands in a circle, or needs what does
    assert not sorted(path.relative_to(PACKAGE).as_posix() for path in left)
