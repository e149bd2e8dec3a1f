"""When a scan stops: the paper's rule, and guards against believing the network.

The paper's rule is δ_M ≤ ε. A small change is not a small error, and there are ways to
a small change that say nothing about the specimen: a plane taken twice, a blank frame,
a part of the range that no plane has come near. None of these counts as convergence
where the rule is guarded, and a plane that chance chose has to have been predicted
well. Every rule tells what it looked at: its terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.scanning.audits import audited_error, audited_noise, audited_nrmse
from rmz_acquire.scanning.frame_quality import blank_reason, is_dark
from rmz_acquire.scanning.verdicts import Term, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning.frame_quality import Observation
    from rmz_acquire.scanning.plan import ScanPlan

__all__ = ["ChangeRule", "PaperRule"]


@dataclass(frozen=True, slots=True)
class _Found:
    """A term, and what it says where it is not met."""

    term: Term
    objection: str


class PaperRule:
    """Converged when the change is at or below ε: as published, nothing else."""

    def __init__(self, plan: ScanPlan) -> None:
        self._plan = plan

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Compare the last change with ε."""
        small, said = _change(self._plan, taken)
        if small.met:
            said = f"{said} after {len(taken)} planes"
        return Verdict(small.met, said, (small,))


class ChangeRule:
    """Converged when the change is at or below ε and no guard objects.

    That for `patience` planes in a row.
    """

    def __init__(self, plan: ScanPlan) -> None:
        self._plan = plan

    def judge(self, taken: Sequence[Observation]) -> Verdict:
        """Compare the last change with ε, then ask every guard."""
        small, said = self._small(taken)
        found = self._guards(taken)
        terms = [small, *(each.term for each in found)]
        lacking = [each for each in found if not each.term.met]
        if self._plan.patience > 1:
            row = self._row(taken)
            term = Term("planes in a row", row, self._plan.patience, False)
            terms.append(Term(term.name, row, term.limit, row >= self._plan.patience))
            if small.met and not lacking and not terms[-1].met:
                said = f"{said}, {row} of {self._plan.patience} planes in a row"
                return Verdict(False, said, tuple(terms))
        if not small.met:
            return Verdict(False, said, tuple(terms))
        if lacking:
            objections = " and ".join(each.objection for each in lacking)
            # another look by chance settles it, nothing else does
            audit = self._audited and {each.term.name for each in lacking} <= _DRAWN
            return Verdict(False, f"{said}, but {objections}", tuple(terms), audit)
        return Verdict(True, f"{said} after {len(taken)} planes", tuple(terms))

    def _small(self, taken: Sequence[Observation]) -> tuple[Term, str]:
        """The last change; after an audit plane also that of the plane before it.

        Chance may put a plane right beside another, which then changes nothing.
        """
        last = _change(self._plan, taken)
        earlier = list(taken)
        while len(earlier) > 1 and earlier[-1].chosen_by == "audit":
            earlier.pop()
        before = _change(self._plan, earlier)
        return last if before[0].met or not last[0].met else before

    @property
    def _audited(self) -> bool:
        return self._plan.audit_share > 0

    def _row(self, taken: Sequence[Observation]) -> int:
        """How many planes in a row it was enough for."""
        row = 0
        for count in range(len(taken), 0, -1):
            part = taken[:count]
            enough = self._small(part)[0].met and all(
                each.term.met for each in self._guards(part)
            )
            if not enough:
                break
            row += 1
        return row

    def _guards(self, taken: Sequence[Observation]) -> list[_Found]:
        """Every other term: a reason not to believe a small change where not met."""
        plan = self._plan
        last, earlier = taken[-1], taken[:-1]
        count, least = len(taken), plan.min_planes
        # a float's last bit must not decide
        seen = last.gap_um <= plan.gap_limit_um * (1 + 1e-9)
        gap = Term("largest gap, µm", last.gap_um, plan.gap_limit_um, seen)
        found = [
            _Found(
                Term("planes", count, least, count >= least),
                f"only {count} of at least {least} planes",
            ),
            self._new_z(last, earlier),
            self._new_frame(last, earlier),
            *self._predicted(taken),
            _Found(
                gap,
                f"a gap of {last.gap_um:.3g} µm is unseen "
                f"(limit {plan.gap_limit_um:.3g} µm)",
            ),
        ]
        return found

    def _new_z(self, last: Observation, earlier: Sequence[Observation]) -> _Found:
        least = self._plan.same_z_um
        away = [abs(other.z_um - last.z_um) for other in earlier]
        same = next((n for n, um in enumerate(away, start=1) if um < least), None)
        nearest = min(away, default=None)
        return _Found(
            Term("distance to the nearest plane, µm", nearest, least, same is None),
            f"z {last.z_um:g} µm was seen before (plane {same}), "
            "a repeated plane says nothing",
        )

    @staticmethod
    def _new_frame(last: Observation, earlier: Sequence[Observation]) -> _Found:
        said = []
        for number, other in enumerate(earlier, start=1):
            if other.frame.digest == last.frame.digest:
                said.append(
                    f"the frame equals plane {number} in every pixel, "
                    "the camera gave it twice"
                )
                break
        frames = [other.frame for other in earlier]
        blank = blank_reason(last.frame, frames)
        if blank is not None:
            said.append(f"the frame is blank, it {blank}")
        dark = [n for n, frame in enumerate(frames, start=1) if is_dark(frame, frames)]
        if dark:
            said.append(f"plane {dark[0]} was dark, and is part of the volume")
        return _Found(Term("frame", None, None, not said), " and ".join(said))

    def _predicted(self, taken: Sequence[Observation]) -> list[_Found]:
        """How well a plane was predicted before it was taken."""
        tau = self._plan.innovation_limit
        if tau is None:
            return []
        name, value, planes = "innovation", taken[-1].innovation, 1
        if self._audited:
            name, (value, planes) = _AUDIT, audited_error(taken)
        noise = self._noise(taken)
        limit = max(tau, min(noise, TAU_MOST * tau))
        met = value is not None and value <= limit
        if planes == 0:
            said = "no audit plane was taken yet"
        elif value is None:
            said = "the innovation is not defined"
        else:
            said = f"{name} {value:.3g} is above {_of_noise(limit, tau, 'tau')}"
        found = [_Found(Term(name, value, limit, met), said)]
        if self._audited and (nrmse := audited_nrmse(taken)) is not None:
            most, spread = NRMSE_OVER_TAU * tau, nrmse / value if value else 0.0
            limit = max(most, min(noise * spread, TAU_MOST * most))
            least = _of_noise(limit, most, f"{NRMSE_OVER_TAU:g} tau,")
            said = f"{_NRMSE} {nrmse:.3g} is above {least}"
            found.append(_Found(Term(_NRMSE, nrmse, limit, nrmse <= limit), said))
        return found

    def _noise(self, taken: Sequence[Observation]) -> float:
        """Noise of an exposure, over the light, where no tau is given.

        A plane that was predicted with less would be known no better by taking it.
        """
        if self._plan.tau is not None or not self._audited:
            return 0.0
        return audited_noise(taken) or 0.0


def _of_noise(limit: float, tau: float, named: str) -> str:
    """Say a limit, and what it is: the noise's, or that of tau."""
    if limit > tau:
        return f"{limit:.3g}, the noise of an exposure"
    return f"{named} {tau:g}"


_AUDIT, _NRMSE = "audit innovation", "audit NRMSE"
_DRAWN = {_AUDIT, _NRMSE}

TAU_MOST = 2.0
"""The noise of an exposure counts up to so many times tau: dim is no excuse."""

NRMSE_OVER_TAU = 2.0
"""What the NRMSE at audit planes may be, over tau. Of a sparse specimen most light is
haze, which is easily predicted: beads whose planes were predicted to a fifth of their
light had an NRMSE above a half."""


def _change(plan: ScanPlan, taken: Sequence[Observation]) -> tuple[Term, str]:
    """Whether the last change is at or below ε, and that as a sentence."""
    last = taken[-1]
    relative = plan.epsilon_kind == "relative"
    change = last.delta_relative if relative else last.delta
    unit = "" if relative else " counts"
    if change is None:
        first = "no change to judge yet: the first plane"
        none = "the change is not defined: the volume shows nothing"
        term = Term("change", None, plan.epsilon, False)
        return term, first if len(taken) == 1 else none
    met = change <= plan.epsilon
    than = "at or below" if met else "above"
    said = f"change {change:.3g}{unit} is {than} epsilon {plan.epsilon:g}"
    return Term("change", change, plan.epsilon, met), said
