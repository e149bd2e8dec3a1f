"""Time points and channels are no z-stack unless somebody says so."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from stack_files import STACK, imagej, ome, zarr2, zarr3

from rmz_acquire.errors import InputError
from rmz_acquire.stacks import Given, read_stack

NAMES = {"z_step_um": "--z-step", "z_axis": "--z-axis"}
S = ("second", "micrometer", "micrometer")
NONE = (None, "micrometer", "micrometer")
MOVIES = [
    lambda path: imagej(path, axes="TYX", unit="um", finterval=2),
    lambda path: ome(path, axes="TYX", TimeIncrement=2),
    lambda path: zarr2(path, axes="tyx", units=S, scale=(2, 0.1, 0.1)),
    lambda path: zarr3(path, axes="tyx", units=S, scale=(2, 0.1, 0.1)),
]
CHANNELS = [
    lambda path: imagej(path, axes="CYX", unit="um"),
    lambda path: ome(path, axes="CYX"),
    lambda path: zarr2(path, axes="cyx", units=NONE),
    lambda path: zarr3(path, axes="cyx", units=NONE),
]


@pytest.mark.parametrize("write", MOVIES)
def test_a_movie(tmp_path, write, caplog):
    path = write(tmp_path / "a")
    with pytest.raises(InputError, match=r"time points, 2 s apart, not z.*--z-axis t"):
        read_stack(path, Given(names=NAMES))
    stack = read_stack(path, Given(z_step_um=0.5, names=NAMES))
    np.testing.assert_array_equal(stack.data, STACK)
    assert stack.z_step_um == 0.5
    (line,) = caplog.messages
    assert "time points, 2 s apart" in line and "--z-step says 0.5 µm" in line
    caplog.clear()
    stack = read_stack(path, Given(z_step_um=0.5, z_axis="t"))
    assert stack.pixel_size_um == pytest.approx(0.1) and not caplog.messages


def test_the_z_size_of_a_movie_is_no_step(tmp_path):
    path = ome(tmp_path / "a.ome.tif", axes="TYX", size=(1, 0.1, 0.1))
    with pytest.raises(InputError, match="z step"):
        read_stack(path, Given(z_axis="t")).need_step("give it")


def test_a_movie_whose_frames_have_their_own_z(tmp_path):
    z = [4, 3, 2, 1, 0]
    path = ome(tmp_path / "a.ome.tif", axes="TYX", z=z, size=(None, 0.1, 0.1))
    with pytest.raises(InputError, match=r"give z_axis t$"):
        read_stack(path)
    stack = read_stack(path, Given(z_axis="t"))
    assert stack.z_step_um == 1 and stack.order == (4, 3, 2, 1, 0)


@pytest.mark.parametrize("write", CHANNELS)
@pytest.mark.parametrize("step", [None, 0.5])
def test_channels_of_one_plane(tmp_path, write, step):
    path = write(tmp_path / "a")
    with pytest.raises(InputError, match=r"has 5 channels .*--z-axis c"):
        read_stack(path, Given(z_step_um=step, names=NAMES))
    stack = read_stack(path, Given(z_step_um=0.5, z_axis="c"))
    np.testing.assert_array_equal(stack.data, STACK)


def test_planes_without_a_name_are_a_stack(tmp_path, caplog):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack")
    assert read_stack(path, Given(z_step_um=0.5)).z_step_um == 0.5
    said = {"unit": "um", "spacing": 0.5}
    assert read_stack(imagej(tmp_path / "b.tif", axes="I", **said)).z_step_um == 0.5
    assert not caplog.messages


@pytest.mark.parametrize("axes", ["TZYX", "CZYX"])
def test_more_than_one_stack(tmp_path, axes):
    data = np.stack([STACK, STACK])
    path = ome(tmp_path / "a.ome.tif", data=data, axes=axes)
    for axis in (None, "z", "t", "c"):
        with pytest.raises(InputError, match=r"2 channels|one z-stack"):
            read_stack(path, Given(z_axis=axis))


def test_a_way_that_is_not_there_is_not_offered(tmp_path):
    names = {"z_step_um": "StackStep_um"}
    for write in (MOVIES[0], CHANNELS[0]):
        with pytest.raises(InputError) as caught:
            read_stack(write(tmp_path / "a.tif"), Given(names=names))
        assert "z_axis" not in str(caught.value)
