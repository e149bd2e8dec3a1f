"""What a scan sees of the world: the parts that it is made of, as Protocols.

The seams of the package. A scan knows a microscope, an estimator and a recorder
through these and nothing else, so the whole loop runs on a list of arrays in a test.
Numpy only: no torch, no Qt, no hardware.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.outcome import Outcome
    from rmz_acquire.scanning.records import ChosenBy, Decision, Estimate, Plane
    from rmz_acquire.scanning.verdicts import Verdict

__all__ = ["Estimator", "KnowsAhead", "Microscope", "Policy", "Recorder", "StopRule"]


@runtime_checkable
class Estimator(Protocol):
    """Turns planes, one at a time and in any order, into a volume."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in summary.json."""
        ...

    @property
    def z_um(self) -> NDArray[np.float64]:
        """The output grid, µm, ascending, (Z,)."""
        ...

    @property
    def volume(self) -> NDArray[np.float32] | None:
        """V_M, camera counts, (Z, Y, X); None before the first plane.

        None, too, where regions of it decide and the whole is made later.
        """
        ...

    @property
    def planes_taken(self) -> int:
        """M."""
        ...

    def add(self, image: NDArray[Any], z_um: float) -> Estimate:
        """Take in one plane.

        Parameters
        ----------
        image : ndarray, (Y, X)
            Camera counts; every plane of the same shape.
        z_um : float
            Where it was taken, µm.

        Returns
        -------
        Estimate
        """
        ...

    def describe(self) -> dict[str, Any]:
        """For summary.json: estimator, model, model_sha256, optics (or None)."""
        ...


@runtime_checkable
class Microscope(Protocol):
    """Takes one plane at a z. As a context: light closed, stage back at the end."""

    def __enter__(self) -> Self:
        """Make ready."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None:
        """Close the light and return the stage, whatever happened."""
        ...

    def capture(self, z_um: float) -> Plane:
        """Move to `z_um` (µm), expose, and return the plane."""
        ...


@runtime_checkable
class Recorder(Protocol):
    """Keeps what was taken and decided."""

    def write_plane(self, plane: Plane, index: int) -> None:
        """Put the plane on disk; returns only when it is there."""
        ...

    def write_decision(self, decision: Decision) -> None:
        """Put the decision that followed a plane on disk."""
        ...

    def finish(self, outcome: Outcome, volume: NDArray[np.float32] | None) -> None:
        """Close the record with how it ended and the last volume, if any."""
        ...


class Placed(Protocol):
    """Where a plane was taken, and for whom: an `Observation`, or a `Plane` before."""

    @property
    def z_requested_um(self) -> float:
        """Position asked for, µm."""
        ...

    @property
    def z_um(self) -> float:
        """Position read back, µm."""
        ...

    @property
    def chosen_by(self) -> ChosenBy:
        """Who wanted it."""
        ...


@runtime_checkable
class Policy(Protocol):
    """Chooses the next z.

    One object may serve several volumes: it is asked with no planes where a volume
    begins. After an experiment was taken up again it is asked as if all planes came
    anew, so the same planes must give the same answers.
    """

    def next_z(self, taken: Sequence[Observation]) -> float | None:
        """Give the next z to take, µm, or None where there is none left.

        Parameters
        ----------
        taken : sequence of Observation
            Every plane so far, in the order taken.

        Returns
        -------
        float or None
        """
        ...


@runtime_checkable
class KnowsAhead(Protocol):
    """What a `Policy` may tell beside: where the stage can go while one computes."""

    def z_ahead(self, taken: Sequence[Observation], plane: Plane) -> float | None:
        """Give the z that follows if the scan goes on, µm, before the estimate.

        A policy without this method is never asked ahead.

        Parameters
        ----------
        taken : sequence of Observation
            Every plane before the last, in the order taken.
        plane : Plane
            The last, which the estimator has not seen yet.

        Returns
        -------
        float or None
            None where that depends on the estimate, or there is none left.
        """
        ...


@runtime_checkable
class StopRule(Protocol):
    """Judges after every plane whether it was enough.

    The most planes that the plan allows end a scan whatever it says. As for a
    `Policy`, the same planes must give the same verdicts.
    """

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Judge the planes so far, the last of which has just come.

        Parameters
        ----------
        taken : sequence of Observation
            Every plane so far, in the order taken; at least one.

        Returns
        -------
        Verdict
        """
        ...
