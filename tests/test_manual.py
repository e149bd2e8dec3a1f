"""What the manual adds to its pages: tables, links, formulas, code that runs.

`make docs` builds it and refuses a dead link; `make test` does that first.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("mkdocs")
pytest.importorskip("latex2mathml")

from pydantic import BaseModel

from rmz_acquire.acquisition import close_core
from rmz_acquire.experiments import ExperimentSettings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import manual_hooks  # noqa: E402
import manual_tables  # noqa: E402


def keys_of(model: type[BaseModel]) -> set[str]:
    found = set(model.model_fields)
    for key in model.model_fields:
        inner = getattr(model.model_fields[key].default, "__class__", None)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= keys_of(inner)
    return found


def test_every_key_of_an_experiment_has_its_row() -> None:
    table = manual_tables.experiment_keys()
    rows = re.findall(r"^\| \[?`(\w+)`.*\| (.+) \|$", table, re.MULTILINE)
    assert {key for key, _ in rows} == keys_of(ExperimentSettings)
    assert "| `settle_ms` | ms | number ≥ 0 | – | Rest after each move" in table
    assert "| `channels` |  | `independent`, `leader` | `independent` |" in table
    # told by what they mean, not by where else that stands
    assert not [key for key, meaning in rows if meaning.startswith("As ")]


def test_a_key_without_a_meaning_is_refused() -> None:
    class Settings(BaseModel):
        """Of nothing."""

        new_um: float = 1.0

    with pytest.raises(LookupError, match="new_um of Settings"):
        manual_tables._meaning(Settings, "new_um")


@pytest.mark.parametrize(
    ("link", "page", "target"),
    [
        ("../README.md", "scripts.md", "index.md"),
        ("../examples/script.py", "scripts.md", "examples/script.md"),
        ("docs/demo.png", "index.md", "demo.png"),
        ("../docs/files.md", "examples/first_scan.md", "../files.md"),
        ("script.py", "examples/index.md", "script.md"),
        # which mkdocs then refuses
        ("../nowhere.md", "scripts.md", "../nowhere.md"),
    ],
)
def test_links_lead_where_they_lead_in_the_checkout(link, page, target) -> None:
    assert manual_hooks.link_in_site(link, page) == target


def test_formulas_are_drawn_by_the_browser_itself() -> None:
    html = r'<p><span class="arithmatex">\(a_i &lt; 3\)</span></p>'
    made = manual_hooks.on_page_content(html)
    assert "<math" in made and "arithmatex" not in made and "&#x0003C;" in made


def test_what_would_be_fetched_is_refused(tmp_path: Path) -> None:
    config = type("Config", (), {"site_dir": str(tmp_path)})
    page = tmp_path / "page.html"
    page.write_text('<a href="https://a.b">far</a><img src="near.png">', "utf-8")
    manual_hooks.on_post_build(config=config)
    page.write_text('<script src="https://a.b/c.js"></script>', "utf-8")
    with pytest.raises(manual_hooks.PluginError, match=r"page\.html"):
        manual_hooks.on_post_build(config=config)


def test_every_page_has_its_place() -> None:
    told = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = {p.relative_to(ROOT / "docs").as_posix() for p in ROOT.glob("docs/**/*.md")}
    nav = yaml.safe_load(told.partition("\nnav:\n")[2])
    placed = set(re.findall(r"[\w/-]+\.md", str(nav)))
    assert pages <= placed <= pages | set(manual_hooks.ELSEWHERE.values())


@pytest.mark.slow
def test_scripts_run_and_leave_the_files_that_the_manual_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mm_test_adapters")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "scripts.md").read_text("utf-8")
    scope: dict[str, object] = {}
    try:
        for script in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
            exec(compile(script, "scripts.md", "exec"), scope)
    finally:
        close_core(scope["core"])  # type: ignore[arg-type]
    assert len(scope["taken"]) == 5  # type: ignore[arg-type]
    folder = tmp_path / "first-run"
    text = (ROOT / "docs" / "files.md").read_text("utf-8")
    for name, table in manual_tables.TABLES.items():
        text = text.replace(f"<!-- table: {name} -->", table())
    told = set(re.findall(r"`([^`]+)`", text))
    assert {path.name for path in folder.iterdir()} <= told
    for file in ("run.json", "summary.json"):
        assert set(json.loads((folder / file).read_text("utf-8"))) <= told, file
    for file in (
        "decisions.jsonl",
        "planes.ome.zarr/planes.jsonl",
        "volumes.ome.zarr/volumes.jsonl",
    ):
        line = (folder / file).read_text("utf-8").splitlines()[-1]
        assert set(json.loads(line)) <= told, file
