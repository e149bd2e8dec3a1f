"""Dense stacks as training data: prepared, split, cut, refused, and fine-tuned on."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import yaml
from scipy import ndimage
from skimage.filters import threshold_triangle

from rmz_acquire.errors import InputError
from rmz_acquire.models import load_model
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import Normalisation, extended_focus
from rmz_acquire.reconstruction.extended_focus import triangle_threshold
from rmz_acquire.simulation.stack import simulate_stack
from rmz_acquire.stacks import write_stack
from rmz_acquire.training import TrainingConfig, fit, release
from rmz_acquire.training.files_config import StackFile
from rmz_acquire.training.preparation import (
    crop_corners,
    lateral_shift,
    register_planes,
)
from rmz_acquire.training.recorded_dataset import split_specimens, training_stacks
from rmz_acquire.training.sequences import TrainingSequences

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)


@cache
def stack(seed=1, size=64, specimen="beads", optics=OPTICS):
    return simulate_stack(
        specimen,
        seed,
        optics,
        planes=7,
        z_step_um=1.0,
        shape=(size, size),
        exposure_ms=50,
    )


@pytest.fixture
def three(tmp_path):
    for i in range(3):
        write_stack(
            tmp_path / f"s{i}.ome.tif",
            stack(i).counts,
            z_step_um=1.0,
            pixel_size_um=0.325,
        )
    return tmp_path


def with_files(make, folder, **more):
    paths = [{"path": p} for p in sorted(folder.glob("*.ome.tif"))]
    return make(files={"stacks": paths, **more})


def test_planes_that_drift_are_put_back():
    sharp = stack(3, 96, "nuclei").truth[2:5]
    drift = np.array([[1.5, -2.0], [0, 0], [-1.0, 2.25]])
    moved = np.stack(
        [
            ndimage.shift(p, d, order=3, mode="nearest")
            for p, d in zip(sharp, drift, strict=True)
        ]
    )
    found = lateral_shift(sharp[1], ndimage.shift(sharp[1], (3, -2), order=3))
    assert found == pytest.approx((3, -2), abs=0.2)
    aligned, shifts = register_planes(moved)
    assert np.abs(shifts - drift).max() < 0.5
    inner = (slice(None), slice(8, -8), slice(8, -8))

    def rms(a):
        return np.sqrt(np.mean((a[inner] - sharp[inner]) ** 2))

    assert rms(aligned) < 0.4 * rms(moved)


def test_a_turned_plane_is_turned_back():
    sharp = stack(3, 96, "nuclei").truth[2:5].copy()
    sharp[0] = ndimage.rotate(sharp[1], 1.5, reshape=False, order=3, mode="nearest")
    plain, turned = register_planes(sharp)[0], register_planes(sharp, rotation=True)[0]

    def error(a):
        return np.abs(a[0] - sharp[1])[16:-16, 16:-16].mean()

    assert error(turned) < 0.6 * error(plain)


def test_extended_focus_shows_each_bead_sharp():
    planes = stack(2).truth
    picture, highest = extended_focus(planes), planes.max(0)
    peaks = (highest == ndimage.maximum_filter(highest, 9)) & (highest > 150)
    assert peaks.sum() >= 3
    assert np.median(picture[peaks] / highest[peaks]) > 0.98
    assert picture.std() > planes.mean(0).std()


def test_the_triangle_threshold_is_that_of_scikit_image():
    picture = extended_focus(stack(2, 128, "nuclei").truth)
    theirs = threshold_triangle(picture)
    width = float(np.ptp(picture)) / 256
    assert triangle_threshold(picture) == pytest.approx(theirs, abs=2 * width)


def test_the_papers_normalisation_by_hand():
    """A flat background of 100, a square of 1100: shift and scale follow."""
    planes = np.full((2, 64, 64), 100.0)
    planes[0, 20:36, 20:36] = 1100
    planes += np.random.default_rng(0).normal(0, 1, planes.shape)
    scale = Normalisation.of(planes, "edf")
    assert scale.background == pytest.approx(100, abs=1)
    assert scale.scale == pytest.approx(1000, abs=5)


def test_crops_do_not_overlap():
    corners = crop_corners((70, 130), 32, "s")
    assert len(corners) == 8
    rows, columns = zip(*corners, strict=True)
    assert sorted(set(rows)) == [3, 35]
    assert sorted(set(columns)) == [1, 33, 65, 97]


def test_a_specimen_stays_on_one_side():
    files = [StackFile(path=f"{i}.tif", specimen=f"worm {i // 2}") for i in range(10)]
    learning, looking = split_specimens(files, 0.2, 1)
    assert len(looking) == 2
    assert not {f.specimen for f in learning} & {f.specimen for f in looking}


def test_stacks_train_and_are_looked_at(make, three, tmp_path):
    config = with_files(make, three, share=0.5)
    learning, looking = training_stacks(config)
    assert (len(learning), len(looking)) == (8, 4)
    seen = list(
        TrainingSequences(config, specimens=2, validation=True, recorded=looking)
    )
    assert seen[0].target.shape == (2, 32, 32)
    config = make(**config.model_dump() | {"normalisation": "edf"})
    module = fit(config, tmp_path / "run", workers=0)
    assert module.global_step == 5


BAD = {
    "small": "smaller than a crop",
    "dark": "every pixel is zero",
    "saturated": "saturated",
    "voxel": "voxel sizes must agree",
    "unknown": "does not give its pixel size",
    "both": "in training and in validation",
    "one": "one more is needed",
    "missing": "no such file",
    "shallow": "too few",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_stacks_are_told_in_one_line_before_training(kind, make, three, tmp_path):
    good = [{"path": three / f"s{i}.ome.tif"} for i in range(2)]
    counts = stack(5).counts
    bad = {"path": three / "bad.ome.tif"}
    pixel = 0.4 if kind == "voxel" else 0.325
    if kind == "small":
        counts = counts[:, :20, :20]
    elif kind == "dark":
        counts = np.zeros_like(counts)
    elif kind == "saturated":
        counts = np.minimum(counts.astype(np.int64) * 400, 65535).astype(np.uint16)
    elif kind == "shallow":
        counts = counts[:2]
    write_stack(bad["path"], counts, z_step_um=1.0, pixel_size_um=pixel)
    if kind == "unknown":
        import tifffile

        bad["path"] = three / "bad.tif"
        tifffile.imwrite(bad["path"], counts, photometric="minisblack")
    stacks = [*good, bad]
    if kind == "both":
        stacks = [
            {**good[0], "specimen": "worm", "split": "train"},
            {**good[1], "specimen": "worm", "split": "validation"},
        ]
    elif kind == "one":
        stacks = good[:1]
    elif kind == "missing":
        stacks = [*good, {"path": three / "nothing.tif"}]
    config = make(files={"stacks": stacks})
    with pytest.raises(InputError, match=BAD[kind]) as caught:
        fit(config, tmp_path / "run", workers=0)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_paths_are_from_where_the_configuration_lies(tiny, three):
    tiny["files"] = {"stacks": [{"path": f"s{i}.ome.tif"} for i in range(3)]}
    path = three / "mine.yaml"
    path.write_text(yaml.safe_dump(tiny))
    config = TrainingConfig.from_yaml(path)
    assert config.files.stacks[0].path == (three / "s0.ome.tif").resolve()


@pytest.mark.slow
def test_finetuning_on_three_stacks_helps_on_another_microscope(make, tmp_path):
    """Stacks of another NA and another kind of specimen than the base model knows."""
    network = {"levels": 2, "base_channels": 8, "norm": "group"}
    steps = {"steps": 150, "accumulate": 1, "learning_rate": 0.01}
    steps["average_decay"] = 0.9
    base = make(network=network, optimiser=steps, planes=[3, 3], loss="berhu")
    module = fit(base, tmp_path / "base", workers=0)
    model = release(base, module.average.module, tmp_path / "model")

    real = OPTICS.model_copy(update={"na": 0.45})
    for i in range(3):
        counts = stack(i, 64, "nuclei", real).counts
        path = tmp_path / f"s{i}.ome.tif"
        write_stack(path, counts, z_step_um=1.0, pixel_size_um=0.325)
    tuned = make(
        network=network,
        optimiser=steps,
        planes=[3, 3],
        loss="berhu",
        files={"stacks": [{"path": p} for p in sorted(tmp_path.glob("*.tif"))]},
        start_from=str(tmp_path / "model"),
        validate_every=20,
    )
    after = fit(tuned, tmp_path / "tuned", workers=0)

    def held_out_error(net):
        from rmz_acquire.reconstruction import make_estimator

        fresh = stack(77, 64, "nuclei", real)
        loaded = type(model)(model.card, net.eval(), model.sha256)
        estimator = make_estimator("recurrent-mz", fresh.z_um, OPTICS, model=loaded)
        for i in (1, 3, 5):
            estimator.add(fresh.counts[i], float(fresh.z_um[i]))
        unseen = [0, 2, 4, 6]
        made = estimator.volume[unseen] - fresh.truth[unseen]
        return float(np.sqrt(np.mean(made**2)))

    assert load_model(tmp_path / "model").card.network == tuned.network
    before = held_out_error(load_model(tmp_path / "model").network)
    assert held_out_error(after.average.module) < 0.9 * before
