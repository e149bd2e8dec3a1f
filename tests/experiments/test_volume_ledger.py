"""What is told of every output plane lies in every file; no viewer trips over it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorstore
import tifffile
import useq
from ome_types import from_tiff
from scan_fakes import blobs
from stack_runs import OPTICS, PIXEL_UM, Z_UM, a_run, saved
from yaozarrs import validate_zarr_store

from rmz_acquire.cli import main
from rmz_acquire.experiments import run
from rmz_acquire.experiments.export import export_ome_tiff
from rmz_acquire.experiments.verify import verify
from rmz_acquire.recording import draw_report, read_summary
from rmz_acquire.simulation.recorded import RecordedMicroscope
from rmz_acquire.stacks import read_stack

TAKEN = (3.0, 15.0, 9.0, 6.0, 12.0, 4.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("ledger") / "run"
    a_run(made, estimator="wiener", optics=OPTICS, z_um=TAKEN)
    return made


def array_of(image, name):
    path = str(image / "output_planes" / name)
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": path}}
    return tensorstore.open(spec, open=True).result().read().result()


def notes_of(path):
    ome = from_tiff(path)
    notes = {n.id: n.value for n in ome.structured_annotations.map_annotations}
    planes = ome.images[0].pixels.planes
    return [notes[plane.annotation_refs[0].id] for plane in planes]


def test_summary_zarr_and_tiff_say_the_same(folder):
    told = saved(folder)["output_planes"]
    assert told["z_um"] == pytest.approx(Z_UM)
    assert [z for z, is_so in zip(Z_UM, told["measured"], strict=True) if is_so] == (
        sorted(TAKEN)
    )
    away = np.abs(np.array(Z_UM)[:, None] - TAKEN).min(1)
    assert told["nearest_um"] == pytest.approx(away)
    error = np.array(told["predicted_error"])
    assert error[away == 0].max() < error[away > 0.9].min()
    for name in ("measured", "nearest_um", "predicted_error"):
        found = array_of(folder / "volumes.ome.zarr", name)
        assert found.shape == (1, 1, 25)
        np.testing.assert_allclose(found[0, 0], np.array(told[name], float), rtol=1e-6)
    assert np.isnan(array_of(folder / "volumes.ome.zarr", "spread")).all()
    (exported,) = [
        f
        for f in export_ome_tiff(folder, folder.parent / "as-tiff")
        if f.name.startswith("volumes")
    ]
    for path in (folder / "volume.ome.tif", exported):
        notes = notes_of(path)
        assert [n["measured"] == "true" for n in notes] == told["measured"]
        assert [float(n["predicted_error"]) for n in notes] == pytest.approx(
            told["predicted_error"], rel=1e-4
        )


def test_files_stay_what_their_formats_ask_for(folder):
    validate_zarr_store(str(folder / "volumes.ome.zarr"))
    path = folder / "volume.ome.tif"
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.series[0].axes == "ZYX" and len(file.series) == 1
    for source in (path, folder / "volumes.ome.zarr"):
        assert read_stack(source).data.shape[-3:] == (25, 40, 44)


def test_the_dose_is_told_and_bleaching_where_it_can_be(folder):
    told = saved(folder)
    assert [one["z_um"] for one in told["exposures"]] == list(TAKEN)
    assert told["fading"]["told_by"] == "all planes" and not told["fading"]["seen"]
    (axes,) = [
        axes
        for axes in draw_report(read_summary(folder), [], volume=None).axes
        if axes.get_title(loc="left") == "Dose"
    ]
    assert "bleaching: not seen" in axes.get_xlabel()


def test_the_report_marks_what_was_measured(folder):
    figure = draw_report(read_summary(folder), [], volume=None)
    (axes,) = [
        axes
        for axes in figure.axes
        if axes.get_title(loc="left") == "Predicted error along z"
    ]
    error, marks = axes.lines
    told = saved(folder)["output_planes"]
    np.testing.assert_allclose(
        error.get_ydata(), 100 * np.array(told["predicted_error"])
    )
    assert sorted(marks.get_xdata()) == sorted(TAKEN)


@pytest.mark.slow
def test_verify_tells_what_the_order_changes(folder, capsys):
    assert verify(folder, reverse=True).order["the volume"] < 1e-3
    assert verify(folder).order == {}
    assert main(["scan", "--verify", str(folder)]) == 0
    assert (
        "planes in reverse order change the volume by 0.0%" in capsys.readouterr().out
    )


def test_reconstruct_tells_it_of_planes_on_disk(folder, tmp_path, capsys):
    out = tmp_path / "again.ome.tif"
    assert (
        main(["reconstruct", str(folder), "--estimator", "linear", "--out", str(out)])
        == 0
    )
    told = json.loads(out.with_name("again.ome.tif.json").read_text("utf-8"))
    assert (
        told["output_planes"]["nearest_um"]
        == saved(folder)["output_planes"]["nearest_um"]
    )
    # linear predicts no plane where planes are only read
    assert told["output_planes"]["predicted_error"] is None
    assert dict(notes_of(out)[0].items()) == {"measured": "true", "nearest_um": "0"}


def test_volumes_rendered_later_have_it_too(tmp_path):
    stack = blobs(Z_UM, shape=(264, 264))
    sequence = useq.MDASequence(
        z_plan={"absolute": [float(z) for z in Z_UM]},
        metadata={
            "rmz_acquire": {"version": 1, "estimator": "linear", "max_planes": 4}
        },
    )
    scope = RecordedMicroscope(stack, Z_UM, pixel_size_um=PIXEL_UM)
    run(scope, sequence, tmp_path / "run")
    told = saved(tmp_path / "run")["output_planes"]
    assert sum(told["measured"]) == 4 and min(told["predicted_error"]) > 0
    found = array_of(tmp_path / "run" / "volumes.ome.zarr", "predicted_error")
    np.testing.assert_allclose(found[0, 0], told["predicted_error"], rtol=1e-5)
    assert len(notes_of(tmp_path / "run" / "volume.ome.tif")) == 25
