"""What a file says twice, or otherwise than its user: one line with both values."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from stack_files import STACK, imagej, ome, zarr2, zarr3

from rmz_acquire.errors import InputError
from rmz_acquire.stacks import Given, read_stack

NAMES = {"z_step_um": "--z-step", "pixel_size_um": "--pixel-size", "z_um": "--z"}


def one_line(caplog, *parts):
    (line,) = caplog.messages
    assert "\n" not in line
    for part in parts:
        assert part in line, line
    return line


WIDE = [
    lambda path: imagej(path, pixel=(0.1, 0.2), unit="um", spacing=0.5),
    lambda path: ome(path, size=(0.5, 0.2, 0.1)),
    lambda path: ome(path, size=(0.5, 0.1, 0.1), units=(None, "µm", "nm")),
    lambda path: zarr2(path, scale=(0.5, 0.2, 0.1)),
    lambda path: zarr3(path, scale=(0.5, 0.2, 0.1)),
]


@pytest.mark.parametrize("write", WIDE)
def test_pixels_that_are_not_square(tmp_path, write, caplog):
    path = write(tmp_path / "a")
    with pytest.raises(InputError, match=r"not square, [^ ]+ µm by .* and .* µm by"):
        read_stack(path)
    assert not caplog.messages
    assert read_stack(path, Given(pixel_size_um=0.15)).pixel_size_um == 0.15
    assert "not square" in caplog.text


def test_pixels_that_are_nearly_square_are_told(tmp_path, caplog):
    stack = read_stack(ome(tmp_path / "a.ome.tif", size=(0.5, 0.101, 0.1)))
    assert stack.pixel_size_um == 0.1
    one_line(caplog, "0.1 µm", "0.101 µm")


def test_a_plain_tiff_that_is_not_square(tmp_path):
    path = tmp_path / "a.tif"
    options = {"photometric": "minisblack", "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, STACK, resolution=(100_000, 50_000), **options)
    with pytest.raises(InputError, match=r"0\.1 µm .* 0\.2 µm"):
        read_stack(path)


SAID = [
    lambda path: imagej(path, unit="um", spacing=0.5),
    ome,
    lambda path: ome(path, z=[3, 3.5, 4, 4.5, 5], size=(None, 0.1, 0.1)),
    zarr2,
    zarr3,
]


@pytest.mark.parametrize("write", SAID)
def test_what_is_given_against_the_file(tmp_path, write, caplog):
    path = write(tmp_path / "a")
    stack = read_stack(path, Given(z_step_um=0.7, names=NAMES))
    assert stack.z_step_um == 0.7
    assert stack.z_um == pytest.approx([0, 0.7, 1.4, 2.1, 2.8])
    one_line(caplog, "--z-step is 0.7", "0.5 µm")
    caplog.clear()
    stack = read_stack(path, Given(pixel_size_um=0.2))
    assert stack.pixel_size_um == 0.2
    one_line(caplog, "pixel_size_um is 0.2", "0.1 µm")
    caplog.clear()
    same = Given(z_step_um=0.501, pixel_size_um=0.1005)
    assert read_stack(path, same).z_step_um == 0.501
    assert not caplog.messages


def test_the_resolution_tag_against_ome(tmp_path, caplog):
    path = ome(tmp_path / "a.ome.tif", resolution=(1 / 2e-5, 3))
    assert read_stack(path).pixel_size_um == 0.1
    assert len(caplog.messages) == 2  # x and y
    assert "0.1 µm" in caplog.messages[0] and "0.2 µm" in caplog.messages[0]
    caplog.clear()
    read_stack(ome(tmp_path / "b.ome.tif", resolution=(1 / 1e-5, 3)))
    read_stack(ome(tmp_path / "c.ome.tif", resolution=(72, 2)))
    assert not caplog.messages


def test_pixels_a_centimetre_that_imagej_takes_for_pixels_a_micrometre(
    tmp_path, caplog
):
    said = {"unit": "um", "spacing": 0.5}
    path = imagej(tmp_path / "a.tif", pixel=(1e-5, 1e-5), tag_unit=3, **said)
    assert read_stack(path).pixel_size_um == 0.1
    assert "0.1 µm by the TIFF tag" in caplog.messages[0]
    assert "1e-05 µm by XResolution" in caplog.messages[0]


def test_a_list_of_z_against_the_file(tmp_path, caplog):
    path = ome(tmp_path / "a.ome.tif", z=[0, 4, 2, 1, 3], size=(None, 0.1, 0.1))
    given = Given(z_um=(0, 4, 2, 1, 3.5), names=NAMES)
    assert read_stack(path, given).order == (0, 3, 2, 4, 1)
    one_line(caplog, "--z says 0, 4, 2, 1, 3.5 µm", "0, 4, 2, 1, 3 µm")
    caplog.clear()
    # z may count from anywhere
    read_stack(path, Given(z_um=(10, 14, 12, 11, 13)))
    assert not caplog.messages


def test_nothing_of_a_library_is_said(tmp_path, caplog, capfd, recwarn):
    data = np.zeros((2, 5, 12, 14), np.uint16)
    for write in (zarr2, zarr3):
        for version in ("0.1", "0.4", "0.5", "1.0", None):
            path = tmp_path / f"{write.__name__}-{version}"
            read_stack(write(path, units=("micron",) * 3, version=version))
    files = [
        ome(tmp_path / "u.ome.tif", units=("micron", "micron", "micron")),
        ome(tmp_path / "t.ome.tif", data=data, axes="TZYX", size=(1, 1, 1)),
    ]
    read_stack(files[0])
    with pytest.raises(InputError):
        read_stack(files[1])
    assert not caplog.messages and not recwarn.list
    assert capfd.readouterr() == ("", "")
