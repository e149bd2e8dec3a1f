"""Each channel has the pixel size, optics and picture size that its settings give it.

The microscope has pixels of 0.325 µm at 20x and 0.1625 µm at 40x, 64 × 96 of them.
"""

from __future__ import annotations

import json

import pytest
import tifffile
import useq
from experiment_fakes import sequence, standing
from ome_types import from_tiff
from two_cameras import config
from yaozarrs import open_group

from rmz_acquire.acquisition import close_core, open_core
from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import StoredExperiment, resume, run
from rmz_acquire.experiments.export import export_ome_tiff
from rmz_acquire.experiments.keeping import as_yaml
from rmz_acquire.experiments.verify import verify

GREEN = {"config": "Green", "exposure": 2}
RED = {"config": "Red", "exposure": 3}
BINNED = ("Cam", "Binning", 2)
AT_40X = ("Objective", "Label", "40x/0.95 Air")
AT_20X = ("Objective", "State", 0)
ON_CAM2 = ("Core", "Camera", "Cam2")


@pytest.fixture
def scope(tmp_path):
    """Open the microscope with more settings in its channels; no light is on."""
    cores = []

    def opened(green=(), red=()):
        core = open_core(config(tmp_path / "scope.cfg", green, red))
        core.setExposure(10.0)
        cores.append(core)
        return core

    yield opened
    for core in cores:
        assert not core.getShutterOpen()
        close_core(core)


def scales(folder, name="volumes"):
    """The voxel of the OME-Zarr and of the OME-TIFF, µm; and the size of a picture."""
    image = open_group(folder / f"{name}.ome.zarr").ome_metadata()
    zarr = image.multiscales[0].datasets[0].coordinateTransformations[0].scale
    path = next((folder / "ome-tiff").glob(f"{name}_p000*.ome.tif"))
    pixels = from_tiff(path).images[0].pixels
    assert tuple(zarr[3:]) == (pixels.physical_size_y, pixels.physical_size_x)
    return pixels.physical_size_x, tifffile.imread(path).shape[-2:]


def experiment(block=None, **given):
    given.setdefault("channels", [GREEN, RED])
    return sequence(
        {"ome_tiff": True, "stage": {"settle_ms": 0}, **(block or {})}, **given
    )


def check_whole_life(core, folder, wanted):
    """Nothing of it needs what the microscope was not asked for."""
    before = standing(core)
    assert run(core, wanted, folder).summary.status == "completed"
    after = standing(core)
    assert {**after, "xyz": 0} == {**before, "xyz": 0}
    assert verify(folder).differences == []
    again = resume(core, folder).summary
    assert again.status == "completed", again.reason
    assert {**standing(core), "xyz": 0} == {**before, "xyz": 0}
    assert export_ome_tiff(folder, folder.with_name("export"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "pixel_um", "shape", "na"),
    [
        ([], 0.325, (64, 96), 0.75),
        ([BINNED], 0.65, (32, 48), 0.75),
        ([AT_40X], 0.1625, (64, 96), 0.95),
        ([("Objective", "State", 1), BINNED], 0.325, (32, 48), 0.95),
        ([("Cam", "OnCameraCCDXSize", 48)], 0.325, (64, 48), 0.75),
        ([ON_CAM2, ("Cam2", "Binning", 4)], 1.3, (16, 24), 0.75),
    ],
    ids=str,
)
def test_what_a_preset_brings_is_in_files_and_optics(
    scope, tmp_path, settings, pixel_um, shape, na
):
    core = scope(settings, settings)
    folder = tmp_path / "run"
    check_whole_life(core, folder, experiment({"estimator": "wiener"}))
    assert scales(folder) == scales(folder, "planes") == (pixel_um, shape)
    stored = StoredExperiment(folder)
    for volume, wavelength_um in zip(
        stored.prepared.volumes, (0.52, 0.61), strict=True
    ):
        optics = stored.optics_of(volume)
        assert (optics.pixel_size_um, optics.na) == (pixel_um, na)
        assert optics.wavelength_um == wavelength_um
        assert stored.prepared.pixel_size_of(volume) == pixel_um
    told = json.loads((folder / "run.json").read_text())
    assert {one["told"]["pixel_size_um"] for one in told["imaging"]} == {pixel_um}


ROI = {"offset_x": 8, "offset_y": 4, "width": 32, "height": 16}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setup", "pixel_um", "shape", "exposure_ms"),
    [
        ({"properties": [BINNED]}, 0.65, (32, 48), 10),
        ({"roi": ROI}, 0.325, (16, 32), 10),
        ({"properties": [BINNED], "roi": ROI, "exposure": 7}, 0.65, (16, 32), 7),
        ({"properties": [AT_40X, ("Cam", "PixelType", "8bit")]}, 0.1625, (64, 96), 10),
        ({"properties": [ON_CAM2, ("Cam2", "Binning", 2)]}, 0.65, (32, 48), 10),
        ({"channel": {"config": "Red"}, "exposure": 4}, 0.325, (64, 96), 4),
        ({"x_pos": 5.0, "y_pos": 3.0, "pos_name": "here"}, 0.325, (64, 96), 10),
    ],
    ids=str,
)
def test_what_a_setup_brings_is_in_files_and_optics(
    scope, tmp_path, setup, pixel_um, shape, exposure_ms
):
    core = scope()
    folder = tmp_path / "run"
    wanted = experiment({"estimator": "wiener"}, setup=setup, channels=["Green", "Red"])
    check_whole_life(core, folder, wanted)
    assert scales(folder) == (pixel_um, shape)
    stored = StoredExperiment(folder)
    assert stored.sequence == wanted
    volume = stored.prepared.volumes[1]
    assert stored.optics_of(volume).pixel_size_um == pixel_um
    planes = [plane for v in stored.prepared.volumes for plane in stored.planes(v)]
    expected = (
        10 if "properties" in setup and ON_CAM2 in setup["properties"] else exposure_ms
    )
    assert {plane.exposure_ms for plane in planes} == {expected}


@pytest.mark.parametrize(
    ("green", "red", "given", "said"),
    [
        (
            [],
            [BINNED],
            {},
            "channels.1: its pictures are 48 × 32 pixels, those of Green",
        ),
        ([BINNED], [("Cam", "Binning", 4)], {}, "are 24 × 16 pixels"),
        ([], [AT_40X], {}, "channels.1: its pixels are 0.1625 µm, those of Green"),
        ([AT_40X], [AT_20X], {}, "channels.1: its pixels are 0.325 µm"),
        ([], [("Cam", "PixelType", "8bit")], {}, "channels.1: its pictures are uint8"),
        ([], [("Cam", "PixelType", "32bitRGB")], {}, "channels.1: camera 'Cam' gives"),
        ([], [ON_CAM2, ("Cam2", "Binning", 2)], {}, "are 48 × 32 pixels"),
        ([], [("Cam", "Binning", 3)], {}, "channels.1: Cam-Binning cannot be set to 3"),
        (
            # Green does not set it: the second time it has what Red has left
            [],
            [AT_40X],
            {
                "time_plan": {"interval": 0, "loops": 2},
                "stage_positions": [
                    {"z": 0, "sequence": {"channels": [GREEN]}},
                    {"z": 0, "sequence": {"channels": [RED]}},
                ],
            },
            "stage_positions.0.sequence.channels.0: Green at stage_positions.0 would "
            "be imaged in one way first and in another way later (",
        ),
        (
            [],
            [],
            {
                "time_plan": {"interval": 0, "loops": 2},
                "stage_positions": [
                    {"z": 0},
                    {"z": 0, "properties": [BINNED]},
                ],
            },
            "channels.0: Green at stage_positions.0 would be imaged in one way first",
        ),
        (
            [],
            [],
            {"channels": ["Green", RED], "stage_positions": [{"z": 0}, {"z": 1}]},
            "channels.0.exposure: it is missing, and would be 10 ms first and 3 ms",
        ),
        (
            [],
            [],
            {"channels": [GREEN, {"config": "Red", "exposure": 1e9}]},
            "channels.1.exposure: ",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_before_light(
    scope, tmp_path, monkeypatch, green, red, given, said
):
    core = scope(green, red)
    before = standing(core)
    for name in ("snapImage", "setPosition", "setXYPosition", "setShutterOpen"):
        monkeypatch.setattr(core, name, lambda *_: pytest.fail("light, or a move"))
    with pytest.raises(InputError) as caught:
        run(core, experiment(**given), tmp_path / "run")
    monkeypatch.undo()
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    assert standing(core) == before


@pytest.mark.slow
def test_positions_may_be_imaged_in_their_own_way(scope, tmp_path):
    core = scope([AT_20X], [AT_40X])
    wanted = experiment(
        {"estimator": "wiener"},
        channels=[],
        stage_positions=[
            {"z": 0, "sequence": {"channels": [GREEN]}},
            {"z": 0, "sequence": {"channels": [RED]}},
        ],
        time_plan={"interval": 0, "loops": 2},
    )
    check_whole_life(core, tmp_path / "run", wanted)
    for p, (name, size) in enumerate([("Green", 0.325), ("Red", 0.1625)]):
        path = tmp_path / "run" / "ome-tiff" / f"volumes_p{p:03d}.ome.tif"
        pixels = from_tiff(path).images[0].pixels
        assert pixels.physical_size_x == size
        assert [channel.name for channel in pixels.channels] == [name]
        image = open_group(tmp_path / "run" / "volumes.ome.zarr" / f"p{p:03d}")
        omero = image.ome_metadata().omero
        assert [channel.label for channel in omero.channels] == [name]


@pytest.mark.slow
def test_a_camera_for_each_channel(scope, tmp_path, monkeypatch):
    core = scope()
    core.setExposure("Cam2", 20.0)
    used = []
    snap = core.snapImage

    def snapping():
        used.append((core.getCameraDevice(), core.getExposure()))
        snap()

    monkeypatch.setattr(core, "snapImage", snapping)
    wanted = experiment(
        channels=[GREEN, {**RED, "exposure": 2, "camera": "Cam2"}],
        time_plan={"interval": 0, "loops": 2},
    )
    check_whole_life(core, tmp_path / "run", wanted)
    # Green names none: it has the one that was selected, not the one before it
    assert used == ([("Cam", 2)] * 4 + [("Cam2", 2)] * 4) * 2
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [one["camera"] for one in told["imaging"]] == ["Cam", "Cam2"]
    # one that goes on in the middle of the second camera's stack selects it again
    used.clear()
    seen = []

    def stop(_image, event, _meta):
        seen.append(event)
        if len(seen) == 6:
            core.mda.cancel()

    core.mda.events.frameReady.connect(stop)
    assert run(core, wanted, tmp_path / "cut").summary.status == "aborted"
    core.mda.events.frameReady.disconnect(stop)
    assert core.getCameraDevice() == "Cam"
    assert resume(core, tmp_path / "cut").summary.status == "completed"
    assert used == ([("Cam", 2)] * 4 + [("Cam2", 2)] * 4) * 2


def test_a_region_set_by_hand_comes_back(scope, tmp_path):
    core = scope([BINNED], [BINNED])
    core.setROI(8, 8, 40, 24)
    check_whole_life(core, tmp_path / "run", experiment())
    assert tuple(core.getROI()) == (8, 8, 40, 24)


@pytest.mark.slow
def test_tiles_are_as_large_as_the_pictures(scope, tmp_path):
    """At 40x a field is 15.6 × 10.4 µm, whatever stands in place beforehand."""
    core = scope([AT_40X], [AT_40X])
    folder = tmp_path / "run"
    edges = {"top": 10, "left": 0, "bottom": 0, "right": 40}
    check_whole_life(core, folder, experiment(channels=[GREEN], grid_plan=edges))
    volumes = StoredExperiment(folder).prepared.volumes
    x_um = [volume.first.x_pos for volume in volumes]
    assert x_um == pytest.approx([7.8, 23.4, 39.0])


def test_tiles_of_no_known_size_are_refused(scope, tmp_path):
    core = scope()
    core.deletePixelSizeConfig("Res20")
    tiles = {"rows": 1, "columns": 2}
    with pytest.raises(InputError, match="grid_plan: the size of a field is not known"):
        run(core, experiment(grid_plan=tiles), tmp_path / "run")
    given = {**tiles, "fov_width": 30, "fov_height": 20}
    assert (
        run(core, experiment(grid_plan=given), tmp_path / "run").summary.status
        == "completed"
    )
    x_um = [v.first.x_pos for v in StoredExperiment(tmp_path / "run").prepared.volumes]
    assert sorted(set(x_um)) == [-15, 15]


def test_another_camera_does_not_go_on(scope, tmp_path):
    core = scope()
    run(core, experiment(), tmp_path / "run")
    core.definePixelSizeConfig("Res20", "Objective", "Label", "20x/0.75 Air")
    core.setPixelSizeUm("Res20", 0.4)
    core.setProperty("Cam", "Gain", 3)
    before = standing(core)
    with pytest.raises(InputError, match="as the experiment began"):
        resume(core, tmp_path / "run")
    assert standing(core) == before


def test_a_pixel_size_that_is_given_goes_first_and_is_said(scope, tmp_path, caplog):
    core = scope([BINNED], [BINNED])
    run(core, experiment({"optics": {"pixel_size_um": 0.5}}), tmp_path / "run")
    assert scales(tmp_path / "run")[0] == 0.5
    assert "pixel_size_um is 0.5 µm, the configuration tells 0.65 µm" in caplog.text


def test_a_stage_that_is_not_the_focus_device(scope, tmp_path):
    core = scope()
    block = {"stage": {"device": "Piezo"}}
    with pytest.raises(InputError, match=r"stage\.device: 'Piezo' is not the focus"):
        run(
            core,
            experiment(block, stage_positions=[{"x": 1, "y": 2, "z": 5}]),
            tmp_path / "run",
        )
    core.setPosition("Piezo", 20.0)
    summary = run(core, experiment(block), tmp_path / "run").summary
    assert summary.status == "completed"
    stored = StoredExperiment(tmp_path / "run")
    z_um = sorted(p.z_um for p in stored.planes(stored.prepared.volumes[0]))
    assert z_um[0] >= 17 - 0.1 and z_um[-1] <= 23.1
    assert core.getPosition("Z") == 0 and core.getPosition("Piezo") == 20


def test_a_folder_of_the_version_before_opens_and_goes_on(scope, tmp_path, caplog):
    """It has one pixel size, and the action of a setup without its type."""
    core = scope()
    folder = tmp_path / "run"
    seen = []

    def stop(*_):
        seen.append(1)
        if len(seen) == 6:
            core.mda.cancel()

    core.mda.events.frameReady.connect(stop)
    wanted = experiment({"estimator": "wiener"}, setup={"roi": ROI})
    assert run(core, wanted, folder).summary.status == "aborted"
    core.mda.events.frameReady.disconnect(stop)
    told = json.loads((folder / "run.json").read_text())
    del told["imaging"], told["model_path"]
    told["pixel_size_um"] = 0.325
    told["sequence"]["setup"]["action"] = {"name": "setup"}
    (folder / "run.json").write_text(json.dumps(told))
    # on the last plane there may be one or not: it came as all was cancelled
    assert verify(folder).decisions in (5, 6)
    assert resume(core, folder).summary.status == "completed"
    assert scales(folder) == (0.325, (16, 32))
    assert not verify(folder).differences
    assert isinstance(StoredExperiment(folder).sequence, useq.MDASequence)


def test_it_goes_on_from_another_folder(scope, tmp_path, monkeypatch):
    """What was named from where one stood is found from anywhere."""
    scope()
    wanted = experiment().replace(setup={"properties": [BINNED]})
    (tmp_path / "night.yaml").write_text(as_yaml(wanted), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["scan", "night.yaml", "--config", "scope.cfg", "--out", "run"]) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["scan", "--resume", "../run"]) == 0
    assert main(["scan", "--verify", "../run"]) == 0
    assert main(["export", "../run", "--out", "tif"]) == 0
