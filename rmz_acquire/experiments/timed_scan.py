"""A scan of the simulated microscope by the clock: what the sums of `bench` miss."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import useq

from rmz_acquire.acquisition import close_core, load_simulated
from rmz_acquire.benchmark.scan_times import Checked, scan_times
from rmz_acquire.errors import ScanFailed
from rmz_acquire.experiments.callbacks import Watcher
from rmz_acquire.experiments.run import run
from rmz_acquire.methods import METHODS, SCAN_METHODS, method_of

if TYPE_CHECKING:
    from rmz_acquire.benchmark.measuring import Asked
    from rmz_acquire.benchmark.scan_times import ScanTime
    from rmz_acquire.benchmark.speed_table import Measured
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Decision, Estimate, Scan

__all__ = ["check_scan"]

_SIDES_PX = (64, 128, 256, 512, 1024)
"""Of the simulated sensor."""


class _Clock(Watcher):
    """Notes when the first move began and the last decision stood."""

    def __init__(self) -> None:
        self.begin_s = self.end_s = 0.0
        self.decisions: list[Decision] = []

    def volume(self, volume: Volume, scan: Scan) -> None:
        self.begin_s = time.perf_counter()

    def decision(
        self, volume: Volume, decision: Decision, estimate: Estimate | None
    ) -> None:
        self.end_s = time.perf_counter()
        self.decisions.append(decision)


def check_scan(
    asked: Asked, found: Measured, exposure_ms: float = 50.0, stage_ms: float = 20.0
) -> Checked | None:
    """Run one scan that was computed, on the simulated microscope, and drop it.

    Parameters
    ----------
    asked : Asked
        What was measured: its first estimator that scans may use, and its largest
        pictures that the simulated camera takes.
    found : Measured
        What that came to.
    exposure_ms, stage_ms : float
        Of a plane, and of a move with its settling.

    Returns
    -------
    Checked or None
        None where nothing that was measured can be run.

    Raises
    ------
    ScanFailed
        If it ended early.
    """
    of = [
        each
        for each in scan_times(found.times)
        if each.side_px in _SIDES_PX
        and (each.estimator in SCAN_METHODS or each.estimator not in METHODS)
    ]
    if not of:
        return None
    scan = max((s for s in of if s.estimator == of[0].estimator), key=_side)
    took = _run(asked, scan, exposure_ms, stage_ms)
    camera_s = sum(d.camera_ms or 0.0 for d in took.decisions) / 1000
    light_s = len(took.decisions) * exposure_ms / 1000
    rendering_s = max(0.0, camera_s - light_s)
    stage_s = sum(d.stage_ms or 0.0 for d in took.decisions) / 1000
    thinking_s = sum(d.inference_ms or 0.0 for d in took.decisions) / 1000
    wall_s = took.end_s - took.begin_s - rendering_s
    return Checked(
        estimator=scan.estimator,
        side_px=scan.side_px,
        planes_taken=len(took.decisions),
        exposure_ms=exposure_ms,
        stage_ms=stage_ms,
        computed_s=scan.seconds(exposure_ms, stage_ms),
        wall_s=wall_s,
        stage_s=stage_s,
        camera_s=camera_s - rendering_s,
        thinking_s=thinking_s,
        rest_s=wall_s - stage_s - (camera_s - rendering_s) - thinking_s,
        rendering_s=rendering_s,
    )


def _side(scan: ScanTime) -> int:
    return scan.side_px


def _run(asked: Asked, scan: ScanTime, exposure_ms: float, stage_ms: float) -> _Clock:
    core = load_simulated(
        specimen="nuclei", seed=1, exposure_ms=exposure_ms, SensorSize_px=scan.side_px
    )
    clock = _Clock()
    model = asked.model if method_of(scan.estimator).model else None
    z_um = asked.z_um(scan.planes_full)
    block = {
        "version": 1,
        "estimator": scan.estimator,
        "device": scan.device,
        "epsilon": 1e-12,
        "max_planes": scan.planes_taken,
        **({} if model is None else {"model": model}),
    }
    sequence = useq.MDASequence(
        channels=[{"group": "Channel", "config": "GFP", "exposure": exposure_ms}],
        z_plan=useq.ZTopBottom(bottom=z_um[0], top=z_um[-1], step=asked.z_step_um),
        metadata={"rmz_acquire": block},
    )
    try:
        core.setProperty("Z", "Settle_ms", stage_ms)
        core.setProperty("Z", "Speed_um_per_s", 1e6)
        core.snapImage()  # the specimen is made for the first picture
        with tempfile.TemporaryDirectory() as folder:
            finished = run(core, sequence, Path(folder) / "run", watcher=clock)
            reason = finished.summary and finished.summary.reason
            del finished  # its files are open
    finally:
        close_core(core)
    if len(clock.decisions) < scan.planes_taken:
        msg = f"the scan that was to be timed took {len(clock.decisions)} planes of "
        raise ScanFailed(f"{msg}{scan.planes_taken}: {reason}")
    return clock
