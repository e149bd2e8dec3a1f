"""What is measured of an estimator: counted, not timed, wherever that can be."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from cli_helpers import refused, write_model

from rmz_acquire.benchmark.decision_times import Times, Views, time_decisions
from rmz_acquire.benchmark.machine import Clock, Rates
from rmz_acquire.benchmark.measuring import Asked, measure
from rmz_acquire.benchmark.operations import counted, peak_memory
from rmz_acquire.benchmark.scan_times import ScanTime
from rmz_acquire.benchmark.speed_table import Measured, as_markdown
from rmz_acquire.cli import main
from rmz_acquire.optics import Optics
from rmz_acquire.scanning import Estimate

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
Z_UM = [float(z) for z in range(7)]
N = 32
"""Side of the matrices that the estimator below multiplies."""


class Multiplies:
    """Obeys the Protocol and nothing more: one product for each plane so far."""

    name = "multiplies"

    def __init__(self) -> None:
        self.z_um = np.array(Z_UM)
        self.volume: Any = None
        self.planes_taken = 0

    def add(self, image, z_um):
        self.planes_taken += 1
        a = torch.ones(N, N)
        for _ in range(self.planes_taken):
            a @ a
        self.volume = np.full((len(Z_UM), *image.shape), z_um, np.float32)
        return Estimate(self.volume, 1.0, 1.0, 1.0, 1.0, 0.0)

    def describe(self):
        return {"estimator": self.name}


def test_operations_are_those_that_were_asked_for():
    points = 8 * 16
    with counted() as found, torch.inference_mode():
        half = torch.fft.rfft2(torch.ones(3, 8, 16))
        torch.fft.irfft2(half, s=(8, 16))
        torch.ones(4, 5) @ torch.ones(5, 6)
    assert found.transforms == pytest.approx(2 * 2.5 * 3 * points * math.log2(points))
    assert found.products == 2 * 4 * 5 * 6


@pytest.mark.slow
def test_anything_that_is_an_estimator_is_timed():
    rates = Rates(products=1e9, transforms=1e9)
    views = Views(Z_UM, OPTICS)
    made: list[Multiplies] = []

    def make():
        made.append(Multiplies())
        return made[-1]

    times = time_decisions("mine", make, views, 24, 4, repeats=2, rates=rates)
    assert [len(each) for each in times.decisions_s] == [2, 2, 2, 2]
    assert [each.planes_taken for each in made] == [4, 4, 4]
    # of the last decision alone, four products
    assert times.operations.products == 4 * 2 * N**3
    least = times.operations.products / 1e9
    assert times.share == pytest.approx(least / times.medians_s[-1])
    assert times.from_nothing_s == [] == times.eager_s
    # a larger picture holds the simulated part, mirrored
    large = views.at(3.0, 150)
    np.testing.assert_array_equal(large[:128, 127], large[:128, 128])


@pytest.mark.slow
def test_memory_at_most_is_seen_though_it_was_given_back():
    with peak_memory() as peak:
        big = np.ones(32_000_000)
        del big
    # some of it lay free before
    assert peak.extra_bytes is None or 200e6 < peak.extra_bytes < 300e6


def test_where_both_scans_take_the_same():
    scan = ScanTime("a", "cpu", 512, 8, 61, 5.3)
    even = scan.break_even_ms
    assert even == pytest.approx(100)
    assert scan.seconds(even - 5, 5) == pytest.approx(scan.full_s(even - 5, 5))
    assert scan.seconds(even, 5) < scan.full_s(even, 5)
    assert scan.seconds(even - 10, 5) > scan.full_s(even - 10, 5)


def test_the_table_tells_time_saved_from_light_saved():
    rates = {"cpu": Rates(1e9, 1e9)}
    found = Measured(Clock.wall, 1.0, {"cpu": "a CPU"}, rates, 3, {64: 0.001})
    found.times = [Times("mine", "cpu", 61, 64, [[1.0, 1.2, 1.1]] * 4)]
    found.paper = [Times("mine", "cpu", 101, 256, [[2.0]] * 3)]
    text = as_markdown(found)
    assert "| mine | 61 × 64² | cpu | 1.10 | 1.10 | 1.10 | 1.10 | ± 9% |" in text
    # 61 × 15 ms against 4 × 15 ms and 4.4 s; and 61 × 300 ms
    assert "| 10 ms | 5 ms | 0.92 | 4.46 |" in text
    assert "| 200 ms | 100 ms | 18.3 | **5.60** |" in text
    assert "| mine | 61 × 64² | cpu | 4.40 | 93% | 77.2 ms |" in text
    assert "| 101 × 256² | 3 | 6.00 | 2.2 |" in text
    assert "| 1 × 1024² | 2 | – | 0.18 |" in text
    assert "wall clock" in text
    found.clock, found.idle_share = Clock.cpu, 0.5
    assert "processor time, one thread" in as_markdown(found)


@pytest.mark.slow
def test_a_scan_of_all_planes_saves_nothing_and_is_not_compared():
    found = measure(Asked(("linear",), (16,), 3, 1.0, OPTICS, 3, 1), Clock.cpu, 0.5)
    text = as_markdown(found)
    assert "M = 3" in text
    assert "One scan" not in text


@pytest.mark.slow
def test_the_command_tells_writes_and_refuses(tmp_path, capsys):
    out, page = tmp_path / "b.json", tmp_path / "speed.md"
    mark = "<!-- made by rmz-acquire bench --table, from here -->"
    page.write_text(f"Ours.\n{mark}\nold\n<!-- to here -->\n", "utf-8")
    args = "bench --sizes 32 --planes 5 --taken 2 --repeats 2 --no-check".split()
    args += ["--model", str(write_model(tmp_path / "m")), "--device", "cpu"]
    args += ["--estimators", "recurrent-mz,linear"]
    assert main([*args, "--json", str(out), "--table", str(page)]) == 0
    said = capsys.readouterr().out
    for word in ("recurrent-mz", "linear", "5 × 32²", "M = 2", "Measured on: ", "CPU"):
        assert word in said
    written = page.read_text("utf-8")
    assert written.startswith("Ours.")
    assert "| recurrent-mz | 5 × 32² | cpu |" in written
    assert "\nold\n" not in written
    told = json.loads(out.read_text("utf-8"))
    network = told["times"][0]
    assert len(network["decisions_s"]) == len(network["eager_s"]) == 2
    assert network["operations"]["products"] > 0
    assert told["scans"][0]["planes_taken"] == 2
    assert len(told["scans"][0]["seconds"]) == 12
    assert "16 to 4096" in refused(["bench", "--sizes", "huge"], capsys)
    assert "choose of" in refused(["bench", "--estimators", "magic"], capsys)
    page.write_text("No place.", "utf-8")
    assert "has no place" in refused([*args, "--table", str(page)], capsys)


@pytest.mark.slow
def test_a_scan_is_really_run(tmp_path):
    pytest.importorskip("mm_test_adapters")
    from rmz_acquire.experiments.timed_scan import check_scan

    asked = Asked(("linear",), (64,), 9, 1.0, OPTICS, 3, 1)
    found = measure(asked, Clock.cpu, 0.5)
    checked = check_scan(asked, found, exposure_ms=30.0, stage_ms=40.0)
    assert checked is not None
    assert checked.planes_taken == 3
    assert checked.acting_s == pytest.approx(0.21)
    # each plane was exposed and moved to; the parts are the whole
    assert checked.camera_s == pytest.approx(0.09)
    assert checked.stage_s >= 0.12
    parts = checked.stage_s + checked.camera_s + checked.thinking_s + checked.rest_s
    assert parts == pytest.approx(checked.wall_s)
    assert checked.rest_s > 0
