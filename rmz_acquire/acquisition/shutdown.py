"""Lets a core go without the process dying of it.

MMCore 12 delivers its events on a thread of its own, in two ways that end a process
after everything went well. Where events are still on their way when the interpreter
ends, that thread is killed inside C++ ("FATAL: exception not rethrown", exit status
134). And where Python's garbage collector happens to run on that thread and finds the
core there, the core is deleted by the thread that its deletion waits for. So a core
that was opened here is held on to until it is closed, and closed means that its events
have ended.
"""

from __future__ import annotations

import atexit
import weakref
from contextlib import suppress

import pymmcore

__all__ = ["close_core", "hold", "quiet_at_exit"]

_known: weakref.WeakSet[pymmcore.CMMCore] = weakref.WeakSet()
_held: set[pymmcore.CMMCore] = set()


def quiet_at_exit(core: pymmcore.CMMCore) -> None:
    """Stop the core's event delivery before the interpreter ends.

    Parameters
    ----------
    core : pymmcore.CMMCore
        Any core; calling again for the same one does nothing.
    """
    _known.add(core)


def hold(core: pymmcore.CMMCore) -> None:
    """Keep a core from being collected as garbage until `close_core`.

    Parameters
    ----------
    core : pymmcore.CMMCore
        Any core; calling again for the same one does nothing.
    """
    quiet_at_exit(core)
    _held.add(core)


def close_core(core: pymmcore.CMMCore) -> None:
    """Unload all devices of a core that is not used any more, and end its events.

    Parameters
    ----------
    core : pymmcore.CMMCore
        Any core; closing it again does nothing. Not to be called by what handles an
        event of the core.
    """
    try:
        core.unloadAllDevices()
    finally:
        _silence(core)
        _held.discard(core)


def _silence(core: pymmcore.CMMCore) -> None:
    # of the base class: CMMCorePlus refuses it, and calls the same on deletion
    pymmcore.CMMCore.registerCallback(core, None)


@atexit.register
def _stop_events() -> None:
    for core in list(_known):
        with suppress(Exception):
            _silence(core)
