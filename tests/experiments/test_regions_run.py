"""An experiment that decides on regions: what it leaves, and when it is cut short."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import useq
from scan_fakes import blobs
from stack_runs import OPTICS, PIXEL_UM, Z_UM, lines, saved

from rmz_acquire import load
from rmz_acquire.acquisition import Control
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import (
    StoredExperiment,
    Watcher,
    resume,
    run,
    whole_volumes,
)
from rmz_acquire.reconstruction import LinearEstimator
from rmz_acquire.simulation.recorded import RecordedMicroscope

SHAPE = (264, 264)
STACK = blobs(Z_UM, shape=SHAPE)


def microscope():
    return RecordedMicroscope(STACK, Z_UM, pixel_size_um=PIXEL_UM)


def a_sequence(times=1, **block):
    settings = {"version": 1, "estimator": "linear", "max_planes": 4, **block}
    more = {"time_plan": {"interval": 0.001, "loops": times}} if times > 1 else {}
    return useq.MDASequence(
        z_plan={"absolute": [float(z) for z in Z_UM]},
        metadata={"rmz_acquire": settings},
        **more,
    )


def journal(folder):
    text = (folder / "volumes.ome.zarr" / "volumes.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def by_hand(folder):
    stored = StoredExperiment(folder)
    estimator = LinearEstimator(np.array(Z_UM))
    for plane in stored.counted(stored.begun[0]):
        volume = estimator.add(plane.image, plane.z_um).volume
    return volume


class Seen(Watcher):
    def __init__(self):
        self.steps, self.memory, self.told, self.estimates = [], [], [], []

    def begin(self, prepared, folder):
        self.memory = prepared.estimators.memory

    def step(self, what):
        self.steps.append(what)

    def rendered(self, how_far):
        self.told.append(how_far)

    def decision(self, volume, decision, estimate):
        self.estimates.append(estimate)


def test_a_large_picture_is_decided_on_in_tiles_and_made_afterwards(tmp_path):
    seen = Seen()
    summary = run(microscope(), a_sequence(), tmp_path / "run", watcher=seen).summary
    assert summary.status == "completed" and summary.volumes_to_render == 0
    assert all(each.volume is None and each.regions for each in seen.estimates)
    told = [line["regions"] for line in lines(tmp_path / "run")]
    places = [part.region.to_list() for part in seen.estimates[0].regions]
    assert told[0] == places and told[1:] == [None] * 3
    assert [each["render"] for each in journal(tmp_path / "run")] == ["after", "done"]
    assert seen.steps[:2] == ["scan", "volumes"] and seen.told[-1].done == 1
    (line,) = seen.memory
    assert line.startswith("volume 25 × 264 × 264, 7 MB on disk")
    made = np.asarray(load(tmp_path / "run").volumes[0, 0, 0])
    np.testing.assert_array_equal(made, by_hand(tmp_path / "run"))
    assert (tmp_path / "run" / "volume.ome.tif").exists()


def test_a_small_picture_and_who_wants_it_are_decided_on_as_a_whole(tmp_path):
    seen = Seen()
    sequence = a_sequence(regions="whole", max_planes=2, min_planes=2, first_planes=2)
    run(microscope(), sequence, tmp_path / "run", watcher=seen)
    assert all(each.volume is not None and not each.regions for each in seen.estimates)
    assert "volumes" not in seen.steps
    assert "whole pictures decide" in seen.memory[0]


def test_regions_that_are_given_decide_and_stay(tmp_path):
    given = [[100, 0, 64, 80], [0, 200, 40, 64]]
    seen = Seen()
    sequence = a_sequence(regions=given, volumes="during")
    run(microscope(), sequence, tmp_path / "run", watcher=seen)
    assert [line["regions"] for line in lines(tmp_path / "run")] == [given, *[None] * 3]
    assert "volumes" not in seen.steps and journal(tmp_path / "run")[-1]["volume"]


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        ([[200, 0, 80, 80]], r"\[200, 0, 80, 80\] is not within the picture of 264"),
        ([[0, 0, 20, 80]], r"is smaller than the blur, which takes 3\d pixels"),
        ("most", "give auto, whole, or rectangles"),
        ([[0, 0, 80]], "give auto, whole, or rectangles"),
        ([], "give auto, whole, or rectangles"),
        ([[0, 0, 64, 64]] * 17, "16 rectangles at most"),
        ([[-1, 0, 64, 64]], "regions"),
    ],
)
def test_regions_that_make_no_sense_are_refused_in_one_line(tmp_path, regions, said):
    sequence = a_sequence(regions=regions, estimator="wiener", optics=OPTICS)
    with pytest.raises(InputError, match=said) as caught:
        run(microscope(), sequence, tmp_path / "run")
    assert "metadata.rmz_acquire.regions" in str(caught.value)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_what_does_not_fit_into_memory_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("RMZ_ACQUIRE_MEMORY_GB", "0.0001")
    for regions, said in (("auto", "in the smallest tiles"), ("whole", "whole pict")):
        with pytest.raises(InputError, match=said):
            run(microscope(), a_sequence(regions=regions), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_nobody_wants_the_volume(tmp_path):
    finished = run(microscope(), a_sequence(volumes="none"), tmp_path / "run")
    assert finished.summary.status == "completed" and finished.volumes is None
    assert [each["render"] for each in journal(tmp_path / "run")] == ["none"]
    again = resume(microscope(), tmp_path / "run")
    assert again.volumes is None and again.summary.planes_taken == 4


def test_what_is_not_made_when_a_run_is_cut_short_is_made_by_a_resume(
    tmp_path, monkeypatch
):
    control = Control()

    def aborted(*args):
        control.abort("enough of it")
        threading.Event().wait(30)
        yield

    with monkeypatch.context() as patch:
        patch.setattr(whole_volumes, "make_in_tiles", aborted)
        cut = run(microscope(), a_sequence(), tmp_path / "run", control=control)
    # all planes are there: it is the volume alone that is missing
    assert cut.summary.status == "completed" and cut.summary.volumes_to_render == 1
    assert "its volume is not made yet: resume makes it" in cut.summary.reason
    assert "1 not made yet" in repr(cut) or cut.volumes is None
    assert StoredExperiment(tmp_path / "run").folder.to_render((0, 0, 0, 0))
    seen = Seen()
    whole = resume(microscope(), tmp_path / "run", watcher=seen)
    assert seen.estimates == [] and whole.summary.volumes_to_render == 0
    assert saved(tmp_path / "run")["volumes_to_render"] == 0
    made = np.asarray(whole.volumes[0, 0, 0])
    np.testing.assert_array_equal(made, by_hand(tmp_path / "run"))


def test_a_volume_that_cannot_be_made_fails_the_run_and_waits(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(whole_volumes, "make_in_tiles", full)
    summary = run(microscope(), a_sequence(), tmp_path / "run").summary
    assert summary.status == "failed" and "No space left" in summary.reason
    assert StoredExperiment(tmp_path / "run").folder.to_render((0, 0, 0, 0))


def test_the_next_time_point_does_not_wait_for_the_volume_before(tmp_path, monkeypatch):
    """The first volume is not made before the last plane of the last one is there."""
    last, made = threading.Event(), whole_volumes.make_in_tiles
    waited = []

    class Last(Watcher):
        def decision(self, volume, decision, estimate):
            if volume.key[0] == 2 and decision.decision == "stop":
                last.set()

    def patient(*args):
        waited.append(last.wait(30))
        yield from made(*args)

    monkeypatch.setattr(whole_volumes, "make_in_tiles", patient)
    out = tmp_path / "run"
    finished = run(microscope(), a_sequence(times=3), out, watcher=Last())
    assert waited == [True] * 3 and finished.summary.volumes_done == 3
    ended = [(line["t"], line["render"]) for line in journal(out)]
    assert ended == [
        *((t, "after") for t in range(3)),
        *((t, "done") for t in range(3)),
    ]
    volumes = np.asarray(finished.volumes)
    np.testing.assert_array_equal(volumes[2], volumes[0])


@pytest.mark.slow
def test_a_run_of_before_is_gone_on_with_on_whole_pictures(tmp_path):
    run(microscope(), a_sequence(regions="whole"), tmp_path / "run")
    told = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    del told["regions"], told["sequence"]["metadata"]["rmz_acquire"]["regions"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(told), "utf-8")
    stored = StoredExperiment(tmp_path / "run")
    assert stored.prepared.settings.regions == "whole"
