"""Seconds for one adaptive scan against the full mechanical one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmz_acquire.benchmark.decision_times import Times

__all__ = ["EXPOSURES_MS", "STAGES_MS", "Checked", "ScanTime", "scan_times"]

EXPOSURES_MS = (10.0, 50.0, 100.0, 200.0)
STAGES_MS = (5.0, 20.0, 100.0)
"""A move with its settling."""


@dataclass(frozen=True, slots=True)
class ScanTime:
    """One adaptive scan with decisions that were measured.

    Parameters
    ----------
    estimator, device : str
        Which, where.
    side_px : int
        Of the pictures.
    planes_taken, planes_full : int
        Of the adaptive and of the full scan.
    thinking_s : float
        All decisions together, s.
    """

    estimator: str
    device: str
    side_px: int
    planes_taken: int
    planes_full: int
    thinking_s: float

    def seconds(self, exposure_ms: float, stage_ms: float) -> float:
        """Of the adaptive scan: moves, light and decisions one after the other."""
        return self.planes_taken * (exposure_ms + stage_ms) / 1000 + self.thinking_s

    def full_s(self, exposure_ms: float, stage_ms: float) -> float:
        """Of the full scan: nothing but moves and light."""
        return self.planes_full * (exposure_ms + stage_ms) / 1000

    @property
    def break_even_ms(self) -> float:
        """Move and exposure of a plane, ms, beyond which adaptive is the quicker."""
        return 1000 * self.thinking_s / (self.planes_full - self.planes_taken)


def scan_times(times: list[Times], planes_taken: int | None = None) -> list[ScanTime]:
    """Make a scan of each of the times; those of as many planes as the grid, none.

    Parameters
    ----------
    times : list of Times
        As measured.
    planes_taken : int, optional
        By default all that were timed.
    """
    return [
        ScanTime(
            each.estimator,
            each.device,
            each.side_px,
            len(taken),
            each.output_planes,
            sum(taken),
        )
        for each in times
        if len(taken := each.medians_s[:planes_taken]) < each.output_planes
    ]


@dataclass(frozen=True, slots=True)
class Checked:
    """A scan that was really run on the simulated microscope, beside the sum.

    Parameters
    ----------
    estimator : str
        Which.
    side_px, planes_taken : int
        Of the scan.
    exposure_ms, stage_ms : float
        As set.
    computed_s : float
        As `ScanTime` has it, s.
    wall_s : float
        From the first move to the last decision, without `rendering_s`, s.
    stage_s, camera_s, thinking_s, rest_s : float
        What that is made of; rest: files, engine, events.
    rendering_s : float
        What the simulation took to compute its pictures, s.
    """

    estimator: str
    side_px: int
    planes_taken: int
    exposure_ms: float
    stage_ms: float
    computed_s: float
    wall_s: float
    stage_s: float
    camera_s: float
    thinking_s: float
    rest_s: float
    rendering_s: float

    @property
    def acting_s(self) -> float:
        """Moves and exposures alone, as computed, s."""
        return self.planes_taken * (self.exposure_ms + self.stage_ms) / 1000
