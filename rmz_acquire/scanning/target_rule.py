"""The stop rule whose threshold was calibrated: a stated error, a stated confidence.

What it compares with the threshold needs no truth: the error that the estimator
predicts for the planes not taken, over the spread of its volume, which is what the
NRMSE against a truth would be if the prediction were right. Whether it is, by how much
it is off and how often, is what the calibration has found out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning.verdicts import Term, Verdict
from rmz_acquire.scanning.stopping import ChangeRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.plan import ScanPlan

__all__ = ["SCORE", "TargetRule", "predicted_nrmse"]

SCORE = "predicted NRMSE"
"""The term that is compared with the threshold."""


def predicted_nrmse(plan: ScanPlan, taken: Sequence[Observation]) -> float | None:
    """RMS error that is predicted for planes not taken, over the volume's spread.

    Parameters
    ----------
    plan : ScanPlan
        Of the scan.
    taken : sequence of Observation
        Every plane so far; at least one.

    Returns
    -------
    float or None
        0 where every plane of the grid is taken; None where the estimator predicts
        no error, or the volume shows nothing.
    """
    last = taken[-1]
    if last.predicted_error is None or not last.spread:
        return None
    grid, half = np.asarray(plan.z_um), plan.step_um / 2 * (1 + 1e-6)
    away = np.abs(grid[:, None] - np.array([plane.z_um for plane in taken]))
    nearest = away.argmin(axis=0)
    unseen = np.ones(len(grid), dtype=bool)
    unseen[nearest[away.min(axis=0) <= half]] = False
    if not unseen.any():
        return 0.0
    error = np.asarray(last.predicted_error)[unseen]
    return float(np.sqrt(np.mean(np.square(error)))) / last.spread


class TargetRule(ChangeRule):
    """Converged when the predicted NRMSE is at or below the calibrated threshold.

    And there are `min_planes`, and the last frame is a new one of a new z: faults were
    in no calibration.

    Parameters
    ----------
    plan : ScanPlan
        With a calibration.
    threshold : float, optional
        In place of the calibration's.
    """

    def __init__(self, plan: ScanPlan, threshold: float | None = None) -> None:
        super().__init__(plan)
        self._calibration = plan.calibration
        if threshold is None:
            assert plan.calibration is not None
            threshold = plan.calibration.threshold
        self._threshold = threshold

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Compare the predicted NRMSE with the threshold, then ask the guards."""
        value = predicted_nrmse(self._plan, taken)
        met = value is not None and value <= self._threshold
        terms = [Term(SCORE, value, self._threshold, met)]
        last, earlier = taken[-1], taken[:-1]
        count, least = len(taken), self._plan.min_planes
        terms.append(Term("planes", count, least, count >= least))
        found = [self._new_z(last, earlier), self._new_frame(last, earlier)]
        terms += [each.term for each in found]
        lacking = [each.objection for each in found if not each.term.met]
        if count < least:
            lacking.insert(0, f"only {count} of at least {least} planes")
        if value is None:
            said = f"the {SCORE} is not defined"
        else:
            than = "at or below" if met else "above"
            said = f"{SCORE} {value:.3g} is {than} {self._threshold:.3g}"
        if not met:
            return Verdict(False, said, tuple(terms))
        if lacking:
            return Verdict(False, f"{said}, but {' and '.join(lacking)}", tuple(terms))
        said = f"{said} after {count} planes{self._promise()}"
        return Verdict(True, said, tuple(terms))

    def _promise(self) -> str:
        card = self._calibration
        if card is None:
            return ""
        return (
            f": NRMSE above {card.target_nrmse:g} in at most {card.alpha:.0%} of "
            f"volumes like those calibrated on, with confidence {card.confidence:.0%}"
        )
