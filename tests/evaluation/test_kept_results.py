"""What evaluate keeps of an earlier run: nothing that other code has made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import rmz_acquire
from rmz_acquire.evaluation.runner import _code


@pytest.mark.parametrize(
    "changed",
    [
        "reconstruction/likelihood/ascent.py",
        "reconstruction/wiener.py",
        "optics/pupil.py",
        "methods.py",
    ],
)
def test_a_change_of_what_results_depend_on_is_seen(
    tmp_path: Path, changed: str
) -> None:
    package = tmp_path / "rmz_acquire"
    sources = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(rmz_acquire.__file__).parent, package, ignore=sources)
    before = _code(package)
    assert before == _code()
    with (package / changed).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert _code(package) != before
