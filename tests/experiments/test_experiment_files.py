"""What an experiment leaves: every plane findable with its z, volumes in place."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorstore
from experiment_fakes import sequence
from ome_types import from_xml
from yaozarrs import open_group, validate_zarr_store

from rmz_acquire.experiments import resume, run
from rmz_acquire.experiments.verify import verify


def _array(path):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path / "0")}}
    return tensorstore.open(spec, open=True, read=True).result().read().result()


def _lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


CHANNELS = [{"config": "DAPI", "exposure": 1}, {"config": "FITC", "exposure": 2}]


@pytest.fixture
def made(demo, tmp_path):
    images = {}

    def keep(image, event, _meta):
        key = tuple(event.index.get(axis, 0) for axis in "tpc")
        images.setdefault(key, []).append((event.z_pos, image))

    demo.mda.events.frameReady.connect(keep)
    wanted = sequence(
        {"channels": "leader", "policy": "uniform"},
        channels=[CHANNELS[0], {**CHANNELS[1], "z_offset": 0.5}],
        stage_positions=[{"x": 10, "y": 20, "z": 3}, {"x": 30, "y": 40, "z": 5}],
        time_plan={"interval": 0, "loops": 2},
    )
    summary = run(demo, wanted, tmp_path / "run").summary
    assert summary.status == "completed", summary.reason
    return tmp_path / "run", images, summary


def test_every_plane_is_found_by_t_p_c_and_order(made):
    folder, images, summary = made
    lines = _lines(folder / "planes.ome.zarr" / "planes.jsonl")
    assert len(lines) == summary.planes_taken == 32
    arrays = {p: _array(folder / "planes.ome.zarr" / f"p{p:03d}") for p in (0, 1)}
    for line in lines:
        t, p, c, order = (line[name] for name in ("t", "p", "c", "order"))
        z_um, image = images[t, p, c][order]
        assert line["z_requested_um"] == pytest.approx(z_um)
        assert line["z_actual_um"] == pytest.approx(z_um, abs=0.02)
        np.testing.assert_array_equal(arrays[p][t, c, order], image)


def test_the_others_take_the_planes_of_the_leader(made):
    _folder, images, _ = made
    for t in (0, 1):
        for p in (0, 1):
            led = np.array([z for z, _ in images[t, p, 0]])
            followed = np.array([z for z, _ in images[t, p, 1]]) - 0.5
            assert np.allclose(sorted(led), sorted(followed))
            # along the way, from the end that is nearer to where the leader ended
            steps = np.diff(followed)
            assert (steps > 0).all() or (steps < 0).all()
            assert abs(led[-1] - followed[0]) <= abs(led[-1] - followed[-1])


def test_volumes_have_voxel_size_place_and_channels(made):
    folder, _, _ = made
    for name in ("planes", "volumes"):
        validate_zarr_store(str(folder / f"{name}.ome.zarr"))
    for p, (x, y, z) in enumerate([(10, 20, 0), (30, 40, 2)]):
        image = open_group(folder / "volumes.ome.zarr" / f"p{p:03d}").ome_metadata()
        scale, shift = image.multiscales[0].datasets[0].coordinateTransformations
        # the demo microscope has pixels of 1 µm
        assert scale.scale == [1, 1, 1, 1, 1]
        assert shift.translation == [0, 0, z, y, x]
        assert [axis.unit for axis in image.multiscales[0].axes[2:]] == [
            "micrometer"
        ] * 3
        assert [channel.label for channel in image.omero.channels] == ["DAPI", "FITC"]
        volume = _array(folder / "volumes.ome.zarr" / f"p{p:03d}")
        assert volume.shape == (2, 2, 7, 32, 32) and volume.dtype == np.float32
        assert np.isfinite(volume).all() and (volume.std(axis=(3, 4)) > 0).all()


def test_the_images_are_listed_where_readers_look(made):
    """napari's reader goes by the IDs in METADATA.ome.xml, others by the series."""
    folder, _, _ = made
    for name in ("planes", "volumes"):
        store = folder / f"{name}.ome.zarr"
        listed = json.loads((store / "OME" / "zarr.json").read_text("utf-8"))
        assert listed["attributes"]["ome"]["series"] == ["p000", "p001"]
        ome = from_xml(store / "OME" / "METADATA.ome.xml")
        assert [image.id for image in ome.images] == ["Image:p000", "Image:p001"]
        for image, (x, y) in zip(ome.images, [(10, 20), (30, 40)], strict=True):
            pixels = image.pixels
            assert [c.name for c in pixels.channels] == ["DAPI", "FITC"]
            assert (pixels.size_t, pixels.size_c, pixels.size_x) == (2, 2, 32)
            assert pixels.physical_size_x == 1
            assert pixels.physical_size_z == (1 if name == "volumes" else None)
            plane = pixels.planes[0]
            assert (plane.position_x, plane.position_y) == (x, y)


def test_a_position_that_was_not_reached_is_not_listed(demo, tmp_path):
    wanted = sequence(stage_positions=[(0, 0, 3), (5, 0, 4), (9, 0, 4)])
    demo.mda.events.frameReady.connect(
        lambda _i, event, _m: demo.mda.cancel() if event.index["p"] == 1 else None
    )
    assert run(demo, wanted, tmp_path / "run").summary.status == "aborted"

    def listed():
        path = tmp_path / "run" / "planes.ome.zarr" / "OME" / "METADATA.ome.xml"
        return [image.name for image in from_xml(path).images]

    assert listed() == ["p000", "p001"]
    demo.mda.events.frameReady.disconnect()
    assert resume(demo, tmp_path / "run").summary.status == "completed"
    assert listed() == ["p000", "p001", "p002"]


def test_decisions_and_summary(made):
    folder, _, _summary = made
    decisions = _lines(folder / "decisions.jsonl")
    assert len(decisions) == 32
    assert {"t", "p", "g", "c", "index", "z_actual_um"} <= set(decisions[0])
    told = json.loads((folder / "summary.json").read_text())
    assert told["volumes_done"] == 8 and told["planes_full_scan"] == 56
    assert told["dose_ms"] == pytest.approx(4 * 4 * (1 + 2))
    result = verify(folder)
    assert result.decisions == 32 and not result.differences


def test_autofocus_once_a_volume_nominal_and_actual_z_stored(
    demo, tmp_path, monkeypatch
):
    calls = []

    def full_focus():
        # finds the specimen 1.5 µm higher than it stands
        calls.append(demo.getPosition())
        demo.setPosition(demo.getPosition() + 1.5)

    monkeypatch.setattr(demo, "fullFocus", full_focus)
    moved = []
    demo.mda.events.frameReady.connect(lambda *_: moved.append(demo.getPosition()))
    wanted = sequence(
        channels=CHANNELS[:1],
        stage_positions=[(0, 0, 3), (5, 0, 4)],
        autofocus_plan={"axes": ["p"]},
    )
    summary = run(demo, wanted, tmp_path / "run").summary
    assert summary.status == "completed", summary.reason
    assert calls == pytest.approx([3, 4], abs=0.02)
    lines = _lines(tmp_path / "run" / "planes.ome.zarr" / "planes.jsonl")
    assert [line["z_shift_um"] for line in lines] == pytest.approx([1.5] * 8, abs=0.02)
    for line, z_um in zip(lines, moved, strict=True):
        assert z_um == pytest.approx(line["z_requested_um"] + 1.5, abs=0.03)
        assert line["z_actual_um"] == pytest.approx(line["z_requested_um"], abs=0.03)


def test_an_autofocus_that_leads_out_of_the_limits(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "fullFocus", lambda: demo.setPosition(9.0))
    wanted = sequence(
        {"stage": {"limits_um": [-5, 10]}},
        channels=CHANNELS[:1],
        stage_positions=[(0, 0, 3)],
        autofocus_plan={"axes": ["p"]},
    )
    summary = run(demo, wanted, tmp_path / "run").summary
    assert summary.status == "failed"
    assert "outside its limits of -5 to 10 µm" in summary.reason
    assert demo.getPosition() == pytest.approx(0, abs=0.02)
