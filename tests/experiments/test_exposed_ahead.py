"""A plane that was exposed ahead: dose where it is not wanted, and the same scan."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tifffile
from experiment_fakes import sequence
from scan_fakes import blobs

import rmz_acquire
from rmz_acquire.acquisition import Control, close_core, load_simulated
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import Further, StoredExperiment, Watcher, resume, run
from rmz_acquire.experiments.verify import verify
from rmz_acquire.scanning import Bisect
from rmz_acquire.simulation.recorded import RecordedMicroscope

ONE = (0, 0, 0, 0)
# no plane is drawn by chance where the rule would ask for one: that is known too late
BLOCK = {
    "epsilon": 0.99,
    "tau": 100,
    "audit": 0,
    "max_planes": 7,
    "overlap": "exposure",
}
GIVEN = {
    "channels": [{"config": "GFP", "exposure": 1}],
    "z_plan": {"bottom": 1, "top": 13, "step": 1},
}
PICTURES = blobs(np.arange(20.0), shape=(32, 36))


@pytest.fixture
def scope(tmp_path):
    """A recorded stack: the same picture at the same z, whenever it is taken."""
    core = load_simulated()
    file = tmp_path / "stack.tif"
    tifffile.imwrite(file, PICTURES, imagej=True, metadata={"axes": "ZYX"})
    core.setProperty("Camera", "StackStep_um", 1.0)
    core.setProperty("Camera", "Specimen", str(file))
    core.setProperty("Z", "Settle_ms", 0)
    yield core
    close_core(core)


def begin(core, folder, **block):
    return run(core, sequence({**BLOCK, **block}, **GIVEN), folder).summary


def planes_of(folder):
    stored = StoredExperiment(folder)
    (volume,) = stored.prepared.volumes
    return stored.planes(volume)


def decisions_of(folder):
    stored = StoredExperiment(folder)
    (volume,) = stored.prepared.volumes
    return stored.decisions(volume)


def what_counts(folder):
    """What was decided on the planes of the volume, and the volume itself."""
    names = ("z_requested_um", "delta", "innovation", "gap_um", "decision", "reason")
    used = [[d[name] for name in names] for d in decisions_of(folder) if d["wanted"]]
    return used, tifffile.imread(folder / "volume.ome.tif")


def assert_same(one, other):
    (decided, volume), (decided_too, volume_too) = one, other
    assert decided == decided_too
    np.testing.assert_array_equal(volume, volume_too)


@pytest.mark.slow
def test_volume_and_decisions_are_those_without_it(scope, tmp_path):
    summaries = {
        how: begin(scope, tmp_path / how, overlap=how)
        for how in ("none", "stage", "exposure")
    }
    plain = what_counts(tmp_path / "none")
    for how in ("stage", "exposure"):
        assert_same(what_counts(tmp_path / how), plain)
    none, ahead = summaries["none"], summaries["exposure"]
    assert none.planes_ahead == 0 and ahead.planes_ahead == 1
    assert ahead.planes_taken == none.planes_taken + 1 == 5
    assert ahead.dose_ms == none.dose_ms + 1
    assert "one more was exposed ahead and is not used" in ahead.reason
    last = decisions_of(tmp_path / "exposure")[-1]
    assert last["decision"] == "stop" and not last["used"] and last["delta"] is None
    loaded = rmz_acquire.load(tmp_path / "exposure")
    assert len(loaded.planes) == len(loaded.decisions) == 5
    result = verify(tmp_path / "exposure")
    assert result.differences == [] and result.decisions == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "block", [BLOCK, {**BLOCK, "epsilon": 1e-9, "audit": 0.2}], ids=str
)
def test_killed_at_any_moment_it_goes_on_to_the_same_end(scope, tmp_path, block):
    """As a kill leaves the journals: up to two planes that nobody has decided upon."""
    whole = tmp_path / "whole"
    begin(scope, whole, **block)
    expected = what_counts(whole)
    lines = {
        name: (whole / name).read_text("utf-8").splitlines(keepends=True)
        for name in ("planes.ome.zarr/planes.jsonl", "decisions.jsonl")
    }
    planes, decided = lines.values()
    for taken in (1, 2, len(planes) - 1, len(planes)):
        for known in range(max(0, taken - 2), min(taken, len(decided)) + 1):
            folder = shutil.copytree(whole, tmp_path / f"killed-{taken}-{known}")
            for name in ("summary.json", "volume.ome.tif"):
                (folder / name).unlink()
            shutil.rmtree(folder / "volumes.ome.zarr")
            for name, kept in zip(lines, (taken, known), strict=True):
                text = "".join(lines[name][:kept]) + lines[name][kept - 1][:20]
                (folder / name).write_text(text if kept else "", "utf-8")
            summary = resume(scope, folder).summary
            assert summary.status == "completed", (taken, known, summary.reason)
            assert_same(what_counts(folder), expected)
            assert verify(folder).differences == []
            # nothing is exposed twice, and at most one for nothing
            z_um = [p.z_requested_um for p in planes_of(folder)]
            assert len(set(z_um)) == len(z_um) <= len(planes)


@pytest.mark.slow
@pytest.mark.parametrize("end", ["converged", "stopped", "aborted"])
@pytest.mark.parametrize(
    "further",
    [Further(ONE, planes=1), Further(ONE, planes=2, z_um=(4.5,))],
    ids=["more", "by hand and more"],
)
def test_it_goes_on_after_its_stop(scope, tmp_path, end, further):
    """So many more are so many; the plane that was not wanted then stays unused."""
    control = Control()

    class Ending(Watcher):
        def plane(self, volume, plane, index):
            if end != "converged" and index == 2:
                stop = control.wind_up if end == "stopped" else control.abort
                stop("enough")

    wanted = sequence({**BLOCK, "epsilon": 0.99}, **GIVEN)
    folder = tmp_path / "run"
    run(scope, wanted, folder, control=control, watcher=Ending())
    before = planes_of(folder)
    asked = further.planes + len(further.z_um)
    for more in (asked, 2 * asked):
        resume(scope, folder, further=further)
        after = planes_of(folder)
        assert len(after) == len(before) + more
        assert verify(folder).differences == []
    made = decisions_of(folder)
    assert [d["index"] for d in made] == list(range(len(after)))
    # the volume is that of the planes that count
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["planes_ahead"] == sum(not d["wanted"] for d in made) <= 1
    assert summary["dose_ms"] == len(after)


def test_a_plane_by_hand_comes_after_the_one_under_way(scope, tmp_path):
    class Asking(Watcher):
        def volume(self, volume, scan):
            self.scan = scan

        def plane(self, volume, plane, index):
            if index == 2:
                # which is exposed ahead, while plane 1 is decided upon
                self.scan.ask(4.5)

    run(scope, sequence(BLOCK, **GIVEN), tmp_path / "run", watcher=Asking())
    planes = planes_of(tmp_path / "run")
    assert [(p.chosen_by, p.ahead) for p in planes[:4]] == [
        ("policy", False),
        ("policy", True),
        ("policy", True),
        ("hand", False),
    ]
    assert [d["wanted"] for d in decisions_of(tmp_path / "run")][:4] == [True] * 4
    assert verify(tmp_path / "run").differences == []


@pytest.mark.slow
def test_an_old_frame_ahead_or_before_it(scope, tmp_path):
    """A plane that is taken again: the one exposed behind it is not wanted yet."""
    core = load_simulated(SensorSize_px=64, exposure_ms=1.0, seed=3)
    try:
        core.setProperty("Camera", "Photons_per_ms", 2000)
        core.setProperty("Camera", "Specimen", "nuclei")
        core.setProperty("Camera", "FaultSeed", 3)
        core.setProperty("Camera", "Stale_probability", 0.4)
        wanted = sequence({**BLOCK, "epsilon": 1e-9, "z_um": [3, 6, 9]}, **GIVEN)
        folder = tmp_path / "run"
        summary = run(core, wanted, folder).summary
    finally:
        close_core(core)
    assert summary.status == "completed", summary.reason
    made = decisions_of(folder)
    assert [d["z_requested_um"] for d in made if d["used"]] == [3, 6, 9]
    assert any(not d["used"] and d["wanted"] for d in made), "no frame was old"
    assert any(not d["wanted"] for d in made)
    assert verify(folder).differences == []


def test_each_volume_of_many_pays_for_one(scope, tmp_path):
    wanted = sequence(
        {**BLOCK, "checks": {"repeat": True, "rest_ms": 1}},
        time_plan={"interval": 0, "loops": 2},
        **GIVEN,
    )
    summary = run(scope, wanted, tmp_path / "run").summary
    assert summary.status == "completed" and summary.planes_ahead == 2
    assert "10 planes of 26, 2 of them exposed ahead and not used" in summary.reason
    # the check looks at planes of the volumes, and counts for itself
    assert summary.check_planes in (4, 6)
    assert summary.dose_ms == summary.planes_taken + summary.check_planes
    assert verify(tmp_path / "run").differences == []


class Turning(Bisect):
    """Says one thing ahead, and does another: then it costs light, and no more."""

    def z_ahead(self, taken, plane):
        return 13.0


@pytest.mark.slow
def test_a_policy_that_changes_its_mind(scope, tmp_path):
    for how in ("none", "exposure"):
        wanted = sequence({**BLOCK, "max_planes": 20, "overlap": how}, **GIVEN)
        summary = run(scope, wanted, tmp_path / how, policy=Turning).summary
        assert summary.status == "completed"
    used, volume = what_counts(tmp_path / "exposure")
    plain, volume_too = what_counts(tmp_path / "none")
    assert [d[0] for d in used] == [d[0] for d in plain]
    np.testing.assert_array_equal(volume, volume_too)
    assert summary.planes_taken == 2 * len(plain) and summary.planes_ahead == len(plain)


def test_a_recorded_stack_is_exposed_by_nobody(tmp_path):
    stack = RecordedMicroscope(PICTURES, np.arange(20.0), pixel_size_um=0.3)
    wanted = sequence(BLOCK, z_plan={"absolute": list(range(20))}, channels=[])
    with pytest.raises(InputError, match=r"metadata\.rmz_acquire\.overlap"):
        run(stack, wanted, tmp_path / "run")
