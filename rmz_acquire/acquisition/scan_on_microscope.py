"""A scan on a microscope: what `run_scan` is without one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import useq

from rmz_acquire.acquisition.acquire import acquire
from rmz_acquire.acquisition.engine import ScanEngine
from rmz_acquire.acquisition.focus_lock import FocusLock
from rmz_acquire.acquisition.focus_stage import FocusDrive
from rmz_acquire.acquisition.image_format import cameras_of
from rmz_acquire.acquisition.preflight import (
    check_camera,
    check_channel,
    check_duration,
    check_exposure,
    check_free,
    check_stage,
)
from rmz_acquire.acquisition.shutter import ShutterGuard
from rmz_acquire.acquisition.volume_task import VolumeTask
from rmz_acquire.errors import InputError
from rmz_acquire.scanning import Outcome, ScanState

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.scanning import Recorder, Scan

__all__ = ["run_on_core"]


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
    stood, a focus lock that was on is on again, exposure, channel and acquisition
    engine are those of before, and what was taken is with the recorder.

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
    check_free(core)
    if scan.outcome is not None and scan.planes_taken == 0:
        # somebody ended it before it began
        recorder.finish(scan.outcome, None)
        return scan.outcome
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
    check_channel(core, channel)
    check_duration(exposure_ms)
    wanted: dict[str, Any] = {"exposure": exposure_ms}
    if channel is not None:
        wanted["channel"] = {"group": channel[0], "config": channel[1]}

    def event(z_um: float, order: int) -> useq.MDAEvent:
        return useq.MDAEvent(index={"t": order}, z_pos=z_um, **wanted)

    # of the camera that the channel selects
    cameras = cameras_of(core, [event(0.0, 0)])
    for camera in cameras:
        check_exposure(core, camera, exposure_ms)
    if not cameras:
        check_camera(core, exposure_ms)
    stage = check_stage(
        core, z_stage, scan.plan, approach_um=approach_um, limits_um=z_limits_um
    )
    lock = FocusLock(core, stage)
    light = ShutterGuard(core)
    engine: ScanEngine
    drive = FocusDrive(
        core,
        stage,
        settle_ms=settle_ms,
        tolerance_um=tolerance_um,
        approach_um=approach_um,
        stopped=lambda: engine.stopped(),
    )
    engine = ScanEngine(
        core, [VolumeTask(scan, recorder, event)], drive=drive, light=light
    )
    problems = acquire(
        core,
        engine,
        drive,
        light,
        engine.events(),
        groups=() if channel is None else (channel[0],),
        cameras=cameras,
        abort=scan.abort,
        aborted=lambda: scan.abort_requested,
        lock=lock,
    )
    outcome = scan.outcome
    if outcome is None:  # pragma: no cover
        msg = f"the scan ended while {scan.state.value}"
        raise RuntimeError(msg)
    if lock.told is not None:
        outcome = replace(outcome, reason=f"{outcome.reason}; {lock.told}")
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
