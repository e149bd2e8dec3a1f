"""Workers for an archive: processes of this machine, or of a dask scheduler's.

A worker that is killed loses the volume that it was at, which another one makes again:
files are whole or not there, so nobody has to know how far it came. Where none can be
started again, what is left to do has failed: nothing is waited for that cannot come.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from rmz_acquire.defaults import WORKER_WAIT_S
from rmz_acquire.errors import InputError, ScanFailed, message_of
from rmz_acquire.experiments.archive import Failure, remove_leftovers
from rmz_acquire.experiments.archive_volume import make_volume
from rmz_acquire.reconstruction.memory_plan import MEMORY, limit_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client, Future, SpecCluster

    from rmz_acquire.experiments.archive_planes import VolumeJob

__all__ = ["ANSWER_S", "default_workers", "make_all", "worker_specs"]

logger = logging.getLogger(__name__)

ANSWER_S = 10.0
"""A scheduler answers within."""
_HERE = "127.0.0.1"
_BACK_S = 300.0
"""A worker of this machine that was lost is back within, however loaded that is."""
_CLOSE_S = 60.0
"""All is done by then: how long the processes may take to go."""
_LOOK_S = 0.1
_TRIES = 3
"""Workers that a volume may lose before it is given up: it may be what kills them."""


def default_workers(device: str = "auto") -> int:
    """How many on this machine: one a GPU, or one for two cores."""
    gpus = _gpus(device)
    return len(gpus) or max(1, _cores() // 2)


def make_all(
    jobs: Sequence[VolumeJob],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    wait_s: float = WORKER_WAIT_S,
    on_done: Callable[[VolumeJob, Failure | None], None] = lambda *_: None,
) -> list[Failure]:
    """Make every volume.

    Parameters
    ----------
    jobs : sequence of VolumeJob
        What; each on its own.
    workers : int, optional
        Processes of this machine; by default `default_workers`.
    scheduler : str, optional
        Address of a dask scheduler, ``tcp://host:8786``, whose workers do it instead:
        they have this package, and see the files under the same names.
    wait_s : float
        How long that may be without any worker, s.
    on_done : callable
        Is told of every volume as it is done, and why it was not made.

    Returns
    -------
    list of Failure
        Those that were not made.

    Raises
    ------
    InputError
        If the scheduler does not answer, or no worker of it came in time.
    """
    if not jobs:
        return []
    device = jobs[0].device
    n = min(len(jobs), workers or default_workers(device))
    threads = None if scheduler else max(1, _cores() // n)
    failed = []
    left, back_s = "no worker is left to make it", _BACK_S
    if scheduler:
        left, back_s = f"scheduler {scheduler} has no worker any more", wait_s
    with _client(n, device, scheduler) as (client, any_left):
        by_key = {f"volume-{os.getpid()}-{i}": job for i, job in enumerate(jobs)}
        futures = [
            client.submit(_work, job, threads, key=key, pure=False)
            for key, job in by_key.items()
        ]
        done = _as_completed(futures, client, any_left, back_s)
        del futures
        for future in done:
            job, reason = by_key.pop(future.key), None
            if future.status == "error":
                # of the scheduler's: no worker has to be alive for it
                reason = _reason(future.exception())
            elif future.status != "finished":
                reason = f"it was {future.status}"
            # what is on disk needs no worker to remember it, nor to make it again
            future.release()
            remove_leftovers(job)
            failure = None if reason is None else Failure(str(job.out), reason)
            if failure is not None:
                failed.append(failure)
            on_done(job, failure)
        if scheduler and len(by_key) == len(jobs):
            msg = f"scheduler {scheduler} has no worker, and none came in {wait_s:g} s:"
            msg += f" start one with: dask worker {scheduler}, or give a longer wait_s"
            raise InputError(msg)
        for job in by_key.values():
            remove_leftovers(job)
            failed.append(Failure(str(job.out), left))
            on_done(job, failed[-1])
    return failed


def worker_specs(workers: int, gpus: Sequence[str]) -> dict[int, dict[str, Any]]:
    """What each worker of this machine is started with.

    Parameters
    ----------
    workers : int
        How many.
    gpus : sequence of str
        Numbers of those that there are; each worker sees one of them.
    """
    from distributed import Nanny

    specs: dict[int, dict[str, Any]] = {}
    memory_gb = limit_bytes() / workers / 1e9
    for i in range(workers):
        env = {MEMORY: f"{memory_gb:.6f}"}
        if gpus:
            env["CUDA_VISIBLE_DEVICES"] = gpus[i % len(gpus)]
        # one volume at a time, and as much memory as that takes
        options = {"nthreads": 1, "memory_limit": 0, "env": env, "host": _HERE}
        specs[i] = {"cls": Nanny, "options": options}
    return specs


def _work(job: VolumeJob, threads: int | None) -> None:
    """Make one volume on a worker.

    Raises
    ------
    ScanFailed
        Saying why not in one line; told at the end, while the others go on.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        make_volume(job)
    except Exception as error:
        foreseen = isinstance(error, InputError | OSError)
        raise ScanFailed(message_of(error, typed=not foreseen)) from None


def _reason(error: BaseException) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return f"{_TRIES + 1} workers were lost while they made it"
    return message_of(error, typed=not isinstance(error, ScanFailed))


def _as_completed(
    futures: list[Future],
    client: Client,
    any_left: Callable[[], bool],
    back_s: float,
) -> Iterator[Future]:
    """Give each as it is done, until all are, or nobody is left who could do them."""
    from distributed import as_completed

    done, seen = as_completed(futures, loop=client.loop), time.monotonic()
    # one that is released is forgotten
    futures.clear()
    while not done.is_empty():
        if done.has_ready():
            yield next(done)
        elif any_left():
            seen = time.monotonic()
            time.sleep(_LOOK_S)
        elif time.monotonic() - seen < back_s:
            time.sleep(_LOOK_S)
        else:
            return


@contextmanager
def _client(
    workers: int, device: str, scheduler: str | None
) -> Iterator[tuple[Client, Callable[[], bool]]]:
    """Give a client, and what tells whether its scheduler has workers."""
    import dask
    from distributed import Client, Scheduler, SpecCluster

    _quiet()
    if scheduler is not None:
        if not _answers(scheduler, ANSWER_S):
            msg = f"scheduler {scheduler} does not answer within {ANSWER_S:g} s"
            raise InputError(msg)
        with Client(scheduler, set_as_default=False) as client:
            yield client, lambda: _has_workers(client)
        return
    spawn = "distributed.nanny.pre-spawn-environ"
    settings = {
        "distributed.scheduler.allowed-failures": _TRIES,
        spawn: {**dask.config.get(spawn, {}), "DASK_LOGGING__DISTRIBUTED": "critical"},
    }
    # it listens to this machine alone
    address = {
        "host": _HERE,
        "port": 0,
        "dashboard": False,
        "dashboard_address": f"{_HERE}:0",
    }
    with dask.config.set(settings):
        cluster = SpecCluster(
            workers=worker_specs(workers, _gpus(device)),
            scheduler={"cls": Scheduler, "options": address},
        )
        try:
            with Client(cluster, set_as_default=False) as client:
                yield client, lambda: bool(cluster.scheduler.workers)
        finally:
            _close(cluster)


def _has_workers(client: Client) -> bool:
    """Ask the scheduler; one that is gone has none."""
    try:
        return bool(client.nthreads())
    except OSError:
        return False


def _close(cluster: SpecCluster) -> None:
    """End the workers, in a time that has an end: they end with this process too."""
    # how they end is nobody's concern
    logging.getLogger("distributed.nanny").setLevel(logging.CRITICAL)
    closing = threading.Thread(target=cluster.close, name="workers end", daemon=True)
    closing.start()
    closing.join(_CLOSE_S)


def _answers(address: str, answer_s: float) -> bool:
    """Ask a scheduler for its name.

    On a thread of its own: a client of something that takes connections and says
    nothing waits for ever, whatever its own timeout.
    """
    from distributed.core import rpc

    async def ask() -> None:
        async with rpc(address) as scheduler:
            await scheduler.identity()
        answered.set()

    def asking() -> None:
        try:
            asyncio.run(ask())
        except Exception as error:  # whatever libraries make of an address
            logger.info("%s did not answer", address, exc_info=error)
        over.set()

    answered, over = threading.Event(), threading.Event()
    threading.Thread(target=asking, name="scheduler", daemon=True).start()
    over.wait(answer_s)
    return answered.is_set()


def _quiet() -> None:
    """Leave of what dask tells its own developers that a worker was lost."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    logging.getLogger("distributed.nanny").setLevel(logging.WARNING)


def _gpus(device: str) -> list[str]:
    """Numbers of the GPUs that are asked for."""
    if device in ("auto", "cuda"):
        return [str(i) for i in range(torch.cuda.device_count())]
    return []


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
