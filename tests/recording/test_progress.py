"""What is read of a training that goes on, stops, goes on again, and ends."""

from __future__ import annotations

import pytest

from rmz_acquire.recording.progress import PROGRESS_FILE, ProgressLog, read_progress


def test_nothing_is_known_of_a_training_that_has_not_begun(tmp_path):
    assert read_progress(tmp_path / "none").steps == 0


def test_steps_looks_and_time_left(tmp_path):
    log = ProgressLog(tmp_path)
    log.write(begin=0, steps=100)
    log.write(look=0, gain_db=0.1)
    log.write(step=1, seconds=10.0, loss=2.0)
    assert read_progress(tmp_path).seconds_left is None
    log.write(step=11, seconds=15.0, loss=float("nan"))
    log.write(look=11, gain_db=0.4)
    seen = read_progress(tmp_path)
    assert (seen.step, seen.steps, seen.loss) == (11, 100, None)
    # half a second a step, the first of which had a slow start
    assert seen.seconds_left == pytest.approx(44.5)
    assert seen.looks == ((0, 0.1), (11, 0.4))
    assert seen.scoring is None and seen.model is None
    log.write(scoring="worm from 3 planes")
    assert read_progress(tmp_path).scoring == "worm from 3 planes"
    log.write(model="mine")
    assert read_progress(tmp_path).model == "mine"
    assert read_progress(tmp_path).scoring is None


def test_what_a_kill_lost_is_not_shown(tmp_path):
    log = ProgressLog(tmp_path)
    log.write(begin=0, steps=100)
    log.write(look=20, gain_db=0.2)
    log.write(step=33, seconds=9.0, loss=1.0)
    log.write(look=30, gain_db=0.3)
    with (tmp_path / PROGRESS_FILE).open("a") as file:
        file.write('{"step": 34, "sec')
    assert read_progress(tmp_path).step == 33
    with (tmp_path / PROGRESS_FILE).open("a") as file:
        file.write("\n")
    log.write(begin=25, steps=100)
    seen = read_progress(tmp_path)
    assert (seen.step, seen.looks) == (25, ((20, 0.2),))
    assert seen.seconds_left is None
