"""A time point that begins with the last one: fewer planes, but never old ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorstore
import tifffile
import yaml
from fault_cases import pictures

from rmz_acquire.acquisition import close_core, load_simulated
from rmz_acquire.evaluation import psnr_db
from rmz_acquire.experiments import Further, Watcher, resume, run
from rmz_acquire.experiments.verify import verify

STEP_UM = 0.1
GRID_UM = np.arange(0, 17.0)
TRUTH = pictures(np.arange(0, 20, STEP_UM))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("stack") / "stack.tif"
    tifffile.imwrite(path, TRUTH, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.fixture
def scope(stack):
    core = load_simulated()
    core.setProperty("Camera", "StackStep_um", STEP_UM)
    core.setProperty("Camera", "Specimen", str(stack))
    core.setProperty("Z", "Settle_ms", 0)
    core.setShutterOpen(False)
    yield core
    close_core(core)


def _sequence(path, start, loops=3, **more):
    block = {
        "version": 1,
        "estimator": "linear",
        "epsilon": 0.1,
        "max_planes": 17,
        "audit": 0,
        "time_lapse": {"start": start, **more},
    }
    told = {
        "channels": [{"config": "GFP", "exposure": 1}],
        "time_plan": {"interval": 0, "loops": loops},
        "z_plan": {"bottom": 0, "top": 16, "step": 1},
        "metadata": {"rmz_acquire": block},
    }
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path


def _lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _decided(folder):
    return [
        (line["t"], line["z_requested_um"], line["decision"], line["delta"])
        for line in _lines(folder / "decisions.jsonl")
    ]


def _planes(folder):
    done = _lines(folder / "volumes.ome.zarr" / "volumes.jsonl")
    return [line["planes_taken"] for line in done]


def _quality(folder, t, shift_um=0.0):
    where = folder / "volumes.ome.zarr" / "0"
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(where)}}
    volume = tensorstore.open(spec, open=True).result()[t, 0].read().result()
    at = ((GRID_UM + shift_um) / STEP_UM).round().astype(int).clip(0, len(TRUTH) - 1)
    return psnr_db(TRUTH[at], np.asarray(volume))


def _later(core, t, change):
    """Do something to the specimen between two time points."""
    done = []

    def look(_image, event, _meta):
        if event.index["t"] == t - 1 and not done:
            done.append(1)

    def before(event):
        if event.index["t"] == t and done == [1]:
            done.append(2)
            change()

    core.mda.events.frameReady.connect(look)
    core.mda.events.eventStarted.connect(before)


def test_a_still_specimen_takes_fewer_planes_for_the_same_quality(scope, tmp_path):
    run(scope, _sequence(tmp_path / "a.yaml", "fresh"), tmp_path / "fresh")
    summary = run(
        scope, _sequence(tmp_path / "b.yaml", "last"), tmp_path / "last"
    ).summary
    assert summary.status == "completed", summary.reason
    assert summary.findings == []
    fresh, last = _planes(tmp_path / "fresh"), _planes(tmp_path / "last")
    assert last[0] == fresh[0] and last[1:] == [2, 2]
    assert sum(last) < 0.6 * sum(fresh)
    for t in range(3):
        worst = _quality(tmp_path / "fresh", t) - 0.1
        assert _quality(tmp_path / "last", t) >= worst
    # not the same two planes each time, but others in their turn
    taken = {(t, z) for t, z, _, _ in _decided(tmp_path / "last") if t > 0}
    assert len({z for _, z in taken}) == 4
    assert not verify(tmp_path / "last").differences


def _one_change(scope, tmp_path, start, change, **stage):
    """Two time points, and something happens to the specimen between them."""
    path = _sequence(tmp_path / f"{start}.yaml", start, loops=2)
    told = yaml.safe_load(path.read_text("utf-8"))
    told["metadata"]["rmz_acquire"]["stage"] = stage
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    _later(scope, 1, change)
    summary = run(scope, path, tmp_path / start).summary
    assert summary.status == "completed", summary.reason
    return summary


def _is_noticed(summary, folder, said):
    first, second = _planes(folder)
    assert second > 4
    assert len(summary.findings) == 1
    assert summary.findings[0].startswith("t 1 GFP: the plane ")
    assert said in summary.findings[0]
    told = _lines(folder / "decisions.jsonl")[first]
    # the first plane is a first plane again: nothing to change
    assert "begun anew" in told["reason"] and told["delta"] is None
    assert not verify(folder).differences


def test_a_specimen_that_moved_is_scanned_anew(scope, tmp_path):
    # from above always: then a backlash is a specimen that lies elsewhere
    quality = {}
    for start in ("fresh", "last"):
        scope.setProperty("Z", "Backlash_um", 0)
        summary = _one_change(
            scope,
            tmp_path,
            start,
            lambda: scope.setProperty("Z", "Backlash_um", 3),
            approach_um=1,
            approach_from="above",
        )
        quality[start] = _quality(tmp_path / start, 1, 3.0)
        scope.mda.events.eventStarted.disconnect()
    _is_noticed(summary, tmp_path / "last", "differs by")
    # as good a volume as one that never knew the old planes
    assert quality["last"] >= quality["fresh"] - 1


def test_a_specimen_that_bleached_is_scanned_anew(scope, tmp_path, monkeypatch):
    real = scope.getImage

    def fade():
        def faded():
            return (100 + 0.7 * (real() - 100.0)).clip(0).astype(np.uint16)

        monkeypatch.setattr(scope, "getImage", faded)

    summary = _one_change(scope, tmp_path, "last", fade)
    _is_noticed(summary, tmp_path / "last", "as bright as")


def test_no_plane_is_believed_beyond_its_age(scope, tmp_path):
    wanted = _sequence(tmp_path / "a.yaml", "last", loops=6, max_age=2)
    assert run(scope, wanted, tmp_path / "run").summary.status == "completed"
    lines = _lines(tmp_path / "run" / "volumes.ome.zarr" / "volumes.jsonl")
    for line in lines:
        assert all(line["t"] - each["t"] <= 2 for each in line["stands_on"])
    # what was too old was taken anew
    assert max(_planes(tmp_path / "run")[1:]) > 2


@pytest.mark.parametrize("after", [3, 8, 10])
def test_resumed_to_the_same_decisions(scope, tmp_path, after):
    wanted = _sequence(tmp_path / "a.yaml", "last")
    run(scope, wanted, tmp_path / "whole")
    seen = []

    def stop(*_):
        seen.append(1)
        if len(seen) == after:
            scope.mda.cancel()

    scope.mda.events.frameReady.connect(stop)
    assert run(scope, wanted, tmp_path / "cut").summary.status == "aborted"
    scope.mda.events.frameReady.disconnect(stop)
    assert resume(scope, tmp_path / "cut").summary.status == "completed"
    cut = {(t, z): rest for t, z, *rest in _decided(tmp_path / "cut")}
    whole = {(t, z): rest for t, z, *rest in _decided(tmp_path / "whole")}
    assert cut.keys() == whole.keys()
    for key, (decision, delta) in whole.items():
        assert cut[key][0] == decision
        assert cut[key][1] == (None if delta is None else pytest.approx(delta))
    assert not verify(tmp_path / "cut").differences


@pytest.mark.parametrize("t", [0, 1, 2])
def test_going_on_with_one_leaves_those_after_it_as_they_were(scope, tmp_path, t):
    folder = tmp_path / "run"
    run(scope, _sequence(tmp_path / "a.yaml", "last"), folder)
    before = _planes(folder)
    key = (t, 0, 0, 0)
    again = resume(scope, folder, further=Further(key, planes=2, z_um=(3.4,))).summary
    assert again.status == "completed"
    assert again.planes_taken == sum(before) + 3
    result = verify(folder)
    assert not result.differences and result.decisions == sum(before) + 3


def test_one_that_was_cut_goes_on_with_what_it_began_with(scope, tmp_path):
    folder, seen = tmp_path / "run", []

    def stop(_image, event, _meta):
        seen.append(event.index["t"])
        if seen.count(1) == 1:
            scope.mda.cancel()

    scope.mda.events.frameReady.connect(stop)
    assert (
        run(scope, _sequence(tmp_path / "a.yaml", "last"), folder).summary.status
        != "failed"
    )
    scope.mda.events.frameReady.disconnect(stop)
    # the first time point goes on; the second had begun with less
    again = resume(scope, folder, further=Further((0, 0, 0, 0), planes=2)).summary
    assert again.status == "completed", again.reason
    assert not verify(folder).differences


@pytest.mark.slow
def test_a_plane_by_hand_confirms_no_other_plane(scope, tmp_path):
    class Asking(Watcher):
        def volume(self, volume, scan):
            if volume.key[0] == 1:
                scan.ask(4.4)

    folder = tmp_path / "run"
    wanted = _sequence(tmp_path / "a.yaml", "last", loops=2)
    summary = run(scope, wanted, folder, watcher=Asking()).summary
    assert summary.findings == []
    # the two that confirm come behind the one by hand
    assert _planes(folder)[1] == 3
    assert not verify(folder).differences
