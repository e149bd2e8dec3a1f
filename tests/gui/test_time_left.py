"""How long a scan still takes: counted by hand."""

from __future__ import annotations

import pytest

from rmz_acquire.gui.models.time_left import TimeLeft, left_words, plane_seconds


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_plane_costs_its_move_its_exposure_and_its_thinking():
    # medians of 10, 30, 20 and 50, 70, 60; mean of the last three
    seconds = plane_seconds([10, 30, 20], [50, 70, 60], [9000, 100, 200, 300])
    assert seconds == pytest.approx(0.020 + 0.060 + 0.200)


def test_nothing_is_told_before_a_plane_is_computed():
    time = TimeLeft(Clock())
    time.begin(5)
    assert time.seconds() is None
    time.plane(10.0, 90.0)
    assert time.seconds() is None and left_words(None, most=True) == ""
    time.thought(900.0)
    assert time.seconds() == pytest.approx(4 * 1.0)


def test_what_the_form_believed_holds_until_a_plane_is_computed():
    clock = Clock()
    time = TimeLeft(clock, expected_s=2.0)
    time.begin(5)
    assert time.seconds() == pytest.approx(10.0)
    clock.now += 0.5
    assert time.seconds() == pytest.approx(9.5)
    time.plane(10.0, 90.0)
    assert time.seconds() == pytest.approx(8.0)
    time.thought(400.0)
    assert time.seconds() == pytest.approx(4 * 0.5)


def test_it_counts_down_and_stands_where_a_plane_takes_longer():
    clock = Clock()
    time = TimeLeft(clock)
    time.begin(3)
    time.plane(10.0, 90.0)
    time.thought(900.0)
    seen = []
    for _ in range(6):
        seen.append(time.seconds())
        clock.now += 0.4
    assert seen == pytest.approx([2.0, 1.6, 1.2, 1.0, 1.0, 1.0])
    time.plane(10.0, 90.0)
    # one plane, and what is computed now
    assert time.seconds() == pytest.approx(1.0 + 0.9)
    time.thought(900.0)
    time.plane(10.0, 90.0)
    time.thought(900.0)
    assert time.seconds() == 0.0


def test_volumes_to_come_and_the_wait_for_them():
    clock = Clock()
    time = TimeLeft(clock)
    time.begin(2, later=4, due_s=60.0)
    time.plane(0.0, 500.0)
    time.thought(500.0)
    assert time.seconds() == pytest.approx(60.0)
    clock.now += 58.0
    assert time.seconds() == pytest.approx(5.0 - 1.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "about 0.2 s left"),
        (42.4, "about 40 s left"),
        (150, "about 2 min left"),
        (3 * 3600 + 300, "about 3 h 5 min left"),
    ],
)
def test_it_is_said_as_people_do(seconds, said):
    assert left_words(seconds, most=False) == said
    assert left_words(seconds, most=True) == said.replace("about", "at most")
