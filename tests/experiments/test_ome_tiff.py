"""OME-TIFF on request, read back with tifffile and ome-types."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from experiment_fakes import sequence
from ome_types import from_tiff
from PIL import Image

from rmz_acquire.cli import main
from rmz_acquire.experiments import run

TWO = [{"config": "DAPI", "exposure": 1}, {"config": "FITC", "exposure": 2}]


@pytest.fixture
def wanted():
    return sequence(
        {"ome_tiff": True},
        channels=TWO,
        stage_positions=[{"x": 10, "y": 20, "z": 3}, {"x": 30, "y": 40, "z": 5}],
        time_plan={"interval": 0, "loops": 2},
        z_plan={"range": 6, "step": 1.5},
    )


def _lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.slow
def test_volumes_and_planes_of_every_position(demo, tmp_path, wanted):
    summary = run(demo, wanted, tmp_path / "run").summary
    assert summary.status == "completed", summary.reason
    lines = _lines(tmp_path / "run" / "planes.ome.zarr" / "planes.jsonl")
    for p, (x, y, middle) in enumerate([(10, 20, 3), (30, 40, 5)]):
        path = tmp_path / "run" / "ome-tiff" / f"volumes_p{p:03d}.ome.tif"
        image = from_tiff(path).images[0]
        pixels = image.pixels
        assert [channel.name for channel in pixels.channels] == ["DAPI", "FITC"]
        # the demo microscope has pixels of 1 µm
        sizes = (pixels.physical_size_x, pixels.physical_size_z)
        assert sizes == (1, 1.5) and pixels.physical_size_z_unit.value == "µm"
        assert {(q.position_x, q.position_y) for q in pixels.planes} == {(x, y)}
        found = sorted({q.position_z for q in pixels.planes})
        assert found == pytest.approx([middle + d for d in (-3, -1.5, 0, 1.5, 3)])
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            assert (series.axes, series.shape) == ("TCZYX", (2, 2, 5, 32, 32))
            volume = series.asarray()
        assert volume.dtype == np.float32 and (volume.std(axis=(3, 4)) > 0).all()

        raw = tmp_path / "run" / "ome-tiff" / f"planes_p{p:03d}.ome.tif"
        pixels = from_tiff(raw).images[0].pixels
        assert pixels.physical_size_x == 1 and pixels.physical_size_z is None
        told = {(q.the_t, q.the_c, q.the_z): q for q in pixels.planes}
        for line in lines:
            if line["p"] != p:
                continue
            plane = told[line["t"], line["c"], line["order"]]
            assert plane.position_z == pytest.approx(line["z_actual_um"])
            assert plane.exposure_time == line["exposure_ms"] == 1 + line["c"]
            assert plane.delta_t > 0
        stack = tifffile.imread(raw)
        assert stack.shape == (2, 2, 4, 32, 32) and stack.dtype == np.uint16


def test_an_unfinished_one_gives_what_it_has(demo, tmp_path, wanted, capsys):
    seen = []

    def stop(*_):
        seen.append(1)
        if len(seen) == 6:
            demo.mda.cancel()

    demo.mda.events.frameReady.connect(stop)
    plain = wanted.replace(metadata=sequence().metadata)
    assert run(demo, plain, tmp_path / "run").summary.status == "aborted"
    assert not (tmp_path / "run" / "ome-tiff").exists()
    assert main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "tif")]) == 0
    assert "planes_p000.ome.tif" in capsys.readouterr().out
    pixels = from_tiff(tmp_path / "tif" / "planes_p000.ome.tif").images[0].pixels
    # the second channel has two planes of four: the others are not in the file
    assert len(pixels.planes) == len(pixels.tiff_data_blocks) == 6
    volumes = from_tiff(tmp_path / "tif" / "volumes_p000.ome.tif").images[0].pixels
    assert volumes.size_c == 1 and volumes.channels[0].name == "DAPI"


def test_an_unknown_pixel_size_is_left_out(demo, tmp_path):
    demo.deletePixelSizeConfig("Res10x")
    demo.deletePixelSizeConfig("Res20x")
    demo.deletePixelSizeConfig("Res40x")
    assert run(demo, sequence(), tmp_path / "run").summary.status == "completed"
    assert main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "tif")]) == 0
    pixels = from_tiff(tmp_path / "tif" / "volumes_p000.ome.tif").images[0].pixels
    assert pixels.physical_size_x is None and pixels.physical_size_z == 1
    assert {(q.position_x, q.position_y) for q in pixels.planes} == {(None, None)}


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_a_report_of_every_volume(demo, tmp_path):
    wanted = sequence(time_plan={"interval": 0, "loops": 2})
    assert run(demo, wanted, tmp_path / "run").summary.status == "completed"
    args = ["export", str(tmp_path / "run"), "--out", str(tmp_path / "out")]
    assert main([*args, "--reports"]) == 0
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names == [f"report_t00{t}_p000_g000_c000.png" for t in (0, 1)]
    with Image.open(tmp_path / "out" / names[1]) as picture:
        assert picture.width > 1000
    (tmp_path / "run" / "summary.json").unlink()
    assert main([*args, "--reports"]) == 2


def test_no_experiment(tmp_path, capsys):
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "tif")]) == 2
    assert "holds no run" in capsys.readouterr().err
    assert not (tmp_path / "tif").exists()
