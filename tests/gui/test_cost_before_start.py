"""What a scan costs, before it begins: numbers by hand, and times measured here."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from listening import Told

from rmz_acquire.evaluation.time_per_plane import measure
from rmz_acquire.gui.controllers.pace_measurement import PaceController
from rmz_acquire.gui.models.cost import cost_of, duration
from rmz_acquire.gui.models.pace import PaceBook, PaceTask
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.optics import Optics

# 61 planes of 50 ms over 30 µm
GOOD = ScanSettings(bottom_um=-15.0, top_um=15.0, estimator="wiener", exposure_ms=50.0)
AIR = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
TASK = PaceTask("linear", None, (40, 48), (0.0, 10.0, 0.5))


def test_planes_light_and_seconds():
    cost = cost_of(GOOD, plane_s=0.07, think_s=0.43)
    assert (cost.fewest, cost.most, cost.full) == (4, 61, 61)
    assert cost.seconds(cost.fewest) == pytest.approx(4 * 0.5)
    assert cost.full_s == pytest.approx(61 * 0.07)
    assert cost.sentence() == "At most 61 planes and 3.05 s of light, 2 s to 30 s."
    assert not cost.slow


def test_a_series_is_counted_whole():
    base = replace(GOOD, max_planes=10)
    cost = replace(cost_of(base, plane_s=0.1, think_s=0.9), volumes=12)
    assert cost.sentence() == (
        "At most 10 planes and 500 ms of light a volume, 4 s to 10 s a volume; "
        "12 volumes, 50 s to 2 min in all."
    )


def test_thinking_longer_than_the_full_stack_is_said_with_what_would_not():
    cost = cost_of(GOOD, plane_s=0.07, think_s=2.0, reach_um=1.5)
    assert cost.fewest == 13 and cost.slow
    assert cost.slow_words("Linear interpolation") == (
        "Computing takes longer than a full scan would (4 s). "
        "Linear interpolation would not."
    )
    # 4.27 s for the full stack, 13 planes of 0.32 s
    assert not cost_of(GOOD, plane_s=0.07, think_s=0.25, reach_um=1.5).slow


def test_what_is_not_known_is_not_said():
    cost = cost_of(GOOD, plane_s=0.07, think_s=None)
    assert cost.sentence() == "At most 61 planes and 3.05 s of light."
    assert cost_of(replace(GOOD, top_um=None), plane_s=0.1, think_s=None) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.1 s"),
        (0.5, "0.5 s"),
        (1.2, "1 s"),
        (33.0, "35 s"),
        (80.0, "80 s"),
        (150.0, "2 min"),
        (1900.0, "30 min"),
        (5000.0, "80 min"),
        (7300.0, "2 h"),
        (12000.0, "3 h 20 min"),
        (400_000.0, "5 days"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds, said):
    assert duration(seconds) == said


def test_a_book_keeps_what_was_measured_and_multiplies_to_other_sizes(tmp_path):
    file = tmp_path / "pace.json"
    book = PaceBook(file)
    assert book.seconds(TASK) is None and not book.has(TASK)
    book.learn(TASK, 0.2)
    again = PaceBook(file)
    assert again.seconds(TASK) == 0.2 and again.has(TASK)
    larger = replace(TASK, shape=(80, 48))
    assert again.seconds(larger) == pytest.approx(0.4) and not again.has(larger)
    other = replace(TASK, estimator="wiener", optics=AIR)
    assert again.seconds(other) is None
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "machine": "another"}))
    assert PaceBook(file).seconds(TASK) is None
    file.write_text("{")
    assert PaceBook(file).seconds(TASK) is None


def test_a_measurement_is_of_this_size_and_of_a_scan():
    given = {"shape": (40, 48), "z_um": (0.0, 10.0, 0.5)}
    (small,) = measure("linear", **given)
    assert small["measured"] and 0 < small["seconds"] < 5
    first, last = measure("linear", shape=(160, 200), z_um=(0.0, 10.0, 0.5))
    assert not first["measured"] and last["measured"]


def wait_for(condition, seconds=90.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_it_measures_in_a_process_that_ends_when_a_scan_begins():
    book = PaceBook()
    pace = PaceController(book)
    told = Told(pace)
    long = PaceTask("wiener", None, (2048, 2048), (0.0, 60.0, 0.2), AIR)
    try:
        pace.want([long])
        wait_for(lambda: pace.measuring)
        child = pace._child
        pace.hold(True)
        assert child.wait(10) != 0
        wait_for(lambda: not pace.measuring)
        pace.want([TASK])
        time.sleep(1.5)
        assert not pace.measuring
        pace.hold(False)
        wait_for(lambda: book.has(TASK))
        told.until("learned")
        assert 0 < book.seconds(TASK) < 10
    finally:
        pace.close()


def test_the_window_says_it_and_learns_from_scans(desk):
    """Of one that takes a second a plane it says so, and what does not."""
    desk.connect()
    form, side = desk.window.form, desk.presenter.form
    desk.fill(-15.0, 15.0, estimator="wiener")

    def settled():
        facts = desk.presenter.facts
        return (facts.exposure_ms, facts.picture_px) == (5.0, (64, 64))

    desk.until(settled)
    assert "being measured" in form.reason.text()
    desk.presenter.pace.book.learn(side._task, 5.0)
    desk.presenter.refresh()
    # the full stack is 61 planes of 5 ms
    said = "At most 61 planes and 305 ms of light, 20 s to 5 min."
    desk.until(lambda: form.reason.text() == said)
    assert "4 planes, 20 s" in form.quality.notes["balanced"].text()
    assert "Computing takes longer than a full scan would" in form.slow.text()
    assert "would not" not in form.slow.text()
    linear = replace(side._task, estimator="linear", optics=None)
    desk.presenter.pace.book.learn(linear, 0.001)
    desk.presenter.refresh()
    assert form.slow.isVisible()
    assert form.slow.text().endswith("Linear interpolation would not.")
    desk.fill(-4.0, 4.0, estimator="linear", max_planes=5)
    desk.scan()
    desk.finish()
    assert desk.presenter.pace.book.has(side._task)
    assert not form.slow.isVisible()
