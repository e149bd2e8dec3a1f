"""A scan that ended goes on, by hand too, and everything stays consistent."""

from __future__ import annotations

import json

import pytest
from experiment_fakes import sequence

from rmz_acquire.acquisition import Control
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import Further, StoredExperiment, Watcher, resume, run
from rmz_acquire.experiments.verify import verify

ONE = (0, 0, 0, 0)
SERIES = {
    "stage_positions": [(0, 0, 0), (10, 0, 1)],
    "channels": [
        {"config": "DAPI", "exposure": 1},
        {"config": "FITC", "exposure": 1},
    ],
}


class ByHand(Watcher):
    """Does something once a volume has so many planes."""

    def __init__(self, planes, what):
        self.planes, self.what, self.scan = planes, what, None

    def volume(self, volume, scan):
        self.scan = scan

    def plane(self, volume, plane, index):
        if index + 1 == self.planes:
            self.what(self.scan)


def taken(folder, key=ONE):
    stored = StoredExperiment(folder)
    volume = next(v for v in stored.prepared.volumes if v.key == key)
    return stored.planes(volume)


def check(folder, planes):
    """The folder agrees with itself: planes, decisions, summary."""
    result = verify(folder)
    assert result.differences == [] and result.decisions == planes
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["planes_taken"] == planes
    return summary


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["bisect", "uniform"])
def test_more_planes_after_the_stop(demo, tmp_path, policy):
    wanted = sequence({"policy": policy, "audit": 0})
    first = run(demo, wanted, tmp_path).summary
    assert first.planes_taken == 4
    again = resume(demo, tmp_path, further=Further(ONE, planes=2)).summary
    assert again.status == "completed"
    planes = taken(tmp_path)
    assert [p.chosen_by for p in planes] == ["policy"] * 4 + ["more"] * 2
    assert len({p.z_requested_um for p in planes}) == 6
    check(tmp_path, 6)
    # the volume on disk is the one of all planes
    ending = StoredExperiment(tmp_path).folder.volumes_before[ONE]
    assert ending["planes_taken"] == 6 and ending["status"] == "max_planes"
    # and once more, beyond what the grid has left
    resume(demo, tmp_path, further=Further(ONE, planes=9))
    check(tmp_path, 7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "more"),
    [("converged", 3), ("max_planes", 1), ("stopped", 3), ("aborted", 1)],
)
def test_so_many_more_are_exactly_so_many(demo, tmp_path, end, more):
    """However the scan ended, and whatever rule and budget would say."""
    block = {"epsilon": 1e9 if end == "converged" else 1e-9}
    if end in ("stopped", "aborted"):
        block["max_planes"] = 7
    control = Control()
    stop = control.wind_up if end == "stopped" else control.abort
    watcher = ByHand(2, lambda _: stop("enough")) if "max_planes" in block else None
    wanted = sequence({**block, "epsilon": min(block["epsilon"], 0.99)})
    before = run(
        demo, wanted, tmp_path, control=control, watcher=watcher
    ).summary.planes_taken
    resume(demo, tmp_path, further=Further(ONE, planes=more))
    planes = taken(tmp_path)
    assert len(planes) == before + more
    if end != "aborted":
        assert [p.chosen_by for p in planes[before:]] == ["more"] * more
    check(tmp_path, before + more)
    # one here is one, too
    resume(demo, tmp_path, further=Further(ONE, z_um=(-2.7,)))
    check(tmp_path, before + more + 1)
    # and more than there are: fewer, and it says why
    resume(demo, tmp_path, further=Further(ONE, planes=20))
    z_um = [p.z_requested_um for p in taken(tmp_path)]
    assert set(z_um) >= set(range(-3, 4)) and len(z_um) == 8
    ending = StoredExperiment(tmp_path).folder.volumes_before[ONE]
    assert "every z of the range is taken" in ending["reason"]
    assert verify(tmp_path).differences == []


def test_a_volume_whose_scan_cannot_be_made_gets_no_other_end(
    demo, tmp_path, monkeypatch
):
    """The second of two volumes: it must not be written as the first one ended."""
    from rmz_acquire.experiments.estimators import Estimators

    make, made = Estimators.make, []

    def second_fails(self, *args):
        made.append(args)
        if len(made) > 1:
            msg = "no room for a second"
            raise InputError(msg)
        return make(self, *args)

    monkeypatch.setattr(Estimators, "make", second_fails)
    wanted = sequence(stage_positions=[(0, 0, 0), (10, 0, 1)])
    summary = run(demo, wanted, tmp_path).summary
    assert summary.status == "failed" and "no room for a second" in summary.reason
    monkeypatch.undo()
    assert summary.volumes_done == 1 and summary.planes_taken == 4
    stored = StoredExperiment(tmp_path)
    assert list(stored.folder.volumes_before) == [ONE]
    resume(demo, tmp_path)
    assert check(tmp_path, 8)["status"] == "completed"


def test_one_more_plane_here(demo, tmp_path):
    run(demo, sequence(), tmp_path)
    resume(demo, tmp_path, further=Further(ONE, z_um=(-2.7,)))
    planes = taken(tmp_path)
    assert planes[-1].chosen_by == "hand"
    assert planes[-1].z_requested_um == pytest.approx(-2.7)
    check(tmp_path, 5)


def test_a_plane_by_hand_takes_no_place_in_a_list(demo, tmp_path):
    exact = {"z_um": [-2, 0, 2]}
    watcher = ByHand(1, lambda scan: scan.ask(1.3))
    run(demo, sequence(exact), tmp_path, watcher=watcher)
    z_um = [p.z_requested_um for p in taken(tmp_path)]
    assert z_um == pytest.approx([-2, 1.3, 0, 2])
    check(tmp_path, 4)


def test_enough_is_another_end_than_aborted(demo, tmp_path):
    control = Control()
    watcher = ByHand(2, lambda _: control.wind_up("enough"))
    summary = run(
        demo, sequence(**SERIES), tmp_path, control=control, watcher=watcher
    ).summary
    assert summary.status == "stopped" and summary.reason.startswith("enough after")
    stored = StoredExperiment(tmp_path)
    (volume,) = stored.begun
    assert stored.ending(volume)["status"] == "stopped"
    assert stored.pixels(volume).any()
    check(tmp_path, 2)
    # going on takes the rest, and lets the volume that was enough be
    resume(demo, tmp_path)
    assert check(tmp_path, 2 + 3 * 4)["status"] == "completed"


@pytest.mark.parametrize("paused", [False, True])
def test_enough_while_it_waits_for_the_next_time_point(demo, tmp_path, paused):
    control = Control()

    def enough(*_):
        if paused:
            demo.mda.set_paused(True)
        control.wind_up("enough")

    if paused:
        watcher = ByHand(2, enough)
    else:
        watcher = None
        demo.mda.events.awaitingEvent.connect(enough)
    summary = run(
        demo,
        sequence(time_plan={"interval": 3600, "loops": 2}),
        tmp_path,
        control=control,
        watcher=watcher,
    ).summary
    assert summary.status == "stopped"
    assert summary.planes_taken == (2 if paused else 4)
    demo.mda.set_paused(False)
    check(tmp_path, summary.planes_taken)


CHANNELS = [{"config": name, "exposure": 1} for name in ("DAPI", "FITC", "Cy5")]


@pytest.mark.parametrize(
    "stage", [{}, {"approach_um": 1}, {"approach_um": 1, "approach_from": "above"}]
)
def test_channels_that_follow_go_on_with_their_leader(demo, tmp_path, stage):
    told = {"channels": "leader", "stage": stage}
    run(demo, sequence(told, channels=CHANNELS), tmp_path)
    with pytest.raises(InputError, match="go on with that"):
        resume(demo, tmp_path, further=Further((0, 0, 0, 1), planes=1))
    resume(demo, tmp_path, further=Further(ONE, planes=1))
    resume(demo, tmp_path, further=Further(ONE, z_um=(0.7, -1.3)))
    led, *others = (
        [p.z_requested_um for p in taken(tmp_path, (0, 0, 0, c))] for c in range(3)
    )
    for z_um in others:
        # what came after the stop in sweeps of its own, each along z
        for some in (slice(0, 4), slice(4, 5), slice(5, 7)):
            sweep = z_um[some]
            assert sorted(sweep) == pytest.approx(sorted(led[some]))
            assert sweep in (sorted(sweep), sorted(sweep)[::-1])
    check(tmp_path, 3 * 7)


def test_a_leader_that_went_on_alone_still_verifies(demo, tmp_path):
    told = {"channels": "leader"}
    run(demo, sequence(told, channels=CHANNELS), tmp_path)
    control = Control()
    watcher = ByHand(5, lambda _: control.wind_up("enough"))
    resume(
        demo,
        tmp_path,
        control=control,
        watcher=watcher,
        further=Further(ONE, planes=2),
    )
    check(tmp_path, 4 + 4 + 5)
    resume(demo, tmp_path)
    check(tmp_path, 3 * 5)


def test_one_that_goes_on_is_checked_once(demo, tmp_path):
    told = {"checks": {"repeat": True}}
    first = run(demo, sequence(told), tmp_path).summary
    again = resume(demo, tmp_path, further=Further(ONE, planes=1)).summary
    assert again.status == "completed"
    assert 0 < again.check_planes == first.check_planes
    check(tmp_path, 5)


def test_enough_in_a_check_takes_no_further_plane(demo, tmp_path):
    control = Control()

    def enough(_image, event, _meta):
        if "check" in event.metadata.get("rmz_acquire", {}):
            control.wind_up("enough")

    demo.mda.events.frameReady.connect(enough)
    told = {"checks": {"repeat": True}}
    summary = run(demo, sequence(told, **SERIES), tmp_path, control=control).summary
    assert summary.status == "stopped"
    assert (summary.volumes_done, summary.check_planes) == (1, 1)
    check(tmp_path, 4)


@pytest.mark.parametrize(
    ("further", "said"),
    [
        (Further((3, 0, 0, 0), planes=1), "no volume"),
        (Further(ONE, z_um=(900.0,)), "outside the range"),
    ],
)
def test_what_cannot_go_on_is_refused(demo, tmp_path, further, said):
    run(demo, sequence(), tmp_path)
    with pytest.raises(InputError, match=said):
        resume(demo, tmp_path, further=further)
    check(tmp_path, 4)


@pytest.mark.slow
def test_tau_holds_a_scan_until_it_foretells_well(demo, tmp_path):
    lax = {"epsilon": 10.0, "max_planes": 7, "audit": 0}
    assert run(demo, sequence(lax), tmp_path / "lax").summary.planes_taken == 4
    strict = {**lax, "tau": 1e-9}
    summary = run(demo, sequence(strict), tmp_path / "strict").summary
    assert summary.planes_taken == 7
    reason = StoredExperiment(tmp_path / "strict").folder.volumes_before[ONE]["reason"]
    assert "above tau 1e-09" in reason
