"""Several pieces of work at once, in as many threads as torch may use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["at_once"]

T = TypeVar("T")


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
