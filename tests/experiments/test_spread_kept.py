"""The spread of the candidates: kept where it is asked for, in no viewer's way."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from scan_fakes import blobs
from stack_runs import OPTICS, PIXEL_UM, Z_UM, a_run, a_sequence
from yaozarrs import validate_zarr_store

from rmz_acquire import load
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import StoredExperiment, run
from rmz_acquire.experiments.export import export_ome_tiff
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.spread import spread_of
from rmz_acquire.simulation.recorded import RecordedMicroscope

pytestmark = pytest.mark.usefixtures("few_steps")

LAYERS = {"estimator": "richardson-lucy", "optics": OPTICS, "z_um": (3.0, 15.0, 9.0)}


def by_hand(folder):
    stored = StoredExperiment(folder)
    (volume,) = stored.begun
    made = make_estimator("richardson-lucy", Z_UM, stored.optics_of(volume))
    planes = stored.counted(volume)
    for plane in planes:
        made.add(plane.image, plane.z_um)
    return made


def test_it_lies_beside_the_volume_and_is_loaded_and_exported(tmp_path):
    folder = tmp_path / "run"
    a_run(folder, spread=True, **LAYERS)
    found = load(folder)
    made = by_hand(folder)
    assert found.spread.dims == found.volumes.dims
    assert found.spread.shape == found.volumes.shape
    assert found.spread.coords["measured"].values.sum() == 3
    np.testing.assert_allclose(found.spread[0, 0, 0], spread_of(made), rtol=1e-4)
    # the volume is the same, and another program sees an image and no more
    np.testing.assert_allclose(found.volumes[0, 0, 0], made.volume, rtol=1e-5)
    validate_zarr_store(str(folder / "volumes.ome.zarr"))
    head = json.loads((folder / "volumes.ome.zarr" / "zarr.json").read_text("utf-8"))
    (scales,) = head["attributes"]["ome"]["multiscales"]
    assert [each["path"] for each in scales["datasets"]] == ["0"]
    files = export_ome_tiff(folder, tmp_path / "as-tiff")
    (beside,) = [file for file in files if file.name.startswith("spread_")]
    np.testing.assert_array_equal(tifffile.imread(beside), found.spread[0, 0, 0])


@pytest.mark.slow
def test_where_regions_decide_it_is_made_with_the_whole_volume(tmp_path):
    stack = blobs(Z_UM[::4], shape=(64, 264))
    microscope = RecordedMicroscope(stack, Z_UM[::4], pixel_size_um=PIXEL_UM)
    block = {**LAYERS, "regions": [[0, 0, 64, 64]], "spread": True}
    sequence = a_sequence(**block)
    sequence = sequence.replace(z_plan={"absolute": Z_UM[::4].tolist()})
    done = run(microscope, sequence, tmp_path / "run")
    assert done.summary.status == "completed", done.summary.reason
    spread = np.asarray(done.spread)[0, 0, 0]
    assert spread.shape == (7, 64, 264) and np.isfinite(spread).all()
    assert (spread.max((1, 2)) > 0).all()


def test_who_has_no_candidates_is_refused_and_nothing_is_kept_unasked(tmp_path):
    with pytest.raises(InputError, match=r"rmz_acquire\.spread: linear has no cand"):
        a_run(tmp_path / "run", spread=True)
    assert not (tmp_path / "run").exists()
    a_run(tmp_path / "run", max_planes=4)
    assert load(tmp_path / "run").spread is None
