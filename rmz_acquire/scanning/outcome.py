"""Where a scan stands, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rmz_acquire.scanning.verdicts import Term

__all__ = ["Outcome", "ScanState", "Status"]

Status = Literal[
    "converged",
    "max_planes",
    "budget",
    "list_done",
    "misfit",
    "stopped",
    "aborted",
    "failed",
]


class ScanState(StrEnum):
    """Where a scan stands."""

    idle = "idle"
    aiming = "aiming"
    thinking = "thinking"
    finished = "finished"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a scan ended.

    Parameters
    ----------
    status : str
        Which end it was; one of `Status`. "misfit": the optics do not explain the
        planes; "stopped": by somebody for whom it was enough, after a plane that still
        counts; "aborted": at once.
    reason : str
        Why, in one sentence with the numbers.
    planes_taken : int
        M at the end.
    error : str or None
        What went wrong, for `status` "failed" only.
    terms : tuple of Term
        What the stop rule looked at last.
    """

    status: Status
    reason: str
    planes_taken: int
    error: str | None = None
    terms: tuple[Term, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the volume is as good as was wanted: not aborted, not failed."""
        return self.status not in ("aborted", "failed")
