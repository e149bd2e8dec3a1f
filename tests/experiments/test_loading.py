"""Runs of both kinds opened to look at: the files' values, read when asked for."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
import tensorstore
import tifffile
import useq
from experiment_fakes import sequence

import rmz_acquire
from rmz_acquire import InputError, load
from rmz_acquire.acquisition import close_core, load_simulated

CHANNELS = [{"config": "DAPI", "exposure": 1}, {"config": "FITC", "exposure": 2}]


def _array(path):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path / "0")}}
    return tensorstore.open(spec, open=True, read=True).result().read().result()


def _lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _told(folder):
    """What is in a folder, file by file."""
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _values(array, name):
    return array.coords[name].values


def _forget_planes(folder):
    """Let the journal tell no more than that of an older version."""
    journal = folder / "volumes.ome.zarr" / "volumes.jsonl"
    (line,) = _lines(journal)
    del line["output_planes"]
    journal.write_text(json.dumps(line) + "\n", "utf-8")


def _spoil_pixels(folder):
    """Put rubbish where pixels were."""
    for chunk in folder.rglob("c/**/*"):
        if chunk.is_file():
            chunk.write_bytes(b"rubbish")


@pytest.fixture(scope="module")
def one_volume(tmp_path_factory):
    """One volume of the simulated microscope, made as the README does; not to touch."""
    folder = tmp_path_factory.mktemp("one") / "run"
    core = load_simulated(specimen="beads", seed=5, exposure_ms=20)
    core.setROI(0, 0, 48, 40)
    block = {"version": 1, "estimator": "wiener", "max_planes": 4, "epsilon": 1e-9}
    wanted = useq.MDASequence(
        z_plan={"bottom": -5, "top": 5, "step": 1}, metadata={"rmz_acquire": block}
    )
    summary = rmz_acquire.run(core, wanted, folder).summary
    assert summary.status == "completed", summary.reason
    close_core(core)
    return folder


@pytest.fixture
def volume_folder(one_volume, tmp_path):
    return shutil.copytree(one_volume, tmp_path / "one")


@pytest.fixture(scope="module")
def many_volumes(tmp_path_factory, small_demo):
    """Eight volumes on the stock demo microscope; not to touch."""
    folder = tmp_path_factory.mktemp("many") / "run"
    wanted = sequence(
        channels=[CHANNELS[0], {**CHANNELS[1], "do_stack": True}],
        stage_positions=[
            {"x": 10, "y": 20, "z": 3, "name": "first"},
            {"x": 30, "y": 40, "z": 5},
        ],
        time_plan={"interval": 0, "loops": 2},
    )
    with small_demo() as core:
        summary = rmz_acquire.run(core, wanted, folder).summary
    assert summary.status == "completed", summary.reason
    return folder


@pytest.fixture
def experiment(many_volumes, tmp_path):
    return shutil.copytree(many_volumes, tmp_path / "many")


def test_an_older_run_tells_of_planes_what_is_known_of_its_places(volume_folder):
    told = load(volume_folder).volumes
    _forget_planes(volume_folder)
    found = load(volume_folder).volumes
    for name in ("measured", "nearest_um"):
        np.testing.assert_allclose(_values(found, name), _values(told, name))
    assert (_values(found, "predicted_error") > 0).all()


def test_one_volume_has_the_values_of_its_files(one_volume):
    before = _told(one_volume)
    run = load(str(one_volume))
    store = one_volume / "planes.ome.zarr"
    told = _lines(store / "planes.jsonl")
    planes = run.planes
    assert planes.dims == ("plane", "y", "x") and len(planes) == 4
    assert planes.dtype == np.uint16 and planes.attrs["units"] == "counts"
    # of one position, the image stands at the root of the Zarr
    np.testing.assert_array_equal(np.asarray(planes), _array(store)[0, 0])
    for name, units in (
        ("z_requested_um", "µm"),
        ("z_actual_um", "µm"),
        ("exposure_ms", "ms"),
    ):
        assert planes.coords[name].dims == ("plane",)
        assert planes.coords[name].attrs == {"units": units}
        assert _values(planes, name).tolist() == [line[name] for line in told]
    assert _values(planes, "index").tolist() == [0, 1, 2, 3]
    first = datetime.fromisoformat(told[0]["time"])
    assert _values(planes, "acquired")[0].item().replace(tzinfo=UTC) == first
    summary = json.loads((one_volume / "summary.json").read_text())
    pixel = summary["pixel_size_um"]
    np.testing.assert_allclose(_values(planes, "x"), pixel * np.arange(48))
    assert planes.coords["y"].attrs == {"units": "µm"}

    volumes = run.volumes
    assert volumes.dims == ("time", "position", "channel", "z", "y", "x")
    assert volumes.shape[:3] == (1, 1, 1) and volumes.dtype == np.float32
    np.testing.assert_array_equal(
        np.asarray(volumes)[0, 0, 0], tifffile.imread(one_volume / "volume.ome.tif")
    )
    assert _values(volumes, "z").tolist() == summary["z_um"]
    assert volumes.coords["z"].attrs == {"units": "µm"}
    known = summary["output_planes"]
    for name in ("measured", "nearest_um", "predicted_error"):
        assert volumes.coords[name].dims == ("time", "position", "channel", "z")
        assert _values(volumes, name)[0, 0, 0].tolist() == known[name]
    assert _values(volumes, "measured").sum() == 4
    assert "spread" not in volumes.coords  # wiener has no other candidates

    assert run.decisions == _lines(one_volume / "decisions.jsonl")
    assert run.decisions[0]["delta"] is None
    assert run.summary.model_dump(mode="json") == summary
    assert run.optics["camera"].model_dump() == summary["optics"]
    assert run.folder == one_volume
    assert _told(one_volume) == before


def test_an_experiment_has_the_values_of_its_files(many_volumes):
    experiment = many_volumes
    before = _told(experiment)
    run = load(experiment)
    lines = _lines(experiment / "planes.ome.zarr" / "planes.jsonl")
    raw = [_array(experiment / "planes.ome.zarr" / f"p00{p}") for p in (0, 1)]
    planes = run.planes
    assert planes.shape == (len(lines), 32, 32) == (32, 32, 32)
    names = ("time", "position", "channel", "index")
    at = list(zip(*(_values(planes, name) for name in names), strict=True))
    keys = [(n["t"], n["p"], CHANNELS[n["c"]]["config"], n["order"]) for n in lines]
    assert sorted(at) == sorted(keys)
    whole = np.asarray(planes)
    for line, key in zip(lines, keys, strict=True):
        n = at.index(key)
        pixels = raw[line["p"]][line["t"], line["c"], line["order"]]
        np.testing.assert_array_equal(whole[n], pixels)
        for name in ("z_requested_um", "z_actual_um", "exposure_ms"):
            assert _values(planes, name)[n] == line[name]
    assert set(_values(planes, "position_name")) == {"first", ""}

    volumes = run.volumes
    assert volumes.dims == ("time", "position", "channel", "z", "y", "x")
    assert volumes.shape == (2, 2, 2, 7, 32, 32)
    assert _values(volumes, "channel").tolist() == ["DAPI", "FITC"]
    # the positions are at z of their own
    z_um = volumes.coords["z_um"]
    assert z_um.dims == volumes.dims[:4] and z_um.attrs == {"units": "µm"}
    assert z_um.values[1, 0, 1].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert z_um.values[0, 1, 0].tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert set(_values(volumes, "status").ravel()) == {"max_planes"}
    for p in (0, 1):
        made = _array(experiment / "volumes.ome.zarr" / f"p00{p}")
        np.testing.assert_array_equal(volumes[:, p], made)
        np.testing.assert_array_equal(
            volumes[1, p, 0, 2:4, 5:9, 3], made[1, 0, 2:4, 5:9, 3]
        )

    every = _lines(experiment / "decisions.jsonl")
    assert sorted(map(str, run.decisions)) == sorted(map(str, every))
    said = json.loads((experiment / "summary.json").read_text())
    assert run.summary.model_dump(mode="json") == said
    assert _told(experiment) == before


def test_opening_reads_no_pixel(volume_folder, experiment):
    for folder in (volume_folder, experiment):
        _spoil_pixels(folder)
        run = load(folder)
        assert "z_actual_um" in repr(run.planes) and "µm" in repr(run.volumes)
        assert str(folder) in repr(run) and len(run.planes) in (4, 32)
        with pytest.raises(InputError, match="the pixels cannot be read"):
            run.planes[0]


def test_a_part_is_indexed_as_numpy_does(one_volume):
    volumes = load(one_volume).volumes
    whole = np.asarray(volumes)
    many = np.arange(whole.shape[3]) % 3 == 0
    for key in (0, -1, slice(2, 9, 3), ..., (..., 3), (2, slice(5), 1), many, [4, 1]):
        at = (0, 0, 0, *(key if isinstance(key, tuple) else (key,)))
        np.testing.assert_array_equal(volumes[at], whole[at])
    np.testing.assert_array_equal(
        volumes[0, 0, 0, many, :, ::-2], whole[0, 0, 0, many][:, :, ::-2]
    )
    assert volumes[0, 0, 0, 0:0].shape == (0, *whole.shape[4:])
    for key in (99, (0, 0, 0, 0, 0, 0, 0), (..., ...)):
        with pytest.raises(IndexError):
            volumes[key]


def test_a_run_cut_off_is_a_part_of_one(volume_folder):
    (volume_folder / "summary.json").unlink()
    shutil.rmtree(volume_folder / "volumes.ome.zarr")
    lines = volume_folder / "decisions.jsonl"
    text = lines.read_text("utf-8")
    lines.write_text(text[:-20], "utf-8")
    run = load(volume_folder)
    assert run.summary is None and run.volumes is None
    assert len(run.planes) == 4 and len(run.decisions) == 3
    assert "cut off" in repr(run)


def test_an_experiment_cut_off_is_a_part_of_one(experiment):
    (experiment / "summary.json").unlink()
    journal = experiment / "volumes.ome.zarr" / "volumes.jsonl"
    kept = journal.read_text("utf-8").splitlines(keepends=True)
    # of the last two, half a line and none
    journal.write_text("".join(kept[:-2]) + kept[-2][:30], "utf-8")
    before = _told(experiment)
    run = load(experiment)
    assert run.summary is None and "cut off" in repr(run)
    status = _values(run.volumes, "status")
    assert (status == "killed").sum() == 2
    there = np.isfinite(np.asarray(run.volumes)).all(axis=(3, 4, 5))
    np.testing.assert_array_equal(there, status != "killed")
    assert _told(experiment) == before


def test_what_was_not_reached_is_not_a_number(demo, tmp_path):
    wanted = sequence(
        stage_positions=[(0, 0, 3), (5, 0, 3), (9, 0, 3)],
        channels=[CHANNELS[0], {**CHANNELS[1], "do_stack": False}],
    )
    demo.mda.events.frameReady.connect(
        lambda _i, event, _m: demo.mda.cancel() if event.index["p"] == 1 else None
    )
    assert rmz_acquire.run(demo, wanted, tmp_path / "run").summary.status == "aborted"
    run = load(tmp_path / "run")
    # the channel of single planes has planes and no volumes; z is the same for all
    assert _values(run.volumes, "channel").tolist() == ["DAPI"]
    assert _values(run.volumes, "z").tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert set(_values(run.planes, "channel")) == {"DAPI", "FITC"}
    assert _values(run.volumes, "status")[0, :, 0].tolist() == [
        "max_planes",
        "aborted",
        "",
    ]
    assert np.isnan(run.volumes[0, 2]).all() and np.isfinite(run.volumes[0, 0]).all()


def test_positions_may_differ_in_depth_and_have_fields(demo, tmp_path):
    inner = {"z_plan": {"range": 4, "step": 1}}
    wanted = sequence(
        {"max_planes": 3},
        stage_positions=[{"x": 0, "y": 0, "z": 3}, {"z": 3, "sequence": inner}],
        grid_plan={"rows": 1, "columns": 2, "fov_width": 32, "fov_height": 32},
    )
    summary = rmz_acquire.run(demo, wanted, tmp_path / "run").summary
    assert summary.status == "completed", summary.reason
    run = load(tmp_path / "run")
    volumes = run.volumes
    assert volumes.dims == ("time", "position", "field", "channel", "z", "y", "x")
    assert volumes.shape == (1, 2, 2, 1, 7, 32, 32)
    z_um = volumes.coords["z_um"].values[0, 1, 1, 0]
    np.testing.assert_array_equal(z_um, [1, 2, 3, 4, 5, np.nan, np.nan])
    for p, g, deep in ((0, 0, 7), (0, 1, 7), (1, 0, 5), (1, 1, 5)):
        made = _array(tmp_path / "run" / "volumes.ome.zarr" / f"p00{p}_g00{g}")
        np.testing.assert_array_equal(volumes[0, p, g, 0, :deep], made[0, 0])
        assert np.isnan(volumes[0, p, g, 0, deep:]).all()
    assert set(_values(run.planes, "field")) == {0, 1}


def test_a_run_that_still_goes_on_is_there_as_far_as_it_is(demo, tmp_path):
    seen = []

    def look(_volume, decision, _estimate):
        run = load(tmp_path / "run")
        assert run.summary is None and run.volumes is None
        seen.append((decision.index, len(run.planes), len(run.planes[-1])))

    rmz_acquire.run(demo, sequence(), tmp_path / "run", on_decision=look)
    assert seen == [(n, n + 1, 32) for n in range(4)]


def test_nothing_taken_is_nothing_there(volume_folder):
    shutil.rmtree(volume_folder / "planes.ome.zarr")
    shutil.rmtree(volume_folder / "volumes.ome.zarr")
    (volume_folder / "decisions.jsonl").unlink()
    run = load(volume_folder)
    assert len(run.planes) == len(run.decisions) == 0 and run.volumes is None
    assert np.asarray(run.planes).shape == (0, 0, 0)
    assert run.optics["camera"].na > 0 and "none" in repr(run)


def test_dask_xarray_and_pandas_take_what_is_there(one_volume, experiment):
    dask, xarray = pytest.importorskip("dask.array"), pytest.importorskip("xarray")
    pandas = pytest.importorskip("pandas")
    for folder in (one_volume, experiment):
        run = load(folder)
        for array in (run.planes, run.volumes):
            made = xarray.DataArray(
                dask.from_array(array),
                dims=array.dims,
                coords=array.coords,
                attrs=array.attrs,
            )
            assert made.x.attrs["units"] == "µm"
            np.testing.assert_array_equal(made[-1].values, array[-1])
        table = pandas.DataFrame(run.decisions)
        assert len(table) == len(run.planes) and np.isnan(table.delta[0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (None, ""),
        ("run.json", "{"),
        ("run.json", '{"version": 1}'),
        ("summary.json", '{"of": "another program"}'),
        ("planes.ome.zarr/zarr.json", '{"attributes": {}}'),
    ],
)
def test_a_folder_that_is_none_of_ours_is_told_in_one_line(tmp_path, name, content):
    if name is not None:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(InputError, match=tmp_path.name) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value) and "KeyError" not in str(caught.value)
    with pytest.raises(InputError, match="is no folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("left", [0, 4, 6, 50, 9000])
@pytest.mark.parametrize("damaged", ["volumes.ome.zarr", "planes.ome.zarr"])
def test_damage_is_told_in_one_line(volume_folder, damaged, left):
    file = volume_folder / damaged / "0" / "zarr.json"
    whole = file.read_bytes()
    file.write_bytes(whole[: min(left, len(whole) - 9)])
    run = load(volume_folder)
    with pytest.raises(InputError, match=volume_folder.name) as caught:
        getattr(run, damaged.partition(".")[0])
    assert "\n" not in str(caught.value)
    assert str(caught.value) in repr(run)


@pytest.mark.parametrize("damaged", ["decisions", "volumes.ome.zarr/volumes"])
@pytest.mark.parametrize("line", ["rubbish", "{}", "3"])
def test_a_line_that_is_none_is_told_in_one_line(experiment, damaged, line):
    file = experiment / f"{damaged}.jsonl"
    file.write_text(f"{line}\n{file.read_text('utf-8')}", "utf-8")
    with pytest.raises(InputError, match="cannot be read as a run") as caught:
        load(experiment)
    assert "\n" not in str(caught.value)
