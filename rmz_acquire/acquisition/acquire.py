"""An acquisition from its first move to the moment when all is as it was before.

Everything that must happen however it ends (light off, stage back, the other engine in
place) happens at the end of the acquisition thread, where no ctrl-C arrives.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from pymmcore_plus.mda import FinishReason

from rmz_acquire.acquisition.focus_lock import FocusLock, FocusLockError
from rmz_acquire.acquisition.microscope_state import home_step, restorer
from rmz_acquire.acquisition.shutdown import quiet_at_exit
from rmz_acquire.errors import message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import useq
    from pymmcore_plus import CMMCorePlus
    from pymmcore_plus.mda import PMDAEngine

    from rmz_acquire.acquisition.engine import ScanEngine
    from rmz_acquire.acquisition.focus_stage import FocusDrive
    from rmz_acquire.acquisition.shutter import ShutterGuard

__all__ = ["acquire"]

logger = logging.getLogger(__name__)

_WAKE_S = 0.1


def acquire(
    core: CMMCorePlus,
    engine: ScanEngine,
    drive: FocusDrive,
    light: ShutterGuard,
    events: Iterable[useq.MDAEvent],
    *,
    groups: Iterable[str],
    abort: Callable[[str], None],
    aborted: Callable[[], bool],
    cameras: Iterable[str] = (),
    lock: FocusLock | None = None,
    also: dict[str, Callable[[], None]] | None = None,
) -> list[str]:
    """Run an engine to its end, and bring back what it changed.

    The calling thread waits; ctrl-C on it aborts.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    engine : ScanEngine
        What is run.
    drive, light
        The engine's.
    events : iterable of useq.MDAEvent
        What the runner is given.
    groups : iterable of str
        Configuration groups whose settings are brought back.
    abort : callable
        Is told why, on ctrl-C.
    aborted : callable
        Whether the acquisition was aborted: one that is paused then ends.
    cameras : iterable of str
        Labels of cameras that the events select, beside the one that is selected.
    lock : FocusLock, optional
        Off meanwhile; by default the core's.
    also : dict, optional
        Further steps at the end, by what to say where one fails.

    Returns
    -------
    list of str
        What went wrong outside of the scan itself, in words; empty if nothing did.
    """
    quiet_at_exit(core)
    lock = lock or FocusLock(core, drive.label)
    restore = restorer(core, drive, light, groups, cameras, also or {})
    problems: list[str] = []
    done = threading.Event()
    thread = threading.Thread(
        target=_live,
        args=(core, engine, drive, lock, events, restore, problems, done),
        name="rmz-acquire scan",
    )
    _start_and_wait(thread, done, core, abort, aborted)
    return problems + [message_of(error) for error in engine.errors]


def _live(
    core: CMMCorePlus,
    engine: ScanEngine,
    drive: FocusDrive,
    lock: FocusLock,
    events: Iterable[useq.MDAEvent],
    restore: dict[str, Callable[[], None]],
    problems: list[str],
    done: threading.Event,
) -> None:
    """Be the acquisition thread. Raises nothing; its word is the scan's outcome."""
    try:
        before = core.mda.set_engine(engine)
        restore["the old engine cannot be put back"] = lambda: _put_back(core, before)
        # behind the way home, which it would not let the stage go
        restore["the focus lock cannot be switched on"] = lock.engage
        try:
            lock.release()
        except Exception:
            # nothing has moved, and nothing can
            del restore[home_step(drive)]
            raise
        core.mda.run(events)
        _say_why(core, engine)
        engine.end_volume()
    except BaseException as error:
        logger.debug("the scan failed", exc_info=error)
        if engine.task is None:
            problems.append(message_of(error))
        else:
            engine.task.scan.fail(error)
    finally:
        engine.close()
        for what, step in restore.items():
            try:
                step()
            except Exception as error:
                # each step on its own: a stage that jams must not keep the light on
                logger.debug("%s", what, exc_info=error)
                said = message_of(error)
                told = isinstance(error, FocusLockError)  # which says all of it
                problems.append(said if told else f"{what}: {said}")
        done.set()


def _say_why(core: CMMCorePlus, engine: ScanEngine) -> None:
    """Finish a scan that the runner left in the middle."""
    cancelled = core.mda.status.finish_reason == FinishReason.CANCELED
    winding_up = engine.control.winding_up
    if cancelled and winding_up is None:
        engine.control.abort("cancelled through Micro-Manager")
    task = engine.task
    if task is None or task.scan.outcome is not None:
        return
    if winding_up is not None:
        task.scan.stop(winding_up)
    elif cancelled or engine.stopped():
        task.scan.abort(engine.control.reason or "cancelled through Micro-Manager")
    else:
        task.scan.fail(RuntimeError("the acquisition ended before the scan did"))
    task.scan.next_z()


def _put_back(core: CMMCorePlus, engine: PMDAEngine | None) -> None:
    if engine is not None:
        core.mda.set_engine(engine)


def _start_and_wait(
    thread: threading.Thread,
    done: threading.Event,
    core: CMMCorePlus,
    abort: Callable[[str], None],
    aborted: Callable[[], bool],
) -> None:
    """Wait for the acquisition; the first ctrl-C ends the scan, not the wait.

    On an event: `Thread.join` that is interrupted takes a running thread for dead
    (Python 3.11, bpo-45274).
    """
    try:
        thread.start()
        _wait(done, core, aborted)
    except KeyboardInterrupt:
        abort("interrupted with ctrl-C")
        core.mda.cancel()
        _wait(done, core, aborted)
    thread.join()


def _wait(
    done: threading.Event, core: CMMCorePlus, aborted: Callable[[], bool]
) -> None:
    # in short waits: on Windows ctrl-C does not interrupt a long one
    cancelled = False
    while not done.wait(_WAKE_S):
        if not cancelled and aborted():
            # else it would wait for its next time point, or for somebody to resume it
            core.mda.cancel()
            cancelled = True
