"""The plain loop around a scan: capture, record, decide, again."""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rmz_acquire.scanning.outcome import Outcome
    from rmz_acquire.scanning.protocols import Microscope, Recorder
    from rmz_acquire.scanning.scan import Scan

__all__ = ["take_planes"]

logger = logging.getLogger(__name__)


def take_planes(
    scan: Scan,
    microscope: Microscope,
    recorder: Recorder,
    look: Callable[[], None] | None = None,
) -> Outcome:
    """Take the planes that a scan asks for; the recorder is left open.

    Each plane is with the recorder before the estimator sees it, and its decision
    before the next z is asked for.

    Parameters
    ----------
    scan : Scan
        Fresh, or taken up again.
    microscope : Microscope
        Entered and left here.
    recorder : Recorder
        Is handed planes and decisions.
    look : callable, optional
        Called before each plane, to end the scan for somebody.

    Returns
    -------
    Outcome
        Also after a failure or ctrl-C: look at its `status`. The first ctrl-C lets
        the plane at hand be finished, the second does not.
    """
    try:
        with _ctrl_c_aborts(scan), microscope:
            while True:
                if look is not None:
                    look()
                if (z_um := scan.next_z()) is None:
                    break
                plane = microscope.capture(z_um)
                recorder.write_plane(plane, scan.planes_taken)
                recorder.write_decision(scan.observe(plane))
    except KeyboardInterrupt:
        scan.abort("interrupted with ctrl-C")
        scan.next_z()
    except Exception as error:
        logger.exception("the scan failed")
        scan.fail(error)
    outcome = scan.outcome
    if outcome is None:  # pragma: no cover
        msg = f"the scan ended while {scan.state.value}"
        raise RuntimeError(msg)
    return outcome


@contextmanager
def _ctrl_c_aborts(scan: Scan) -> Iterator[None]:
    """Let the first ctrl-C abort the scan, where nobody else listens for it."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def abort(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        scan.abort("interrupted with ctrl-C")

    signal.signal(signal.SIGINT, abort)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
