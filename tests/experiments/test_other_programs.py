"""What other programs learn of an experiment: names, time, optics, and z as it is."""

from __future__ import annotations

import json

import pytest
from experiment_fakes import sequence
from ome_types import from_tiff, from_xml
from yaozarrs import open_group

from rmz_acquire.experiments import run
from rmz_acquire.experiments.export import export_ome_tiff
from rmz_acquire.stacks import read_stack, write_volume

CHANNELS = [{"config": "DAPI", "exposure": 1}, {"config": "FITC", "exposure": 1}]
PLACES = [{"x": 1, "y": 2, "z": 3, "name": "A/1: low"}, {"x": 4, "y": 5, "z": 6}]
GIVEN = {
    "na": 0.75,
    "immersion_index": 1.0,
    "wavelength_um": {"DAPI": 0.46, "FITC": 0.52},
}


def images_of(folder):
    """The OME model of every file that has one, by its name."""
    files = sorted(folder.rglob("*.ome.tif"))
    found = {path.name: from_tiff(path) for path in files}
    for path in folder.glob("*.ome.zarr"):
        found[path.name] = from_xml(path / "OME" / "METADATA.ome.xml")
    return found


@pytest.fixture
def made(demo, tmp_path):
    wanted = sequence(
        {"ome_tiff": True, "estimator": "wiener", "optics": GIVEN},
        channels=CHANNELS,
        stage_positions=PLACES,
        time_plan={"interval": 0.5, "loops": 2},
        z_plan={"range": 3, "step": 0.5},
    )
    folder = tmp_path / "run"
    summary = run(demo, wanted, folder).summary
    assert summary.status == "completed", summary.reason
    return folder


def test_names_time_channels_and_optics_are_in_every_file(made):
    found = images_of(made)
    assert len(found) == 6
    for name, ome in found.items():
        names = [image.name for image in ome.images]
        assert names == (["A/1: low", "p001"] if "zarr" in name else names[:1])
        if "p000" in name:
            assert names == ["A/1: low"]
        for image in ome.images:
            pixels = image.pixels
            assert pixels.time_increment == 0.5, name
            assert pixels.time_increment_unit.value == "s"
            assert [c.name for c in pixels.channels] == ["DAPI", "FITC"]
            light = [c.emission_wavelength for c in pixels.channels]
            assert light == [460, 520]
            assert pixels.channels[0].emission_wavelength_unit.value == "nm"
            assert image.objective_settings.refractive_index == 1
            (lens,) = [
                objective
                for instrument in ome.instruments
                for objective in instrument.objectives
                if objective.id == image.objective_settings.id
            ]
            assert (lens.lens_na, lens.immersion.value) == (0.75, "Air")
            assert (image.stage_label.x, image.stage_label.y) in {(1, 2), (4, 5)}
            assert image.stage_label.name == image.name


def test_ome_zarr_says_the_same(made):
    for store in ("planes", "volumes"):
        group = open_group(made / f"{store}.ome.zarr" / "p000")
        (scales,) = group.ome_metadata().multiscales
        assert scales.name == "A/1: low"
        assert scales.axes[0].unit == "second"
        assert scales.datasets[0].coordinateTransformations[0].scale[0] == 0.5
        block = group.attrs["rmz_acquire"]
        assert block["position"] == "A/1: low"
        assert block["optics"]["FITC"]["wavelength_um"] == 0.52
        assert block["optics"]["DAPI"]["na"] == 0.75


UNEVEN = [0, 0.5, 1.7, 2, 4]


@pytest.fixture
def uneven(demo, tmp_path):
    wanted = sequence(
        {"ome_tiff": True, "max_planes": 5},
        channels=CHANNELS[:1],
        stage_positions=PLACES,
        z_plan={"absolute": UNEVEN},
    )
    assert run(demo, wanted, tmp_path / "run").summary.status == "completed"
    return tmp_path / "run"


def test_uneven_z_is_claimed_as_even_in_no_file(uneven):
    for name, ome in images_of(uneven).items():
        for image in ome.images:
            pixels = image.pixels
            assert pixels.physical_size_z is None, name
            z = sorted(plane.position_z for plane in pixels.planes if "volumes" in name)
            assert not z or z == UNEVEN
    image = open_group(uneven / "volumes.ome.zarr" / "p000")
    (scales,) = image.ome_metadata().multiscales
    assert scales.axes[2].unit is None
    assert scales.datasets[0].coordinateTransformations[0].scale[2] == 1
    assert image.attrs["rmz_acquire"]["z_um"] == UNEVEN
    for path in (
        uneven / "volumes.ome.zarr" / "p000",
        uneven / "ome-tiff" / "volumes_p000.ome.tif",
    ):
        stack = read_stack(path)
        assert stack.z_step_um is None and stack.z_um == tuple(UNEVEN)
        assert stack.channel == "DAPI"


def test_own_planes_read_back_with_their_z(uneven):
    lines = (uneven / "planes.ome.zarr" / "planes.jsonl").read_text("utf-8")
    taken = [json.loads(line) for line in lines.splitlines()]
    z = [line["z_actual_um"] for line in taken if line["p"] == 0]
    stack = read_stack(uneven / "ome-tiff" / "planes_p000.ome.tif")
    assert stack.z_um == pytest.approx(sorted(z))
    assert [z[i] for i in stack.order] == pytest.approx(sorted(z))


def test_steps_of_time_that_are_not_even_are_not_claimed(demo, tmp_path):
    phases = [{"interval": 0.1, "loops": 2}, {"interval": 0.4, "loops": 2}]
    for number, plan in enumerate((phases, {"interval": 0, "loops": 2})):
        out = tmp_path / str(number)
        wanted = sequence(channels=CHANNELS[:1], time_plan=plan)
        assert run(demo, wanted, out).summary.status == "completed"
        (path, *_) = export_ome_tiff(out, out / "tif")
        pixels = from_tiff(path).images[0].pixels
        assert pixels.time_increment is None
        assert all(plane.delta_t is not None for plane in pixels.planes)
        image = open_group(out / "volumes.ome.zarr").ome_metadata()
        assert image.multiscales[0].axes[0].unit is None


def test_channels_with_z_of_their_own(demo, tmp_path):
    channels = [CHANNELS[0], {**CHANNELS[1], "z_offset": 2}]
    wanted = sequence(channels=channels, stage_positions=PLACES)
    assert run(demo, wanted, tmp_path / "run").summary.status == "completed"
    store = tmp_path / "run" / "volumes.ome.zarr"
    block = open_group(store / "p000").attrs["rmz_acquire"]
    z = block["z_um_by_channel"]
    assert [b - a for a, b in zip(z["DAPI"], z["FITC"], strict=True)] == [2] * len(
        z["DAPI"]
    )
    pixels = from_xml(store / "OME" / "METADATA.ome.xml").images[0].pixels
    for c, name in enumerate(("DAPI", "FITC")):
        found = [q.position_z for q in pixels.planes if q.the_c == c]
        assert found == z[name]


def test_z_of_a_volume_that_is_written_by_itself(tmp_path, rng):
    from rmz_acquire.optics import Optics

    volume = rng.normal(size=(5, 12, 12))
    optics = Optics(
        na=1.4, immersion_index=1.515, wavelength_um=0.61, pixel_size_um=0.1
    )
    for z in (UNEVEN, [0, 0.5, 1, 1.5, 2]):
        path = tmp_path / "volume.ome.tif"
        said = {"pixel_size_um": 0.1, "optics": optics, "channel": "mCherry"}
        write_volume(path, volume, z, **said)
        ome = from_tiff(path)
        pixels = ome.images[0].pixels
        assert pixels.physical_size_z == (None if z is UNEVEN else 0.5)
        assert [plane.position_z for plane in pixels.planes] == z
        stack = read_stack(path)
        assert stack.z_um == tuple(z) and stack.pixel_size_um == 0.1
        assert (stack.na, stack.immersion_index) == (1.4, 1.515)
        assert (stack.wavelength_um, stack.channel) == (0.61, "mCherry")
        assert ome.instruments[0].objectives[0].immersion.value == "Oil"
