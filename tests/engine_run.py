"""One scan on a core through the engine alone: what the tests of the engine share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import useq

from rmz_acquire.acquisition import (
    FocusDrive,
    FocusLock,
    ScanEngine,
    ShutterGuard,
    VolumeTask,
    acquire,
)
from rmz_acquire.acquisition.image_format import cameras_of

if TYPE_CHECKING:
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.defaults import Overlap
    from rmz_acquire.scanning import Outcome, Recorder, Scan

__all__ = ["run_on_core"]


def run_on_core(
    core: CMMCorePlus,
    scan: Scan,
    recorder: Recorder,
    *,
    exposure_ms: float,
    channel: tuple[str, str] | None = None,
    settle_ms: float | None = None,
    tolerance_um: float | None = None,
    approach_um: float = 0.0,
    overlap: Overlap = "stage",
) -> Outcome:
    """Run a scan to its end, and finish its recorder."""
    wanted: dict[str, Any] = {"exposure": exposure_ms}
    if channel is not None:
        wanted["channel"] = {"group": channel[0], "config": channel[1]}

    def event(z_um: float, order: int) -> useq.MDAEvent:
        return useq.MDAEvent(index={"t": order}, z_pos=z_um, **wanted)

    stage = str(core.getFocusDevice())
    lock = FocusLock(core, stage)
    light = ShutterGuard(core)
    engine: ScanEngine
    drive = FocusDrive(
        core,
        stage,
        settle_ms=settle_ms,
        tolerance_um=tolerance_um or scan.plan.step_um / 2,
        approach_um=approach_um,
        stopped=lambda: engine.stopped(),
    )
    engine = ScanEngine(
        core,
        [VolumeTask(scan, recorder, event)],
        drive=drive,
        light=light,
        overlap=overlap,
    )
    problems = acquire(
        core,
        engine,
        drive,
        light,
        engine.events(),
        groups=() if channel is None else (channel[0],),
        cameras=cameras_of(core, [event(0.0, 0)]),
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
