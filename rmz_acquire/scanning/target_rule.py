"""The stop rule whose threshold was calibrated: a stated error, a stated confidence.

What it compares with the threshold needs no truth and has the unit of the NRMSE, but is
another number. By which threshold the one keeps the other small is what a calibration
finds out. There are three such scores, by what an estimator tells:

tested error
    The error that it predicts of the planes that are not taken, scaled along z by how
    wrong its prediction is of each taken plane from the others, over the spread of its
    volume; and the change by the last three planes. The geometric mean of them, three
    parts to one: a layer that no plane has met yet is known to neither alone.
predicted NRMSE
    The same error as the estimator predicts it, where it does not test itself.
misprediction
    For estimators that predict no error: how far the last planes were from what was
    predicted of them before they were taken, their own noise taken out, over the
    spread. It looks back: planes in the largest gaps are predicted worst, and every
    plane since has made the volume better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning.output_planes import measured_planes
from rmz_acquire.scanning.stopping import ChangeRule
from rmz_acquire.scanning.verdicts import Term, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.stop_calibration import ScoreName

__all__ = [
    "LOOKED_AT",
    "SCORES",
    "TargetRule",
    "misprediction_of",
    "predicted_nrmse_of",
    "tested_error_of",
]

LOOKED_AT = 5
"""Planes that the misprediction is taken over: chosen on simulated specimens of six
families."""


CHANGES = 3
"""Planes whose change counts in the tested error."""

CHANGE_SHARE = 0.25
"""Exponent of the change in the tested error; that of the error is the rest. Chosen
with `CHANGES` on simulated specimens that no study calibrates or tries a rule on (seeds
600 000 to 600 019): from a fifth to a third it is about as good."""


def predicted_nrmse_of(taken: Sequence[Observation], plan: ScanPlan) -> float | None:
    """RMS error that is predicted of the planes not taken, over the volume's spread.

    Parameters
    ----------
    taken : sequence of Observation
        Every plane so far; at least one.
    plan : ScanPlan
        With the grid.

    Returns
    -------
    float or None
        0 where all are taken; None where no error is predicted, or the volume shows
        nothing.
    """
    return _nrmse(taken[-1].predicted_error, taken, plan)


def tested_error_of(taken: Sequence[Observation], plan: ScanPlan) -> float | None:
    """Weighted geometric mean of the tested NRMSE and the change by the last planes.

    Parameters
    ----------
    taken : sequence of Observation
        Every plane so far; at least one.
    plan : ScanPlan
        With the grid.

    Returns
    -------
    float or None
        0 where all are taken; None where the estimator does not test itself, there is
        no change yet, or the volume shows nothing.
    """
    nrmse, change = _tested_nrmse(taken, plan), _late_change(taken)
    if nrmse is None or change is None:
        return None
    return float(nrmse ** (1 - CHANGE_SHARE) * change**CHANGE_SHARE)


def _nrmse(
    errors: tuple[float, ...] | None, taken: Sequence[Observation], plan: ScanPlan
) -> float | None:
    """RMS of errors, (Z,) counts, over the planes not taken, by the spread."""
    last, grid = taken[-1], np.asarray(plan.z_um)
    if errors is None or not last.spread:
        return None
    left = ~measured_planes(grid, [plane.z_um for plane in taken])
    if not left.any():
        return 0.0
    return float(np.sqrt(np.mean(np.square(np.asarray(errors)[left])))) / last.spread


def _tested_nrmse(taken: Sequence[Observation], plan: ScanPlan) -> float | None:
    return _nrmse(taken[-1].tested_error, taken, plan)


def _late_change(taken: Sequence[Observation]) -> float | None:
    """RMS of the last relative changes; None where the last is not known."""
    late = [plane.delta_relative for plane in taken[-CHANGES:]]
    known = [change for change in late if change is not None]
    if not known or late[-1] is None:
        return None
    return float(np.sqrt(np.mean(np.square(known))))


def misprediction_of(taken: Sequence[Observation]) -> float | None:
    """RMS error at which the last planes were predicted, over the volume's spread.

    Parameters
    ----------
    taken : sequence of Observation
        Every plane so far; at least one.

    Returns
    -------
    float or None
        Over the last five planes that were predicted; None where none was, or the
        volume shows nothing.
    """
    missed = [plane.misprediction for plane in taken if plane.misprediction is not None]
    spread = taken[-1].spread
    if not missed or not spread:
        return None
    return float(np.sqrt(np.mean(np.square(missed[-LOOKED_AT:])))) / spread


SCORES: dict[ScoreName, Callable[[Sequence[Observation], ScanPlan], float | None]] = {
    "tested error": tested_error_of,
    "predicted NRMSE": predicted_nrmse_of,
    "misprediction": lambda taken, _: misprediction_of(taken),
}
"""What can be compared with a threshold, the best first."""


class TargetRule(ChangeRule):
    """Converged when the score is at or below the calibrated threshold.

    And there are `min_planes`, and the last frame is a new one of a new z: faults were
    in no calibration.

    Parameters
    ----------
    plan : ScanPlan
        With a calibration.
    threshold : float, optional
        In place of the calibration's.
    score : str, optional
        The same: a key of `SCORES`.
    """

    def __init__(
        self,
        plan: ScanPlan,
        threshold: float | None = None,
        score: ScoreName | None = None,
    ) -> None:
        super().__init__(plan)
        self._calibration = plan.calibration
        if threshold is None:
            assert plan.calibration is not None
            threshold = plan.calibration.threshold
        if score is None:
            assert plan.calibration is not None
            score = plan.calibration.score
        self._threshold = threshold
        self._score: ScoreName = score

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Compare the score with the threshold, then ask the guards."""
        score = self._score
        value = SCORES[score](taken, self._plan)
        met = value is not None and value <= self._threshold
        terms = [Term(score, value, self._threshold, met)]
        if score == "tested error":
            terms += self._parts(taken, met)
        last, earlier = taken[-1], taken[:-1]
        count, least = len(taken), self._plan.min_planes
        terms.append(Term("planes", count, least, count >= least))
        found = [self._new_z(last, earlier), self._new_frame(last, earlier)]
        terms += [each.term for each in found]
        lacking = [each.objection for each in found if not each.term.met]
        if count < least:
            lacking.insert(0, f"only {count} of at least {least} planes")
        if value is None:
            said = f"the {score} is not defined"
        else:
            than = "at or below" if met else "above"
            said = f"{score} {value:.3g} is {than} {self._threshold:.3g}"
        if not met:
            return Verdict(False, said, tuple(terms))
        if lacking:
            return Verdict(False, f"{said}, but {' and '.join(lacking)}", tuple(terms))
        said = f"{said} after {count} planes{self._promise()}"
        return Verdict(True, said, tuple(terms))

    def _parts(self, taken: Sequence[Observation], met: bool) -> list[Term]:
        """What the tested error is made of, and what each may be beside the other."""
        nrmse, change = _tested_nrmse(taken, self._plan), _late_change(taken)

        def limit(other: float | None, exponent: float) -> float | None:
            if not other or not np.isfinite(self._threshold):
                return None
            mine = 1 - exponent
            return float((self._threshold / other**exponent) ** (1 / mine))

        return [
            Term("tested NRMSE", nrmse, limit(change, CHANGE_SHARE), met),
            Term("late change", change, limit(nrmse, 1 - CHANGE_SHARE), met),
        ]

    def _promise(self) -> str:
        card = self._calibration
        if card is None:
            return ""
        return (
            f": NRMSE above {card.target_nrmse:g} in at most {card.alpha:.0%} of "
            f"volumes like those calibrated on, with confidence {card.confidence:.0%}"
        )
