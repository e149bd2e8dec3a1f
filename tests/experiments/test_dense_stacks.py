"""Dense stacks at a list of positions, on the simulated microscope."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import yaml

from rmz_acquire.acquisition import close_core, load_simulated
from rmz_acquire.cli import main
from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.experiments.dense_stacks import (
    Position,
    acquire_stacks,
    read_positions,
)
from rmz_acquire.stacks import read_stack
from rmz_acquire.training.files_config import StackFile


@pytest.fixture
def core():
    core = load_simulated(specimen="beads", seed=3, SensorSize_px=64)
    yield core
    close_core(core)


@pytest.mark.slow
def test_a_stack_at_every_position(core, tmp_path):
    core.setXYPosition(1.0, 2.0)
    core.waitForDevice(core.getXYStageDevice())
    places = [Position(0, 0, specimen="worm 1"), Position(20, -10, 2.0)]
    files = acquire_stacks(
        core, places, tmp_path / "s", range_um=4, step_um=1, exposure_ms=1
    )
    assert [f.name for f in files] == ["position-001.ome.tif", "position-002.ome.tif"]
    stacks = [read_stack(f) for f in files]
    assert stacks[0].data.shape == (5, 64, 64)
    assert stacks[0].z_step_um == pytest.approx(1)
    assert stacks[0].pixel_size_um == pytest.approx(core.getPixelSizeUm(), rel=1e-3)
    assert not np.array_equal(stacks[0].data, stacks[1].data)
    assert core.getXYPosition() == pytest.approx((1, 2), abs=0.1)
    assert not core.getShutterOpen()
    told = yaml.safe_load((tmp_path / "s" / "stacks.yaml").read_text())["stacks"]
    entries = [StackFile.model_validate(entry) for entry in told]
    assert [e.specimen for e in entries] == ["worm 1", "position-002"]


def test_nothing_moves_where_it_cannot_be_done(core, tmp_path):
    before = core.getZPosition()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    good = {"range_um": 4, "step_um": 1, "exposure_ms": 1}
    for folder, changes, said in (
        ("full", {}, "not an empty folder"),
        ("far", {"range_um": 1e5, "step_um": 5e4}, "outside|limit"),
        ("dark", {"channel": ("Channel", "Nothing")}, "Nothing"),
    ):
        with pytest.raises(InputError, match=said):
            acquire_stacks(core, None, tmp_path / folder, **{**good, **changes})
    assert core.getZPosition() == before
    assert not (tmp_path / "far").exists()


def test_a_preset_that_bins_is_in_the_voxel(core, tmp_path, caplog):
    whole_um = core.getPixelSizeUm()
    core.defineConfig("Channel", "Coarse", "Camera", "Binning", "2")
    options = {"range_um": 2, "step_um": 1, "exposure_ms": 1}
    (file,) = acquire_stacks(
        core, None, tmp_path / "s", channel=("Channel", "Coarse"), **options
    )
    stack = read_stack(file)
    assert stack.data.shape == (3, 32, 32)
    assert stack.pixel_size_um == pytest.approx(2 * whole_um, rel=1e-3)
    # for the stacks only, also where one is given that is not so
    assert core.getPixelSizeUm() == whole_um
    assert "the configuration tells" not in caplog.text
    (file,) = acquire_stacks(
        core,
        None,
        tmp_path / "t",
        channel=("Channel", "Coarse"),
        pixel_size_um=whole_um,
        **options,
    )
    assert read_stack(file).pixel_size_um == pytest.approx(whole_um, rel=1e-3)
    assert "the configuration tells 0.65 µm" in caplog.text


def test_positions_from_a_file(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("x_um,y_um,z_um,specimen\n1,2,,worm\n3.5,-4,5,\n")
    places = [Position(1, 2, None, "worm"), Position(3.5, -4, 5)]
    assert read_positions(path) == places
    # as Excel saves it
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert read_positions(path) == places
    for text, said in (
        ("x_um,y_um\n1,two\n", "line 2"),
        ("x,y\n1,2\n", "first line"),
        ("x_um,y_um\n", "no positions"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_positions(path)


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    args = ["acquire-stacks", "--out", str(tmp_path / "s"), "--step", "2"]
    assert main([*args, "--range", "1"]) == 2
    assert "shorter than one" in capsys.readouterr().err
    assert main([*args, "--range", "4", "--exposure", "1"]) == 0
    assert read_stack(tmp_path / "s" / "position-001.ome.tif").data.shape[0] == 3


def test_every_plane_is_told_and_an_abort_keeps_whole_stacks(core, tmp_path):
    told, scans = [], []

    def on_plane(stack, stacks, plane, planes, image):
        assert image.shape == (64, 64)
        told.append((stack, stacks, plane, planes))
        if (stack, plane) == (2, 3):
            scans[-1].abort("aborted by the user")

    core.setXYPosition(3.0, 4.0)
    core.waitForDevice(core.getXYStageDevice())
    places = [Position(0, 0), Position(20, -10), Position(40, 0)]
    with pytest.raises(ScanFailed, match=r"stack 2 was not taken \(aborted by"):
        acquire_stacks(
            core,
            places,
            tmp_path / "s",
            range_um=4,
            step_um=1,
            exposure_ms=1,
            on_start=scans.append,
            on_plane=on_plane,
        )
    assert told[:5] == [(1, 3, n, 5) for n in range(1, 6)]
    assert told[-1][:2] == (2, 3)
    assert not core.getShutterOpen() and core.getPosition() == pytest.approx(0)
    assert core.getXYPosition() == pytest.approx((3, 4), abs=0.1)
    listed = yaml.safe_load((tmp_path / "s" / "stacks.yaml").read_text())["stacks"]
    assert [entry["path"] for entry in listed] == ["position-001.ome.tif"]


def test_a_full_disk_is_told_in_one_line(core, tmp_path, monkeypatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rmz_acquire.experiments.training_stacks.write_stack", full)
    with pytest.raises(ScanFailed, match="No space left on device") as caught:
        acquire_stacks(core, None, tmp_path / "s", range_um=4, step_um=1, exposure_ms=1)
    assert "make room" in str(caught.value) and "\n" not in str(caught.value)
    assert not core.getShutterOpen()
