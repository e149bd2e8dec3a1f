"""What the first window of a process shows stands where the array says, in pixels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from children import run_to_end
from grabbing import (
    BLOCK,
    CAMERA,
    CAMERA_BLOCK,
    PIXEL_UM,
    VOLUME,
    Z_STEP_UM,
)
from scipy import ndimage

# a process of its own opens the window
pytestmark = pytest.mark.slow

LOW, HIGH, LINE = (68, 1, 84), (253, 231, 36), (86, 180, 233)
"""Ends of Viridis, and the colour of the crosshair."""


@pytest.fixture(scope="module")
def grabbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("grabbed")
    script = Path(__file__).with_name("grabbing.py")
    done = run_to_end([sys.executable, script, out])
    assert done.returncode == 0, done.stderr
    return {file.stem: np.load(file) for file in out.glob("*.npy")}


def near(pixels, colour, within=40):
    return np.abs(pixels.astype(int) - colour).sum(axis=2) < within


def pictures(pixels):
    """Give the frames of the pictures drawn, (rows, columns), the largest first."""
    drawn = near(pixels, LOW) | near(pixels, HIGH) | near(pixels, LINE)
    # letters and the scale bar leave holes; between two pictures is more
    solid = ndimage.binary_closing(drawn, np.ones((3, 3)))
    # the crosshair reaches from edge to edge: pictures touch nowhere
    labels, _ = ndimage.label(solid)
    frames = ndimage.find_objects(labels)
    sizes = [np.count_nonzero(labels[f] == k + 1) for k, f in enumerate(frames)]
    order = np.argsort(sizes)[::-1]
    return [frames[k] for k in order if sizes[k] > 300]


def block_in(pixels, frame):
    """Where the bright block stands in a frame: (rows, columns) as parts of it."""
    inside = pixels[frame]
    bright = near(inside, HIGH, 60)
    # the crosshair lies over its middle
    bright |= ndimage.binary_closing(bright, np.ones((5, 5)))
    rows, columns = np.nonzero(bright)
    height, width = bright.shape
    return (
        (rows.min() / height, (rows.max() + 1) / height),
        (columns.min() / width, (columns.max() + 1) / width),
    )


def crossing_in(pixels, frame):
    """Where the two lines of the crosshair cross in a frame, as parts of it."""
    lines = near(pixels[frame], LINE, 60)
    row, column = lines.sum(axis=1).argmax(), lines.sum(axis=0).argmax()
    return (row + 0.5) / lines.shape[0], (column + 0.5) / lines.shape[1]


def parts(piece, count):
    return piece.start / count, piece.stop / count


@pytest.mark.parametrize("when", ["first", "other-theme", "after"])
def test_a_block_stands_where_the_array_and_the_crosshair_say(grabbed, when):
    pixels = grabbed[f"volume-{when}"]
    frames = pictures(pixels)
    assert len(frames) == 3
    # xy is above and to the left of the others
    xy = min(frames, key=lambda f: f[0].start + f[1].start)
    xz = max(frames, key=lambda f: f[0].start)
    yz = max(frames, key=lambda f: f[1].start)
    z_n, y_n, x_n = VOLUME
    z, y, x = (parts(s, n) for s, n in zip(BLOCK, VOLUME, strict=True))
    upwards = (1 - z[1], 1 - z[0])
    for frame, rows, columns, size_um in (
        (xy, y, x, (y_n * PIXEL_UM, x_n * PIXEL_UM)),
        (xz, upwards, x, (z_n * Z_STEP_UM, x_n * PIXEL_UM)),
        (yz, y, z, (y_n * PIXEL_UM, z_n * Z_STEP_UM)),
    ):
        # true proportions: µm a pixel of the screen alike in all directions
        height, width = (s.stop - s.start for s in frame)
        assert height / width == pytest.approx(size_um[0] / size_um[1], rel=0.06)
        seen_rows, seen_columns = block_in(pixels, frame)
        assert seen_rows == pytest.approx(rows, abs=2.5 / height)
        assert seen_columns == pytest.approx(columns, abs=2.5 / width)
        down, across = crossing_in(pixels, frame)
        assert rows[0] < down < rows[1]
        assert columns[0] < across < columns[1]


@pytest.mark.parametrize("when", ["first", "other-theme", "after"])
def test_the_camera_is_not_turned_or_squeezed(grabbed, when):
    pixels = grabbed[f"camera-{when}"]
    (frame,) = pictures(pixels)
    size, block = CAMERA, CAMERA_BLOCK
    if when == "after":
        size, block = size[::-1], block[::-1]
    height, width = (s.stop - s.start for s in frame)
    assert height / width == pytest.approx(size[0] / size[1], rel=0.03)
    rows, columns = block_in(pixels, frame)
    assert rows == pytest.approx(parts(block[0], size[0]), abs=2.5 / height)
    assert columns == pytest.approx(parts(block[1], size[1]), abs=2.5 / width)
