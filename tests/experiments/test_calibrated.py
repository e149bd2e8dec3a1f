"""Optics that `calibrate-optics` wrote, in an experiment."""

from __future__ import annotations

import json

import pytest
import useq
import yaml
from cli_helpers import refused

from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import resume, run, with_optics
from rmz_acquire.optics import Optics

CALIBRATED = Optics(
    na=0.72,
    immersion_index=1.0,
    wavelength_um=0.52,
    pixel_size_um=0.325,
    z_scale=0.8,
    spherical_waves=-0.05,
    secondary_spherical_waves=0.02,
    apodisation=0.3,
)


def experiment(**optics):
    return useq.MDASequence(
        z_plan={"range": 6, "step": 1},
        channels=[{"config": "DAPI", "exposure": 1}],
        stage_positions=[{"x": 0, "y": 0, "z": 0}],
        metadata={
            "rmz_acquire": {
                "version": 1,
                "estimator": "wiener",
                "max_planes": 3,
                "strict": False,
                "optics": optics,
            }
        },
    )


def test_they_are_what_the_volume_is_made_with(demo, tmp_path):
    told = with_optics(experiment(), CALIBRATED)
    run(demo, told, tmp_path / "run")
    kept = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert list(kept["optics"].values()) == [CALIBRATED.model_dump()]


def test_a_run_from_before_a_key_goes_on(demo, tmp_path):
    seen, folder = [], tmp_path / "run"

    def stop(*_):
        seen.append(1)
        demo.mda.cancel()

    demo.mda.events.frameReady.connect(stop)
    assert (
        run(demo, with_optics(experiment(), CALIBRATED), folder).summary.status
        == "aborted"
    )
    demo.mda.events.frameReady.disconnect(stop)
    told = json.loads((folder / "run.json").read_text("utf-8"))
    block = told["sequence"]["metadata"]["rmz_acquire"]["optics"]
    for optics in (*told["optics"].values(), block):
        del optics["apodisation"], optics["secondary_spherical_waves"]
    (folder / "run.json").write_text(json.dumps(told), "utf-8")
    assert resume(demo, folder).summary.status == "completed"


def test_wavelengths_by_channel_stay():
    told = with_optics(experiment(wavelength_um={"DAPI": 0.46}), CALIBRATED)
    optics = told.metadata["rmz_acquire"]["optics"]
    assert optics["wavelength_um"] == {"DAPI": 0.46}
    assert optics["z_scale"] == 0.8


def test_another_value_in_the_block_is_refused():
    with pytest.raises(InputError, match=r"optics\.na is 0\.75.*leave one"):
        with_optics(experiment(na=0.75), CALIBRATED)
    # it was calibrated as if the sample had the index of the immersion
    with pytest.raises(InputError, match=r"sample_index is 1\.38.* has none"):
        with_optics(experiment(sample_index=1.38), CALIBRATED)


def test_the_same_value_rounded_is_the_calibrated_one():
    told = with_optics(experiment(na=0.72, z_scale=0.79), CALIBRATED)
    assert told.metadata["rmz_acquire"]["optics"]["z_scale"] == 0.8


@pytest.mark.slow
def test_the_command_takes_them_for_a_new_experiment_only(tmp_path, capsys):
    file, yml = tmp_path / "optics.yaml", tmp_path / "experiment.yaml"
    file.write_text(yaml.safe_dump(CALIBRATED.model_dump(exclude_none=True)), "utf-8")
    yml.write_text(experiment(na=0.75).yaml(), "utf-8")
    out = tmp_path / "run"
    begin = ["scan", str(yml), "--config", "MMConfig_demo", "--out", str(out)]
    assert "optics.na is 0.75" in refused([*begin, "--optics", str(file)], capsys)
    missing = [*begin, "--optics", str(tmp_path / "none.yaml")]
    assert "none.yaml" in refused(missing, capsys)
    assert not out.exists()

    yml.write_text(experiment().yaml(), "utf-8")
    assert main([*begin, "--optics", str(file)]) == 0
    kept = json.loads((out / "run.json").read_text("utf-8"))
    assert list(kept["optics"].values()) == [CALIBRATED.model_dump()]
    capsys.readouterr()
    resume = ["scan", "--resume", str(out), "--optics", str(file)]
    assert "keeps its optics" in refused(resume, capsys)
