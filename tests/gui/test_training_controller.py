"""Stacks and trainings without a window: real core, real process, small network."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace

import pytest
import yaml
from children import run_to_end, started
from cli_helpers import OPTICS, write_model
from listening import Told
from patience import PATIENCE_S

from rmz_acquire.experiments.dense_stacks import Position
from rmz_acquire.gui.controllers.microscope_session import MicroscopeController
from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.controllers.training_session import TrainingController
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.gui.models.training_form import (
    StackSettings,
    TrainingSettings,
    time_left,
)
from rmz_acquire.installing import install_line
from rmz_acquire.simulation.camera import simulated_camera
from rmz_acquire.simulation.stack import simulate_stack
from rmz_acquire.stacks import read_stack, write_stack

SCAN = ScanSettings(bottom_um=-2.0, top_um=2.0, step_um=0.5, exposure_ms=2.0)
PLACES = (Position(0, 0, 0.0), Position(30, 0, 1.0), Position(0, 30, 0.0))


class Room:
    def __init__(self):
        self.microscope = MicroscopeController()
        self.training = TrainingController(self.microscope)
        self.told = Told(self.training)
        self.of, self.until = self.told.of, self.told.until

    def connect(self):
        self.microscope.connect("simulated").result(60)
        self.core.setProperty("Camera", "SensorSize_px", 64)
        return self.core

    @property
    def core(self):
        return self.microscope.core


@pytest.fixture(autouse=True)
def _plain_signals(monkeypatch):
    monkeypatch.setenv("PYMM_SIGNALS_BACKEND", "psygnal")


@pytest.fixture
def room():
    made = Room()
    yield made
    made.training.close()
    made.microscope.close()


def stacks_of(folder, **changes):
    values = {"scan": SCAN, "places": PLACES, "folder": folder, "pixel_size_um": 0.325}
    return StackSettings(**{**values, **changes})


def recorded(folder, number=3):
    folder.mkdir()
    files = []
    for seed in range(number):
        made = simulate_stack(
            "beads",
            seed,
            OPTICS,
            planes=9,
            z_step_um=0.5,
            shape=(48, 48),
            exposure_ms=50,
        )
        files.append(folder / f"s{seed}.ome.tif")
        write_stack(files[-1], made.counts, z_step_um=0.5, pixel_size_um=0.325)
    return tuple(files)


def training_of(tmp_path, steps=4, **changes):
    values = {
        "model": str(write_model(tmp_path / "base")),
        "stacks": recorded(tmp_path / "recorded"),
        "name": "mine",
        "steps": steps,
        "folder": tmp_path / "run",
        "optics": OPTICS,
    }
    return TrainingSettings(**{**values, **changes})


@pytest.mark.slow
def test_stacks_at_places_that_were_added(room, tmp_path):
    core = room.connect()
    core.setXYPosition(5.0, -5.0)
    core.waitForDevice(core.getXYStageDevice())
    core.setPosition(1.5)
    room.training.find_place(stacks_of(tmp_path, scan=replace(SCAN, relative=True)))
    (place,) = room.until("place_found")
    at = (place.x_um, place.y_um, place.z_um)
    assert at == pytest.approx((5, -5, 1.5), abs=0.1)
    core.setPosition(0.0)
    core.waitForDevice(core.getFocusDevice())
    room.microscope.start_live().result(30)
    assert room.training.take_stacks(stacks_of(tmp_path / "s"))
    files, error, cancelled = room.until("stacks_ended")
    assert error == "" and len(files) == 3 and not cancelled
    assert room.microscope.state is State.ready
    *numbers, image = room.of("stacks_step")[-1]
    assert numbers == [3, 3, 9, 9] and image.shape == (64, 64)
    assert read_stack(files[0]).data.shape == (9, 64, 64)
    assert not core.getShutterOpen() and not core.isSequenceRunning()
    assert core.getPosition() == pytest.approx(0)
    assert core.getXYPosition() == pytest.approx((5, -5), abs=0.1)


def test_without_places_a_stack_is_taken_where_the_stage_stands(room, tmp_path):
    core = room.connect()
    core.setPosition(7.0)
    core.waitForDevice(core.getFocusDevice())
    room.training.take_stacks(stacks_of(tmp_path / "s", places=()))
    files, error, _ = room.until("stacks_ended")
    assert len(files) == 1 and error == ""
    assert core.getPosition() == pytest.approx(7.0)


def test_cancelling_keeps_whole_stacks_and_frees_the_microscope(room, tmp_path):
    core = room.connect()
    room.training.take_stacks(stacks_of(tmp_path / "s"))
    assert not room.training.take_stacks(stacks_of(tmp_path / "t"))
    assert "busy" in room.until("problem")[0]
    room.until("stacks_step", lambda stack, *_: stack == 2)
    room.training.cancel_stacks()
    files, _, cancelled = room.until("stacks_ended")
    assert cancelled and len(files) < 3
    listed = yaml.safe_load((tmp_path / "s" / "stacks.yaml").read_text())["stacks"]
    assert len(listed) == len(files)
    assert room.microscope.state is State.ready
    assert not core.getShutterOpen() and core.getPosition() == pytest.approx(0)
    told = Told(room.microscope)
    room.microscope.snap().result(30)
    assert told.of("picture")


def test_what_goes_wrong_with_stacks_is_one_line(room, tmp_path, monkeypatch):
    room.connect()
    for changes, said in (
        ({"scan": ScanSettings(bottom_um=1.0)}, "set the top"),
        ({"pixel_size_um": None}, "pixel size is not known"),
    ):
        room.told.clear()
        assert not room.training.take_stacks(stacks_of(tmp_path / "s", **changes))
        assert said in room.until("problem")[0]
    far = stacks_of(tmp_path / "s", places=(Position(0, 0, 900.0),))
    room.training.take_stacks(far)
    assert "outside" in room.until("stacks_ended")[1]
    assert room.microscope.state is State.ready

    def broken():
        msg = "the camera is gone"
        raise RuntimeError(msg)

    monkeypatch.setattr(room.core, "snapImage", broken)
    room.told.clear()
    room.training.take_stacks(stacks_of(tmp_path / "u"))
    _, error, cancelled = room.until("stacks_ended")
    assert "stack 1 was not taken" in error and "\n" not in error
    assert not cancelled
    monkeypatch.undo()


@pytest.mark.slow
def test_a_training_tells_how_far_it_is_and_what_came_of_it(room, tmp_path):
    settings = training_of(tmp_path)
    assert room.training.train(settings)
    _, model, error, log = room.until("training_ended")
    assert error == "", log
    assert any(progress.steps == 4 for _, progress in room.of("training_step"))
    # another one may start now
    assert not room.training.training
    assert model.folder == settings.folder / "mine"
    # four steps from an untrained model make no difference
    assert not model.verdict.better and "Not better" in model.verdict.headline
    row = dict(model.rows)["3"]
    assert {"new model", "base", "wiener", "linear"} <= set(row)


def test_what_training_lacks_is_said_before_there_is_light(room, tmp_path, monkeypatch):
    core = room.connect()
    camera = simulated_camera(core)
    before = camera.dose_ms()
    monkeypatch.setattr(
        "rmz_acquire.gui.models.training_form.missing", lambda extra: ["lightning"]
    )
    assert not room.training.take_stacks(stacks_of(tmp_path / "stacks"))
    settings = training_of(tmp_path)
    assert not room.training.train(settings)
    said = [text for text, _ in room.of("problem")]
    assert len(said) == 2
    assert all("lightning" in text and install_line("train") in text for text in said)
    assert camera.dose_ms() == before
    assert not (tmp_path / "stacks").exists()
    assert room.microscope.state is State.ready


def test_too_few_stacks_start_nothing(room, tmp_path):
    settings = training_of(tmp_path)
    few = replace(settings, stacks=settings.stacks[:2])
    assert not room.training.train(few)
    assert "2 of 3 stacks" in room.until("problem")[0]
    assert not settings.folder.exists()


@pytest.mark.slow
def test_a_training_that_is_killed_says_so(room, tmp_path):
    settings = training_of(tmp_path, steps=500)
    room.training.train(settings)
    room.until("training_step", lambda _, progress: progress.step >= 1)
    assert not room.training.train(settings)
    assert "runs already" in room.until("problem")[0]
    (child,) = children(os.getpid(), "finetune")
    os.kill(child, signal.SIGKILL)
    _, _, error, _ = room.until("training_ended")
    assert "ended without a message (code -9)" in error


@pytest.mark.slow
def test_a_training_ends_with_whoever_started_it(tmp_path):
    settings = training_of(tmp_path, steps=5000)
    code = (
        "import sys, time\n"
        "from rmz_acquire.gui.controllers import microscope_session, training_session\n"
        "microscope = microscope_session.MicroscopeController()\n"
        "training = training_session.TrainingController(microscope)\n"
        "training._start(sys.argv[2:], __import__('pathlib').Path(sys.argv[1]))\n"
        "time.sleep(1000)"
    )
    words = [sys.executable, "-c", code, str(settings.folder), *settings.command()]
    with started(words) as window:
        wait_for(lambda: (settings.folder / "last.ckpt").exists())
        (child,) = children(window.pid, "finetune")
        window.kill()
        wait_for(lambda: not running(child))


def test_the_time_left_is_said_as_people_say_it():
    assert time_left(None) == "the time left is not known yet"
    said = [time_left(seconds) for seconds in (2, 31, 61, 1500, 7200)]
    assert said == [
        "about 5 s left",
        "about 30 s left",
        "about 1 min left",
        "about 25 min left",
        "about 2.0 h left",
    ]


def wait_for(condition, timeout_s=PATIENCE_S):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def children(parent, word):
    """Processes that one started, by a word of their command line."""
    listed = run_to_end(["ps", "-eo", "pid,ppid,args"])
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()[1:]]
    return [int(r[0]) for r in rows if int(r[1]) == parent and word in r[2]]


def running(pid):
    stat = run_to_end(["ps", "-o", "stat=", "-p", str(pid)])
    return stat.stdout.strip()[:1] not in ("", "Z")
