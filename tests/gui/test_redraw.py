"""Pictures that come faster than they are drawn: the newest, some times a second."""

from __future__ import annotations

import threading
import time

import pytest
from patience import PATIENCE_S
from PyQt6.QtCore import QObject

from rmz_acquire.gui.views.redraw import Latest

MAIN = threading.main_thread()


@pytest.fixture
def shown(qapp):
    parent = QObject()
    seen = []
    latest = Latest(
        lambda *what: seen.append((*what, threading.current_thread())), parent
    )
    yield latest, seen
    parent.deleteLater()


def on_a_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)


def test_of_what_comes_while_the_window_is_busy_the_newest_is_shown(shown, qtbot):
    latest, seen = shown
    on_a_thread(lambda: [latest.put(number, "live") for number in range(1000)])
    assert not seen
    qtbot.waitUntil(lambda: len(seen) > 0)
    qtbot.wait(100)
    assert seen == [(999, "live", MAIN)]
    on_a_thread(lambda: latest.put(1000, "live"))
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen[-1] == (1000, "live", MAIN)


def test_what_comes_all_the_time_is_shown_some_times_a_second(shown, qtbot):
    latest, seen = shown
    end = time.monotonic() + 0.5

    def work():
        while time.monotonic() < end:
            latest.put(0)
            time.sleep(0.001)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    qtbot.waitUntil(lambda: not thread.is_alive())
    assert 1 < len(seen) <= 18


def test_what_waits_is_shown_or_forgotten_at_once(shown, qtbot):
    latest, seen = shown
    latest.put(1)
    latest.now()
    latest.now()
    assert seen == [(1, MAIN)]
    latest.put(2)
    latest.drop()
    qtbot.wait(100)
    assert seen == [(1, MAIN)]
