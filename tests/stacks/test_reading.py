"""What is read as a z-stack, and what is refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from ome_types import from_tiff

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


def _lzw(path: Path, data: np.ndarray) -> None:
    tifffile.imwrite(path, data, metadata={"axes": "ZYX"}, compression="lzw")


def _imagej(path: Path, data: np.ndarray) -> None:
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "ZYX"})


def _bare(path: Path, data: np.ndarray) -> None:
    tifffile.imwrite(path, data, metadata=None, photometric="minisblack")


def _pages(path: Path, data: np.ndarray) -> None:
    with tifffile.TiffWriter(path) as tiff:
        for plane in data:
            tiff.write(plane, contiguous=False, metadata=None)


WRITERS = [_ome, _deflated, _lzw, _imagej, _bare, _pages]


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


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64"])
def test_stack_and_voxel_size_go_round(tmp_path: Path, kind: str) -> None:
    path, counts = tmp_path / "stack.ome.tif", VOLUME.astype(kind)
    write_stack(path, counts, z_step_um=0.5, pixel_size_um=0.325)
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, counts)
    assert stack.data.dtype == kind
    assert stack.z_step_um == pytest.approx(0.5)
    assert stack.pixel_size_um == pytest.approx(0.325)
    # an origin in z is not known
    assert from_tiff(path).images[0].pixels.planes[0].position_z is None


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


@pytest.mark.parametrize("photometric", ["palette", "miniswhite"])
def test_a_table_of_colours_only_says_how_counts_are_shown(
    tmp_path: Path, photometric: str
) -> None:
    path = tmp_path / "lut.tif"
    counts = (VOLUME % 256).astype(np.uint8)
    table = np.arange(3 * 256, dtype=np.uint16).reshape(3, 256)
    options = {"colormap": table} if photometric == "palette" else {}
    tifffile.imwrite(path, counts, photometric=photometric, **options)
    np.testing.assert_array_equal(read_stack(path).data, counts)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_stack_of_imagej_with_a_lookup_table(tmp_path: Path, dtype: Any) -> None:
    path = tmp_path / "lut.tif"
    counts = (VOLUME % 250).astype(dtype)
    lut = np.zeros((1, 3, 256), np.uint8)
    lut[0, 1] = np.arange(256)
    said = {"axes": "ZYX", "LUTs": list(lut), "mode": "color"}
    options = {"colormap": lut[0] * np.uint16(257)} if dtype == np.uint8 else {}
    tifffile.imwrite(path, counts, imagej=True, metadata=said, **options)
    np.testing.assert_array_equal(read_stack(path).data, counts)


def test_colours_of_imagej(tmp_path: Path) -> None:
    path = tmp_path / "colour.tif"
    tifffile.imwrite(path, np.zeros((5, 20, 24, 3), np.uint8), imagej=True)
    assert "RGB" in _refused(path)


def _set_of_files(folder: Path) -> list[Path]:
    """Three planes a file, each of which describes all nine."""
    nine = np.concatenate([VOLUME, VOLUME[:2]])
    blocks = "".join(
        f'<TiffData FirstZ="{i}" IFD="{i % 3}" PlaneCount="1"><UUID '
        f'FileName="set_{i // 3}.ome.tif">urn:uuid:{i // 3}</UUID></TiffData>'
        for i in range(9)
    )
    made = []
    for k in range(3):
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{k}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            'DimensionOrder="XYZCT" Type="uint16" SizeX="24" SizeY="20" SizeZ="9" '
            f'SizeC="1" SizeT="1">{blocks}</Pixels></Image></OME>'
        )
        made.append(folder / f"set_{k}.ome.tif")
        with tifffile.TiffWriter(made[-1], ome=False) as tiff:
            for number, plane in enumerate(nine[3 * k : 3 * k + 3]):
                tiff.write(
                    plane,
                    description=xml if number == 0 else None,
                    photometric="minisblack",
                    metadata=None,
                )
    return made


def test_a_set_of_files_is_one_stack(tmp_path: Path) -> None:
    first, second, third = _set_of_files(tmp_path)
    nine = np.concatenate([VOLUME, VOLUME[:2]])
    np.testing.assert_array_equal(read_stack(second).data, nine)
    third.unlink()
    for path in (first, second):
        assert "set_2.ome.tif is not beside it" in _refused(path)
    second.unlink()
    assert "set_1.ome.tif and 1 more" in _refused(first)


def test_a_file_that_another_one_describes(tmp_path: Path) -> None:
    path = tmp_path / "part.ome.tif"
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="all.companion.ome" UUID="urn:uuid:1"/></OME>'
    )
    options: dict[str, Any] = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(path, VOLUME, description=xml, **options)
    assert "all.companion.ome" in _refused(path)


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


def test_a_folder_without_an_image(tmp_path: Path) -> None:
    assert "OME-Zarr" in _refused(tmp_path)
