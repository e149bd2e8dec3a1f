"""A microscope that cannot do an experiment refuses it before anything moves."""

from __future__ import annotations

import numpy as np
import pytest
from experiment_fakes import sequence
from pymmcore_plus.mda import MDAEngine

from rmz_acquire.acquisition import close_core, load_simulated
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import run

REFUSED = {
    "no camera": (lambda core: core.setCameraDevice(""), {}, {}, "no camera"),
    "no stage": (lambda core: core.setFocusDevice(""), {}, {}, "no focus stage"),
    "limits": (None, {"stage": {"limits_um": (-1, 1)}}, {}, "outside the limits given"),
    "approach": (
        None,
        {"stage": {"limits_um": (-3, 3), "approach_um": 1.0}},
        {},
        "with 1 µm of approach",
    ),
    "exposure 0": (None, {}, {"exposure": 0.0}, "exposure"),
    "exposure nan": (None, {}, {"exposure": np.nan}, "exposure"),
    "exposure long": (None, {}, {"exposure": 1e6}, "exposes from 0 to 10000 ms"),
    "colour": (
        lambda core: core.setProperty("Camera", "PixelType", "32bitRGB"),
        {},
        {},
        "gives colour",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_moves(demo, case, monkeypatch, tmp_path):
    spoil, block, channel, message = REFUSED[case]
    if spoil is not None:
        spoil(demo)
    for name in ("setPosition", "snapImage", "setShutterOpen"):

        def forbidden(*_, name=name):
            pytest.fail(f"{name} was called")

        monkeypatch.setattr(demo, name, forbidden)
    channels = [{"config": "DAPI", "exposure": 1, **channel}]
    with pytest.raises((InputError, ValueError), match=message):
        run(demo, sequence(block, channels=channels), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert type(demo.mda.engine) is MDAEngine


def test_refused_on_a_stage_that_tells_its_limits(tmp_path):
    core = load_simulated(SensorSize_px=64)
    try:
        wanted = sequence(z_plan={"bottom": 190, "top": 210, "step": 2}, channels=[])
        with pytest.raises(InputError, match=r"the range of stage 'Z', -200 to"):
            run(core, wanted, tmp_path / "run")
        assert core.getPosition() == 0.0
    finally:
        close_core(core)


def test_refused_while_another_acquisition_runs(demo, tmp_path):
    refused = []

    def once_more(_volume, decision, _estimate):
        if decision.index == 0:
            with pytest.raises(InputError, match="an acquisition is running") as said:
                run(demo, sequence(), tmp_path / "inner")
            refused.append(said)

    summary = run(demo, sequence(), tmp_path / "outer", on_decision=once_more).summary
    assert summary.status == "completed" and len(refused) == 1
    assert not (tmp_path / "inner").exists()
