"""Somebody else's estimators and policies on the command line."""

from __future__ import annotations

import json
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import TYPE_CHECKING

import pytest
import useq
from cli_helpers import refused, replay, write_stack_of_discs

from rmz_acquire import plugins
from rmz_acquire.cli import main
from rmz_acquire.doctor import examine
from rmz_acquire.experiments.archive_planes import VolumeJob, find
from rmz_acquire.experiments.archive_volume import make_volume

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Capture = pytest.CaptureFixture[str]

LAB = """
from rmz_acquire.reconstruction import LinearEstimator

class Lines(LinearEstimator):
    def __init__(self, z_um, optics):
        super().__init__(z_um)

class Down:
    def __init__(self, plan):
        self.z_um = plan.z_um[::-1]
    def next_z(self, taken):
        return self.z_um[len(taken)] if len(taken) < 3 else None

class Never:
    def __init__(self, plan):
        pass
    def judge(self, taken):
        from rmz_acquire.scanning import Verdict
        return Verdict(False, "never enough")
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module in it that is not installed."""
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "lab_scans.py").write_text(LAB)
    monkeypatch.setattr(plugins, "_allowed", [])
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield folder
    sys.modules.pop("lab_scans", None)


@pytest.fixture
def installed(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as a package that is installed, with its entry points."""
    site = lab.rename(lab.with_name("site-packages"))
    monkeypatch.syspath_prepend(str(site))
    points = EntryPoints(
        [
            EntryPoint("lines", "lab_scans:Lines", plugins.ESTIMATOR.group),
            EntryPoint("down", "lab_scans:Down", plugins.POLICY.group),
            EntryPoint("bisect", "lab_scans:Down", plugins.POLICY.group),
            EntryPoint("never", "lab_scans:Never", plugins.STOP_RULE.group),
        ]
    )
    monkeypatch.setattr(plugins, "entry_points", lambda **by: points.select(**by))
    return site


def test_replay_takes_classes_from_a_folder_of_plugins(
    tmp_path: Path, lab: Path, capsys: Capture
) -> None:
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    out = tmp_path / "run"
    names = {"estimator": "lab_scans:Lines", "policy": "lab_scans:Down"}
    line = replay(stack, out, **names)
    said = refused(line, capsys)
    assert said == (
        "--estimator: lab_scans:Lines cannot be imported: no module lab_scans is "
        "installed, or in the folder of --plugins"
    )
    assert not out.exists()
    assert main([*line, "--plugins", str(lab)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["z_taken_um"] == [4.0, 3.5, 3.0]
    assert summary["estimator"] == "lab_scans:Lines"
    assert summary["plan"]["policy"] == "lab_scans:Down"


@pytest.mark.slow
def test_reconstruct_takes_a_class_from_a_folder_of_plugins(
    tmp_path: Path, lab: Path, capsys: Capture
) -> None:
    """Also in the process of a worker, which was told nothing before."""
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    run, out = tmp_path / "run", tmp_path / "volume.ome.tif"
    assert main([*replay(stack, run), "--max-planes", "3"]) == 0
    capsys.readouterr()
    line = ["reconstruct", str(run), "--out", str(out)]
    line += ["--estimator", "lab_scans:Lines"]
    missing = "no module lab_scans is installed, or in the folder of --plugins"
    assert missing in refused(line, capsys)
    assert main([*line, "--plugins", str(lab)]) == 0
    assert out.exists() and "lab_scans" in sys.modules
    plugins._allowed.clear()
    sys.path.remove(str(lab))
    del sys.modules["lab_scans"]
    (found,) = find(run)
    job = VolumeJob(
        source=run,
        key=found.key,
        listed_z_um=None,
        z_um=(0.0, 1.0),
        optics=None,
        pixel_size_um=None,
        channel=None,
        estimator="lab_scans:Lines",
        model=None,
        device="cpu",
        out=tmp_path / "again.ome.tif",
        plugins=lab,
    )
    assert make_volume(job).shape[0] == 2


def test_replay_takes_a_stop_rule(tmp_path: Path, lab: Path) -> None:
    stack, out = write_stack_of_discs(tmp_path / "stack.tif"), tmp_path / "run"
    rule = {"stop_rule": "lab_scans:Never", "epsilon": "1", "max_planes": "5"}
    assert main(replay(stack, out, plugins=str(lab), **rule)) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["plan"]["stop_rule"] == "lab_scans:Never"
    assert summary["stop_reason"] == "max_planes" and summary["planes_taken"] == 5
    assert main(["scan", "--verify", str(out), "--plugins", str(lab)]) == 0


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("estimator", "wienr", "did you mean wiener?"),
        ("policy", "bisct", "did you mean bisect?"),
        (
            "stop-rule",
            "papers",
            "'papers' is not one of 'guarded', 'paper', 'target' or",
        ),
        ("policy", "lab_scans:Lines", "lab_scans:Lines is no policy: it must be a cl"),
        ("estimator", "lab_scans:Down", "must be a class with add and describe"),
        ("plugins", "nowhere", "--plugins nowhere: there is no such folder"),
    ],
)
def test_what_is_none_is_refused_in_one_line(
    tmp_path: Path, lab: Path, capsys: Capture, option: str, value: str, said: str
) -> None:
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    changes = {"plugins": str(lab), option: value}
    assert said in refused(replay(stack, tmp_path / "run", **changes), capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_scan_resume_and_verify_take_the_folder_too(
    tmp_path: Path, lab: Path, capsys: Capture
) -> None:
    block = {"version": 1, "estimator": "lab_scans:Lines", "policy": "lab_scans:Down"}
    file, out = lab / "scan.yaml", tmp_path / "run"
    sequence = useq.MDASequence(
        z_plan={"bottom": 0, "top": 4, "step": 0.5},
        metadata={"rmz_acquire": block},
    )
    file.write_text(sequence.yaml(exclude={"uid"}))
    run = ["scan", str(file), "--config", "simulated", "--out", str(out)]
    missing = "no module lab_scans is installed, or in the folder of --plugins"
    assert missing in refused(run, capsys)
    assert not out.exists()
    given = ["--plugins", str(lab)]
    assert main([*run, *given]) == 0
    told = json.loads((out / "run.json").read_text())
    assert (told["estimator"], told["policy"]) == (block["estimator"], block["policy"])
    assert main(["scan", "--verify", str(out), *given]) == 0
    plugins._allowed.clear()
    del sys.modules["lab_scans"]
    capsys.readouterr()
    assert missing in refused(["scan", "--verify", str(out)], capsys)
    assert missing in refused(["scan", "--resume", str(out)], capsys)
    assert main(["scan", "--resume", str(out), *given]) == 0


@pytest.mark.slow
def test_an_installed_package_gives_names(
    tmp_path: Path, installed: Path, capsys: Capture
) -> None:
    stack = write_stack_of_discs(tmp_path / "stack.tif")
    out = tmp_path / "run"
    assert main(replay(stack, out, estimator="lines", policy="down")) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["estimator"] == "lab_scans:Lines"
    assert summary["plan"]["policy"] == "lab_scans:Down"
    # a name of ours stays ours
    assert main(replay(stack, out, policy="bisect", overwrite="")) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["z_taken_um"][0] != 4.0


def test_doctor_lists_them(installed: Path) -> None:
    found = {finding.part: finding for finding in examine() if finding}
    assert found["plugins"].status == "ok"
    for said in ("estimator lines (lab_scans:Lines)", "stop rule never"):
        assert said in found["plugins"].detail
    (installed / "lab_scans.py").write_text("import nothing_of_that_name")
    sys.modules.pop("lab_scans", None)
    broken = next(each for each in examine() if each.part == "plugins")
    assert broken.status == "wrong"
    assert "No module named 'nothing_of_that_name'" in broken.detail
