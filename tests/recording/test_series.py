"""The images of an experiment after a kill at any moment of their making."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rmz_acquire.recording.journal import Journal
from rmz_acquire.recording.ome_image import About
from rmz_acquire.recording.zarr_store import Series, SeriesImage

if TYPE_CHECKING:
    from pathlib import Path


ABOUT = About("p000", channels=["GFP"], pixel_size_um=0.1)


def series(folder: Path) -> Series:
    return Series(
        folder / "planes.ome.zarr",
        "planes.jsonl",
        {(0, 0): SeriesImage("p000", (1, 1, 3), ABOUT)},
    )


@pytest.mark.parametrize("left", ["no file", "half a file", "the group alone"])
def test_what_a_kill_left_of_an_image_is_made_anew(
    left: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    plane = rng.integers(0, 999, (6, 5)).astype(np.uint16)
    image = tmp_path / "planes.ome.zarr" / "p000"
    if left == "the group alone":
        series(tmp_path).write((0, 0, 0, 0), 0, plane, {"plane": 0})
        shutil.rmtree(image / "0")
        (tmp_path / "planes.ome.zarr" / "planes.jsonl").unlink()
    else:
        image.mkdir(parents=True)
        if left == "half a file":
            (image / "zarr.json").write_text('{"zarr_for', encoding="utf-8")
    again = series(tmp_path)
    again.write((0, 0, 0, 0), 1, plane, {"plane": 1})
    np.testing.assert_array_equal(again.read((0, 0, 0, 0), 1), plane)
    assert not again.read((0, 0, 0, 0), 0).any()
    assert series(tmp_path).journal.lines == [{"plane": 1}]


def test_planes_whose_description_is_gone_are_not_deleted(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    plane = rng.integers(0, 999, (6, 5)).astype(np.uint16)
    series(tmp_path).write((0, 0, 0, 0), 0, plane, {"plane": 0})
    array = tmp_path / "planes.ome.zarr" / "p000" / "0"
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
    assert file.read_bytes() == whole + b'{"index": 1}\n'
    assert Journal(file).lines == [{"index": 0}, {"index": 1}]
