"""What a wheel holds, and that the shipped files are found from one."""

from __future__ import annotations

import os
import re
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from children import run_to_end

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
    done = run_to_end(command, cwd=ROOT)
    assert done.returncode == 0, done.stderr
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


def test_it_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 40e6


@pytest.mark.slow
def test_a_fresh_environment_has_the_command_with_models_and_a_demo(
    wheel: Path, tmp_path: Path
) -> None:
    """Away from the checkout, with nothing but the wheel added to its libraries."""
    pytest.importorskip("mm_test_adapters")
    home = tmp_path / "environment"
    # without pip, which costs seconds: ours installs into it
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    bin_dir = home / ("Scripts" if os.name == "nt" else "bin")
    pip = ["-m", "pip", "--python", str(bin_dir / "python")]
    offline = ["--quiet", "--no-deps", "--no-index", "--no-compile"]
    here = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def run(*words: str | Path) -> str:
        told = run_to_end(words, cwd=tmp_path, env=here)
        assert told.returncode == 0, told.stderr
        return told.stdout

    run(sys.executable, *pip, "install", *offline, wheel)
    (packages,) = home.rglob("site-packages")
    # the libraries it asks for, but not the checkout, which an editable install has
    ours = [path for path in map(Path, sys.path) if path.name == "site-packages"]
    (packages / "libraries.pth").write_text("\n".join(map(str, ours)), "utf-8")
    code = (
        "import rmz_acquire.resources as r; print(r.__file__, r.resource_dir('models'))"
    )
    where = run(bin_dir / "python", "-c", code).split()
    assert all(Path(path).is_relative_to(packages) for path in where)
    demo = ["demo", "--estimator", "linear", "--z=-10,0,10", "--out", "run"]
    assert "planes   3 of 61" in run(bin_dir / "rmz-acquire", *demo)
    assert (tmp_path / "run" / "volume.ome.tif").is_file()


def test_what_is_told_of_the_project_agrees() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    job = ci["jobs"]["test"]
    tested = {f"Programming Language :: Python :: {v}" for v in _axes(job)["python"]}
    assert tested == {c for c in project["classifiers"] if re.search(r":: 3\.\d+$", c)}
    assert ".ci/run" in [step.get("run") for step in job["steps"]]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["license"] == project["license"]
    assert cited["references"][0]["doi"] in project["urls"]["Paper"]
    form = ROOT / ".github/ISSUE_TEMPLATE/problem.yml"
    assert "rmz-acquire doctor" in str(yaml.safe_load(form.read_text("utf-8")))


def _axes(job: dict[str, Any]) -> dict[str, list[str]]:
    matrix: dict[str, list[str]] = job["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    return matrix
