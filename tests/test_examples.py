"""The examples run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = {
    "script.py": "all 4 volumes are taken",
    "beside_pymmcore_gui.py": "5 frames, the first at c 0, z 2",
    "beside_napari.py": "4 frames in the viewer; change ",
    "own_policy_and_estimator.py": "5 planes by __main__:TopDown",
    "abort_from_outside.py": "stopped to look at it after 1 of 2 volumes",
}


def test_each_is_listed():
    files = {path.name for path in (ROOT / "examples").glob("*.py")}
    assert files == set(EXAMPLES)
    told = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in told for name in files)


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs(name, tmp_path):
    pytest.importorskip("mm_test_adapters")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "PYMM_SIGNALS_BACKEND": "psygnal"},
    )
    assert result.returncode == 0, result.stderr
    assert EXAMPLES[name] in result.stdout
    assert "Traceback" not in result.stderr
