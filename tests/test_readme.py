"""What the README shows works."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml

from rmz_acquire.acquisition import close_core
from rmz_acquire.cli.app import app
from rmz_acquire.experiments import read_experiment
from rmz_acquire.experiments.volumes import volumes_of

ROOT = Path(__file__).resolve().parent.parent
_SCRIPT = ROOT / "scripts" / "readme.py"
_SPEC = importlib.util.spec_from_file_location("readme_walk", _SCRIPT)
walk = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(walk)
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_the_script_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mm_test_adapters")
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(script.splitlines()) <= 7
    assert script.count("import ") == 1
    monkeypatch.chdir(tmp_path)
    # the one that the script names, with less of everything
    (named,) = re.findall(r"configs/\w+\.yaml", script)
    experiment = yaml.safe_load((ROOT / named).read_text("utf-8"))
    experiment["time_plan"] = {"interval": 0, "loops": 1}
    experiment["metadata"]["rmz_acquire"] |= {"max_planes": 3, "estimator": "linear"}
    (tmp_path / "configs").mkdir()
    (tmp_path / named).write_text(yaml.safe_dump(experiment))
    scope: dict[str, object] = {}
    try:
        exec(compile(script, "README.md", "exec"), scope)
    finally:
        if "core" in scope:
            close_core(scope["core"])  # type: ignore[arg-type]
    summary = json.loads((tmp_path / "my-run" / "summary.json").read_text())
    assert summary["status"] == "completed"
    assert scope["volume"].shape[0] == 61  # type: ignore[attr-defined]


def test_the_experiment_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    assert len(volumes_of(read_experiment(path))) == 48 * 2 * 2
    shipped = ROOT / "configs" / "timelapse.yaml"
    assert len(volumes_of(read_experiment(shipped))) == 4


def test_every_command_is_named() -> None:
    for command in app.registered_commands:
        assert f"`rmz-acquire {command.name}" in README


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_it_links_to_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_it_is_short() -> None:
    # every page has its place in the manual: see test_manual
    assert len(README.splitlines()) < 150


def test_every_command_is_run_by_continuous_integration() -> None:
    rows = [command for stage in walk.RUNS.values() for command in stage]
    assert len(rows) == len(set(rows))
    # in the environment that the README's own set-up makes: see scripts/readme.py
    assert set(walk.commands()) == set(rows)


def test_every_make_target_is_run_by_continuous_integration() -> None:
    made = (ROOT / "Makefile").read_text("utf-8")
    shown = set(re.findall(r"^([a-z]+):.*##", made, re.MULTILINE))
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    steps = set(re.findall(r"make ([a-z]+)", ci))
    for target in ("readme", "test"):
        recipe = made.partition(f"\n{target}:")[2].partition("\n\n")[0]
        for words in re.findall(r"\$\(MAKE\) ([a-z ]+)", recipe):
            steps |= set(words.split())
    # clean would take away what all others stand on
    assert shown - {"clean"} <= steps
