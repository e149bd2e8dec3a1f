"""The stop rule whose threshold was calibrated: a stated error, a stated confidence.

What it compares with the threshold needs no truth: how far the last planes were from
what was predicted of them before they were taken, their own noise taken out, over the
spread of the volume. It has the unit of the NRMSE and is another number: planes in the
largest gaps are predicted worst, and every plane since has made the volume better. By
which threshold the one keeps the other small is what a calibration finds out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning.stopping import ChangeRule
from rmz_acquire.scanning.verdicts import Term, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.plan import ScanPlan

__all__ = ["LOOKED_AT", "SCORE", "TargetRule", "misprediction_of"]

SCORE = "misprediction"
"""The term that is compared with the threshold."""

LOOKED_AT = 5
"""Planes that it is taken over: chosen on simulated specimens of six families."""


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


class TargetRule(ChangeRule):
    """Converged when the misprediction is at or below the calibrated threshold.

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
        """Compare the misprediction with the threshold, then ask the guards."""
        value = misprediction_of(taken)
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
