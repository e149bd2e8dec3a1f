"""Estimators, policies and stop rules that are somebody else's."""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest
import useq

import rmz_acquire
from rmz_acquire import InputError, plugins
from rmz_acquire.experiments import StoredExperiment, prepare
from rmz_acquire.experiments.own import Own
from rmz_acquire.experiments.verify import verify
from rmz_acquire.reconstruction import VolumeEstimator
from rmz_acquire.scanning import Verdict
from rmz_acquire.simulation.recorded import RecordedMicroscope

THEIRS = """
from rmz_acquire.reconstruction import VolumeEstimator

class First(VolumeEstimator):
    name = "first"
    def __init__(self, z_um, optics):
        super().__init__(z_um)
    def _reconstruct(self):
        return self.planes[:1].repeat(len(self.z_um), axis=0)

class Down:
    def __init__(self, plan):
        self.z_um = plan.z_um[::-1]
    def next_z(self, taken):
        return self.z_um[len(taken)] if len(taken) < 3 else None

class Nothing:
    pass

def down(plan):
    return Down(plan)
"""


class Down:
    """From the top, three planes."""

    def __init__(self, plan):
        self.z_um = plan.z_um[::-1]

    def next_z(self, taken):
        return self.z_um[len(taken)] if len(taken) < 3 else None


class Wild:
    """Wants the stage where it must not go, once it has begun."""

    def next_z(self, taken):
        return 2.0 + 500 * len(taken)


class Broken:
    """Has no answer."""

    def __init__(self, plan):
        pass

    def next_z(self, taken):
        return 1 / len(taken)


class Two:
    """Enough with two planes."""

    def judge(self, taken):
        return Verdict(len(taken) >= 2, f"{len(taken)} of 2 planes")


class Mean(VolumeEstimator):
    """The mean of all planes, everywhere."""

    name = "mean"

    def __init__(self, z_um, optics):
        super().__init__(z_um)
        self.optics = optics

    def _reconstruct(self):
        return np.stack([self.planes.mean(0)] * len(self.z_um))


def sequence(**block):
    return useq.MDASequence(
        z_plan={"top": 8, "bottom": 0, "step": 1},
        channels=[{"config": "DAPI", "exposure": 1}],
        metadata={"rmz_acquire": {"version": 1, "stale_frames": 0, **block}},
    )


def z_taken(out):
    return [
        json.loads(line)["z_requested_um"]
        for line in (out / "decisions.jsonl").read_text().splitlines()
    ]


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A folder of plugins with a module in it, allowed for one test."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "their_scans.py").write_text(THEIRS)
    monkeypatch.setattr(plugins, "_allowed", [])
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield folder
    sys.modules.pop("their_scans", None)


@pytest.mark.slow
def test_objects_run_and_are_recorded(demo, tmp_path):
    out = tmp_path / "run"
    parts = {"estimator": Mean, "policy": Down, "stop_rule": Two()}
    summary = rmz_acquire.run(demo, sequence(), out, **parts).summary
    assert summary.status == "completed", summary.reason
    assert z_taken(out) == [8, 7]
    told = json.loads((out / "run.json").read_text())
    names = {"estimator": "Mean", "policy": "Down", "stop_rule": "Two"}
    for key, name in names.items():
        assert told[key] == f"{__name__}:{name}" == getattr(summary, key)
    volume = StoredExperiment(out)
    pixels = volume.pixels(volume.prepared.volumes[0])
    assert np.ptp(pixels, axis=0).max() == 0


def test_what_is_built_in_adds_no_names(demo, tmp_path):
    rmz_acquire.run(demo, sequence(estimator="linear", max_planes=2), tmp_path / "run")
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert told["estimator"] == "linear"
    assert "policy" not in told and "stop_rule" not in told


@pytest.mark.parametrize(
    ("block", "parts", "said"),
    [
        ({"policy": "uniform"}, {"policy": Down}, "says uniform"),
        ({"estimator": "wiener"}, {"estimator": Mean}, "says wiener"),
        ({"z_um": [1, 2]}, {"policy": Down}, "z_um lists every plane"),
        ({"model": "widefield"}, {"estimator": Mean}, "has none"),
        ({"estimator": "linear"}, {"policy": 7}, "is no policy: it must have next_z"),
        ({}, {"estimator": lambda z: Mean(z, None)}, "cannot be made: TypeError"),
        ({}, {"estimator": lambda z, _: Mean(z[1:], None)}, "not the grid of 9 z"),
        (
            {"estimator": "linear"},
            {"policy": partial(lambda plan: None)},
            "is no policy",
        ),
        ({"estimator": "linear"}, {"stop_rule": Down}, "is no stop rule"),
        ({"estimator": "linear"}, {"policy": Broken}, "ZeroDivisionError"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_moves(
    demo, tmp_path, block, parts, said
):
    before = demo.getPosition()
    with pytest.raises(InputError, match=said) as refused:
        rmz_acquire.run(demo, sequence(**block), tmp_path / "run", **parts)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()
    assert demo.getPosition() == before


def test_an_estimator_object_makes_one_volume(demo, tmp_path):
    many = sequence().replace(time_plan={"interval": 0, "loops": 2})
    made = Mean(np.arange(9.0), None)
    grid = sequence().replace(grid_plan={"rows": 1, "columns": 2, "fov_width": 9})
    for each in (many, grid):
        with pytest.raises(InputError, match="makes one volume, the experiment has 2"):
            rmz_acquire.run(demo, each, tmp_path / "run", estimator=made)
    summary = rmz_acquire.run(
        demo, sequence(max_planes=3), tmp_path / "run", estimator=made
    ).summary
    assert summary.status == "completed"
    assert made.planes_taken == 3


def test_a_policy_cannot_send_the_stage_out_of_the_range(demo, tmp_path):
    out = tmp_path / "run"
    run = partial(rmz_acquire.run, demo, sequence(estimator="linear"), out)
    summary = run(policy=Wild()).summary
    assert summary.status == "failed"
    assert "asks for z 502 µm, outside of 0 to 8 µm" in summary.reason
    assert z_taken(out) == [2.0]


def test_a_name_is_imported_from_a_folder_of_plugins(demo, tmp_path, theirs):
    plugins.allow(theirs)
    out = tmp_path / "run"
    named = sequence(estimator="their_scans:First", policy="their_scans:Down")
    summary = rmz_acquire.run(demo, named, out).summary
    assert summary.status == "completed", summary.reason
    assert z_taken(out) == [8, 7, 6]
    assert verify(out).differences == []
    # on another computer
    plugins._allowed.clear()
    del sys.modules["their_scans"]
    with pytest.raises(InputError, match="no module their_scans is installed"):
        verify(out)
    with pytest.raises(InputError, match="no module their_scans is installed"):
        rmz_acquire.resume(demo, out)


@pytest.mark.slow
def test_an_experiment_is_read_where_its_entry_point_is_gone(
    demo, tmp_path, theirs, monkeypatch
):
    plugins.allow(theirs)
    point = EntryPoint("top-down", "their_scans:Down", plugins.POLICY.group)
    points = EntryPoints([point])
    out = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(plugins, "entry_points", lambda **by: points.select(**by))
        rmz_acquire.run(demo, sequence(estimator="linear"), out, policy="top-down")
        rmz_acquire.resume(demo, out, policy="top-down")
    assert json.loads((out / "run.json").read_text())["policy"] == "their_scans:Down"
    assert StoredExperiment(out).begun
    assert verify(out).differences == []
    assert rmz_acquire.resume(demo, out).summary.status == "completed"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("their_scans:Nothing", "is no policy: it must be a class with next_z"),
        ("their_scans:down", "is no policy: it must be a class"),
        ("their_scans:Nobody", "has no Nobody"),
        ("their_scans:", "write package.module:Class"),
        ("os:system", "no module os is installed"),
    ],
)
def test_a_name_that_is_no_policy(demo, theirs, name, said):
    plugins.allow(theirs)
    with pytest.raises(InputError, match=said) as refused:
        prepare(demo, sequence(estimator="linear", policy=name))
    assert str(refused.value).startswith("metadata.rmz_acquire.policy: ")


def test_no_code_runs_that_lies_beside_the_experiment(
    demo, theirs, tmp_path, monkeypatch
):
    ran = tmp_path / "ran"
    (theirs / "their_scans.py").write_text(f"open({str(ran)!r}, 'w')\n{THEIRS}")
    monkeypatch.chdir(theirs)
    monkeypatch.syspath_prepend("")
    monkeypatch.syspath_prepend(str(theirs))
    with pytest.raises(InputError, match="no module their_scans is installed"):
        prepare(demo, sequence(policy="their_scans:Down"))
    assert not ran.exists()


def test_a_typo_is_told_the_nearest_name(demo):
    with pytest.raises(InputError, match=r"estimator should be 'wiener'.*not 'wienr'"):
        prepare(demo, sequence(estimator="wienr"))
    with pytest.raises(InputError, match=r"policy should be 'bisect'.*not 'bisec'"):
        prepare(demo, sequence(policy="bisec"))


def test_it_goes_on_with_what_it_began_with(demo, tmp_path):
    out = tmp_path / "run"
    local = {"estimator": lambda z_um, optics: Mean(z_um, optics), "policy": Down}
    rmz_acquire.run(demo, sequence(), out, **local)
    assert verify(out, Own(**local)).differences == []
    with pytest.raises(InputError, match="hand it over again, in Python"):
        rmz_acquire.resume(demo, out, policy=Down)
    with pytest.raises(InputError, match=r"policy: .*:Two was handed over, but"):
        rmz_acquire.resume(demo, out, estimator=local["estimator"], policy=Two)
    summary = rmz_acquire.resume(demo, out, **local).summary
    assert summary.status == "completed"
    assert z_taken(out) == [8, 7, 6]


def test_one_volume_takes_them_too(tmp_path):
    z_um = [float(z) for z in range(9)]
    stack = np.random.default_rng(3).integers(90, 900, (9, 16, 16)).astype(np.uint16)
    microscope = RecordedMicroscope(stack, z_um)
    summary = rmz_acquire.run(
        microscope,
        over(z_um),
        tmp_path / "run",
        estimator=Mean,
        policy=Down,
        stop_rule=Two(),
    ).summary
    assert summary.z_taken_um == [8, 7]
    assert summary.estimator == f"{__name__}:Mean"
    assert summary.plan["policy"] == f"{__name__}:Down"
    assert summary.plan["stop_rule"] == f"{__name__}:Two"
    with pytest.raises(InputError, match=r"rmz_acquire says uniform"):
        rmz_acquire.run(
            microscope,
            over(z_um, policy="uniform"),
            tmp_path / "no",
            estimator=Mean,
            policy=Down,
        )


def over(z_um, **block):
    """One volume over a grid."""
    return useq.MDASequence(
        z_plan={"absolute": z_um}, metadata={"rmz_acquire": {"version": 1, **block}}
    )


def test_an_estimator_that_gives_no_volume_fails_in_words(tmp_path):
    class Silent(Mean):
        def add(self, image, z_um):
            super().add(image, z_um)

    class Small(Mean):
        def _reconstruct(self):
            return super()._reconstruct()[:3]

    z_um = [float(z) for z in range(9)]
    microscope = RecordedMicroscope(np.ones((9, 8, 8), np.uint16), z_um)
    for own, said in (
        (Silent, "add gave NoneType, not an Estimate"),
        (Small, "of shape (3, 8, 8), not (9, 8, 8)"),
    ):
        out = tmp_path / own.__name__
        summary = rmz_acquire.run(microscope, over(z_um), out, estimator=own).summary
        assert summary.status == "failed" and said in summary.error
