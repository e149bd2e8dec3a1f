"""Stale frames of a camera on real devices: channels, checks, stacks, going on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from experiment_fakes import sequence
from pymmcore_plus import CMMCorePlus

from rmz_acquire.acquisition import Control, close_core, load_simulated, open_core
from rmz_acquire.errors import ScanFailed
from rmz_acquire.experiments import resume, run
from rmz_acquire.experiments.dense_stacks import acquire_stacks
from rmz_acquire.experiments.verify import verify
from rmz_acquire.gui.models.stored_runs import load_run, sentence
from rmz_acquire.stacks import read_stack

AGAIN = "again, to the last bit"


class Camera(CMMCorePlus):
    """The stock demo microscope; gives its last picture again where it is told to."""

    def __init__(self):
        super().__init__()
        self.shown = []
        self.stale = set()

    def getImage(self, *args, **options):
        image = super().getImage(*args, **options).copy()
        if len(self.shown) + 1 in self.stale:
            image = self.shown[-1]
        self.shown.append(image)
        return image.copy()


@pytest.fixture
def camera():
    core = open_core("MMConfig_demo.cfg", Camera())
    core.setProperty("Camera", "OnCameraCCDXSize", 32)
    core.setProperty("Camera", "OnCameraCCDYSize", 32)
    core.setExposure(1)
    core.setShutterOpen(False)
    yield core
    close_core(core)


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def told(folder):
    return [
        (n["t"], n["c"], n["index"], n["frame"])
        for n in lines(folder / "decisions.jsonl")
        if not n["used"]
    ]


TWO = [{"config": "DAPI", "exposure": 1}, {"config": "FITC", "exposure": 1}]


@pytest.mark.slow
def test_the_stock_camera_which_repeats_its_waves_is_not_taken_for_stale(
    camera, tmp_path
):
    plan = sequence(
        {"z_um": [float(z) for z in range(-3, 4)], "checks": {"repeat": True}},
        channels=TWO,
        time_plan={"interval": 0, "loops": 2},
    )
    summary = run(camera, plan, tmp_path / "run").summary
    assert summary.status == "completed" and summary.planes_taken == 28
    assert not told(tmp_path / "run")
    assert not any(AGAIN in text for text in summary.findings)
    # though its pictures do come again, later
    assert len({image.tobytes() for image in camera.shown}) < len(camera.shown)


@pytest.mark.parametrize("mode", ["Fluorescent Beads", "Color Test Pattern"])
def test_nor_are_its_pictures_without_noise(camera, tmp_path, mode):
    camera.setProperty("Camera", "Mode", mode)
    camera.setProperty("Camera", "PixelType", "16bit")
    plan = sequence(
        {"z_um": [-2.0, 2.0, -1.0, 1.0, 0.0]}, z_plan={"range": 6, "step": 1}
    )
    summary = run(camera, plan, tmp_path / "run").summary
    assert summary.status == "completed"
    assert not told(tmp_path / "run")


def test_a_follower_whose_first_frame_is_the_leaders_last(camera, tmp_path):
    camera.stale = {5, 7}
    said = []
    summary = run(
        camera,
        sequence({"channels": "leader"}, channels=TWO),
        tmp_path / "run",
        on_decision=lambda volume, decision, _: said.append(decision.frame),
    ).summary
    assert summary.status == "completed"
    assert [text for text in said if text is not None] == [
        f"is plane 4 of DAPI {AGAIN}: the camera gave no new frame",
        f"is plane 2 {AGAIN}: the camera gave no new frame",
    ]
    planes = lines(tmp_path / "run" / "planes.ome.zarr" / "planes.jsonl")
    led = [n["z_requested_um"] for n in planes if n["c"] == 0]
    # old frames are taken again, and what the leader took is there in the end
    followed = {n["z_requested_um"] for n in planes if n["c"] == 1}
    assert followed == set(led)
    assert summary.planes_taken == 10 and summary.dose_ms == 10
    again = verify(tmp_path / "run")
    assert again.decisions == 10 and not again.differences


def test_a_leader_with_one_does_not_lead_to_its_plane_twice(camera, tmp_path):
    camera.stale = {3}
    run(camera, sequence({"channels": "leader"}, channels=TWO), tmp_path / "run")
    planes = lines(tmp_path / "run" / "planes.ome.zarr" / "planes.jsonl")
    assert [n["c"] for n in planes] == [0] * 4 + [1] * 3
    assert not verify(tmp_path / "run").differences


@pytest.mark.parametrize("ending", [2, 3, 4, 6, 7, 9])
def test_going_on_decides_the_same(camera, tmp_path, ending):
    """Aborted anywhere between old frames, of several channels and time points."""
    camera.stale = {3, 5, 6, 10}
    plan = sequence(
        {"channels": "leader", "checks": {"repeat": True, "rest_ms": 0}},
        channels=TWO,
        time_plan={"interval": 0, "loops": 2},
    )
    control, made = Control(), []

    def decided(volume, decision, _):
        made.append(1)
        if len(made) == ending:
            control.abort("enough")

    folder = tmp_path / "run"
    first = run(camera, plan, folder, control=control, on_decision=decided).summary
    assert first.status == "aborted"
    # another session, in which the demo camera begins with any of its waves
    camera.shown, camera.stale = [], {2}
    assert resume(camera, folder).summary.status == "completed"
    again = verify(folder)
    assert not again.differences
    assert again.decisions == len(lines(folder / "planes.ome.zarr" / "planes.jsonl"))
    assert told(folder)


@pytest.mark.slow
def test_no_new_frames_fail_the_run_which_can_go_on_later(camera, tmp_path):
    camera.stale = set(range(3, 99))
    folder = tmp_path / "run"
    block = {"stale_frames": 4, "max_planes": 7}
    summary = run(camera, sequence(block), folder).summary
    assert summary.status == "failed" and summary.planes_taken == 6
    assert "4 times in a row: see to the camera" in summary.error
    assert [n[3] for n in told(folder)] == [
        f"is plane 2 {AGAIN}: the camera gave no new frame"
    ] * 4
    assert not verify(folder).differences
    camera.stale = set()
    summary = resume(camera, folder).summary
    assert summary.status == "completed" and summary.planes_taken == 7
    assert not verify(folder).differences


def test_the_window_says_so_too(camera, tmp_path):
    camera.stale = {3}
    run(camera, sequence(), tmp_path / "run")
    _, said = sentence(load_run(tmp_path / "run"))
    assert f"Problems: 1 plane. The plane at z 2 µm is plane 2 {AGAIN}" in said
    camera.shown, camera.stale = [], set()
    run(camera, sequence(), tmp_path / "good")
    assert "Problems" not in sentence(load_run(tmp_path / "good"))[1]


def test_one_in_a_check_is_told(camera, tmp_path):
    camera.stale = {6}
    block = {"checks": {"repeat": True, "rest_ms": 0}}
    summary = run(camera, sequence(block), tmp_path / "run").summary
    assert summary.status == "completed"
    (said,) = summary.findings
    assert f"a plane of the check is plane 1 {AGAIN}" in said
    camera.shown, camera.stale = [], {5, 6, 7}
    summary = run(camera, sequence(block), tmp_path / "other").summary
    assert summary.status == "failed" and summary.volumes_done == 1
    assert "is plane 4 of DAPI again" in summary.error
    assert "3 times in a row" in summary.error


def test_a_single_plane_and_a_row_across_volumes(camera, tmp_path):
    channels = [{"config": "DAPI", "exposure": 1, "do_stack": False}, TWO[1]]
    plan = sequence(channels=channels, time_plan={"interval": 0, "loops": 2})
    camera.stale = {6}
    summary = run(camera, plan, tmp_path / "once").summary
    assert summary.status == "completed" and summary.planes_taken == 11
    assert told(tmp_path / "once")[0][3].startswith("is plane 4 of t 0 FITC again")
    assert not verify(tmp_path / "once").differences
    # two old ones end a volume, the third comes with the next one
    camera.shown, camera.stale = [], {4, 5, 6}
    summary = run(camera, plan, tmp_path / "row").summary
    assert summary.status == "failed" and summary.volumes_done == 2
    assert "is plane 2 of t 0 FITC again" in summary.error


def test_a_time_point_that_stands_on_the_one_before(camera, tmp_path):
    camera.stale = {3, 6}
    plan = sequence(
        {"time_lapse": {"start": "last"}}, time_plan={"interval": 0, "loops": 3}
    )
    summary = run(camera, plan, tmp_path / "run").summary
    assert summary.status == "completed"
    assert len(told(tmp_path / "run")) == 2
    assert not verify(tmp_path / "run").differences


def test_a_dense_stack_has_every_plane_once(camera, tmp_path, caplog):
    camera.stale = {3, 4}
    good = {"range_um": 6, "step_um": 1, "exposure_ms": 1.0}
    (file,) = acquire_stacks(camera, None, tmp_path / "a", **good)
    assert caplog.text.count(f"is plane 2 {AGAIN}") == 2
    stack = read_stack(file).data
    expected = [image for n, image in enumerate(camera.shown) if n not in (2, 3)]
    np.testing.assert_array_equal(stack, expected)
    camera.shown, camera.stale = [], set(range(2, 99))
    with pytest.raises(ScanFailed, match=r"stack 1 was not taken .*3 times in a row"):
        acquire_stacks(camera, None, tmp_path / "b", **good)
    assert not list((tmp_path / "b").glob("*.tif"))


def test_a_recorded_specimen_may_give_one_plane_for_many_z(tmp_path):
    rng = np.random.default_rng(2)
    stack = rng.normal(300, 9, (4, 32, 32)).cumsum(1).clip(0, 65535).astype(np.uint16)
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    core = load_simulated()
    core.setProperty("Camera", "StackStep_um", 4.0)
    core.setProperty("Camera", "Specimen", str(tmp_path / "s.tif"))
    core.setPosition(6.0)
    core.waitForSystem()
    channels = [{"config": "GFP", "exposure": 1}]
    summary = run(core, sequence(channels=channels), tmp_path / "run").summary
    close_core(core)
    assert summary.status == "completed" and not told(tmp_path / "run")
