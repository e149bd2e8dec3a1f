"""Finding and opening configurations; what they tell about the optics."""

from __future__ import annotations

import gc
import sys
import weakref

import numpy as np
import pytest
from children import run_to_end
from engine_run import run_on_core
from pymmcore_plus import CMMCorePlus
from scan_fakes import LinearEstimator, MemoryRecorder

from rmz_acquire.acquisition import (
    close_core,
    config_path,
    load_simulated,
    open_core,
    optics_from_core,
)
from rmz_acquire.errors import InputError
from rmz_acquire.objectives import emission_um, parse_objective
from rmz_acquire.scanning import Scan, ScanPlan
from rmz_acquire.simulation.camera import simulated_camera


def test_shipped_and_stock_configurations_are_found(tmp_path):
    assert config_path("simulated") == config_path("simulated.cfg")
    assert config_path("MMConfig_demo").name == "MMConfig_demo.cfg"
    own = tmp_path / "own.cfg"
    own.write_text("# nothing\n")
    assert config_path(own) == own.resolve()


def test_an_unknown_configuration_names_the_known():
    with pytest.raises(InputError, match=r"no such configuration.*simulated"):
        config_path("no-such-microscope")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Device,Camera,NoSuchAdapter,Cam", "NoSuchAdapter"),
        ("Device,Camera,DemoCamera,NoSuchDevice", "NoSuchDevice"),
        ("#py pyDevice,Camera,rmz_acquire.simulation.camera,NoSuch", "NoSuch"),
        ("Property,Nowhere,Exposure,1", "Nowhere"),
    ],
)
def test_a_missing_device_is_one_clear_line(tmp_path, line, message):
    path = tmp_path / "broken.cfg"
    path.write_text(f"Property,Core,Initialize,0\n{line}\nProperty,Core,Initialize,1\n")
    with pytest.raises(InputError, match=message) as said:
        open_core(path)
    assert "\n" not in str(said.value) and "broken.cfg" in str(said.value)


def test_a_plain_core_cannot_have_the_simulated_microscope(closing):
    with pytest.raises(InputError, match="UniMMCore"):
        load_simulated(closing(CMMCorePlus()))


def test_no_adapters_says_what_to_install(monkeypatch):
    monkeypatch.setattr("pymmcore_plus.find_micromanager", lambda: None)
    with pytest.raises(InputError, match=r"pip install -e .*simulation"):
        open_core("simulated")


def test_the_stock_demo_leaves_the_aperture_open(demo):
    with pytest.raises(InputError, match=r"the NA .*the immersion index") as said:
        optics_from_core(demo, wavelength_um=0.52)
    assert "Nikon 10X S Fluor" in str(said.value)
    optics = optics_from_core(demo, na=0.5, immersion_index=1.0)
    assert optics.pixel_size_um == 1.0
    assert optics.wavelength_um == pytest.approx(0.62)  # Chroma-HQ620 is in place
    with pytest.raises(InputError, match=r"NA 1\.2 is not below"):
        optics_from_core(demo, na=1.2, immersion_index=1.0)
    with pytest.raises(InputError, match="wavelength"):
        optics_from_core(demo, na=0.5, immersion_index=1.0, wavelength_um=520)


@pytest.mark.parametrize(
    ("label", "magnification", "na", "index"),
    [
        ("20x/0.75 Air", 20, 0.75, 1.0),
        ("Nikon 40X Plan Fluor ELWD", 40, None, None),
        ("Plan Apo 63x 1.40 Oil", 63, 1.4, 1.515),
        ("Nikon 60X Plan Apo NA1.2 W", 60, 1.2, 1.333),
        ("10X/0.3", 10, 0.3, 1.0),
        ("Zeiss 20x NA=0.8", 20, 0.8, 1.0),
        ("25x/1.05 Sil", 25, 1.05, 1.406),
        ("40x/1.1", 40, 1.1, None),
        ("Objective-2", None, None, None),
    ],
)
def test_labels_of_objectives(label, magnification, na, index):
    told = parse_objective(label)
    assert (told.magnification, told.na, told.immersion_index) == (
        magnification,
        na,
        index,
    )


@pytest.mark.parametrize(
    ("label", "um"),
    [("525/50", 0.525), ("Chroma-HQ535", 0.535), ("State-9", None), ("89402m", None)],
)
def test_labels_of_filters(label, um):
    assert emission_um(label) == um


@pytest.mark.slow
def test_a_scan_on_the_simulated_microscope(simulated):
    """Every part but the estimator: focus, light, picture, truth."""
    plan = ScanPlan.from_range(-10, 10, 1.0, max_planes=6, epsilon=1e-9)
    scan, recorder = Scan(plan, LinearEstimator(plan.z_um)), MemoryRecorder()
    simulated.setPosition(4.0)
    simulated.waitForSystem()
    camera = simulated_camera(simulated)
    truth = camera.expected(plan.z_um)
    before_ms = camera.dose_ms()
    outcome = run_on_core(simulated, scan, recorder, exposure_ms=5.0)
    assert outcome.status == "max_planes"
    assert camera.dose_ms() - before_ms == 6 * 5.0
    assert simulated.getPosition() == 4.0 and not simulated.getShutterOpen()
    error = []
    for plane in recorder.planes:
        index = int(np.argmin(np.abs(np.array(plan.z_um) - plane.z_um)))
        error.append(np.abs(plane.image - truth[index]).mean())
    assert max(error) < 5  # noise of some counts
    # the shutter closes between the exposures of a Python camera too
    assert {plane.exposure_ms for plane in recorder.planes} == {5.0}


PROGRAM = """
from rmz_acquire.acquisition import open_core
core = open_core({config!r})
if core.hasProperty("Camera", "SensorSize_px"):
    core.setProperty("Camera", "SensorSize_px", 64)
for z in range(3):
    core.setPosition(z)
    core.snapImage()
"""


@pytest.mark.slow
@pytest.mark.parametrize("config", ["MMConfig_demo.cfg", "simulated"])
def test_a_process_that_used_a_core_ends_well(config):
    """MMCore's event thread aborted most processes that ended right after a snap."""
    done = run_to_end([sys.executable, "-c", PROGRAM.format(config=config)])
    assert done.returncode == 0, done.stderr


def test_a_core_is_held_until_it_is_closed():
    """Deleted by the garbage collector on its event thread, it aborts the process."""
    core = open_core("MMConfig_demo.cfg")
    there = weakref.ref(core)
    del core
    gc.collect()
    assert there() is not None
    core = there()
    close_core(core)
    close_core(core)  # once more does nothing
    assert not core.getLoadedDevices()[:-1]  # the core itself is one
