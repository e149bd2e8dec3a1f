"""The window is quit at any moment, as a process: all ends well, and soon."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from children import run_to_end

from rmz_acquire.experiments import StoredExperiment
from rmz_acquire.gui.models.stored_runs import load_run

# with `connecting` and `empty` no stage was moved
STATES = ("connecting", "loading", "computing", "stack", "stacks", "terminated")
FURTHER = (
    # test_window closes the live view; what is kept is rendered as in `computing`
    *(
        "live",
        "keeping",
        "empty",
        "idle",
        "exposing",
        "second",
        "paused",
        "aborting",
        "aborted",
    ),
    *("comparing", "opened", "interrupted"),
)
if "RMZ_ACQUIRE_QUITS" in os.environ:
    # each so many times: RMZ_ACQUIRE_QUITS=5 pytest tests/gui/test_quitting.py
    STATES = (*STATES, *FURTHER) * int(os.environ["RMZ_ACQUIRE_QUITS"])
START_UM = 3.0
_SOON_S = 60.0


def _quit(number: int, state: str, folder: Path) -> tuple[str, int, str, float]:
    """Quit once, at a moment that the number makes; gives how that ended."""
    delay_s = random.Random(number).uniform(0.0, 0.8)
    folder.mkdir()
    begin = time.monotonic()
    script = Path(__file__).with_name("quitter.py")
    words = [sys.executable, script, state, f"{delay_s:.3f}", folder]
    done = run_to_end(words, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    asked = folder / "quit.json"
    took_s = time.monotonic() - begin
    if asked.is_file():
        took_s = time.time() - json.loads(asked.read_text())
    return f"{state} + {delay_s:.2f} s", done.returncode, done.stderr, took_s


@pytest.mark.slow
@pytest.mark.parametrize(("number", "state"), list(enumerate(STATES)))
def test_quits_at_a_seeded_moment(number, state, tmp_path):
    folder = tmp_path / state
    when, code, said, took_s = _quit(number, state, folder)
    wrong = code != 0 or "terminate" in said or "Fatal" in said or took_s > _SOON_S
    assert not wrong, f"{when}: exit {code}, {took_s:.0f} s\n{said[:1500]}"
    _check(state, folder)


@pytest.mark.slow
def test_a_camera_that_hangs_does_not_hold_the_window(tmp_path):
    when, code, said, took_s = _quit(1, "hung", tmp_path / "hung")
    assert code == 1, f"{when}: {said[:1500]}"
    assert "does not answer: make sure that the light is off" in said
    assert took_s < _SOON_S


def _check(state: str, folder: Path) -> None:
    """Light off, stage back, and every plane that is told of whole."""
    if state not in ("empty", "connecting"):
        end = json.loads((folder / "end.json").read_text())
        assert end["light"] is False, state
        assert end["z_um"] == pytest.approx(START_UM, abs=0.1), state
        assert end["xy_um"] == pytest.approx([0.0, 0.0], abs=0.1), state
    for run in folder.glob("runs/**/run.json"):
        stored = StoredExperiment(run.parent)
        for volume in stored.begun:
            for plane in stored.planes(volume):
                assert plane.image.shape == (128, 128), state
                assert np.count_nonzero(plane.image) > 0.9 * plane.image.size, state
        assert (run.parent / "summary.json").is_file(), state
        assert load_run(run.parent).status in ("completed", "aborted", "stopped")
