"""Several pieces of work at once, in as many threads as torch may use."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, TypeVar

import torch

from rmz_acquire.workers import PATIENCE_S, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from rmz_acquire.workers import Task

__all__ = ["at_once", "in_order"]

T = TypeVar("T")
R = TypeVar("R")

_LOOK_S = 0.1


def at_once(work: Callable[[T], None], on: Sequence[T]) -> None:
    """Do the same on each; every piece is computed in one thread.

    Two pieces side by side wait for each other once, two threads in one piece at every
    call.

    Parameters
    ----------
    work : callable
        What is done; pieces share nothing that it changes.
    on : sequence
        On what; the longest first.
    """
    threads = torch.get_num_threads()
    if threads < 2 or len(on) < 2:
        for each in on:
            work(each)
        return
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(min(threads, len(on))) as pool:
            for _ in pool.map(work, on):
                pass
    finally:
        torch.set_num_threads(threads)


def in_order(
    work: Callable[[T], R],
    on: Sequence[T],
    together: int,
    meanwhile: Callable[[], None] = lambda: None,
) -> Generator[R]:
    """Give what comes of each, one after the other, while the next are worked on.

    So many pieces are computed at the same time, each in one thread; as many results
    may wait. A single one is computed by the caller, in all threads of torch. Where one
    fails, or nobody wants more, those at work are ended.

    Parameters
    ----------
    work : callable
        What is done; pieces share nothing that it changes.
    on : sequence
        On what; pieces take about the same time.
    together : int
        How many at the same time.
    meanwhile : callable
        Is called by the caller's thread now and then while it waits.

    Yields
    ------
    object
        What `work` gives.
    """
    if together < 2 or len(on) < 2:
        for each in on:
            yield work(each)
        return
    threads = torch.get_num_threads()
    workers = [Worker(f"part {n + 1}") for n in range(min(together, len(on)))]
    tasks: deque[tuple[Worker, Task[R]]] = deque()
    try:
        for each, worker in zip(on, cycle(workers), strict=False):
            if len(tasks) == 2 * len(workers):
                yield _result(*tasks.popleft(), meanwhile)
            tasks.append((worker, worker.submit(partial(_in_one_thread, work, each))))
        while tasks:
            yield _result(*tasks.popleft(), meanwhile)
        for worker in workers:
            worker.close()
    except BaseException:
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.join(PATIENCE_S)
        raise
    finally:
        torch.set_num_threads(threads)


def _in_one_thread(work: Callable[[T], R], on: T) -> R:
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    return work(on)


def _result(worker: Worker, task: Task[R], meanwhile: Callable[[], None]) -> R:
    while not task.done.wait(_LOOK_S):
        meanwhile()
        if not (worker.alive or task.done.is_set()):
            msg = f"thread {worker.name!r} was ended"
            raise RuntimeError(msg)
    if task.error is not None:
        raise task.error
    result, task.result = task.result, None
    return result  # type: ignore[return-value]
