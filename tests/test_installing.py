"""What is missing is said with a line that works where it is typed."""

from __future__ import annotations

import functools
import importlib.util
import shlex
import sys
from pathlib import Path

import pytest
from children import run_to_end

from rmz_acquire import installing
from rmz_acquire.cli import main
from rmz_acquire.doctor import examine
from rmz_acquire.installing import install_line, missing

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("cluster", "gui", "simulation", "train")


@pytest.fixture
def without(monkeypatch):
    """Make modules as absent as if they were not installed."""

    def hide(*names):
        real = importlib.util.find_spec

        def find_spec(name, package=None):
            return None if name in names else real(name, package)

        monkeypatch.setattr(importlib.util, "find_spec", find_spec)

    return hide


@functools.cache
def said_by_pip(python):
    return run_to_end([python, "-m", "pip", "--version"]).stdout


def pip_words(line):
    words = shlex.split(line)
    where = words.index("-m")
    assert words[where : where + 3] == ["-m", "pip", "install"]
    return words[:where], words[where + 3 :]


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("inside", [True, False])
def test_the_line_installs_from_the_checkout(extra, inside, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT if inside else tmp_path)
    (python,), words = pip_words(install_line(extra))
    assert Path(python).absolute() == Path(sys.executable)
    assert words == ["-e", f".[{extra}]" if inside else f"{ROOT}[{extra}]"]
    # the very python of the line knows the folder of the line
    assert "pip" in said_by_pip(python)


def test_without_a_checkout_the_libraries_themselves(monkeypatch, tmp_path):
    monkeypatch.setattr(installing, "_ROOT", tmp_path)
    asked = ["lightning>=2; extra == 'train'", "PyQt6>=6; extra == 'gui'"]
    asked += ["rmz-acquire[train]; extra == 'gui'", "numpy>=2"]
    monkeypatch.setattr(installing.metadata, "requires", lambda _: asked)
    assert pip_words(install_line("train"))[1] == ["lightning>=2"]
    assert pip_words(install_line("gui"))[1] == ["PyQt6>=6", "lightning>=2"]


def test_every_extra_is_one_of_the_project(without):
    tomllib = pytest.importorskip("tomllib")
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = told["project"]["optional-dependencies"]
    assert set(EXTRAS) <= set(extras)
    # what the window needs brings what its dock Train needs
    assert "rmz-acquire[train]" in extras["gui"]
    assert missing("train") == []
    without("lightning")
    assert missing("train") == ["lightning"]


@pytest.mark.parametrize(
    ("gone", "words", "extra"),
    [
        ("lightning", "train air-20x075 --out run", "train"),
        ("tensorboard", "finetune air-20x075 a.tif --out run", "train"),
        ("pytorch_msssim", "release run", "train"),
        ("pyqtgraph", "gui", "gui"),
    ],
)
def test_a_command_says_what_it_lacks(
    gone, words, extra, without, monkeypatch, tmp_path, capsys
):
    monkeypatch.chdir(tmp_path)
    without(gone)
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert gone in said and install_line(extra) in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_doctor_says_it_too(without):
    without("lightning", "PyQt6")
    found = {finding.part: finding for finding in examine()}
    for part, extra in (("training", "train"), ("qt", "gui")):
        assert found[part].status == "absent"
        assert found[part].remedy == install_line(extra)
