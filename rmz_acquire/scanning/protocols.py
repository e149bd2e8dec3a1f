"""What a scan sees of the world: planes, estimates and the parts that give them.

The seams of the package. A scan knows a microscope, an estimator and a recorder
through these and nothing else, so the whole loop runs on a list of arrays in a test.
Numpy only: no torch, no Qt, no hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.scanning.decision import Decision, Outcome

__all__ = ["ChosenBy", "Estimate", "Estimator", "Microscope", "Plane", "Recorder"]

ChosenBy = Literal["policy", "hand", "more"]
"""Who wanted a plane: the policy, somebody who asked for it, or the policy again after
somebody let the scan go on past its stop."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One 2D image with the z at which the stage says that it was taken.

    Parameters
    ----------
    image : ndarray, (Y, X)
        Camera counts as the camera delivered them, in its own dtype.
    z_um : float
        Position read back from the stage, µm.
    z_requested_um : float
        Position that was asked for, µm.
    exposure_ms : float or None
        Exposure time, ms; None where it is not known (a recorded stack).
    stage_ms : float or None
        Time that the move took with its settling, ms.
    camera_ms : float or None
        Time from the trigger to the frame in memory, ms, exposure included.
    time : datetime
        When the exposure ended, UTC (with a time zone).
    z_shift_um : float
        What a hardware autofocus added to the z asked for, µm. Both z above are
        without it: the specimen's, not the stage's.
    chosen_by : {"policy", "hand", "more"}
        Who wanted it.
    noise_free : bool
        Whether the camera is known to have no noise (a recorded stack): then two
        exposures of one scene are equal to the last bit.
    after_resume : bool
        Whether the experiment was taken up again since the plane before it, perhaps on
        a camera that was started anew.
    """

    image: NDArray[Any]
    z_um: float
    z_requested_um: float
    exposure_ms: float | None
    stage_ms: float | None
    camera_ms: float | None
    time: datetime
    z_shift_um: float = 0.0
    chosen_by: ChosenBy = "policy"
    noise_free: bool = False
    after_resume: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """The volume after a plane, and how much that plane changed it.

    Parameters
    ----------
    volume : ndarray of float32, (Z, Y, X)
        V_M in camera counts, one output plane per z of the grid.
    delta : float or None
        ‖V_M − V_(M−1)‖ (Frobenius), counts; None at M = 1.
    delta_relative : float or None
        `delta` over the norm of the background-subtracted V_M, so that the
        camera's offset does not count; None at M = 1.
    innovation : float or None
        Relative RMS error of this plane as predicted from V_(M−1) at its z;
        None at M = 1.
    gap_um : float
        Largest distance from any z of the grid to the nearest taken plane, µm.
    seconds : float
        Time that the estimate took, s.
    predictions : mapping or None
        Error of this plane as each candidate for the volume predicted it before it
        was taken, in the unit of `innovation`, the plane's own noise taken out; None
        where nothing is compared.
    shares : mapping or None
        Share of each candidate in the volume; they sum to 1.
    z_scale : float or None
        Steps of the focus over steps of the stage, as found so far; None where it is
        not looked for.
    """

    volume: NDArray[np.float32]
    delta: float | None
    delta_relative: float | None
    innovation: float | None
    gap_um: float
    seconds: float
    predictions: Mapping[str, float] | None = None
    shares: Mapping[str, float] | None = None
    z_scale: float | None = None


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
        """V_M, camera counts, (Z, Y, X); None before the first plane."""
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
