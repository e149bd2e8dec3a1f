"""What a scan is told and says: planes, estimates, decisions, its outcome."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.scanning.model_fit import Misfit
    from rmz_acquire.scanning.regions import RegionVolume
    from rmz_acquire.scanning.verdicts import Term

__all__ = [
    "ChosenBy",
    "Decision",
    "Estimate",
    "Plane",
    "Seen",
    "checked",
    "winner_of",
]

ChosenBy = Literal["policy", "hand", "more", "audit"]
"""Who wanted a plane: the policy, somebody who asked for it, the policy again after
somebody let the scan go on past its stop, or chance, to see how good the volume is."""


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
    chosen_by : {"policy", "hand", "more", "audit"}
        Who wanted it.
    noise_free : bool
        Whether the camera is known to have no noise (a recorded stack): then two
        exposures of one scene are equal to the last bit.
    after_resume : bool
        Whether the experiment was taken up again since the plane before it, perhaps on
        a camera that was started anew.
    ahead : bool
        Whether it was exposed before it was decided on the plane before it.
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
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """The volume after a plane, and how much that plane changed it.

    Parameters
    ----------
    volume : ndarray of float32, (Z, Y, X), or None
        V_M in camera counts, one output plane per z of the grid; None where regions
        of it decide, and the whole is made later.
    delta : float or None
        ‖V_M − V_(M−1)‖ (Frobenius), counts; None at M = 1.
    delta_relative : float or None
        `delta` over the norm of the background-subtracted V_M, so that the
        camera's offset does not count; None at M = 1.
    innovation : float or None
        Relative RMS error of this plane as predicted from V_(M−1) at its z, the
        plane's own noise taken out: 0 means exact. None at M = 1.
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
    regions : tuple of RegionVolume
        The parts of the picture over which change and innovation are; none where
        they are over all of it.
    moved : bool
        Whether these are others than at the plane before.
    innovation_raw : float or None
        `innovation` with the plane's noise in it.
    predicted_error : ndarray of float32, (Z,), or None
        Predicted RMS error of every output plane, counts; None where not known.
    disagreement : ndarray of float32, (Z,), or None
        RMS difference of the candidates in every output plane, counts.
    misprediction : float or None
        RMS error behind `innovation`, counts; None at M = 1.
    spread : float or None
        Standard deviation of V_M, counts; None where not known.
    misfit : Misfit or None
        What the model of the microscope leaves of the planes; None without one.
    tested_error : ndarray of float32, (Z,), or None
        `predicted_error`, scaled along z by how wrong the prediction is of each plane
        taken when it is made from the others, counts; None where not known.
    """

    volume: NDArray[np.float32] | None
    delta: float | None
    delta_relative: float | None
    innovation: float | None
    gap_um: float
    seconds: float
    predictions: Mapping[str, float] | None = None
    shares: Mapping[str, float] | None = None
    z_scale: float | None = None
    regions: tuple[RegionVolume, ...] = ()
    moved: bool = False
    innovation_raw: float | None = None
    predicted_error: NDArray[np.float32] | None = None
    disagreement: NDArray[np.float32] | None = None
    misprediction: float | None = None
    spread: float | None = None
    misfit: Misfit | None = None
    tested_error: NDArray[np.float32] | None = None


@dataclass(slots=True)
class Seen:
    """What is known of a plane so far, also where something fails meanwhile.

    Parameters
    ----------
    fault : str or None
        What is wrong with its frame.
    used : bool
        Whether the estimator was given it.
    wanted : bool
        Whether the scan asked for it.
    estimate : Estimate or None
        What the estimator made of it.
    chosen_by : str
        Who wanted it.
    terms : tuple of Term
        What the stop rule looked at.
    warning : str or None
        What has shown with this plane, beside the plane itself.
    """

    fault: str | None = None
    used: bool = True
    wanted: bool = True
    estimate: Estimate | None = None
    chosen_by: ChosenBy = "policy"
    terms: tuple[Term, ...] = ()
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was measured on one plane and what followed: a line of decisions.jsonl.

    Parameters
    ----------
    index : int
        Place in the order taken, from 0.
    z_requested_um, z_actual_um : float
        Position requested and read back, µm.
    exposure_ms, stage_ms, camera_ms, inference_ms : float or None
        Times, ms; None where unknown.
    delta, delta_relative : float or None
        Change of the volume, in camera counts and relative; None at the first plane.
    innovation, innovation_raw : float or None
        Relative RMS error of this plane as predicted before it was taken, without
        and with the plane's own noise.
    gap_um : float or None
        Largest distance from the grid to the nearest taken plane, µm.
    decision : {"continue", "stop"}
        What the scan does next.
    reason : str
        The reason, in one sentence with the numbers.
    time : datetime
        When the exposure ended, UTC.
    frame : str or None
        What is wrong with the frame (blank, saturated, an old frame); None if nothing
        is.
    used : bool
        Whether the estimator received the plane. An old frame that the camera delivers
        again is no picture of this z: it stays on disk and counts only as dose.
    wanted : bool
        False for a plane that was exposed ahead of a decision and not needed after it:
        it counts only as dose.
    predictions, shares, z_scale
        As in `Estimate`; None where unknown.
    winner : str or None
        The candidate that predicted this plane best.
    winner_gain_db : float or None
        By how much better than the Wiener filter, dB.
    regions : list of list of int, or None
        y, x, height and width, pixels, of the parts of the picture that decide from
        this plane on; None if they have not changed, or for the whole picture.
    chosen_by : str
        Who chose the plane.
    terms : list of dict
        The conditions of the stop rule, and what the optics leave unexplained: see
        `Term`.
    warning : str or None
        That the optics do not explain the planes: once, at the plane that showed it.
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
    frame: str | None = None
    used: bool = True
    wanted: bool = True
    predictions: dict[str, float] | None = None
    shares: dict[str, float] | None = None
    z_scale: float | None = None
    winner: str | None = None
    winner_gain_db: float | None = None
    regions: list[list[int]] | None = None
    innovation_raw: float | None = None
    chosen_by: ChosenBy = "policy"
    terms: list[dict[str, Any]] = field(default_factory=list)
    warning: str | None = None

    @classmethod
    def of(
        cls,
        index: int,
        plane: Plane,
        seen: Seen,
        decision: Literal["continue", "stop"],
        reason: str,
    ) -> Self:
        """Make the decision on a plane; what an estimate would tell is else unknown.

        Parameters
        ----------
        index : int
            Place in the order taken, from 0.
        plane : Plane
            The plane.
        seen : Seen
            What came of it.
        decision : {"continue", "stop"}
            What follows.
        reason : str
            Why.
        """
        estimate = seen.estimate
        made = cls(
            index=index,
            z_requested_um=plane.z_requested_um,
            z_actual_um=plane.z_um,
            exposure_ms=plane.exposure_ms,
            delta=None,
            delta_relative=None,
            innovation=None,
            gap_um=None,
            decision=decision,
            reason=reason,
            stage_ms=plane.stage_ms,
            camera_ms=plane.camera_ms,
            inference_ms=None,
            time=plane.time,
            frame=seen.fault,
            used=seen.used,
            wanted=seen.wanted,
            chosen_by=seen.chosen_by,
            terms=[term.to_dict() for term in seen.terms],
            warning=seen.warning,
        )
        if estimate is None:
            return made
        winner, gain_db = winner_of(estimate.predictions)
        places = [part.region.to_list() for part in estimate.regions]
        return replace(
            made,
            regions=places if estimate.moved else None,
            predictions=_plain(estimate.predictions),
            shares=_plain(estimate.shares),
            z_scale=estimate.z_scale,
            winner=winner,
            winner_gain_db=gain_db,
            delta=estimate.delta,
            delta_relative=estimate.delta_relative,
            innovation=estimate.innovation,
            innovation_raw=estimate.innovation_raw,
            gap_um=estimate.gap_um,
            inference_ms=1000 * estimate.seconds,
        )

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> Self:
        """Make it of a line of decisions.jsonl; what else is in it is left out."""
        known = {name: line[name] for name in cls.__slots__ if name in line}
        return cls(**{**known, "time": datetime.fromisoformat(line["time"])})

    def to_dict(self) -> dict[str, Any]:
        """Give JSON-ready values in the contract's order, time in ISO 8601."""
        keys = type(self).__slots__
        return {key: getattr(self, key) for key in keys} | {
            "time": self.time.isoformat()
        }


def _plain(values: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if values is None else dict(values)


def winner_of(
    predictions: Mapping[str, float] | None,
) -> tuple[str | None, float | None]:
    """Best candidate, and its gain over the Wiener filter, dB; None where unknown."""
    if not predictions:
        return None, None
    winner = min(predictions, key=lambda name: predictions[name])
    least, linear = predictions[winner], predictions.get("wiener", 0.0)
    if least <= 0 or linear <= 0:
        return winner, None
    return winner, 20 * math.log10(linear / least)


def checked(estimate: object, shape: tuple[int, ...]) -> Estimate:
    """Refuse a volume that is not a number; a ratio that is none is unknown.

    A change that is not finite means a broken volume. A ratio is not finite where it
    was divided by nothing, as on a dark field: that is no failure. `shape` is that of
    the volume.
    """
    if not isinstance(estimate, Estimate):
        msg = f"the estimator's add gave {type(estimate).__name__}, not an Estimate"
        raise TypeError(msg)
    # of no planes where none is made, and none at all where regions decide
    made = estimate.volume
    if made is None and not estimate.regions:
        msg = "the estimator gave neither a volume nor regions of one"
        raise ValueError(msg)
    if made is not None and made.shape not in (shape, (0, *shape[1:])):
        msg = f"the estimator gave a volume of shape {made.shape}, not {shape}"
        raise ValueError(msg)
    if estimate.delta is not None and not math.isfinite(estimate.delta):
        msg = f"the estimator gave a change of {estimate.delta}"
        raise ArithmeticError(msg)

    def known(ratio: float | None) -> float | None:
        return ratio if ratio is not None and math.isfinite(ratio) else None

    return replace(
        estimate,
        delta_relative=known(estimate.delta_relative),
        innovation=known(estimate.innovation),
        innovation_raw=known(estimate.innovation_raw),
    )
