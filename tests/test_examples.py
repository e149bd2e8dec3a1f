"""The examples run as they stand."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from children import run_to_end

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = {
    "script.py": "all 4 volumes are taken",
    "beside_pymmcore_gui.py": "5 frames, the first at c 0, z 2",
    "beside_napari.py": "4 frames in the viewer; change ",
    "own_policy_and_estimator.py": "5 planes by __main__:TopDown",
    "time_lapse_two_channels.py": "the same z in both: True\ncarried: ",
    "reading_a_run.py": "dims time position channel z y x",
    "abort_from_outside.py": "stopped to look at it after 1 of 2 volumes",
}
NOTEBOOK = ROOT / "examples" / "first_scan.ipynb"


def test_each_is_listed():
    files = {path.name for path in (ROOT / "examples").glob("*.[pi]*")}
    assert files == {*EXAMPLES, NOTEBOOK.name}
    told = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in told for name in files)


def python(*words):
    """Run a script in a process of its own; what it prints."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, "PYMM_SIGNALS_BACKEND": "psygnal"}
    result = run_to_end([sys.executable, *map(str, words)], env=env)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs(name, tmp_path):
    pytest.importorskip("mm_test_adapters")
    said = python(ROOT / "examples" / name, tmp_path / "run")
    assert EXAMPLES[name] in said


@pytest.mark.slow
def test_the_notebook_runs_and_says_what_it_did(tmp_path):
    copy = shutil.copy(NOTEBOOK, tmp_path)
    python(ROOT / "scripts" / "manual_notebook.py", copy)

    def kinds(path):
        cells = json.loads(Path(path).read_text("utf-8"))["cells"]
        outputs = [cell.get("outputs", []) for cell in cells]
        return [[each["output_type"] for each in of] for of in outputs]

    # what stands in it is of a run, pictures included
    assert kinds(copy) == kinds(NOTEBOOK)
    assert NOTEBOOK.stat().st_size < 200_000
