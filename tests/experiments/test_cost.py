"""What the loop costs over a bare run, and that a long one costs no more at its end."""

from __future__ import annotations

import gc
import logging
import os
import statistics
import threading
import time
import warnings
from itertools import pairwise

import pytest
from experiment_fakes import sequence
from patience import wait_for
from pymmcore_plus.mda import MDAEngine

from rmz_acquire.experiments import run
from rmz_acquire.experiments.estimators import Estimators
from rmz_acquire.scanning import NoEstimator

# the whole of it: RMZ_ACQUIRE_SOAK=1000 pytest -s tests/experiments/test_cost.py
SOAK = int(os.environ.get("RMZ_ACQUIRE_SOAK", "30"))
PER_VOLUME = 10


@pytest.fixture(autouse=True)
def _quiet():
    """No log of every event: pytest would keep it all, and its time counts too."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(Estimators, "make", lambda self, channel, z: NoEstimator(z))


def _gaps(core, action):
    """Times of the processor from one frame to the next, ms."""
    times = []

    def note(*_):
        times.append(time.process_time())

    core.mda.events.frameReady.connect(note)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        action()
    core.mda.events.frameReady.disconnect(note)
    assert len(times) == 101
    return [1000 * (b - a) for a, b in pairwise(times)]


@pytest.mark.slow
def test_at_most_five_ms_a_plane_over_a_bare_run(demo, no_network, tmp_path):
    demo.setProperty("Camera", "OnCameraCCDXSize", 512)
    demo.setProperty("Camera", "OnCameraCCDYSize", 512)
    plan = {"range": 20, "step": 0.2}
    z_um = [round(-10 + 0.2 * i, 3) for i in range(101)]
    wanted = sequence({"z_um": z_um}, z_plan=plan)
    engine = MDAEngine(demo, use_hardware_sequencing=False, restore_initial_state=False)
    demo.mda.set_engine(engine)
    bare, ours = [], []
    for number in range(2):
        bare += _gaps(demo, lambda: demo.mda.run(wanted))
        folder = tmp_path / f"run-{number}"
        ours += _gaps(demo, lambda folder=folder: run(demo, wanted, folder).summary)
    more = statistics.median(ours) - statistics.median(bare)
    print(f"\n{statistics.median(bare):.2f} ms a plane bare, {more:.2f} ms more")
    assert more <= 5.0


@pytest.mark.slow
def test_soak(demo, tmp_path):
    """Memory and time a plane stay flat; no thread, no file is left open."""
    demo.setExposure(0.1)
    per_position = 10
    wanted = sequence(
        {"max_planes": PER_VOLUME},
        channels=[{"config": "DAPI", "exposure": 0.1}],
        stage_positions=[(i, 0, 0) for i in range(per_position)],
        time_plan={"interval": 0, "loops": SOAK // per_position},
        z_plan={"range": 12, "step": 1},
    )
    threads = threading.active_count()
    files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    marks = []

    def note(volume, decision, _):
        if decision.index == 0 and volume.number % (SOAK // 10) == 0:
            gc.collect()
            marks.append((volume.number, time.process_time(), _rss()))

    summary = run(demo, wanted, tmp_path / "soak", on_decision=note).summary
    assert summary.status == "completed", summary.reason
    assert summary.planes_taken == SOAK * PER_VOLUME
    spent = [
        1000 * (b[1] - a[1]) / (b[0] - a[0]) / PER_VOLUME for a, b in pairwise(marks)
    ]
    half = len(spent) // 2
    early, late = statistics.median(spent[:half]), statistics.median(spent[half:])
    grown = (marks[-1][2] - marks[2][2]) / 2**20
    print(
        f"\n{summary.planes_taken} planes, {SOAK} volumes: {early:.2f} ms a plane in "
        f"the first half, {late:.2f} in the second; {grown:.1f} MiB more"
    )
    assert late <= 1.5 * early + 1.0
    assert grown < 30
    wait_for(lambda: threading.active_count() <= threads)
    if files is not None:
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= files + 8


def _rss():
    """Memory in use, bytes; 0 where the system does not tell."""
    if not os.path.exists("/proc/self/statm"):
        return 0
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
