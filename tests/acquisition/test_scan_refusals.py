"""A scan that cannot go well is refused before anything moves."""

from __future__ import annotations

import numpy as np
import pytest
from pymmcore_plus.mda import MDAEngine

from rmz_acquire.acquisition import run_on_core
from rmz_acquire.errors import InputError
from rmz_acquire.scanning import ScanState

REFUSED = {
    "no camera": (lambda core: core.setCameraDevice(""), {}, "no camera"),
    "no stage": (lambda core: core.setFocusDevice(""), {}, "no focus stage"),
    "other stage": (None, {"z_stage": "XY"}, "no focus stage 'XY'"),
    "limits": (None, {"z_limits_um": (0.0, 10.0)}, "outside the limits given"),
    "approach": (
        None,
        {"z_limits_um": (0.0, 12.0), "approach_um": 1.0},
        "with 1 µm of approach",
    ),
    "no group": (None, {"channel": ("Colour", "FITC")}, "no configuration group"),
    "no preset": (None, {"channel": ("Channel", "GFP")}, "has no preset 'GFP'"),
    "exposure 0": (None, {"exposure_ms": 0.0}, "above 0 ms"),
    "exposure nan": (None, {"exposure_ms": np.nan}, "above 0 ms"),
    "exposure long": (None, {"exposure_ms": 1e6}, "exposes from 0 to 10000 ms"),
    "tolerance": (None, {"tolerance_um": 0.0}, "tolerance must be above 0"),
    "settle": (None, {"settle_ms": -1.0}, "settle time must be 0 or more"),
    "colour": (
        lambda core: core.setProperty("Camera", "PixelType", "32bitRGB"),
        {},
        "gives colour",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_moves(demo, make_scan, case, monkeypatch):
    spoil, options, message = REFUSED[case]
    if spoil is not None:
        spoil(demo)
    for name in ("setPosition", "snapImage", "setShutterOpen", "setConfig"):

        def forbidden(*_, name=name):
            pytest.fail(f"{name} was called")

        monkeypatch.setattr(demo, name, forbidden)
    scan, recorder = make_scan()
    with pytest.raises(InputError, match=message):
        run_on_core(demo, scan, recorder, **{"exposure_ms": 3.0, **options})
    assert recorder.log == [] and scan.state is ScanState.idle
    assert type(demo.mda.engine) is MDAEngine


def test_refused_on_a_stage_that_tells_its_limits(simulated, make_scan):
    scan, recorder = make_scan(np.linspace(190, 210, 11))
    with pytest.raises(InputError, match=r"outside the range of stage 'Z', -200 to"):
        run_on_core(simulated, scan, recorder, exposure_ms=3.0)
    assert simulated.getPosition() == 0.0


def test_a_used_scan_is_refused(demo, make_scan):
    scan, recorder = make_scan()
    run_on_core(demo, scan, recorder, exposure_ms=3.0)
    with pytest.raises(InputError, match="the scan is finished"):
        run_on_core(demo, scan, recorder, exposure_ms=3.0)


def test_refused_while_another_acquisition_runs(pattern, make_scan):
    core, _ = pattern
    inner, inner_recorder = make_scan()
    refused = []

    def once_more(decision, _):
        if decision.index == 0:
            with pytest.raises(InputError, match="an acquisition is running") as said:
                run_on_core(core, inner, inner_recorder, exposure_ms=1.0)
            refused.append(said)

    scan, recorder = make_scan(on_decision=once_more)
    assert run_on_core(core, scan, recorder, exposure_ms=1.0).ok
    assert len(refused) == 1
