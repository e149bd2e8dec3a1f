"""What is read as a z-stack, and what is refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from rmz_acquire.errors import InputError
from rmz_acquire.stacks import read_stack, write_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VOLUME = np.random.default_rng(7).integers(90, 4000, (7, 20, 24)).astype(np.uint16)


def _ome(path: Path, data: np.ndarray) -> None:
    tifffile.imwrite(path, data, ome=True, metadata={"axes": "ZYX"})


def _deflated(path: Path, data: np.ndarray) -> None:
    tifffile.imwrite(path, data, metadata={"axes": "ZYX"}, compression="zlib")


def _imagej(path: Path, data: np.ndarray) -> None:
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "ZYX"})


def _bare(path: Path, data: np.ndarray) -> None:
    tifffile.imwrite(path, data, metadata=None, photometric="minisblack")


def _pages(path: Path, data: np.ndarray) -> None:
    with tifffile.TiffWriter(path) as tiff:
        for plane in data:
            tiff.write(plane, contiguous=False, metadata=None)


WRITERS = [_ome, _deflated, _imagej, _bare, _pages]


def _refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_stack(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_kind_of_tiff_reads_back(
    tmp_path: Path, write: Callable[..., None], dtype: Any
) -> None:
    data = (VOLUME % 250).astype(dtype)
    write(tmp_path / "stack.tif", data)
    stack = read_stack(tmp_path / "stack.tif")
    assert stack.data.dtype == dtype
    np.testing.assert_array_equal(stack.data, data)


@pytest.mark.parametrize("write", WRITERS)
def test_a_truncated_tiff_is_never_read_as_a_whole(
    tmp_path: Path, write: Callable[..., None]
) -> None:
    path = tmp_path / "stack.tif"
    write(path, VOLUME)
    whole = path.read_bytes()
    for cut in range(2, len(whole) - 64, len(whole) // 60):
        path.write_bytes(whole[:cut])
        assert "truncated" in _refused(path), cut


def test_voxel_size_goes_round(tmp_path: Path) -> None:
    path = tmp_path / "stack.ome.tif"
    write_stack(path, VOLUME, z_step_um=0.5, pixel_size_um=0.325)
    stack = read_stack(path)
    assert stack.z_step_um == pytest.approx(0.5)
    assert stack.pixel_size_um == pytest.approx(0.325)


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m"])
def test_voxel_size_of_imagej(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path,
        VOLUME,
        imagej=True,
        resolution=(4.0, 4.0),
        metadata={"axes": "ZYX", "spacing": 0.3, "unit": unit},
    )
    stack = read_stack(path)
    assert stack.z_step_um == pytest.approx(0.3)
    assert stack.pixel_size_um == pytest.approx(0.25)


def test_the_default_of_one_pixel_a_unit_is_not_taken_for_a_size(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stack.tif"
    meta = {"axes": "ZYX", "spacing": 1, "unit": "um"}
    tifffile.imwrite(path, VOLUME, imagej=True, resolution=(1, 1), metadata=meta)
    stack = read_stack(path)
    assert stack.z_step_um is None
    assert stack.pixel_size_um is None


def test_axes_of_length_one_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, VOLUME[:, None], imagej=True, metadata={"axes": "ZCYX"})
    np.testing.assert_array_equal(read_stack(path).data, VOLUME)


def test_no_such_file(tmp_path: Path) -> None:
    assert "no such file" in _refused(tmp_path / "absent.tif")


def test_two_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, VOLUME[0])
    assert "2D" in _refused(path)


def test_one_plane(tmp_path: Path) -> None:
    path = tmp_path / "one.ome.tif"
    tifffile.imwrite(path, VOLUME[:1], ome=True, metadata={"axes": "ZYX"})
    _refused(path)


@pytest.mark.parametrize("planes", [1, 5])
def test_colour(tmp_path: Path, planes: int) -> None:
    path = tmp_path / "colour.tif"
    rgb = np.zeros((planes, 20, 24, 3), np.uint8)
    tifffile.imwrite(path, rgb, photometric="rgb")
    assert "RGB" in _refused(path)


def test_channels(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    two = np.stack([VOLUME, VOLUME], axis=1)
    tifffile.imwrite(path, two, imagej=True, metadata={"axes": "ZCYX"})
    assert "2 channels" in _refused(path)


def test_a_time_lapse_of_stacks(tmp_path: Path) -> None:
    path = tmp_path / "lapse.tif"
    lapse = np.stack([VOLUME, VOLUME])
    tifffile.imwrite(path, lapse, imagej=True, metadata={"axes": "TZYX"})
    assert "T, Z, Y, X" in _refused(path)


@pytest.mark.parametrize("content", [b"", b"not an image", b"II*\0", b"PK\3\4zip"])
def test_no_tiff_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.tif"
    path.write_bytes(content)
    _refused(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite(tmp_path: Path, value: float) -> None:
    data = VOLUME.astype(np.float32)
    data[4, 3, 2] = value
    path = tmp_path / "nan.tif"
    tifffile.imwrite(path, data)
    assert "plane 5 of 7" in _refused(path)


@pytest.mark.parametrize("dtype", [np.complex64, np.bool_])
def test_odd_pixels(tmp_path: Path, dtype: Any) -> None:
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, VOLUME.astype(dtype), photometric="minisblack")
    assert "pixels of type" in _refused(path)


def test_tiny_planes(tmp_path: Path) -> None:
    path = tmp_path / "tiny.tif"
    tifffile.imwrite(path, VOLUME[:, :4, :4], photometric="minisblack")
    assert "too small" in _refused(path)


def _write_zarr(path: Path, data: np.ndarray) -> None:
    from ome_writers import AcquisitionSettings, Dimension, create_stream

    dims = [
        Dimension(
            name="z", type="space", count=len(data), scale=0.4, unit="micrometer"
        ),
        Dimension(
            name="y", type="space", count=data.shape[1], scale=0.2, unit="micrometer"
        ),
        Dimension(
            name="x", type="space", count=data.shape[2], scale=0.2, unit="micrometer"
        ),
    ]
    settings = AcquisitionSettings(
        root_path=str(path),
        dimensions=dims,
        dtype=str(data.dtype),
        format="tensorstore",
    )
    with create_stream(settings) as stream:
        for plane in data:
            stream.append(plane)


def test_ome_zarr(tmp_path: Path) -> None:
    path = tmp_path / "stack.ome.zarr"
    _write_zarr(path, VOLUME)
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, VOLUME)
    assert stack.z_step_um == pytest.approx(0.4)
    assert stack.pixel_size_um == pytest.approx(0.2)


def test_ome_zarr_with_a_missing_chunk(tmp_path: Path) -> None:
    path = tmp_path / "stack.ome.zarr"
    _write_zarr(path, VOLUME)
    chunks = sorted(p for p in (path / "0" / "c").rglob("*") if p.is_file())
    chunks[-1].unlink()
    assert "truncated" in _refused(path)


def test_a_folder_without_an_image(tmp_path: Path) -> None:
    assert "OME-Zarr" in _refused(tmp_path)
