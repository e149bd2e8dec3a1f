"""The volume in 3D on a screen with OpenGL: its place, its voxel, its icons."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from children import run_to_end, started, wait_for_end
from patience import PATIENCE_S


@pytest.fixture(scope="module")
def display():
    """A screen of its own, which Mesa draws."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("no Xvfb, which has a screen with OpenGL")
    read, write = os.pipe()
    words = [program, "-displayfd", str(write), "-screen", "0", "1280x800x24"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with started(words, pass_fds=[write], **quiet) as server:
        os.close(write)
        ready, _, _ = select.select([read], [], [], PATIENCE_S)
        assert ready, "Xvfb does not say its number"
        with os.fdopen(read) as told:
            number = told.readline().strip()
        yield f":{number}"
        server.terminate()
        wait_for_end(server)


@pytest.mark.slow
def test_the_3d_view_shows_the_block_with_icons_and_a_short_title(display, tmp_path):
    screen = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    script = Path(__file__).with_name("solid.py")
    done = run_to_end([sys.executable, script, tmp_path], env=screen)
    if "no OpenGL" in done.stdout or "xcb" in done.stderr:
        pytest.skip("this screen cannot draw with OpenGL")
    assert done.returncode == 0, done.stderr
    assert "is not shipped" not in done.stderr
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    # z as thick as it is, also of another run in the same window
    assert (float(lines["thin"]), float(lines["thick"])) == (0.2, 6.0)
    assert lines["title"] == "Volume in 3D | "
    assert lines["icons"] == "3 True"
    for name in ("thin", "thick"):
        pixels = np.load(tmp_path / f"{name}.npy").astype(int)
        # in the colour of its channel, on the canvas
        green = (pixels[..., 1] > 180) & (pixels[..., 0] < 90)
        rows, columns = np.nonzero(green[: int(0.85 * len(green))])
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        # 6 × 10 pixels, above and to the right of the middle
        assert width / height == pytest.approx(10 / 6, rel=0.1)
        middle = 0.45 * pixels.shape[0], 0.5 * pixels.shape[1]
        assert rows.mean() < middle[0] - height
        assert columns.mean() > middle[1] + width
