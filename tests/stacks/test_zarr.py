"""OME-Zarr of every version, with chunks that are absent, cut short or unreadable."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from stack_files import STACK, zarr2, zarr3

from rmz_acquire.errors import InputError
from rmz_acquire.stacks import Given, read_stack

DARK = STACK.copy()
DARK[:2] = 0


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3", "0.4", "0.5", None])
@pytest.mark.parametrize("write", [zarr2, zarr3])
def test_versions(tmp_path, write, version, caplog):
    stack = read_stack(write(tmp_path / "a.zarr", version=version))
    np.testing.assert_array_equal(stack.data, STACK)
    assert (stack.pixel_size_um, stack.z_step_um) == (0.1, 0.5)
    assert not caplog.messages


@pytest.mark.parametrize(
    ("version", "axes"), [("0.1", None), ("0.2", None), ("0.3", ["z", "y", "x"])]
)
def test_versions_that_have_no_voxel_size(tmp_path, version, axes):
    path = zarr2(tmp_path / "a.zarr", version=version, axes=axes, scale=None)
    stack = read_stack(path, Given(z_step_um=0.5))
    assert stack.pixel_size_um is None and stack.z_step_um == 0.5
    with pytest.raises(InputError, match="does not give its z step"):
        read_stack(path).need_step("give it")


def test_five_axes_without_names(tmp_path):
    data = STACK[None, None]
    path = zarr2(tmp_path / "a.zarr", data=data, version="0.1", axes=None, scale=None)
    np.testing.assert_array_equal(read_stack(path).data, STACK)


def test_a_version_to_come_whose_axes_are_elsewhere(tmp_path):
    path = zarr2(tmp_path / "a.zarr", version="0.9", axes=None)
    with pytest.raises(InputError, match=r"0\.9"):
        read_stack(path)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: zarr2(path, data=DARK, leave_out=(0, 1)),
        lambda path: zarr2(path, data=DARK, leave_out=(0, 1), fill_value=None),
        lambda path: zarr3(path, data=DARK),
        lambda path: zarr3(path, data=DARK, sharded=True),
    ],
)
def test_absent_chunks_are_zeros_and_are_told(tmp_path, write, caplog):
    np.testing.assert_array_equal(read_stack(write(tmp_path / "a.zarr")).data, DARK)
    (line,) = caplog.messages
    assert "2 of its 5 chunks are not stored and read as 0" in line


def test_absent_chunks_have_the_fill_value(tmp_path, caplog):
    path = zarr2(tmp_path / "a.zarr", leave_out=(3,), fill_value=7)
    assert (read_stack(path).data[3] == 7).all()
    assert "read as 7" in caplog.text


def test_not_one_chunk_is_a_copy_that_failed(tmp_path):
    path = zarr2(tmp_path / "a.zarr", leave_out=(0, 1, 2, 3, 4))
    with pytest.raises(InputError, match="none of its 5 chunks"):
        read_stack(path)


def test_nested_chunks_of_a_writer_that_does_not_say_so(tmp_path, caplog):
    path = zarr2(tmp_path / "a.zarr", dimension_separator="leave out")
    np.testing.assert_array_equal(read_stack(path).data, STACK)
    assert not caplog.messages


def _cut(path):
    chunk = path / "0" / "2" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:50])


def _no_array(path):
    shutil.rmtree(path / "0")


def _half_a_file(path):
    (path / ".zattrs").write_text('{"multi')


def _lzma(path):
    file = path / "0" / ".zarray"
    told = json.loads(file.read_text()) | {"compressor": {"id": "lzma"}}
    file.write_text(json.dumps(told))


def _no_levels(path):
    (path / ".zattrs").write_text('{"multiscales": [{"datasets": []}]}')


def _two_axes(path):
    told = json.loads((path / ".zattrs").read_text())
    told["multiscales"][0]["axes"].pop()
    (path / ".zattrs").write_text(json.dumps(told))


def _named_otherwise(path):
    text = (path / ".zattrs").read_text().replace('"z"', '"depth"')
    (path / ".zattrs").write_text(text)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut, "truncated or damaged"),
        (_no_array, "0 is not there"),
        (_half_a_file, ".zattrs"),
        (_lzma, "lzma"),
        (_no_levels, "metadata cannot be read"),
        (_two_axes, "2 axes"),
        (_named_otherwise, "depth, y, x"),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path, damage, says):
    path = zarr2(tmp_path / "a.zarr")
    damage(path)
    with pytest.raises(InputError) as caught:
        read_stack(path)
    message = str(caught.value)
    assert says in message and str(path) in message
    assert "\n" not in message and len(message) < 300 + len(str(path))


def test_what_to_give_instead(tmp_path):
    zarr3(tmp_path / "series" / "p000")
    for path, says in (
        (tmp_path / "series", "such as p000"),
        (tmp_path / "series" / "p000" / "0", "give the image itself"),
    ):
        with pytest.raises(InputError, match=says):
            read_stack(path)
