"""Planes whose own z is not that of even steps upwards in the order of the file."""

from __future__ import annotations

import numpy as np
import pytest
from stack_files import STACK, imagej, ome, zarr2, zarr3

from rmz_acquire.errors import InputError
from rmz_acquire.stacks import Given, even_step_um, read_stack

UNKNOWN = (None, 0.1, 0.1)
UP = [20, 20.5, 21, 21.5, 22]


def test_a_default_step_gives_way_to_the_planes(tmp_path, caplog):
    stack = read_stack(ome(tmp_path / "a.ome.tif", size=(1, 0.1, 0.1), z=UP))
    assert stack.z_step_um == 0.5 and stack.z_um == tuple(UP)
    (line,) = caplog.messages
    assert "1 µm by PhysicalSizeZ" in line and "0.5 µm apart by PositionZ" in line


@pytest.mark.parametrize(("unit", "per_um"), [("nm", 1000), ("mm", 1e-3), ("Å", 1e4)])
def test_positions_in_another_unit(tmp_path, unit, per_um, caplog):
    z = [value * per_um for value in UP]
    stack = read_stack(ome(tmp_path / "a.ome.tif", z=z, z_unit=unit, size=UNKNOWN))
    assert stack.z_step_um == pytest.approx(0.5)
    assert stack.z_um == pytest.approx(UP)
    assert not caplog.messages


@pytest.mark.parametrize("size", [(0.5, 0.1, 0.1), UNKNOWN])
def test_downwards(tmp_path, size, caplog):
    stack = read_stack(ome(tmp_path / "a.ome.tif", z=UP[::-1], size=size))
    np.testing.assert_array_equal(stack.data, STACK[::-1])
    assert stack.z_um == tuple(UP) and stack.z_step_um == 0.5
    assert stack.order == (4, 3, 2, 1, 0)
    (line,) = caplog.messages
    assert "downwards" in line and "put in" in line


@pytest.mark.parametrize(
    "write",
    [
        lambda path: imagej(path, unit="um", spacing=-0.5),
        lambda path: ome(path, size=(-0.5, 0.1, 0.1)),
        lambda path: zarr2(path, scale=(-0.5, 0.1, 0.1)),
        lambda path: zarr3(path, scale=(-0.5, 0.1, 0.1)),
    ],
)
def test_a_negative_step_runs_downwards(tmp_path, write, caplog):
    stack = read_stack(write(tmp_path / "a"))
    np.testing.assert_array_equal(stack.data, STACK[::-1])
    assert stack.z_step_um == 0.5 and "downwards" in caplog.text


def test_planes_against_the_sign_or_the_unit_of_their_step(tmp_path, caplog):
    stack = read_stack(ome(tmp_path / "a.ome.tif", size=(-0.5, 0.1, 0.1), z=UP))
    assert stack.order == (0, 1, 2, 3, 4) and stack.z_step_um == 0.5
    (line,) = caplog.messages
    assert "-0.5 µm by PhysicalSizeZ" in line and "upwards by PositionZ" in line
    for z, step in ((UP, 0.5), ([0, 1, 2, 3, 7], None)):
        caplog.clear()
        path = ome(tmp_path / "b.ome.tif", units=("furlong", None, None), z=z)
        stack = read_stack(path)
        assert stack.z_step_um == step and stack.z_um == tuple(z)
        (line,) = caplog.messages
        assert "0.5 furlong" in line and "PositionZ" in line


def test_shuffled(tmp_path, caplog):
    order = [0, 4, 2, 1, 3]
    z = [0.5 * i for i in order]
    stack = read_stack(ome(tmp_path / "a.ome.tif", data=STACK[order], z=z))
    np.testing.assert_array_equal(stack.data, STACK)
    (line,) = caplog.messages
    assert "not in order" in line and "0, 2, 1, 0.5, 1.5 µm" in line


def test_uneven(tmp_path, caplog):
    z = [0, 1, 2.1, 3, 5]
    stack = read_stack(ome(tmp_path / "a.ome.tif", z=z, size=UNKNOWN))
    assert stack.z_step_um is None and stack.z_um == tuple(z)
    assert not caplog.messages
    with pytest.raises(InputError, match=r"0.9 to 2 µm apart .* evenly spaced"):
        stack.need_step("give it")
    # a step that is given cannot be right
    with pytest.raises(InputError, match="not 1 µm as z_step_um says: leave that out"):
        read_stack(stack.path, Given(z_step_um=1))
    read_stack(ome(tmp_path / "b.ome.tif", z=z, size=(1, 0.1, 0.1)))
    (line,) = caplog.messages
    assert "1 µm by PhysicalSizeZ" in line and "0.9 to 2 µm" in line


def test_a_stage_that_stands_a_little_off_its_even_steps(tmp_path, caplog):
    z = [0.02, 0.47, 1.03, 1.49, 2.01]
    stack = read_stack(ome(tmp_path / "a.ome.tif", z=z))
    assert stack.z_step_um == 0.5 and stack.z_um == tuple(z)
    assert not caplog.messages


def test_one_z_for_all_planes_is_no_z_of_each(tmp_path, caplog):
    stack = read_stack(ome(tmp_path / "a.ome.tif", z=[7.0] * 5))
    assert stack.z_step_um == 0.5
    assert "z 7 µm" in caplog.text and "0.5 µm" in caplog.text
    assert (
        read_stack(ome(tmp_path / "b.ome.tif", z=[7.0] * 5, size=UNKNOWN)).z_um is None
    )


def test_noise_of_a_stage_that_stands_is_no_order(tmp_path, caplog):
    # a piezo moved, and the stage below it says where it stood
    z = [7.02, 7.01, 7.03, 7.0, 7.01]
    stack = read_stack(ome(tmp_path / "a.ome.tif", z=z))
    assert stack.z_step_um == 0.5 and stack.order == (0, 1, 2, 3, 4)
    (line,) = caplog.messages
    assert "0.5 µm by PhysicalSizeZ" in line and "PositionZ" in line


def test_two_planes_at_one_z(tmp_path):
    path = ome(tmp_path / "a.ome.tif", z=[0, 1, 1, 2, 3], size=UNKNOWN)
    with pytest.raises(InputError, match="planes 2 and 3 both stand at z 1"):
        read_stack(path)
    assert read_stack(path, repeats=True).z_um == (0, 1, 1, 2, 3)


def test_positions_without_a_unit(tmp_path, caplog):
    # left out it means µm, as writers mean it
    down = ome(tmp_path / "a.ome.tif", z=UP[::-1], z_unit=None, size=UNKNOWN)
    assert read_stack(down).z_step_um == 0.5
    caplog.clear()
    frame = {"z_unit": "reference frame"}
    path = ome(tmp_path / "b.ome.tif", z=[5, 4, 3, 2, 1], **frame)
    stack = read_stack(path)
    assert stack.z_step_um == 0.5 and stack.order == (4, 3, 2, 1, 0)
    assert "1 apart by PositionZ" in caplog.text and "0.5 µm" in caplog.text
    path = ome(tmp_path / "c.ome.tif", z=[1, 2, 3, 4, 5], size=UNKNOWN, **frame)
    with pytest.raises(InputError, match="no known unit"):
        read_stack(path).need_step("give it")


def test_positions_of_some_planes_only(tmp_path, caplog):
    stack = read_stack(ome(tmp_path / "a.ome.tif", z=UP[:3]))
    assert stack.z_step_um == 0.5
    assert "only 3 of its 5 planes" in caplog.text


def test_what_an_even_step_is():
    assert even_step_um([0, 0.5, 1]) == 0.5
    assert even_step_um([round(0.1 * i, 9) for i in range(50)]) == pytest.approx(0.1)
    assert even_step_um([0, 1, 2.1, 3]) is None
    assert even_step_um([0, 1, 2.001, 3]) is None
    assert even_step_um([3]) is None
