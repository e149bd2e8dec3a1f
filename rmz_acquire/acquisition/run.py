"""A scan on a microscope: what `run_scan` is without one.

Everything that must happen however the scan ends (light off, stage back, the other
engine in place) happens at the end of the acquisition thread, where no ctrl-C arrives.
"""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pymmcore_plus.mda import FinishReason

from rmz_acquire.acquisition.checks import check_camera, check_channel, check_stage
from rmz_acquire.acquisition.drive import FocusDrive
from rmz_acquire.acquisition.engine import Optical, ScanEngine
from rmz_acquire.acquisition.light import LightGate
from rmz_acquire.acquisition.shutdown import quiet_at_exit
from rmz_acquire.errors import InputError
from rmz_acquire.scanning import Outcome, ScanState

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus import CMMCorePlus
    from pymmcore_plus.mda import PMDAEngine

    from rmz_acquire.scanning import Recorder, Scan

__all__ = ["run_on_core"]

logger = logging.getLogger(__name__)

_WAKE_S = 0.1


def run_on_core(
    core: CMMCorePlus,
    scan: Scan,
    recorder: Recorder,
    *,
    exposure_ms: float,
    channel: tuple[str, str] | None = None,
    z_stage: str | None = None,
    settle_ms: float | None = None,
    tolerance_um: float | None = None,
    approach_um: float = 0.0,
    z_limits_um: tuple[float, float] | None = None,
) -> Outcome:
    """Run a scan to its end on a microscope.

    The calling thread waits; the planes are taken and estimated on another one. Call
    `scan.abort` from anywhere, `core.mda.cancel`, or press ctrl-C, to end it early.
    Whatever happens, the shutter is closed at the end, the stage is back where it
    stood, exposure, channel and acquisition engine are those of before, and what was
    taken is with the recorder.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope, a UniMMCore too.
    scan : Scan
        Fresh.
    recorder : Recorder
        Finished here, whatever happened.
    exposure_ms : float
        Exposure of every plane, ms.
    channel : (str, str), optional
        Configuration group and preset; by default the channel is left as it is.
    z_stage : str, optional
        Label of the focus stage; by default the core's focus device.
    settle_ms : float, optional
        Rest after each move, ms; by default the delay that the configuration gives
        the stage.
    tolerance_um : float, optional
        How far from its target the stage may stand, µm; by default half the step of
        the z grid. What it really reads goes into the estimate in any case.
    approach_um : float
        Where above 0, every z is approached from below, from this far, µm: against
        backlash.
    z_limits_um : (float, float), optional
        Lowest and highest z that the stage may be sent to, µm.

    Returns
    -------
    Outcome
        Also after a failure or ctrl-C: look at its `status`.

    Raises
    ------
    InputError
        Before anything moves: no camera or focus stage, a z outside the stage's
        limits, an exposure or channel that does not exist, a scan or an acquisition
        that runs already.
    """
    if core.mda.is_running():
        msg = "an acquisition is running on this microscope: stop it first"
        raise InputError(msg)
    if scan.state is not ScanState.idle:
        msg = f"the scan is {scan.state.value}: make a new one"
        raise InputError(msg)
    for name, value in (("settle time", settle_ms), ("approach", approach_um)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            msg = f"the {name} must be 0 or more, not {value:g}"
            raise InputError(msg)
    if tolerance_um is None:
        tolerance_um = scan.plan.step_um / 2
    elif not (math.isfinite(tolerance_um) and tolerance_um > 0):
        msg = f"the stage's tolerance must be above 0 µm, not {tolerance_um:g}"
        raise InputError(msg)
    check_camera(core, exposure_ms)
    check_channel(core, channel)
    stage = check_stage(
        core, z_stage, scan.plan, approach_um=approach_um, limits_um=z_limits_um
    )
    quiet_at_exit(core)
    drive = FocusDrive(
        core,
        stage,
        settle_ms=settle_ms,
        tolerance_um=tolerance_um,
        approach_um=approach_um,
    )
    light = LightGate(core)
    engine = ScanEngine(
        core,
        scan,
        recorder,
        drive=drive,
        light=light,
        optical=Optical(exposure_ms, channel),
    )
    restore = _restorer(core, drive, light, channel)
    problems: list[str] = []
    done = threading.Event()
    thread = threading.Thread(
        target=_acquire,
        args=(core, scan, engine, restore, problems, done),
        name="rmz-acquire scan",
    )
    _start_and_wait(thread, done, core, scan)
    outcome = scan.outcome
    if outcome is None:  # pragma: no cover
        msg = f"the scan ended while {scan.state.value}"
        raise RuntimeError(msg)
    problems += [f"{error}" for error in engine.late_errors]
    if problems:
        said = "; ".join(problems)
        outcome = replace(
            outcome,
            status="failed",
            reason=f"{outcome.reason}; afterwards {said}",
            error=outcome.error or said,
        )
    recorder.finish(outcome, scan.volume)
    return outcome


def _acquire(
    core: CMMCorePlus,
    scan: Scan,
    engine: ScanEngine,
    restore: dict[str, Callable[[], None]],
    problems: list[str],
    done: threading.Event,
) -> None:
    """Be the acquisition thread. Raises nothing; its word is the scan's outcome."""
    try:
        before = core.mda.set_engine(engine)
        restore["the old engine cannot be put back"] = lambda: _put_back(core, before)
        core.mda.run(engine.events())
        if scan.outcome is None:
            _say_why(core, scan)
    except BaseException as error:
        logger.exception("the scan failed")
        scan.fail(error)
    finally:
        for what, step in restore.items():
            try:
                step()
            except Exception as error:
                # each step on its own: a stage that jams must not keep the light on
                logger.exception(what)
                problems.append(f"{what}: {' '.join(str(error).split())}")
        done.set()


def _say_why(core: CMMCorePlus, scan: Scan) -> None:
    """Finish a scan that the runner left in the middle."""
    if core.mda.status.finish_reason == FinishReason.CANCELED:
        scan.abort("cancelled through Micro-Manager")
    else:
        scan.fail(RuntimeError("the acquisition ended before the scan did"))
    scan.next_z()


def _restorer(
    core: CMMCorePlus,
    drive: FocusDrive,
    light: LightGate,
    channel: tuple[str, str] | None,
) -> dict[str, Callable[[], None]]:
    """Remember how things stand; give the steps that bring them back, light first."""
    exposure_ms = float(core.getExposure())
    steps: dict[str, Callable[[], None]] = {
        "the light cannot be switched off": light.close,
        f"stage {drive.label!r} cannot be brought back": drive.home,
        "the exposure cannot be set back": lambda: core.setExposure(exposure_ms),
    }
    if channel is not None:
        # the properties, not the preset: they need not stand as any preset has them
        state = [tuple(setting) for setting in core.getConfigGroupState(channel[0])]

        def set_channel_back() -> None:
            for device, name, value in state:
                core.setProperty(device, name, value)
            core.waitForSystem()

        steps["the channel cannot be set back"] = set_channel_back
    return steps


def _put_back(core: CMMCorePlus, engine: PMDAEngine | None) -> None:
    if engine is not None:
        core.mda.set_engine(engine)


def _start_and_wait(
    thread: threading.Thread, done: threading.Event, core: CMMCorePlus, scan: Scan
) -> None:
    """Wait for the acquisition; the first ctrl-C ends the scan, not the wait.

    On an event: `Thread.join` that is interrupted takes a running thread for dead
    (Python 3.11, bpo-45274).
    """
    try:
        thread.start()
        _wait(done, core, scan)
    except KeyboardInterrupt:
        scan.abort("interrupted with ctrl-C")
        core.mda.cancel()
        _wait(done, core, scan)
    thread.join()


def _wait(done: threading.Event, core: CMMCorePlus, scan: Scan) -> None:
    # in short waits: on Windows ctrl-C does not interrupt a long one
    while not done.wait(_WAKE_S):
        if scan.abort_requested and core.mda.is_paused():
            core.mda.cancel()  # else it would wait for somebody to resume it
