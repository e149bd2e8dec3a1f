"""SIGKILL at any moment: all is readable, and going on decides as if nothing was."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time

import numpy as np
import pytest
import tifffile
from patience import PATIENCE_S, wait_for
from yaozarrs import validate_zarr_store

from rmz_acquire.acquisition import close_core
from rmz_acquire.errors import InputError

# 200 of them: RMZ_ACQUIRE_KILLS=100 pytest tests/experiments/test_kill_and_resume.py
KILLS = int(os.environ.get("RMZ_ACQUIRE_KILLS", "2"))
DECIDED = (
    "z_requested_um",
    "z_actual_um",
    "delta",
    "delta_relative",
    "innovation",
    "gap_um",
    "decision",
    "reason",
)


def _open(stack):
    from rmz_acquire.acquisition import load_simulated

    core = load_simulated()
    core.setProperty("Camera", "StackStep_um", 1.0)
    core.setProperty("Camera", "Specimen", str(stack))
    core.setProperty("Z", "Settle_ms", 0)
    return core


def _sequence(kind="many"):
    import useq

    block = {"version": 1, "estimator": "linear", "epsilon": 0.03, "max_planes": 8}
    if kind == "one":
        # a single volume, whose image stands at the root of the Zarr
        return useq.MDASequence(
            channels=[{"config": "GFP", "exposure": 5}],
            z_plan={"bottom": 1, "top": 18, "step": 0.5},
            metadata={
                "rmz_acquire": {
                    **block,
                    "epsilon": 1e-9,
                    "max_planes": 30,
                    # up to two planes that nobody has decided upon yet
                    "overlap": "exposure",
                }
            },
        )
    return useq.MDASequence(
        channels=[{"config": "GFP", "exposure": 1}, {"config": "RFP", "exposure": 2}],
        stage_positions=[(0, 0, 6), (20, 0, 9)],
        time_plan={"interval": 0.2, "loops": 3},
        z_plan={"range": 12, "step": 1},
        metadata={"rmz_acquire": block},
    )


def child(stack, folder, kind, resuming, done):
    """Run, or go on with, the experiment; in a process of its own."""
    from rmz_acquire.experiments import resume, run

    core = _open(stack)
    ended = resume(core, folder) if resuming else run(core, _sequence(kind), folder)
    summary = ended.summary
    done.put((summary.status, summary.reason))
    close_core(core)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A recorded stack: the same picture at the same z, whatever happens."""
    from scan_fakes import blobs

    path = tmp_path_factory.mktemp("stack") / "stack.tif"
    pictures = blobs(np.arange(20.0), shape=(32, 36))
    tifffile.imwrite(path, pictures, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("forkserver")
    # modules, not rooms: these import what is asked for
    heavy = ("experiments.run", "experiments.estimators", "simulation.camera")
    context.set_forkserver_preload([f"rmz_acquire.{name}" for name in heavy])
    return context


def _finish(processes, stack, folder, kind, *, resuming):
    done = processes.Queue()
    process = processes.Process(
        target=child, args=(stack, folder, kind, resuming, done)
    )
    process.start()
    try:
        told = done.get(timeout=PATIENCE_S)
        process.join(PATIENCE_S)
    finally:
        process.kill()
    return told


def _decisions(folder):
    lines = (folder / "decisions.jsonl").read_text().splitlines()
    found = {}
    for line in map(json.loads, lines):
        key = (line["t"], line["p"], line["g"], line["c"], line["index"])
        found[key] = [line[name] for name in DECIDED]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["many", "one"])
def test_killed_at_random_moments(processes, stack, tmp_path, kind):
    from rmz_acquire.experiments.verify import verify

    whole = tmp_path / "whole"
    status, reason = _finish(processes, stack, whole, kind, resuming=False)
    assert status == "completed", reason
    begun, ended = (
        (whole / name).stat().st_mtime for name in ("run.json", "summary.json")
    )
    lasts = ended - begun
    expected = _decisions(whole)
    assert len(expected) > 25

    chance = random.Random(3)
    cut_short = 0
    for number in range(KILLS):
        folder = tmp_path / f"killed-{number}"
        done = processes.Queue()
        process = processes.Process(
            target=child, args=(stack, folder, kind, False, done)
        )
        process.start()
        begun = folder / "run.json"
        wait_for(lambda f=begun, p=process: f.exists() or not p.is_alive())
        time.sleep(chance.uniform(0, lasts))
        process.kill()
        process.join(PATIENCE_S)
        if not (folder / "summary.json").exists():
            cut_short += 1
        # every plane that is listed is whole, and what was decided is decided again
        before = verify(folder)
        assert not before.differences, before.differences
        status, reason = _finish(processes, stack, folder, kind, resuming=True)
        assert status == "completed", f"kill {number}: {reason}"
        assert _decisions(folder) == expected, f"kill {number}"
        for store in ("planes", "volumes"):
            validate_zarr_store(str(folder / f"{store}.ome.zarr"))
        for name in ("planes.ome.zarr", "volumes.ome.zarr"):
            _same_pixels(folder / name, whole / name, kind)
        if kind == "one":
            volumes = [tifffile.imread(x / "volume.ome.tif") for x in (folder, whole)]
            np.testing.assert_array_equal(*volumes)
    assert cut_short >= KILLS // 2


def _same_pixels(one, other, kind):
    import tensorstore

    for place in (".",) if kind == "one" else ("p000", "p001"):
        arrays = [
            tensorstore.open(
                {
                    "driver": "zarr3",
                    "kvstore": {"driver": "file", "path": str(root / place / "0")},
                },
                open=True,
                read=True,
            )
            .result()
            .read()
            .result()
            for root in (one, other)
        ]
        np.testing.assert_array_equal(*arrays)


@pytest.mark.slow
def test_another_microscope_is_refused(stack, tmp_path, monkeypatch):
    from rmz_acquire.acquisition import Control
    from rmz_acquire.experiments import resume, run

    core = _open(stack)
    try:
        control = Control()

        def stop(volume, decision, _):
            if volume.number == 1:
                control.abort("for a coffee")

        summary = run(
            core, _sequence(), tmp_path / "run", control=control, on_decision=stop
        ).summary
        assert summary.status == "aborted" and "for a coffee" in summary.reason
        # settings are brought back; what cannot be is named
        core.setProperty("Z", "Speed_um_per_s", 77)
        core.setProperty("Camera", "Binning", 2)
        told = json.loads((tmp_path / "run" / "run.json").read_text())
        told["microscope"]["properties"]["Camera"]["BitDepth"] = "8"
        (tmp_path / "run" / "run.json").write_text(json.dumps(told))
        with pytest.raises(InputError, match="Camera-BitDepth is 16, was 8"):
            resume(core, tmp_path / "run")
        told["microscope"]["properties"]["Camera"]["BitDepth"] = "16"
        told["model_sha256"] = "abc"
        (tmp_path / "run" / "run.json").write_text(json.dumps(told))
        with pytest.raises(InputError, match="model_sha256 is None"):
            resume(core, tmp_path / "run")
        told["model_sha256"] = None
        (tmp_path / "run" / "run.json").write_text(json.dumps(told))
        assert resume(core, tmp_path / "run").summary.status == "completed"
        assert float(core.getProperty("Z", "Speed_um_per_s")) == 2000
        assert int(core.getProperty("Camera", "Binning")) == 1
    finally:
        close_core(core)


def test_other_decisions_of_the_same_planes_are_refused(stack, tmp_path):
    from rmz_acquire.acquisition import Control
    from rmz_acquire.experiments import resume, run
    from rmz_acquire.experiments.verify import verify

    folder = tmp_path / "run"
    core = _open(stack)
    try:
        control = Control()

        def stop(volume, decision, _):
            if decision.index == 2:
                control.abort()

        run(core, _sequence(), folder, control=control, on_decision=stop)
        lines = (folder / "decisions.jsonl").read_text().splitlines()
        forged = json.loads(lines[1]) | {"delta": 1.0}
        lines[1] = json.dumps(forged)
        (folder / "decisions.jsonl").write_text("\n".join(lines) + "\n")
        assert "delta is" in verify(folder).differences[0]
        summary = resume(core, folder).summary
        assert summary.status == "failed" and "delta is" in summary.reason
    finally:
        close_core(core)
