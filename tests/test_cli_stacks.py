"""Stacks as commands read them: what contradicts itself, and what is kept."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import tifffile
from cli_helpers import refused, replay, write_stack_of_discs
from ome_types import from_tiff

from rmz_acquire import load
from rmz_acquire.cli import main
from rmz_acquire.stacks import read_stack

SAMPLE = {"na": None, "immersion": None, "wavelength": None}
BARE = {**SAMPLE, "pixel_size": None, "z_step": None}


def write(path, *, axes="ZYX", order=None, **said):
    discs = tifffile.imread(write_stack_of_discs(path))
    data = discs if order is None else discs[order]
    tifffile.imwrite(
        path, data, ome=True, photometric="minisblack", metadata={"axes": axes, **said}
    )
    return path


def plane_z(z):
    return {"PositionZ": [float(v) for v in z], "PositionZUnit": ["µm"] * len(z)}


def warnings_of(text):
    lines = text.splitlines()
    assert all(line.startswith("warning: ") for line in lines), text
    return lines


@pytest.mark.slow
def test_a_movie_is_refused_or_told(tmp_path, capsys):
    movie = write(tmp_path / "m.ome.tif", axes="TYX", PhysicalSizeZ=1.0)
    out = tmp_path / "run"
    said = refused(replay(movie, out, z_step=None), capsys)
    assert "time points" in said and "--z-axis t and --z-step" in said
    assert not out.exists()
    assert main(replay(movie, out)) == 0
    (line,) = warnings_of(capsys.readouterr().err)
    assert "time points" in line and "--z-step says 0.5 µm" in line
    assert main(replay(movie, tmp_path / "2", z_axis="t")) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_every_contradiction_is_a_line(tmp_path, capsys):
    z = plane_z(20 - 0.25 * np.arange(9))
    sizes = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 1.0}
    stack = write(tmp_path / "a.ome.tif", Plane=z, **sizes)
    assert main(replay(stack, tmp_path / "run", pixel_size="0.2", z_step=None)) == 0
    lines = warnings_of(capsys.readouterr().err)
    assert len(lines) == 3
    assert "--pixel-size is 0.2 µm" in lines[0] and "0.1 µm" in lines[0]
    assert "downwards" in lines[1]
    assert "1 µm by PhysicalSizeZ" in lines[2] and "0.25 µm apart" in lines[2]
    made = read_stack(tmp_path / "run" / "volume.ome.tif")
    assert (made.pixel_size_um, made.z_step_um) == (0.2, 0.25)
    # what lay on top in the file is on top in the volume
    discs = tifffile.imread(stack)
    args = replay(stack, tmp_path / "ends", **BARE, z="0,2")
    assert main(args) == 0
    volume = tifffile.imread(tmp_path / "ends" / "volume.ome.tif")
    np.testing.assert_allclose(volume[[0, -1]], discs[[-1, 0]])


def test_an_unknown_unit_is_named_by_the_command(tmp_path, capsys):
    path = tmp_path / "a.tif"
    discs = tifffile.imread(write_stack_of_discs(path))
    said = {"axes": "ZYX", "unit": "furlong", "spacing": 0.5}
    tifffile.imwrite(path, discs, imagej=True, resolution=(10, 10), metadata=said)
    line = refused(replay(path, tmp_path / "run", **BARE), capsys)
    assert "0.5 furlong" in line and line.endswith("give --z-step")


def test_planes_with_their_own_z_are_a_grid(tmp_path, capsys):
    z = [3.0, 0.0, 9.0, 1.0, 2.0, 5.5, 7.0, 8.0, 4.0]
    stack = write(tmp_path / "a.ome.tif", Plane=plane_z(z), PhysicalSizeX=0.1)
    assert "leave that out" in refused(
        replay(stack, tmp_path / "run", **{**BARE, "z_step": "1"}), capsys
    )
    assert main(replay(stack, tmp_path / "run", **BARE, z="0,5.5,9")) == 0
    assert "not in order" in capsys.readouterr().err
    volume = tmp_path / "run" / "volume.ome.tif"
    pixels = from_tiff(volume).images[0].pixels
    assert pixels.physical_size_z is None
    assert [q.position_z for q in pixels.planes] == sorted(z)
    made, taken = tifffile.imread(volume), tifffile.imread(stack)
    np.testing.assert_allclose(made[[0, -1]], taken[[1, 2]])


def test_reconstruct_takes_z_and_voxel_from_the_file(tmp_path, capsys):
    z = [4.0, 0.0, 2.0, 1.0, 3.0, 5.0, 6.0, 8.0, 7.0]
    order = [int(v) for v in z]
    said = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "Plane": plane_z(z)}
    stack = write(tmp_path / "a.ome.tif", order=order, **said)
    out = tmp_path / "v.ome.tif"
    args = ["reconstruct", str(stack), "--estimator", "linear", "--z-step", "1"]
    assert main([*args, "--out", str(out)]) == 0
    made = read_stack(out)
    assert (made.pixel_size_um, made.z_step_um) == (0.1, 1)
    np.testing.assert_allclose(made.data[order], tifffile.imread(stack))
    capsys.readouterr()
    listed = ",".join(str(v) for v in [*z[:-1], 7.5])
    out = tmp_path / "w.ome.tif"
    assert main([*args, "--out", str(out), "--z", listed]) == 0
    (line,) = warnings_of(capsys.readouterr().err)
    assert "--z says" in line


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("optics", [False, True])
def test_reconstruct_keeps_what_replay_reads(tmp_path, optics, killed, capsys):
    sizes = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 0.5}
    stack = write(tmp_path / "a.ome.tif", **sizes)
    options = {"pixel_size": None, "z_step": None, **({} if optics else SAMPLE)}
    assert main(replay(stack, tmp_path / "run", **options)) == 0
    args = ["reconstruct", str(tmp_path / "run"), "--z-step", "0.5"]
    if killed:
        (tmp_path / "run" / "summary.json").unlink()
    out = tmp_path / "v.ome.tif"
    kind = "wiener" if optics else "linear"
    assert main([*args, "--estimator", kind, "--out", str(out)]) == 0
    made = read_stack(out)
    assert (made.pixel_size_um, made.z_step_um) == (0.1, 0.5)
    assert capsys.readouterr().err == ""
    if optics:
        # one of them may be given anew
        more = ["--na", "0.9", "--overwrite", "--estimator", "wiener"]
        assert main([*args, *more, "--out", str(out)]) == 0
        (line,) = warnings_of(capsys.readouterr().err)
        assert "--na is 0.9, it was 0.75" in line


@pytest.mark.slow
def test_optics_of_the_file(tmp_path, capsys):
    path = write(tmp_path / "a.ome.tif", PhysicalSizeX=0.1, PhysicalSizeZ=0.5)
    xml = tifffile.tiffcomment(path)
    lens = (
        '<Instrument ID="Instrument:0"><Objective ID="Objective:0" LensNA="0.8" '
        'Immersion="Air"/></Instrument>'
    )
    xml = xml.replace("<Image ", f"{lens}<Image ", 1)
    xml = xml.replace("<Pixels ", '<ObjectiveSettings ID="Objective:0"/><Pixels ', 1)
    xml = re.sub(r"<Channel ", '<Channel EmissionWavelength="600" ', xml)
    tifffile.tiffcomment(path, xml.encode())
    stack = read_stack(path)
    assert (stack.na, stack.immersion_index, stack.wavelength_um) == (0.8, 1, 0.6)
    assert main(replay(path, tmp_path / "run", **BARE, estimator="wiener")) == 0
    summary = (tmp_path / "run" / "summary.json").read_text("utf-8")
    assert '"na": 0.8' in summary and '"wavelength_um": 0.6' in summary

    def said():
        # beside what is true, too: these planes are of no optics
        lines = warnings_of(capsys.readouterr().err)
        return [line for line in lines if "are not what these optics give" not in line]

    assert said() == []
    out = tmp_path / "v.ome.tif"
    args = ["reconstruct", str(path), "--estimator", "wiener", "--z-step", "1"]
    assert main([*args, "--out", str(out)]) == 0
    changed = {**BARE, "na": "0.5"}
    assert main(replay(path, tmp_path / "2", **changed, estimator="wiener")) == 0
    (line,) = said()
    assert "--na is 0.5, it was 0.8" in line


def test_the_channel_of_the_file_keeps_its_name(tmp_path):
    path = write(tmp_path / "a.ome.tif", Channel={"Name": ["mCherry"]})
    assert read_stack(path).channel == "mCherry"
    assert main(replay(path, tmp_path / "run")) == 0
    out = tmp_path / "v.ome.tif"
    args = ["reconstruct", str(tmp_path / "run"), "--estimator", "linear"]
    assert main([*args, "--out", str(out)]) == 0
    for made in (tmp_path / "run" / "volume.ome.tif", out):
        image = from_tiff(made).images[0]
        assert image.pixels.channels[0].name == "mCherry"
        assert image.objective_settings.refractive_index == 1
    store = tmp_path / "run" / "planes.ome.zarr"
    told = json.loads((store / "zarr.json").read_text("utf-8"))["attributes"]
    assert told["ome"]["omero"]["channels"][0]["label"] == "mCherry"
    assert load(tmp_path / "run").optics["mCherry"].na == 0.75


@pytest.mark.slow
def test_demo_names_its_channel_pixel_and_optics(tmp_path):
    run = tmp_path / "run"
    args = ["demo", "--estimator", "linear", "--z", "-1,0,1"]
    assert main([*args, "--out", str(run)]) == 0
    image = from_tiff(run / "volume.ome.tif").images[0]
    assert image.pixels.physical_size_x == pytest.approx(0.325)
    assert image.pixels.channels[0].name
    assert image.objective_settings.refractive_index == 1
