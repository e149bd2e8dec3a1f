"""Looking again at a plane: what it costs, what it leaves, that it changes no scan."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
import tensorstore
from experiment_fakes import sequence
from scan_fakes import blobs

from rmz_acquire.experiments import resume, run
from rmz_acquire.experiments.block import CheckSettings
from rmz_acquire.experiments.repeat_check import VolumeCheck
from rmz_acquire.experiments.verify import verify
from rmz_acquire.scanning import Plane, RecentFrames, Region, RegionVolume, ScanPlan


@pytest.fixture
def demo(demo):
    """Beads that stay where they are: the stock picture is another one every time."""
    demo.setProperty("Camera", "Mode", "Fluorescent Beads")
    for axis in "XY":
        demo.setProperty("Camera", f"OnCameraCCD{axis}Size", 128)
    return demo


# with none drawn by chance, the plane that is looked at again is known
REPEAT = {"checks": {"repeat": True, "rest_ms": 5}, "audit": 0}
PLACES = {"stage_positions": [(0, 0, 3), (5, 0, 4)]}


def _lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _sent(demo, monkeypatch):
    real, found = demo.setPosition, []

    def set_position(*args):
        found.append(round(args[-1], 3))
        real(*args)

    monkeypatch.setattr(demo, "setPosition", set_position)
    return found


def test_it_is_dose_and_on_disk_and_the_scan_is_the_same(demo, tmp_path):
    plain = run(demo, sequence({"audit": 0}, **PLACES), tmp_path / "plain").summary
    shown = []
    demo.mda.events.frameReady.connect(lambda image, event, _: shown.append(event))
    again = run(demo, sequence(REPEAT, **PLACES), tmp_path / "again").summary
    assert again.status == "completed", again.reason
    assert again.planes_taken == plain.planes_taken == 8
    assert again.check_planes == 6 and again.dose_ms == plain.dose_ms + 6
    assert again.findings == [] and plain.check_planes == 0
    assert not (tmp_path / "plain" / "checks.ome.zarr").exists()

    def decided(name):
        return [
            (line["p"], line["z_requested_um"], line["decision"])
            for line in _lines(tmp_path / name / "decisions.jsonl")
        ]

    assert decided("again") == decided("plain")
    assert not verify(tmp_path / "again").differences
    store = tmp_path / "again" / "checks.ome.zarr"
    lines = _lines(store / "checks.jsonl")
    assert [(line["p"], line["number"]) for line in lines] == [
        (p, n) for p in (0, 1) for n in (0, 1, 2, None)
    ]
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(store / "p001" / "0")},
    }
    pixels = tensorstore.open(spec, open=True).result().read().result()
    assert (np.asarray(pixels)[0, 0].std(axis=(1, 2)) > 0).all()
    for line in (lines[3], lines[7]):
        assert line["findings"] == [] and line["change"] < 0.1
    # viewers can tell them from the planes of the scan
    notes = [event.metadata["rmz_acquire"] for event in shown]
    assert [note["check"] for note in notes if "check" in note] == [0, 1, 2] * 2


@pytest.mark.parametrize(
    ("stage", "ways"),
    [
        # the plane at 3 µm was reached from below: there again, then from above
        ({}, [0.0, 3.0, 6.0, 3.0]),
        ({"approach_um": 1}, [0.0, 3.0]),
        ({"approach_um": 1, "approach_from": "above"}, [6.0, 3.0]),
    ],
)
def test_it_comes_from_where_the_scan_came(demo, tmp_path, monkeypatch, stage, ways):
    # one z listed with contrast to choose: the demo camera shows the same everywhere
    block = {**REPEAT, "z_um": [0, 3], "stage": stage}
    sent = _sent(demo, monkeypatch)
    wanted = sequence(block, z_plan={"bottom": 0, "top": 6, "step": 1})
    assert run(demo, wanted, tmp_path / "run").summary.status == "completed"
    assert sent[-1 - len(ways) : -1] == ways


def test_a_camera_that_fails_in_it_costs_no_volume(demo, tmp_path, monkeypatch):
    snap, calls = demo.snapImage, []

    def failing():
        calls.append(1)
        if len(calls) == 6:
            raise RuntimeError("the camera is gone")
        snap()

    monkeypatch.setattr(demo, "snapImage", failing)
    summary = run(demo, sequence(REPEAT, **PLACES), tmp_path / "run").summary
    assert summary.status == "failed" and "the camera is gone" in summary.reason
    assert summary.volumes_done == 1 and summary.planes_taken == 4
    monkeypatch.undo()
    summary = resume(demo, tmp_path / "run").summary
    assert summary.status == "completed", summary.reason
    # one of the first volume, whose check is not taken up again
    assert (summary.planes_taken, summary.check_planes) == (8, 4)
    assert summary.dose_ms == 12
    assert not verify(tmp_path / "run").differences


def test_an_abort_in_it_keeps_the_volume(demo, tmp_path):
    def stop(_image, event, _meta):
        if "check" in event.metadata["rmz_acquire"]:
            demo.mda.cancel()

    demo.mda.events.frameReady.connect(stop)
    summary = run(demo, sequence(REPEAT, **PLACES), tmp_path / "run").summary
    assert summary.status == "aborted"
    assert (summary.volumes_done, summary.check_planes) == (1, 1)


def test_what_it_found_is_told_after_a_resumption_too(demo, tmp_path, monkeypatch):
    real, calls = demo.getImage, []

    def fading(*args, **options):
        calls.append(1)
        image = real(*args, **options)
        # everything but the first volume's planes: as if it had bleached
        return image if len(calls) <= 4 else (image * 0.5).astype(image.dtype)

    monkeypatch.setattr(demo, "getImage", fading)
    demo.mda.events.frameReady.connect(
        lambda _i, event, _m: demo.mda.cancel() if event.index["p"] == 1 else None
    )
    first = run(demo, sequence(REPEAT, **PLACES), tmp_path / "run").summary
    assert first.status == "aborted" and len(first.findings) == 1
    assert "brightness has fallen to 49%" in first.findings[0]
    assert first.findings[0].startswith("p 0 DAPI, z ")
    demo.mda.events.frameReady.disconnect()
    second = resume(demo, tmp_path / "run").summary
    assert second.status == "completed" and second.findings[:1] == first.findings


def test_the_dose_ledger_has_its_planes_and_bleaching_is_told_by_them(
    demo, tmp_path, monkeypatch
):
    real, calls = demo.getImage, []

    def fading(*args, **options):
        calls.append(1)
        return real(*args, **options) * 0.9 ** len(calls)

    monkeypatch.setattr(demo, "getImage", lambda *a, **o: fading(*a, **o).astype("u1"))
    summary = run(demo, sequence(REPEAT), tmp_path / "run").summary
    assert summary.status == "completed", summary.reason
    assert len(summary.exposures) == summary.planes_taken + summary.check_planes
    assert summary.exposures[-1]["cumulated_ms"] == summary.dose_ms
    assert summary.fading["told_by"] == "repeats" and summary.fading["seen"]
    lost = 1 - 0.9 ** (len(calls) - 1)
    assert summary.fading["lost"] == pytest.approx(lost, abs=0.05)


@pytest.mark.parametrize("whole", [True, False])
def test_drift_is_told_in_z_by_the_regions_as_by_the_whole(whole):
    grid = np.linspace(0, 8, 17)
    stack = blobs(grid, shape=(96, 96))
    part = RegionVolume(Region(0, 32, 64, 64), grid, stack[:, :64, 32:])
    order = [0, 16, 8, 4]
    scan = SimpleNamespace(
        frames=RecentFrames(),
        decisions=[SimpleNamespace(z_requested_um=grid[n], used=True) for n in order],
        plan=ScanPlan.from_grid(grid),
        volume=stack if whole else None,
    )
    found = []
    record = SimpleNamespace(
        read_plane=lambda number: stack[order[number]],
        write_check=lambda plane, number: None,
        finish_check=found.append,
    )
    check = VolumeCheck(
        SimpleNamespace(name="it"),
        record,
        CheckSettings(repeat=True),
        1,
        regions=lambda: () if whole else [part],
    )
    for number, again in enumerate(check.asks(scan)):
        # two frames of a camera are never the same
        moved = stack[int(np.searchsorted(grid, again.z_um)) + 2] + 0.01 * number
        timing = (None, None, None, datetime.now(UTC))
        check.observe(Plane(moved, again.z_um, again.z_um, *timing), number)
    check.conclude()
    (said,) = [text for text in found[0]["findings"] if "focus drift" in text]
    assert re.search(r"as if (0\.9|1\.0) µm higher", said)
