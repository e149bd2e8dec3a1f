"""Voxels of 0.1 × 0.1 × 0.5 µm, said in every unit by every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from stack_files import STACK, imagej, ome, zarr2, zarr3

from rmz_acquire.errors import InputError
from rmz_acquire.stacks import Given, read_stack
from rmz_acquire.stacks.units import um_per

if TYPE_CHECKING:
    from pathlib import Path

# how many of the unit are a µm
UNITS = {
    "dm": 1e-5,
    "cm": 1e-4,
    "mm": 1e-3,
    "\N{MICRO SIGN}m": 1.0,
    "\N{GREEK SMALL LETTER MU}m": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "nm": 1e3,
    "pm": 1e6,
    "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": 1e4,
    "\N{ANGSTROM SIGN}": 1e4,
    "angstrom": 1e4,
    "in": 1 / 25_400,
    "inch": 1 / 25_400,
    "m": 1e-6,
}
NAMES = {
    "decimeter": 1e-5,
    "centimeter": 1e-4,
    "millimeter": 1e-3,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "nanometer": 1e3,
    "picometer": 1e6,
    "Angstrom": 1e4,
    "inches": 1 / 25_400,
    "Microns": 1.0,
}


def _escaped(unit: str) -> str:
    r"""As ImageJ writes it: \u00B5m."""
    return "".join(c if ord(c) < 128 else f"\\u{ord(c):04X}" for c in unit)


def _check(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stack = read_stack(path)
    assert stack.pixel_size_um == pytest.approx(0.1, rel=1e-6)
    assert stack.z_step_um == pytest.approx(0.5, rel=1e-6)
    np.testing.assert_array_equal(stack.data, STACK)
    assert not caplog.messages


@pytest.mark.parametrize(("unit", "per_um"), (UNITS | NAMES).items())
def test_units_of_imagej(tmp_path, unit, per_um, caplog):
    size = (0.1 * per_um, 0.1 * per_um)
    said = {"unit": _escaped(unit), "spacing": 0.5 * per_um}
    _check(imagej(tmp_path / "a.tif", pixel=size, **said), caplog)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_imagej_with_a_mu_that_is_not_escaped(tmp_path, encoding, caplog):
    unit = "\N{MICRO SIGN}m".encode(encoding)
    _check(imagej(tmp_path / "a.tif", unit=unit, spacing=0.5), caplog)


@pytest.mark.parametrize(("unit", "per_um"), (UNITS | NAMES).items())
def test_imagej_with_z_or_y_in_a_unit_of_its_own(tmp_path, unit, per_um, caplog):
    own = {"zunit": _escaped(unit), "spacing": 0.5 * per_um}
    _check(imagej(tmp_path / "z.tif", unit="um", **own), caplog)
    size = (0.1, 0.1 * per_um)
    own = {"yunit": _escaped(unit), "spacing": 0.5}
    _check(imagej(tmp_path / "y.tif", pixel=size, unit="um", **own), caplog)
    own = {"xunit": _escaped(unit), "yunit": "um", "zunit": "um", "spacing": 0.5}
    _check(imagej(tmp_path / "x.tif", pixel=size[::-1], unit="mm", **own), caplog)


@pytest.mark.parametrize(("unit", "per_um"), (UNITS | NAMES).items())
def test_units_of_ome_tiff(tmp_path, unit, per_um, caplog):
    size = (0.5 * per_um, 0.1 * per_um, 0.1 * per_um)
    _check(ome(tmp_path / "a.ome.tif", size=size, units=(unit,) * 3), caplog)
    mixed = (0.5 * per_um, 0.1, 0.1)
    _check(ome(tmp_path / "b.ome.tif", size=mixed, units=(unit, "µm", None)), caplog)


@pytest.mark.parametrize(("unit", "per_um"), (UNITS | NAMES).items())
@pytest.mark.parametrize("write", [zarr2, zarr3])
def test_units_of_ome_zarr(tmp_path, write, unit, per_um, caplog):
    scale = (0.5 * per_um, 0.1 * per_um, 0.1 * per_um)
    _check(write(tmp_path / "a.zarr", scale=scale, units=(unit,) * 3), caplog)


@pytest.mark.parametrize(("tag", "per_um"), [(2, 1 / 25_400), (3, 1e-4), (5, 1.0)])
def test_units_of_the_resolution_tag(tmp_path, tag, per_um, caplog):
    per = 1 / (0.1 * per_um)
    options = {"photometric": "minisblack", "resolutionunit": tag}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, resolution=(per, per), **options)
    stack = read_stack(path, Given(z_step_um=0.5))
    assert stack.pixel_size_um == pytest.approx(0.1, rel=1e-5)
    assert stack.z_step_um == 0.5
    # ImageJ without a unit of its own takes that of the tag
    if tag in (2, 3):
        size = (0.1 * per_um, 0.1 * per_um)
        said = {"spacing": 0.5 * per_um}
        _check(imagej(tmp_path / "b.tif", pixel=size, tag_unit=tag, **said), caplog)


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600, 1200])
def test_dots_per_inch_of_a_printer_are_no_pixel_size(tmp_path, dpi):
    path = tmp_path / "a.tif"
    options = {"photometric": "minisblack", "resolutionunit": "INCH"}
    tifffile.imwrite(path, STACK, resolution=(dpi, dpi), **options)
    assert read_stack(path).pixel_size_um is None


@pytest.mark.parametrize("dpi", [72, 300])
def test_imagej_opened_it_with_the_dots_of_a_screen(tmp_path, dpi):
    size = (1 / dpi, 1 / dpi)
    stack = read_stack(imagej(tmp_path / "a.tif", pixel=size, unit="inch", tag_unit=2))
    assert stack.pixel_size_um is None and stack.z_step_um is None


def test_exactly_one_micrometre_is_a_size(tmp_path, caplog):
    files = [
        imagej(tmp_path / "a.tif", pixel=(1, 1), unit="um", spacing=1),
        ome(tmp_path / "a.ome.tif", size=(1, 1, 1)),
        zarr2(tmp_path / "a.zarr", scale=(1, 1, 1)),
        zarr3(tmp_path / "b.zarr", scale=(1, 1, 1)),
    ]
    for path in files:
        stack = read_stack(path)
        assert (stack.pixel_size_um, stack.z_step_um) == (1, 1)
    assert not caplog.messages


@pytest.mark.parametrize(
    "write",
    [
        lambda path: imagej(path, unit="furlong", spacing=0.5),
        lambda path: ome(path, units=("furlong",) * 3),
        lambda path: zarr2(path, units=("furlong",) * 3),
        lambda path: zarr3(path, units=("furlong",) * 3),
    ],
)
def test_an_unknown_unit_is_named(tmp_path, write, caplog):
    stack = read_stack(write(tmp_path / "a"))
    assert stack.pixel_size_um is None and stack.z_step_um is None
    (said,) = caplog.messages
    assert "0.1 furlong" in said and "pixel_size_um" in said
    for need in (stack.need_step, stack.need_pixel_size):
        with pytest.raises(InputError, match=r"furlong.*: say it"):
            need("say it")
    caplog.clear()
    known = read_stack(stack.path, Given(z_step_um=0.5, pixel_size_um=0.1))
    assert (known.z_step_um, known.pixel_size_um) == (0.5, 0.1)
    assert not caplog.messages


@pytest.mark.parametrize("unit", ["", "pixel", "pixels"])
def test_imagej_in_pixels_is_not_calibrated(tmp_path, unit, caplog):
    stack = read_stack(imagej(tmp_path / "a.tif", unit=unit, spacing=2))
    assert stack.pixel_size_um is None and stack.z_step_um is None
    assert not caplog.messages


def test_what_imagej_leaves_out_is_said(tmp_path):
    with pytest.raises(InputError, match="leaves a spacing of 1 um out"):
        read_stack(imagej(tmp_path / "a.tif", unit="um")).need_step("give it")


@pytest.mark.parametrize("value", ["0", "nan", "inf", "0,1", ""])
def test_a_size_that_is_none(tmp_path, value):
    path = ome(tmp_path / "a.ome.tif", size=(value, 0.1, 0.1))
    with pytest.raises(InputError, match="PhysicalSizeZ"):
        read_stack(path).need_step("give it")


def test_a_scale_without_a_unit(tmp_path, caplog):
    stack = read_stack(zarr2(tmp_path / "a.zarr", units=(None,) * 3))
    assert "0.1 without a unit" in caplog.text
    with pytest.raises(InputError, match=r"0.5 without a unit"):
        stack.need_step("give it")


@pytest.mark.parametrize("unit", ["Mm", "MM", "Pm", "second", "cat", "mu", "A"])
def test_what_is_no_unit_that_is_meant(unit):
    scale = um_per(unit)
    assert scale is None or scale > 1e6
