"""What a wheel holds, and that the shipped files are found from one."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rmz_acquire.models.store import COMPARISON
from rmz_acquire.resources import resource_dir

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        str(out),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_has_code_types_models_and_configurations(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "rmz_acquire/py.typed" in names
    # rooms take their names from these
    stubs = (ROOT / "rmz_acquire").rglob("__init__.pyi")
    assert {stub.relative_to(ROOT).as_posix() for stub in stubs} <= names
    assert not [n for n in names if n.startswith(("tests/", "models/", "configs/"))]
    for kind in ("models", "configs"):
        shipped = {
            f"rmz_acquire/_data/{kind}/{inside.as_posix()}"
            for path in resource_dir(kind).rglob("*")
            if path.is_file()
            and (inside := path.relative_to(resource_dir(kind))).parts[0] != COMPARISON
        }
        inside_wheel = {n for n in names if n.startswith(f"rmz_acquire/_data/{kind}/")}
        assert inside_wheel == shipped


@pytest.mark.parametrize("kind", ["models", "configs"])
def test_an_installed_wheel_finds_them(wheel: Path, tmp_path: Path, kind: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = f"from rmz_acquire.resources import resource_dir as r; print(r({kind!r}))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert Path(told) == tmp_path / "rmz_acquire" / "_data" / kind
