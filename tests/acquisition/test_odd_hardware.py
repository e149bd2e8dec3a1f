"""Devices that give what nobody asked for: told in one line, nothing claimed of it."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
from engine_run import run_on_core
from experiment_fakes import sequence
from pymmcore_plus import CMMCorePlus

from rmz_acquire.acquisition import open_core
from rmz_acquire.acquisition.stage_check import check_stage_moves
from rmz_acquire.cli import main
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.experiments import run
from rmz_acquire.experiments.dense_stacks import Position, acquire_stacks

DENSE = {"range_um": 4, "step_um": 1, "exposure_ms": 5.0}
PLACES = [Position(0, 0, 5.0), Position(200, 0, 5.0)]


class Odd(CMMCorePlus):
    """The stock demo microscope, whose answers a test may change."""

    pictures = 0
    turn = staticmethod(lambda number, image: image)
    where = staticmethod(lambda z_um: z_um)
    sideways = staticmethod(lambda x, y: (x, y))
    least_ms = 0.0

    def getImage(self, *args, **options):
        self.pictures += 1
        return self.turn(self.pictures, super().getImage(*args, **options))

    def getPosition(self, *args):
        return self.where(super().getPosition(*args))

    def setXYPosition(self, *args):
        super().setXYPosition(*args[:-2], *self.sideways(*args[-2:]))

    def setExposure(self, *args):
        super().setExposure(*args[:-1], max(self.least_ms, args[-1]))


@pytest.fixture
def odd(closing):
    core = closing(open_core("MMConfig_demo", Odd()))
    core.setProperty("Camera", "OnCameraCCDXSize", 32)
    core.setProperty("Camera", "OnCameraCCDYSize", 32)
    core.setExposure(1)
    core.setShutterOpen(False)
    return core


def silent(_z_um):
    msg = "Z: no answer"
    raise RuntimeError(msg)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (lambda _: math.nan, "it reports no number"),
        (lambda _: math.inf, "it reports no number"),
        (silent, "Z: no answer"),
    ],
)
def test_a_stage_that_does_not_know_where_it_is_is_refused(odd, tmp_path, where, said):
    odd.where = where
    match = rf"where stage 'Z' stands is not known \({said}\): see that it is switched"
    with pytest.raises(InputError, match=match):
        run(odd, sequence(), tmp_path / "run")
    with pytest.raises(InputError, match=match):
        acquire_stacks(odd, None, tmp_path / "stacks", **DENSE)
    with pytest.raises(InputError, match=match):
        check_stage_moves(odd, range_um=6, exposure_ms=5.0)
    assert not any(tmp_path.iterdir()) and not odd.pictures


@pytest.mark.slow
def test_a_stage_that_forgets_where_it_is(odd, tmp_path, make_scan):
    asked = []

    def where(z_um):
        asked.append(z_um)
        return math.nan if len(asked) > 6 else z_um

    odd.where = where
    scan, recorder = make_scan()
    outcome = run_on_core(odd, scan, recorder, exposure_ms=1.0)
    assert outcome.status == "failed"
    assert "stands at nan µm" in outcome.reason
    assert all(math.isfinite(plane.z_um) for plane in recorder.planes)
    assert not odd.getShutterOpen()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda image: image[:16],
            r"\(16, 32\) uint16, those before it are \(32, 32\)",
        ),
        (lambda image: image.astype(np.uint8), r"uint8, those before it .* uint16"),
        (lambda image: np.stack([image] * 3, -1), "not a grey picture"),
        (lambda image: image[:0], "not a grey picture"),
        (lambda image: image * np.float32(np.nan), "float32"),
    ],
)
def test_a_picture_of_another_kind_ends_what_takes_it(odd, tmp_path, change, said):
    odd.turn = lambda number, image: change(image) if number > 2 else image
    summary = run(odd, sequence(), tmp_path / "run").summary
    assert summary.status == "failed" and summary.planes_taken == 2
    assert summary.error and odd.getPosition() == 0.0
    odd.pictures = 0
    with pytest.raises(ScanFailed, match=rf"stack 1 was not taken \(.*{said}"):
        acquire_stacks(odd, None, tmp_path / "stacks", **DENSE)
    assert not list((tmp_path / "stacks").glob("*.tif"))
    assert not odd.getShutterOpen()


@pytest.mark.slow
def test_an_xy_stage_that_does_not_move(odd, tmp_path, monkeypatch):
    monkeypatch.setattr("rmz_acquire.acquisition.sideways._PATIENCE_S", 0.2)
    odd.sideways = lambda x, y: (0.0, 0.0)
    plan = sequence(stage_positions=[{"x": 100, "y": 50, "z": 5}])
    summary = run(odd, plan, tmp_path / "run").summary
    assert summary.status == "failed" and summary.planes_taken == 0
    assert "stage 'XY' was sent to x 100, y 50 µm and stands at x" in summary.error
    said = r"stack 2 was not taken .*'XY'.*; 1 before it"
    with pytest.raises(ScanFailed, match=said):
        acquire_stacks(odd, PLACES, tmp_path / "stacks", **DENSE)


def test_an_xy_stage_that_raises_on_the_way_and_back(odd, tmp_path):
    def limit(x, y):
        msg = "XY: limit"
        raise RuntimeError(msg)

    odd.sideways = limit
    said = r"stack 1 was not taken \(.*XY: limit\).*; afterwards the XY stage cannot be"
    with pytest.raises(ScanFailed, match=said):
        acquire_stacks(odd, PLACES, tmp_path / "stacks", **DENSE)


def test_a_camera_that_rounds_its_exposure_is_told_once(odd, tmp_path, caplog):
    odd.least_ms = 33.0
    channels = [{"config": c, "exposure": 5} for c in ("DAPI", "FITC")]
    plan = sequence(channels=channels, time_plan={"interval": 0, "loops": 2})
    with caplog.at_level(logging.WARNING, "rmz_acquire"):
        summary = run(odd, plan, tmp_path / "run").summary
    said = [r.getMessage() for r in caplog.records if "exposes" in r.getMessage()]
    assert said == [
        "the camera exposes 33 ms where 5 ms are asked for: what it does is recorded"
    ]
    assert summary.dose_ms == 16 * 33
    odd.least_ms = 5.1
    caplog.clear()
    assert run(odd, plan, tmp_path / "near").summary.dose_ms == pytest.approx(16 * 5.1)
    assert "exposes" not in caplog.text


def test_a_channel_whose_preset_sets_an_exposure_has_the_one_asked_for(odd, tmp_path):
    """Both channels ask for the same, and one preset for another."""
    odd.defineConfig("Channel", "FITC", "Camera", "Exposure", "40")
    channels = [{"config": c, "exposure": 5} for c in ("DAPI", "FITC")]
    summary = run(odd, sequence(channels=channels), tmp_path / "run").summary
    assert summary.dose_ms == 8 * 5


@pytest.mark.slow
def test_an_autofocus_after_which_the_stage_is_nowhere(odd, tmp_path, monkeypatch):
    monkeypatch.setattr(
        odd, "fullFocus", lambda: setattr(odd, "where", lambda _: math.nan)
    )
    plan = sequence(
        stage_positions=[{"x": 0, "y": 0, "z": 5}], autofocus_plan={"axes": ["p"]}
    )
    summary = run(odd, plan, tmp_path / "run").summary
    assert summary.status == "failed" and summary.planes_taken == 0
    assert "reports no position afterwards" in summary.error


@pytest.mark.slow
def test_a_stage_check_does_not_compare_a_picture_with_itself(odd):
    shown = []

    def turn(number, image):
        shown.append(shown[-1] if number == 12 else image)
        return shown[-1]

    odd.turn = turn
    with pytest.raises(RuntimeError, match="gave its last picture again"):
        check_stage_moves(odd, range_um=6, exposure_ms=1.0, wait_s=0.1)
    assert odd.pictures == 12 and not odd.getShutterOpen()


def test_a_camera_that_fails_in_the_stage_check_is_one_line(odd, monkeypatch, capsys):
    def fail():
        msg = "Camera: no trigger"
        raise RuntimeError(msg)

    monkeypatch.setattr(odd, "snapImage", fail)
    monkeypatch.setattr("rmz_acquire.acquisition.open_core", lambda *_: odd)
    assert main(["check-stage", "--config", "MMConfig_demo"]) == 1
    said = capsys.readouterr().err
    assert "error: the microscope failed: Camera: no trigger" in said
