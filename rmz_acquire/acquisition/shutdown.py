"""Keeps a process that used a core from dying on its way out.

MMCore 12 delivers its events on a thread of its own. Where some are still on their
way when the interpreter ends, that thread is killed inside C++ and takes the process
along ("FATAL: exception not rethrown", exit status 134), after everything went well.
Deleting the core avoids it, but who holds the last reference at exit is chance.
"""

from __future__ import annotations

import atexit
import weakref
from contextlib import suppress

import pymmcore

__all__ = ["quiet_at_exit"]

_known: weakref.WeakSet[pymmcore.CMMCore] = weakref.WeakSet()


def quiet_at_exit(core: pymmcore.CMMCore) -> None:
    """Stop the core's event delivery before the interpreter ends.

    Parameters
    ----------
    core : pymmcore.CMMCore
        Any core; calling again for the same one does nothing.
    """
    _known.add(core)


@atexit.register
def _stop_events() -> None:
    for core in list(_known):
        # of the base class: CMMCorePlus refuses it, and calls the same on deletion
        with suppress(Exception):
            pymmcore.CMMCore.registerCallback(core, None)
