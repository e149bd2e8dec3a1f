"""Threads that compute never take the process down, and never keep it."""

from __future__ import annotations

import sys
import time

import pytest
from children import run_to_end
from patience import wait_for

from rmz_acquire.workers import Worker

AT_WORK = """
import sys, time, torch
from rmz_acquire import workers
from rmz_acquire.workers import Worker, note_exit_code
workers.PATIENCE_S = 1.0
begun = []

def layers():
    a = torch.rand(600, 600)
    while True:
        begun.append(torch.linalg.svd(a))

def stubborn():
    while True:
        try:
            while True:
                begun.append(torch.linalg.svd(torch.rand(200, 200)))
        except BaseException:
            pass

def asleep():
    begun.append(1)
    time.sleep(60)

Worker("estimator").submit(locals()[sys.argv[1]])
while not begun:
    time.sleep(0.01)
note_exit_code(int(sys.argv[2]))
sys.exit(int(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("work", ["layers", "stubborn", "asleep"])
@pytest.mark.parametrize("code", [0, 1])
def test_a_process_ends_while_one_computes(work, code):
    done = run_to_end([sys.executable, "-c", AT_WORK, work, str(code)])
    assert done.returncode == code, done.stderr[-500:]
    assert "terminate" not in done.stderr


def test_one_that_is_ended_stops_in_the_middle_and_does_nothing_more():
    worker, seen = Worker("test"), []

    def work():
        while True:
            seen.append(time.monotonic())
            time.sleep(0.01)

    first = worker.submit(work)
    second = worker.submit(lambda: seen.append("second"))
    wait_for(lambda: seen)
    assert worker.join(20.0)
    assert first.ended and not second.done.is_set() and "second" not in seen


def test_what_is_raised_and_what_is_given_come_back():
    worker = Worker("test")
    failed = worker.submit(lambda: 1 / 0)
    given = worker.submit(lambda: 7)
    assert given.done.wait(20) and given.result == 7
    assert isinstance(failed.error, ZeroDivisionError) and not failed.ended
    worker.close()
    assert worker.join(20.0)
