"""An experiment keeps its calibration, and is held to it."""

from __future__ import annotations

import pytest
import useq
import yaml

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import ExperimentSettings, read_experiment, with_target
from rmz_acquire.experiments.target_calibration import check_calibration, with_card
from rmz_acquire.optics import Optics
from rmz_acquire.scanning import ScanPlan, StopCalibration, conditions_of
from rmz_acquire.scanning.stop_calibration import hash_of

GRID = tuple(float(z) for z in range(11))
SHAPE = (24, 28)
OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.3)
FACTS = {"model_sha256": None, "optics": None, "shape": SHAPE, "on_regions": False}


def card() -> StopCalibration:
    plan = ScanPlan.from_grid(GRID, audit=0.0)
    facts = {key: FACTS[key] for key in ("model_sha256", "optics", "shape")}
    conditions = conditions_of(plan, estimator="linear", **facts)
    return StopCalibration(
        target_nrmse=0.2,
        alpha=0.1,
        confidence=0.9,
        threshold=0.3,
        n=30,
        failures=0,
        mean_planes=5.0,
        planes_full_scan=11,
        families={"blobs": 30},
        sources=[],
        conditions=conditions,
        sha256=hash_of(conditions),
    )


def checked(more=None, **facts):
    block = {"version": 1, "estimator": "linear", "calibration": card(), **(more or {})}
    settings = ExperimentSettings.of({"rmz_acquire": block})
    plan = ScanPlan.from_grid(GRID, **settings.plan_options())
    check_calibration(settings, plan, **{**FACTS, **facts})
    return settings


def test_one_that_fits_is_taken_and_needs_no_epsilon() -> None:
    assert checked().stop_rule == "target"
    assert checked({"target_nrmse": 0.25, "confidence": 0.8}).stop_rule == "target"


@pytest.mark.parametrize(
    ("more", "facts", "key"),
    [
        ({"epsilon": 0.05}, {}, " epsilon does not go with calibration"),
        ({"channels": "leader"}, {}, "channels: leader"),
        ({"z_um": (1.0, 2.0)}, {}, "z_um"),
        ({}, {"on_regions": True}, "regions"),
        ({}, {"optics": OPTICS}, r"calibration: .*optics\.na was None, it is 0\.75"),
        ({"estimator": "nearest"}, {}, "calibration: .*estimator was linear"),
        ({}, {"shape": (30, 30)}, "calibration: .*picture was"),
        ({}, {"model_sha256": "0" * 64}, "calibration: .*model_sha256 was"),
        ({"max_seconds": 9.0}, {}, "calibration: .*max_seconds was None"),
    ],
)
def test_one_that_does_not_is_refused_with_the_key(more, facts, key) -> None:
    with pytest.raises(InputError, match=rf"^metadata\.rmz_acquire[.:]{key}"):
        checked(more, **facts)


def test_what_is_kept_is_the_calibration_not_its_file(tmp_path) -> None:
    block = {"version": 1, "estimator": "linear"}
    begun = useq.MDASequence(
        z_plan={"absolute": list(GRID)}, metadata={"rmz_acquire": block}
    )
    assert with_target(begun) is begun
    file = tmp_path / "stop.yaml"
    card().write(file)
    aimed = with_target(begun, target_nrmse=0.2, confidence=0.9, calibration=file)
    kept = with_card(aimed).metadata["rmz_acquire"]
    file.unlink()
    assert ExperimentSettings.of({"rmz_acquire": kept}).calibration == card()
    with pytest.raises(InputError, match=r"^metadata\.rmz_acquire\.calibration: "):
        with_card(aimed)


def test_a_file_counts_from_the_experiments_folder_an_option_from_here(
    tmp_path, monkeypatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    card().write(tmp_path / "stop.yaml")
    raw = {
        "z_plan": {"bottom": 0, "top": 10, "step": 1},
        "metadata": {
            "rmz_acquire": {
                "version": 1,
                "estimator": "linear",
                "calibration": "stop.yaml",
            }
        },
    }
    monkeypatch.chdir(here)
    file = tmp_path / "scan.yaml"
    file.write_text(yaml.safe_dump(raw))
    read = read_experiment(file)
    named = read.metadata["rmz_acquire"]["calibration"]
    assert named == str(tmp_path / "stop.yaml")
    with pytest.raises(InputError, match=r"calibration: cannot read .*here/stop.yaml"):
        with_target(read, calibration="stop.yaml")
    assert with_target(read, calibration="../stop.yaml", target_nrmse=0.2)
    raw["metadata"]["rmz_acquire"]["epsilon"] = 0.05
    del raw["metadata"]["rmz_acquire"]["calibration"]
    file.write_text(yaml.safe_dump(raw))
    with pytest.raises(InputError, match="epsilon does not go with target_nrmse"):
        with_target(read_experiment(file), target_nrmse=0.2)
