"""Bad experiments are refused before anything moves, and the message names the key."""

from __future__ import annotations

import pytest
import yaml
from experiment_fakes import standing

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import read_experiment, run

GOOD = {
    "channels": [{"config": "DAPI", "exposure": 5}],
    "stage_positions": [{"x": 0, "y": 0, "z": 1}],
    "z_plan": {"range": 6, "step": 1},
    "metadata": {"rmz_acquire": {"version": 1, "estimator": "linear"}},
}


def _with(**changes):
    told = dict(GOOD)
    block = changes.pop("block", None)
    if block is not None:
        told["metadata"] = {"rmz_acquire": {**GOOD["metadata"]["rmz_acquire"], **block}}
    for key, value in changes.items():
        told.pop(key, None)
        if value is not None:
            told[key] = value
    return told


BAD = {
    "unknown key in our block": (
        _with(block={"epsilom": 0.1}),
        r"metadata\.rmz_acquire\.epsilom: there is no such key",
    ),
    "unknown key under it": (
        _with(block={"stage": {"speed": 1}}),
        r"metadata\.rmz_acquire\.stage\.speed",
    ),
    "unknown key of useq's": (_with(chanels=[1]), "chanels: there is no such key"),
    "unknown key inside useq's": (
        _with(channels=[{"config": "DAPI", "exposre": 5}]),
        r"channels\.0\.exposre",
    ),
    "wrong version": (_with(block={"version": 2}), r"rmz_acquire\.version is 2"),
    "no version": (
        _with(metadata={"rmz_acquire": {"estimator": "linear"}}),
        r"rmz_acquire\.version is missing",
    ),
    "no block": (_with(metadata={}), r"no metadata\.rmz_acquire"),
    "no z_plan": (_with(z_plan=None), "z_plan is missing"),
    "one plane": (_with(z_plan={"range": 0, "step": 1}), "z_plan"),
    "unknown unit of epsilon": (
        _with(block={"epsilon_kind": "decibel"}),
        r"rmz_acquire\.epsilon_kind .*'relative' or 'absolute'",
    ),
    "epsilon of 0": (_with(block={"epsilon": 0}), r"rmz_acquire\.epsilon "),
    "all planes drawn": (_with(block={"audit": 1}), r"rmz_acquire\.audit "),
    "no light": (_with(block={"max_light_ms": 0}), r"rmz_acquire\.max_light_ms "),
    "no time": (_with(block={"max_seconds": 0}), r"rmz_acquire\.max_seconds "),
    "no patience": (_with(block={"patience": 0}), r"rmz_acquire\.patience "),
    "a term that the rule has not": (
        _with(block={"stop_rule": "paper", "tau": 0.1}),
        r"stop_rule paper looks at epsilon alone: leave tau out",
    ),
    "a cost that the policy has not": (
        _with(block={"travel_cost": 1}),
        r"travel_cost is for the policies error and disagreement",
    ),
    "beyond the stage": (
        _with(block={"stage": {"limits_um": [-1, 10]}}),
        r"z_plan \(at stage_positions\.0\): .*from -2 to 4 µm.*-1 to 10 µm",
    ),
    "a list beyond the grid": (
        _with(block={"z_um": [0, 30]}),
        r"metadata\.rmz_acquire: z_um: 31 µm is outside",
    ),
    "more planes at least than at most": (
        _with(block={"min_planes": 5, "max_planes": 3}),
        r"metadata\.rmz_acquire: max_planes 3 is below min_planes 5",
    ),
    "no exposure": (
        _with(channels=[{"config": "DAPI", "exposure": 0}]),
        r"channels.*exposure",
    ),
    "positions without z": (
        _with(stage_positions=[{"x": 0, "y": 0, "z": 1}, {"x": 3, "y": 3}]),
        r"stage_positions\.1\.z is missing",
    ),
    "no such channel group": (
        _with(channels=[{"config": "DAPI", "group": "Dyes"}]),
        r"channels\.0: there is no configuration group 'Dyes'",
    ),
    "no such channel": (
        _with(channels=[{"config": "DAPY"}]),
        r"channels\.0: group 'Channel' has no preset 'DAPY'",
    ),
    "no such model": (
        _with(block={"estimator": "recurrent-mz", "model": "no-such"}),
        r"rmz_acquire\.(model|optics)",
    ),
    "a model for nothing": (
        _with(block={"model": "air-20x075"}),
        r"rmz_acquire\.model: the linear estimator has none",
    ),
    "no optics": (
        _with(block={"estimator": "wiener"}),
        r"rmz_acquire\.optics: the configuration does not tell the NA",
    ),
    "no such stage": (
        _with(block={"stage": {"device": "Piezo"}}),
        r"rmz_acquire\.stage\.device: there is no focus stage 'Piezo'",
    ),
    "z inside the channels": (
        _with(axis_order="tpgzc", channels=[{"config": "DAPI"}, {"config": "FITC"}]),
        "axis_order: z must come last",
    ),
    "z inside the channels of a position": (
        _with(
            stage_positions=[
                {
                    "z": 0,
                    "sequence": {
                        "axis_order": "zc",
                        "channels": [{"config": "DAPI"}, {"config": "FITC"}],
                        "z_plan": {"range": 6, "step": 1},
                    },
                }
            ],
            channels=None,
            z_plan=None,
        ),
        r"stage_positions\.0\.sequence\.axis_order: z must come last",
    ),
    "time inside z": (
        _with(axis_order="pzt", time_plan={"interval": 0, "loops": 2}, channels=None),
        "axis_order: z must come last",
    ),
    "no such side": (
        _with(block={"stage": {"approach_um": 1, "approach_from": "left"}}),
        r"rmz_acquire\.stage\.approach_from .*'below' or 'above'",
    ),
    "an approach from above beyond the limits": (
        _with(
            block={
                "stage": {
                    "approach_um": 2,
                    "approach_from": "above",
                    "limits_um": [-2, 5],
                }
            }
        ),
        r"z_plan .*from -2 to 6 µm \(with 2 µm of approach\)",
    ),
    "a speed of no such property": (
        _with(block={"stage": {"approach_um": 2, "approach_speed": ["Speed", 5]}}),
        r"rmz_acquire\.stage\.approach_speed: device 'Z' has no property 'Speed'",
    ),
    "a speed without an approach": (
        _with(block={"stage": {"approach_speed": ["Speed", 5]}}),
        r"rmz_acquire\.stage: approach_speed is given, but approach_um is 0",
    ),
    "a follower that would begin with the last time point": (
        _with(block={"channels": "leader", "time_lapse": {"start": "last"}}),
        r"rmz_acquire: time_lapse\.start: last goes with channels: independent only",
    ),
    "a misspelt check": (
        _with(block={"checks": {"repaet": True}}),
        r"rmz_acquire\.checks\.repaet: there is no such key",
    ),
    "a leader that comes second": (
        _with(
            block={"channels": "leader", "leader": "FITC"},
            channels=[{"config": "DAPI"}, {"config": "FITC"}],
        ),
        r"rmz_acquire\.leader: 'FITC' must come first",
    ),
    "a step below 0": (
        _with(z_plan={"range": 6, "step": -1}),
        r"z_plan\.step: -1 µm is below 0: give it above 0",
    ),
    "no step": (_with(z_plan={"range": 6, "step": 0}), r"z_plan\.step: 0 µm"),
    "top below bottom": (
        _with(z_plan={"bottom": 5, "top": 0, "step": 1}),
        r"z_plan\.bottom: 5 µm is above top, 0 µm",
    ),
    "a step below 0 at one position": (
        _with(
            stage_positions=[{"z": 0, "sequence": {"z_plan": {"range": 6, "step": -1}}}]
        ),
        r"stage_positions\.0\.sequence\.z_plan\.step: -1 µm is below 0",
    ),
    "more planes than there is room for": (
        _with(z_plan={"range": 1e6, "step": 1e-3}),
        r"z_plan\.step: .* over 100000 planes",
    ),
    "no number": (
        _with(z_plan={"range": float("inf"), "step": 1}),
        r"z_plan\.range: inf",
    ),
    "a z twice": (_with(z_plan={"relative": [0, 1, 1]}), r"z_plan\.relative: a z"),
    "no interval, a duration": (
        _with(time_plan={"interval": 0, "duration": 5}),
        r"time_plan\.interval: 0 with a duration",
    ),
    "the same in a phase": (
        _with(time_plan=[{"interval": 1, "loops": 2}, {"interval": 0, "duration": 5}]),
        r"time_plan\.1\.interval: 0 with a duration",
    ),
    "one loop with a duration": (
        _with(time_plan={"duration": 5, "loops": 1}),
        r"time_plan\.loops: 1 has no duration",
    ),
    "time that runs backwards": (
        _with(time_plan={"interval": -1, "loops": 2}),
        r"time_plan\.interval: -1 s is below 0",
    ),
    "a misspelt key of a phase": (
        _with(time_plan=[{"interval": 1, "loops": 2, "priorise_duration": True}]),
        r"time_plan\.0\.priorise_duration: there is no such key",
    ),
    "time points left out": (
        _with(time_plan={"interval": 1, "loops": 2, "prioritize_duration": True}),
        r"time_plan\.prioritize_duration: every time point is taken",
    ),
    "an axis left out": (
        _with(axis_order="tpcz", grid_plan={"rows": 1, "columns": 2}),
        "axis_order: 'g' is missing, but there is a grid_plan",
    ),
    "z left out": (_with(axis_order="tpgc"), "axis_order: 'z' is missing"),
    "a shutter held open": (
        _with(keep_shutter_open_across=["z"]),
        "keep_shutter_open_across: the light is off between the planes",
    ),
    "focus between planes": (
        _with(autofocus_plan={"axes": ["p", "z"]}),
        r"autofocus_plan\.axes: .*leave out z",
    ),
    "focus on no axis": (
        _with(autofocus_plan={"axes": ["q"]}),
        r"autofocus_plan\.axes: there is no axis 'q'",
    ),
    "focus that would never be found": (
        _with(autofocus_plan={"axes": ["t"]}),
        r"autofocus_plan\.axes: the experiment has none of them",
    ),
    "no such offset stage": (
        _with(autofocus_plan={"axes": ["p"], "autofocus_device_name": "Piezo"}),
        r"autofocus_plan\.autofocus_device_name: there is no offset stage 'Piezo'",
    ),
    "a setup that moves the focus": (_with(setup={"z_pos": 3}), r"setup\.z_pos: "),
    "a setup that does something else": (
        _with(setup={"action": {"type": "custom", "name": "feed the fish"}}),
        r"setup\.action: nothing here does it",
    ),
    "a setup with a picture for a projector": (
        _with(setup={"slm_image": {"data": [[0, 1]]}}),
        r"setup\.slm_image: ",
    ),
    "a setup that waits": (_with(setup={"min_start_time": 5}), r"setup\.min_start"),
    "a setup of no pixels": (_with(setup={"roi": [0, 0, 0, 0]}), r"setup\.roi: "),
    "a setup of no such device": (
        _with(setup={"properties": [["Kamera", "Binning", 2]]}),
        r"setup\.properties\.0: there is no device 'Kamera'",
    ),
    "a setup of no such value": (
        _with(setup={"properties": [["Camera", "Gain", 3], ["Camera", "Binning", 3]]}),
        r"setup\.properties\.1: Camera-Binning cannot be '3'",
    ),
    "a setup of no such channel": (
        _with(setup={"channel": {"config": "DAPY"}}),
        r"setup\.channel: group 'Channel' has no preset 'DAPY'",
    ),
    "a position of no such property": (
        _with(stage_positions=[{"z": 1, "properties": [["Camera", "Bining", 2]]}]),
        r"stage_positions\.0\.properties\.0: device 'Camera' has no property 'Bining'",
    ),
    "a position with a setup": (
        _with(
            stage_positions=[
                {"z": 1, "sequence": {"setup": {"exposure": 3}, "channels": ["DAPI"]}}
            ]
        ),
        r"stage_positions\.0\.sequence\.setup: ",
    ),
    "a position with settings": (
        _with(
            stage_positions=[
                {
                    "z": 1,
                    "sequence": {
                        "channels": ["DAPI"],
                        "metadata": {"rmz_acquire": {"version": 1}},
                    },
                }
            ]
        ),
        r"stage_positions\.0\.sequence\.metadata\.rmz_acquire: ",
    ),
    "a time plan within a time plan": (
        _with(
            time_plan={"interval": 1, "loops": 2},
            stage_positions=[
                {"z": 1, "sequence": {"time_plan": {"interval": 1, "loops": 2}}}
            ],
        ),
        r"stage_positions\.0\.sequence\.time_plan: ",
    ),
    "an offset that useq forgets": (
        _with(
            channels=[{"config": "DAPI", "exposure": 5, "z_offset": 2}],
            stage_positions=[{"z": 1, "sequence": {"z_plan": {"range": 2, "step": 1}}}],
        ),
        r"channels\.0\.z_offset: it would not be added at stage_positions\.0",
    ),
    "a channel that useq forgets": (
        _with(
            channels=[{"config": "DAPI", "exposure": 5}, {"config": "FITC"}],
            stage_positions=[{"z": 1, "sequence": {"metadata": {"a": 1}}}],
        ),
        r"channels\.1: it would be left out at stage_positions\.0",
    ),
    "a single plane that useq makes a stack of": (
        _with(
            stage_positions=[
                {
                    "z": 1,
                    "sequence": {
                        "channels": [
                            {"config": "DAPI", "exposure": 5, "do_stack": False}
                        ]
                    },
                }
            ]
        ),
        r"stage_positions\.0\.sequence\.channels\.0\.do_stack: a stack would be",
    ),
    "every time for every other": (
        _with(
            time_plan={"interval": 0, "loops": 2},
            stage_positions=[
                {
                    "z": 1,
                    "sequence": {
                        "channels": [
                            {"config": "FITC", "acquire_every": 2, "exposure": 5}
                        ]
                    },
                }
            ],
        ),
        r"stage_positions\.0\.sequence\.channels\.0\.acquire_every: ",
    ),
    "an exposure that useq takes from another": (
        _with(stage_positions=[{"z": 1, "sequence": {"channels": ["FITC"]}}]),
        r"stage_positions\.0\.sequence\.channels\.0\.exposure: another one",
    ),
    "planes of a position twice": (
        _with(
            stage_positions=[
                {
                    "z": 1,
                    "sequence": {
                        "autofocus_plan": {"axes": ["p"]},
                        "z_plan": {"range": 2, "step": 1},
                    },
                }
            ]
        ),
        r"stage_positions\.0\.sequence: 21 planes would be taken",
    ),
    "points that are others every time": (
        _with(grid_plan={"num_points": 3, "max_width": 9, "max_height": 9}),
        r"grid_plan\.random_seed: it is missing",
    ),
    "a grid that leads nowhere": (
        _with(grid_plan={"rows": 2, "columns": 2, "overlap": 100}),
        r"grid_plan\.overlap: 100 % or more",
    ),
    "a point of a grid with a z": (
        _with(grid_plan={"x": 1, "y": 2, "z": 3}),
        r"grid_plan\.z: no engine does it here",
    ),
    "a position that an absolute grid overrides": (
        _with(grid_plan={"top": 9, "left": 0, "bottom": 0, "right": 9}),
        "useq: Position x=0.0, y=0.0 is ignored",
    ),
    "a plate without wells": (
        _with(stage_positions={"plate": "96-well", "a1_center_xy": [0, 0]}),
        r"stage_positions\.selected_wells: no well is selected",
    ),
    "no such camera": (
        _with(channels=[{"config": "DAPI", "camera": "Kamera"}]),
        r"channels\.0\.camera: there is no camera 'Kamera': have Camera",
    ),
    "a key twice": (
        "z_plan: {range: 6, step: 1}\nz_plan: {range: 3, step: 1}\n",
        "z_plan: the key stands twice, again at line 2",
    ),
    "no text for a key": (
        _with(metadata={**GOOD["metadata"], "mice": {7: "grey"}}),
        r"metadata\.mice\.7: 7 cannot be kept in a file",
    ),
    "no YAML": ("z_plan: [1, 2", "is no YAML at line"),
    "no mapping": ("- 1", "an experiment has keys"),
}


#: What is known only once a channel is set, to see how it is imaged.
LOOKED_AT = ("no optics",)
NEVER = ("setPosition", "setZPosition", "setXYPosition", "setShutterOpen", "snapImage")
SETTING = ("setConfig", "setExposure", "setProperty", "setROI", "setCameraDevice")


@pytest.fixture
def forbid(demo, monkeypatch):
    """Make a microscope on which some things must not be done."""

    def never(*args, **_):
        raise AssertionError(f"something was set: {args}")

    def forbidding(*names):
        for name in names:
            monkeypatch.setattr(demo, name, never)
        return demo

    yield forbidding
    monkeypatch.undo()


@pytest.mark.parametrize("name", BAD)
def test_refused_by_its_key(demo, forbid, tmp_path, name):
    told, message = BAD[name]
    before = standing(demo)
    still = forbid(*NEVER, *(() if name in LOOKED_AT else SETTING))
    path = tmp_path / "bad.yaml"
    text = told if isinstance(told, str) else yaml.safe_dump(told)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as said:
        run(still, path, tmp_path / "run")
    assert "\n" not in str(said.value)
    assert not (tmp_path / "run").exists()
    assert standing(demo) == before


def test_a_model_that_does_not_fit(demo, forbid, tmp_path, monkeypatch):
    still, before = forbid(*NEVER), standing(demo)

    class Card:
        name = "air-20x075"

        def check(self, optics, z_um):
            assert optics.na == 1.4 and len(z_um) == 7
            return ["model air-20x075 is made for 20x/0.75; yours is NA 1.4 oil"]

    class Model:
        card, sha256 = Card(), "0"

    monkeypatch.setattr(
        "rmz_acquire.experiments.estimators.load_model", lambda _: Model()
    )
    optics = {
        "na": 1.4,
        "immersion_index": 1.515,
        "pixel_size_um": 0.1,
        "wavelength_um": 0.46,
    }
    path = tmp_path / "far.yaml"
    told = _with(block={"estimator": "recurrent-mz", "optics": optics})
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    with pytest.raises(InputError, match=r"rmz_acquire\.model: .*strict: false"):
        run(still, path, tmp_path / "run")
    assert standing(demo) == before


def test_a_good_one_is_read_and_a_folder_is_not_overwritten(demo, tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(yaml.safe_dump(GOOD), encoding="utf-8")
    sequence = read_experiment(path)
    assert len(list(sequence)) == 7
    with pytest.raises(InputError, match=r"^sequence: give .*, not int"):
        run(demo, 7, tmp_path / "run")
    # a script may write keys and values, too
    assert run(demo, GOOD, tmp_path / "run").summary.status == "completed"
    with pytest.raises(InputError, match="holds a run already"):
        run(demo, sequence, tmp_path / "run")
    with pytest.raises(InputError, match="no-such"):
        read_experiment(tmp_path / "no-such.yaml")
