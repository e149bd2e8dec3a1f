"""What a scan says: one decision a plane, and one outcome at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Decision", "Outcome", "Status"]

Status = Literal["converged", "max_planes", "list_done", "aborted", "failed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was measured on one plane and what followed: a line of decisions.jsonl.

    Parameters
    ----------
    index : int
        Place in the order taken, from 0.
    z_requested_um, z_actual_um : float
        Position asked for and read back, µm.
    exposure_ms, stage_ms, camera_ms, inference_ms : float or None
        Times, ms; None where unknown.
    delta, delta_relative : float or None
        Change of the volume, camera counts and relative; None at the first plane.
    innovation : float or None
        Relative RMS error of this plane as predicted before it was taken.
    gap_um : float or None
        Largest distance from the grid to the nearest taken plane, µm.
    decision : {"continue", "stop"}
        What the scan does next.
    reason : str
        Why, in one sentence with the numbers.
    time : datetime
        When the exposure ended, UTC.
    """

    index: int
    z_requested_um: float
    z_actual_um: float
    exposure_ms: float | None
    delta: float | None
    delta_relative: float | None
    innovation: float | None
    gap_um: float | None
    decision: Literal["continue", "stop"]
    reason: str
    stage_ms: float | None
    camera_ms: float | None
    inference_ms: float | None
    time: datetime

    def to_dict(self) -> dict[str, Any]:
        """Give JSON-ready values in the contract's order, time in ISO 8601."""
        keys = type(self).__slots__
        return {key: getattr(self, key) for key in keys} | {
            "time": self.time.isoformat()
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a scan ended.

    Parameters
    ----------
    status : {"converged", "max_planes", "list_done", "aborted", "failed"}
        Which end it was.
    reason : str
        Why, in one sentence with the numbers.
    planes_taken : int
        M at the end.
    error : str or None
        What went wrong, for `status` "failed" only.
    """

    status: Status
    reason: str
    planes_taken: int
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the scan ended as its plan allows (not aborted, not failed)."""
        return self.status in ("converged", "max_planes", "list_done")
