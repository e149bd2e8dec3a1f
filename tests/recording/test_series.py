"""The images of a run: whole, as any reader has them, and after a kill."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaozarrs

from rmz_acquire.recording.journal import Journal
from rmz_acquire.recording.zarr_store import Series, SeriesImage
from rmz_acquire.stacks import Given, read_stack
from rmz_acquire.stacks.ome_image import About

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ABOUT = About("p000", channels=["GFP"], pixel_size_um=0.1)


def series(folder: Path, places: int = 1) -> Series:
    names = [f"p{n:03d}" for n in range(places)]
    images = {
        (n, 0): SeriesImage(name, (1, 1, 3), ABOUT) for n, name in enumerate(names)
    }
    return Series(folder / "planes.ome.zarr", "planes.jsonl", images)


def image_of(folder: Path, places: int) -> Path:
    """Where the first image lies: the only one stands at the root."""
    store = folder / "planes.ome.zarr"
    return store if places == 1 else store / "p000"


@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize("left", ["no file", "half a file", "the group alone"])
def test_what_a_kill_left_of_an_image_is_made_anew(
    left: str, places: int, tmp_path: Path, rng: np.random.Generator
) -> None:
    plane = rng.integers(0, 999, (6, 5)).astype(np.uint16)
    image = image_of(tmp_path, places)
    if left == "the group alone":
        series(tmp_path, places).write((0, 0, 0, 0), 0, plane, {"plane": 0})
        shutil.rmtree(image / "0")
        (tmp_path / "planes.ome.zarr" / "planes.jsonl").unlink()
    else:
        image.mkdir(parents=True)
        if left == "half a file":
            (image / "zarr.json").write_text('{"zarr_for', encoding="utf-8")
    again = series(tmp_path, places)
    again.write((0, 0, 0, 0), 1, plane, {"plane": 1})
    np.testing.assert_array_equal(again.read((0, 0, 0, 0), 1), plane)
    assert not again.read((0, 0, 0, 0), 0).any()
    assert series(tmp_path, places).journal.lines == [{"plane": 1}]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "int16", "float32"])
def test_planes_come_back_as_they_were(
    dtype: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    # a view of every other row, backwards: written as it looks
    images = rng.integers(0, 120, (3, 20, 33)).astype(dtype)[:, ::2, ::-1]
    writer = series(tmp_path)
    for i, image in enumerate(images):
        writer.write((0, 0, 0, 0), i, image, {"plane": i})
    back = series(tmp_path)
    for i, image in enumerate(images):
        read = back.read((0, 0, 0, 0), i)
        np.testing.assert_array_equal(read, image)
        assert read.dtype == np.dtype(dtype).newbyteorder("=")
    size, kind = back.picture((0, 0))
    assert size == (10, 33) and kind == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize(
    "other", [np.zeros((6, 9), np.uint16), np.zeros((6, 8), np.uint8)]
)
def test_planes_of_another_kind_are_refused(
    other: NDArray[Any], tmp_path: Path
) -> None:
    writer = series(tmp_path)
    writer.write((0, 0, 0, 0), 0, np.zeros((6, 8), np.uint16), {"plane": 0})
    with pytest.raises(ValueError, match="those before it are"):
        writer.write((0, 0, 0, 0), 1, other, {"plane": 1})
    assert series(tmp_path).journal.lines == [{"plane": 0}]


@pytest.mark.parametrize("places", [1, 2])
def test_any_reader_understands_the_store(places: int, tmp_path: Path) -> None:
    writer = series(tmp_path, places)
    for i in range(3):
        plane = np.full((16, 18), i, np.uint16)
        writer.write((0, 0, 0, 0), i, plane, {"plane": i})
    image = image_of(tmp_path, places)
    yaozarrs.validate_zarr_store(str(image))
    ome = json.loads((image / "zarr.json").read_text())["attributes"]["ome"]
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["GFP"]
    (scale,) = ome["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    assert scale["scale"][-2:] == [0.1, 0.1]
    stack = read_stack(image, Given(z_step_um=1.0))
    assert stack.data[:, 0, 0].tolist() == [0, 1, 2]
    assert stack.pixel_size_um == pytest.approx(0.1)


def test_planes_whose_description_is_gone_are_not_deleted(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    plane = rng.integers(0, 999, (6, 5)).astype(np.uint16)
    series(tmp_path).write((0, 0, 0, 0), 0, plane, {"plane": 0})
    array = tmp_path / "planes.ome.zarr" / "0"
    (array / "zarr.json").unlink()
    held = sorted(path for path in array.rglob("*") if path.is_file())
    with pytest.raises(OSError, match="move it away"):
        series(tmp_path).write((0, 0, 0, 0), 1, plane, {"plane": 1})
    assert held and held == sorted(p for p in array.rglob("*") if p.is_file())


def test_what_a_kill_left_of_a_line_stays_until_the_next_is_written(
    tmp_path: Path,
) -> None:
    """To look at an experiment, which another process may write, changes nothing."""
    file = tmp_path / "decisions.jsonl"
    whole = b'{"index": 0}\n'
    file.write_bytes(whole + b'{"ind')
    journal = Journal(file)
    assert journal.lines == [{"index": 0}]
    assert file.read_bytes() == whole + b'{"ind'
    journal.append({"index": 1})
    assert file.read_bytes() == whole + b'{"index":1}\n'
    assert Journal(file).lines == [{"index": 0}, {"index": 1}]
