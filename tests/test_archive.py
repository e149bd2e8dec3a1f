"""Volumes of many runs: what stands is left out, what is lost is made again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import tifffile
import useq
from cli_helpers import refused
from patience import PATIENCE_S
from stack_runs import a_run

from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.experiments import archive_workers, volumes_of
from rmz_acquire.experiments.archive import plan_archive
from rmz_acquire.experiments.archive_planes import VolumeJob, grid_of, volume_name
from rmz_acquire.experiments.archive_volume import make_volume
from rmz_acquire.experiments.archive_workers import make_all, worker_specs
from rmz_acquire.reconstruction import LinearEstimator

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("distributed")


def job_of(found, out):
    return VolumeJob(
        source=found.source,
        key=found.key,
        listed_z_um=None,
        z_um=grid_of(found),
        optics=found.told,
        pixel_size_um=found.pixel_size_um,
        channel=found.channel,
        estimator="linear",
        model=None,
        device="cpu",
        out=out,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Three runs, one of them a folder deeper."""
    folder = tmp_path_factory.mktemp("archive")
    for i, name in enumerate(("a", "b", "plate/c")):
        run = folder / name
        run.parent.mkdir(exist_ok=True)
        a_run(run, estimator="linear", max_planes=4 + i, epsilon=1e-9)
    return folder


@pytest.fixture
def archive(kept, tmp_path):
    return shutil.copytree(kept, tmp_path / "archive")


def lost(archive: Path) -> Path:
    """Damage a run so that its planes cannot be read, though it says it has them."""
    planes = archive / "b" / "planes.ome.zarr"
    for chunk in [p for p in planes.rglob("*") if p.is_file() and "c" in p.parts]:
        chunk.write_bytes(b"no pixels")
    return archive / "b"


def test_what_stands_is_left_out_and_what_is_broken_made_again(archive, tmp_path):
    out = tmp_path / "out"
    first = plan_archive([archive], out, job_of)
    files = [job.out.relative_to(out).as_posix() for job in first.jobs]
    assert files == [f"{x}/t0000-p0000.ome.tif" for x in ("a", "b", "plate/c")]
    for job in first.jobs:
        make_volume(job)
        made = tifffile.imread(job.out)
        np.testing.assert_array_equal(
            made, tifffile.imread(job.source / "volume.ome.tif")
        )
    again = plan_archive([archive], out, job_of)
    assert (again.jobs, again.standing, again.failed) == ([], 3, [])
    a, b, c = (job.out for job in first.jobs)
    whole = a.read_bytes()
    a.write_bytes(whole[: len(whole) * 2 // 3])  # cut off
    b.with_name(f"{b.name}.json").unlink()  # killed between the two
    told = json.loads(c.with_name(f"{c.name}.json").read_text("utf-8"))
    told["z_taken_um"] = told["z_taken_um"][:-1]  # the run went on since
    c.with_name(f"{c.name}.json").write_text(json.dumps(told), "utf-8")
    broken = plan_archive([archive], out, job_of)
    assert [job.out for job in broken.jobs] == [a, b, c]
    for job in broken.jobs:
        make_volume(job)
    assert a.read_bytes() == whole
    assert len(plan_archive([archive], out, job_of, overwrite=True).jobs) == 3
    with pytest.raises(InputError, match="another estimator: give overwrite=True"):
        plan_archive(
            [archive], out, lambda f, o: replace(job_of(f, o), estimator="nearest")
        )


@pytest.mark.slow
def test_a_large_picture_is_made_in_tiles_within_the_memory_planned(
    tmp_path, monkeypatch
):
    """Less than the volume alone takes: that is on disk until it is whole."""
    grid = tuple(np.linspace(0, 8, 129).tolist())
    rng = np.random.default_rng(3)
    planes = rng.integers(100, 200, (3, 280, 280)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="minisblack")
    job = VolumeJob(
        source=tmp_path / "planes.tif",
        key=None,
        listed_z_um=(0.0, 8.0, 3.0),
        z_um=grid,
        optics=None,
        pixel_size_um=0.3,
        channel=None,
        estimator="linear",
        model=None,
        device="cpu",
        out=tmp_path / "volume.ome.tif",
    )
    monkeypatch.setenv("RMZ_ACQUIRE_MEMORY_GB", "0.03")
    shares, plans = [], []
    tracemalloc.start()
    made = make_volume(job, shares.append, plans.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (plan,) = plans
    assert plan.tiles > 4 and shares[-1] == 1
    assert peak < plan.tile_bytes + plan.held_bytes < plan.volume_bytes
    assert made.shape == (129, 280, 280)
    whole = LinearEstimator(np.array(grid)).add_all(planes, job.listed_z_um)
    np.testing.assert_array_equal(tifffile.imread(job.out), whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "planes.tif",
        "volume.ome.tif",
        "volume.ome.tif.json",
    ]


def test_no_two_volumes_are_written_to_one_file(archive, tmp_path):
    with pytest.raises(InputError, match="would both be written to"):
        other = shutil.copytree(archive / "a", tmp_path / "other" / "a")
        plan_archive([archive / "a", other], tmp_path / "out", job_of)
    sequence = useq.MDASequence(
        channels=["FITC", {"config": "FITC", "group": "Other"}],
        stage_positions=[(0, 0, 0), (9, 0, 0)],
        time_plan={"interval": 0, "loops": 2},
        z_plan={"range": 4, "step": 1},
        metadata={"rmz_acquire": {"version": 1}},
    )
    names = [volume_name(volume) for volume in volumes_of(sequence)]
    assert len(set(names)) == len(names) == 8
    assert "t0001-p0000-c1-FITC" in names


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing(archive, tmp_path, capsys):
    """Kill -9 amid it; of a broken run one line at the end, all others are there."""
    out, killed = tmp_path / "out", []
    source = shutil.copytree(archive / "a", archive / "d")
    for i in range(4):
        shutil.copytree(source, archive / f"e{i}")
    broken, over = lost(archive), threading.Event()

    def kill():
        while not over.is_set():
            if list(out.rglob("*.ome.tif")):
                for child in psutil.Process().children(recursive=True):
                    if any("spawn_main" in word for word in child.cmdline()):
                        os.kill(child.pid, signal.SIGKILL)
                        killed.append(child.pid)
                return
            time.sleep(0.005)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    args = ["reconstruct", str(archive), "--estimator", "linear", "--workers", "1"]
    try:
        code = main([*args, "--out", str(out)])
    finally:
        over.set()
        killer.join(PATIENCE_S)
    said = capsys.readouterr()
    assert killed
    assert code == 1, said
    reasons = [x for x in said.err.splitlines() if x.startswith("not made: ")]
    assert len(reasons) == 1
    assert str(out / "b") in reasons[0]
    assert "7 made" in said.out
    assert "1 not made" in said.out
    made = sorted(out.rglob("*.ome.tif"))
    assert len(made) == 7
    for path in made:
        run = archive / path.parent.relative_to(out)
        expected = tifffile.imread(run / "volume.ome.tif")
        np.testing.assert_array_equal(tifffile.imread(path), expected)
        assert path.with_name(f"{path.name}.json").is_file()
    assert not list(out.rglob("*.tmp"))
    # the broken run is gone: nothing is left to do, and nothing is started for it
    shutil.rmtree(broken)
    assert main([*args, "--out", str(out)]) == 0
    assert "7 stood already, 0 not made" in capsys.readouterr().out


def test_the_workers_of_a_scheduler_do_it(archive, tmp_path, capsys):
    from distributed import LocalCluster

    out = tmp_path / "out"
    with LocalCluster(
        n_workers=0, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as cluster:
        address = cluster.scheduler_address
        args = ["reconstruct", str(archive / "a"), str(archive / "plate" / "c")]
        args += ["--estimator", "linear", "--out", str(out), "--scheduler", address]
        # one without any is not waited for for ever
        said = refused([*args, "--wait", "0.3"], capsys)
        assert said.startswith(f"--scheduler {address} has no worker, and none came in")
        assert f"dask worker {address}, or give a longer --wait" in said
        cluster.scale(1)
        assert main(args) == 0
    assert "2 made" in capsys.readouterr().out
    assert (out / "c" / "t0000-p0000.ome.tif").is_file()


def test_a_scheduler_that_does_not_answer(archive, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(archive_workers, "ANSWER_S", 0.4)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        args = ["reconstruct", str(archive), "--estimator", "linear"]
        args += ["--out", str(tmp_path / "out"), "--scheduler", address]
        said = refused(args, capsys)
    assert said == f"--scheduler {address} does not answer within 0.4 s"
    assert "--workers are of this machine" in refused([*args, "--workers", "2"], capsys)


def test_each_worker_sees_one_gpu_and_has_its_part_of_the_memory(monkeypatch):
    monkeypatch.setenv("RMZ_ACQUIRE_MEMORY_GB", "6")
    specs = worker_specs(3, ["0", "1"])
    seen = [spec["options"]["env"]["CUDA_VISIBLE_DEVICES"] for spec in specs.values()]
    assert seen == ["0", "1", "0"]
    env = specs[2]["options"]["env"]
    assert float(env["RMZ_ACQUIRE_MEMORY_GB"]) == 2
    assert "CUDA_VISIBLE_DEVICES" not in worker_specs(1, [])[0]["options"]["env"]


def test_nothing_is_waited_for_when_no_worker_comes_back(
    archive, tmp_path, monkeypatch
):
    from distributed import Client, LocalCluster

    @contextmanager
    def without_workers(*_):
        quiet = {"processes": False, "dashboard_address": ":0"}
        with LocalCluster(n_workers=0, **quiet) as cluster, Client(cluster) as client:
            yield client, lambda: bool(cluster.scheduler.workers)

    monkeypatch.setattr(archive_workers, "_client", without_workers)
    monkeypatch.setattr(archive_workers, "_BACK_S", 0.3)
    told = []
    jobs = plan_archive([archive], tmp_path / "out", job_of).jobs
    failed = make_all(jobs, on_done=lambda job, why: told.append((job, why)))
    assert [each.reason for each in failed] == ["no worker is left to make it"] * 3
    assert told == list(zip(jobs, failed, strict=True))


def test_nothing_to_do_starts_nothing():
    assert make_all([]) == []
