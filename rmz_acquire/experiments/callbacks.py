"""What looks on while an experiment runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import ExperimentFolder
    from rmz_acquire.scanning import Decision, Estimate, Plane, Scan

__all__ = ["DecisionWatcher", "Rendered", "Watcher"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """How far the volumes are that are made later.

    Parameters
    ----------
    done, of : int
        Volumes that are whole, and all that were asked for so far.
    part : float
        How much of the one at hand is made, 0 to 1.
    left_s : float or None
        How long the rest will take, s; None before anything was made.
    """

    done: int
    of: int
    part: float
    left_s: float | None


class Watcher:
    """Is told of everything on the acquisition's threads; does nothing with it.

    Derive from it, and override what is of interest. What all but `decision` raise
    ends the experiment; what that raises is logged.
    """

    def begin(self, prepared: Prepared, folder: ExperimentFolder) -> None:
        """All is checked and nothing has moved; the folder tells what it holds."""

    def step(self, what: str) -> None:
        """What begins: scan, volumes, score, the name of each baseline, report."""

    def volume(self, volume: Volume, scan: Scan) -> None:
        """A volume begins, or is taken up again, with this scan."""

    def plane(self, volume: Volume, plane: Plane, index: int) -> None:
        """A plane is on disk; the index counts from 0."""

    def decision(
        self, volume: Volume, decision: Decision, estimate: Estimate | None
    ) -> None:
        """A decision was made; the estimate is None where it failed."""

    def rendered(self, how_far: Rendered) -> None:
        """Volumes are made behind the scans; on a thread of their own."""


class DecisionWatcher(Watcher):
    """Passes decisions on to a function.

    Parameters
    ----------
    told : callable
        Is handed volume, decision and estimate.
    """

    def __init__(
        self, told: Callable[[Volume, Decision, Estimate | None], None]
    ) -> None:
        self._told = told

    def decision(
        self, volume: Volume, decision: Decision, estimate: Estimate | None
    ) -> None:
        """Pass it on."""
        self._told(volume, decision, estimate)
