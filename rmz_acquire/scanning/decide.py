"""After every plane: is it enough, and if not, where next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.scanning.audits import draw, is_due
from rmz_acquire.scanning.frame_quality import Observation, fault_of, look_at
from rmz_acquire.scanning.model_fit import FitCheck
from rmz_acquire.scanning.policies import largest_gap
from rmz_acquire.scanning.protocols import KnowsAhead
from rmz_acquire.scanning.records import checked
from rmz_acquire.scanning.stale import StaleFramesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.scanning.frame_quality import FrameFacts
    from rmz_acquire.scanning.outcome import Status
    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import Estimator, Placed, Policy, StopRule
    from rmz_acquire.scanning.records import ChosenBy, Plane, Seen
    from rmz_acquire.scanning.stale import RecentFrames
    from rmz_acquire.scanning.verdicts import Term

__all__ = ["Judge", "Judgement"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from the planes so far.

    Parameters
    ----------
    status : str or None
        How the scan ends; None where it goes on.
    reason : str
        Why, in one sentence with the numbers.
    z_um : float or None
        Where the next plane is taken, µm; None where the scan ends.
    chosen_by : str
        Who wants that plane.
    terms : tuple of Term
        What the stop rule looked at.
    """

    status: Status | None
    reason: str
    z_um: float | None = None
    chosen_by: ChosenBy = "policy"
    terms: tuple[Term, ...] = ()


class Judge:
    """Puts rule, policy and budget together, and what somebody wants beyond them.

    Parameters
    ----------
    plan : ScanPlan
        The budget, and the list where there is one.
    policy : Policy
        Where next.
    rule : StopRule
        Whether it is enough.
    frames : RecentFrames
        The exposures before.
    """

    def __init__(
        self, plan: ScanPlan, policy: Policy, rule: StopRule, frames: RecentFrames
    ) -> None:
        self._plan = plan
        self._policy = policy
        self._rule = rule
        self._frames = frames
        #: The planes that count, in the order taken.
        self.taken: list[Observation] = []
        self._fit = FitCheck()
        self._light_ms = self._seconds = 0.0
        self._last: Plane | None = None

    def consider(
        self,
        plane: Plane,
        estimator: Estimator,
        seen: Seen,
        *,
        exposed: int,
        until: int | None,
        asked: bool,
        old: bool,
    ) -> Judgement:
        """Look at a plane, let the estimator take it in, and judge.

        Parameters
        ----------
        plane : Plane
            The plane.
        estimator : Estimator
            Is given it where its frame is a new one.
        seen : Seen
            Knows who wanted the plane; is told what is found, step by step.
        exposed : int
            How many planes there were with this one.
        until : int or None
            It goes on to exactly so many planes, whatever rule and budget say.
        asked : bool
            Whether a plane waits that somebody asked for.
        old : bool
            Whether it is only given again: stale frames then fail nothing.

        Raises
        ------
        StaleFramesError
            If the camera gives no new frames.
        """
        frame, stale = self._look(plane, seen, exposed)
        if stale:
            seen.used = False
            if old:
                self._frames.in_a_row = 0
            said = f"the frame {seen.fault}"
            by = seen.chosen_by
            return self._once_more(plane, said, exposed, until, asked, by)
        shape = (len(self._plan.z_um), *plane.image.shape)
        seen.estimate = checked(estimator.add(plane.image, plane.z_um), shape)
        self.taken.append(Observation.of(plane, frame, seen.estimate, seen.chosen_by))
        terms, new = self._fit.look(seen.estimate.misfit, len(self.taken))
        seen.warning = self._fit.said if new else None
        judged = self._judge(exposed, until, asked)
        seen.terms = (*judged.terms, *terms)
        return judged

    def z_ahead(
        self, plane: Plane, exposed: int, until: int | None
    ) -> tuple[float, ChosenBy] | None:
        """Give the z that follows if the scan goes on, before the estimate.

        Parameters
        ----------
        plane : Plane
            The last, which `consider` has not seen yet.
        exposed, until
            As there.

        Returns
        -------
        float and str, or None
            µm, and who wants it; None where the scan ends with this plane, or the
            policy cannot tell.
        """
        plan, policy = self._plan, self._policy
        most = plan.max_planes if until is None else until
        if exposed >= most and (plan.z_exact_um is None or until is not None):
            return None  # all of a list is wanted, whatever it costs
        budgeted = plan.z_exact_um is None and until is None
        light_ms = self._light_ms + 2 * (plane.exposure_ms or 0.0)
        if budgeted and self._too_much(light_ms):
            return None
        if not isinstance(policy, KnowsAhead):
            return None
        if budgeted and self.taken and not self._full:
            known: list[Placed] = [*self.taken, plane]
            drawn = (
                draw(plan, known, self.taken[0].frame) if is_due(plan, known) else None
            )
            if drawn is not None:
                return drawn, "audit"
        z_um = policy.z_ahead(self.taken, plane)
        return None if z_um is None else (z_um, "policy" if until is None else "more")

    @property
    def _full(self) -> bool:
        """Whether every z is wanted, since the planes do not fit the optics."""
        return self._plan.misfit == "full" and self._fit.said is not None

    def _too_much(self, light_ms: float) -> bool:
        most_ms = self._plan.max_light_ms
        # a float's last bit must not decide
        return most_ms is not None and light_ms > most_ms * (1 + 1e-9)

    def pass_over(self, plane: Plane, seen: Seen, exposed: int, *, old: bool) -> None:
        """Look at a plane that was exposed ahead and is not wanted: its frame alone.

        Parameters
        ----------
        plane, seen, exposed, old
            As of `consider`.
        """
        seen.used = seen.wanted = False
        self._look(plane, seen, exposed)
        if old:
            self._frames.in_a_row = 0

    def _look(self, plane: Plane, seen: Seen, exposed: int) -> tuple[FrameFacts, bool]:
        """Count what a plane cost; give its frame, and whether that is an old one."""
        self._spend(plane)
        frame, again = look_at(plane.image), None
        if self._plan.stale_frames:
            again = self._frames.find(frame, plane, exposed)
        seen.fault = fault_of(frame, [other.frame for other in self.taken], again)
        return frame, again is not None

    def _judge(self, exposed: int, until: int | None, asked: bool) -> Judgement:
        taken = self.taken
        found = self._plain(taken, exposed)
        if asked:
            if found.status is None:
                return found
            said = f"{found.reason}; a plane was asked for by hand"
            return replace(found, status=None, reason=said, z_um=None)
        return found if until is None else self._exactly(exposed, until, found)

    def _exactly(self, exposed: int, until: int, found: Judgement) -> Judgement:
        """Take so many planes, no more; fewer where every z of the grid is taken."""
        taken, status = self.taken, found.status or "max_planes"
        if exposed >= until:
            said = f"{found.reason}; the planes that were asked for are taken"
            return replace(found, status=status, reason=said, z_um=None)
        z_um = self._policy.next_z(taken)
        if z_um is None:
            z_um = largest_gap(np.asarray(self._plan.z_um), taken)
        if z_um is None:
            left = until - exposed
            said = (
                f"{found.reason}; {left} more {'was' if left == 1 else 'were'} asked "
                "for, but every z of the range is taken"
            )
            return replace(found, status=status, reason=said, z_um=None)
        said = f"{found.reason}; going on to {until} planes"
        return replace(found, status=None, reason=said, z_um=z_um, chosen_by="more")

    def _once_more(
        self,
        plane: Plane,
        said: str,
        exposed: int,
        until: int | None,
        asked: bool,
        chosen_by: ChosenBy,
    ) -> Judgement:
        """Take a plane again whose frame is an old one; it counts as dose alone."""
        plan, row = self._plan, self._frames.in_a_row
        listed = plan.z_exact_um is not None
        most = plan.max_planes if until is None else until
        over = None if listed or until is not None else self._over_budget(plane)
        spent = (exposed >= most or over is not None) and not asked
        if listed:
            # all of a list is wanted, whatever it costs
            spent = spent and self._policy.next_z(self.taken) is None
        if row >= plan.stale_frames or (spent and not self.taken):
            msg = (
                f"{said}, {row} time{'' if row == 1 else 's'} in a row: see to the "
                "camera, its trigger and its driver"
            )
            raise StaleFramesError(msg)
        if spent:
            if over is not None and exposed < most:
                return Judgement("budget", f"{said}; {over}")
            said = f"{said}; the most planes allowed, {exposed}, are taken"
            return Judgement("list_done" if listed else "max_planes", said)
        said = f"{said}; it does not count, the plane is taken again"
        return Judgement(None, said, plane.z_requested_um, chosen_by)

    def _spend(self, plane: Plane) -> None:
        """Count light and time; while an experiment lies, none of it passes."""
        self._light_ms += plane.exposure_ms or 0.0
        if self._last is not None and not plane.after_resume:
            self._seconds += (plane.time - self._last.time).total_seconds()
        self._last = plane

    def _over_budget(self, plane: Plane) -> str | None:
        """Say which budget another plane like the last would not be within."""
        plan, light = self._plan, self._light_ms
        need = light + (plane.exposure_ms or 0.0)
        if self._too_much(need):
            return (
                f"another plane would need {need:g} ms of light, "
                f"{plan.max_light_ms:g} ms are allowed"
            )
        if plan.max_seconds is not None and self._seconds >= plan.max_seconds:
            return (
                f"{self._seconds:.3g} s have passed, {plan.max_seconds:g} s are allowed"
            )
        return None

    def _plain(self, taken: Sequence[Observation], exposed: int) -> Judgement:
        plan, count = self._plan, len(taken)
        if plan.z_exact_um is not None:
            z_um, listed = self._policy.next_z(taken), len(plan.z_exact_um)
            if z_um is None:
                said = f"all {listed} planes of the list are taken"
                return Judgement("list_done", said)
            said = f"{count} of {listed} planes of the list are taken"
            return Judgement(None, said, z_um)
        verdict = self._rule.judge(taken)
        # of somebody else's
        terms = tuple(getattr(verdict, "terms", ()))
        if self._fit.said is not None and plan.misfit == "stop":
            return Judgement("misfit", self._fit.said, terms=terms)
        if verdict.converged and not self._full:
            return Judgement("converged", verdict.reason, terms=terms)
        if exposed >= plan.max_planes:
            most = plan.max_planes
            said = f"{verdict.reason}; the most planes allowed, {most}, are taken"
            return Judgement("max_planes", said, terms=terms)
        over = None if self._last is None else self._over_budget(self._last)
        if over is not None:
            return Judgement("budget", f"{verdict.reason}; {over}", terms=terms)
        z_um = self._policy.next_z(taken)
        if self._full:
            if z_um is None:
                z_um = largest_gap(np.asarray(plan.z_um), taken)
            said = f"{verdict.reason}; every z is taken, the optics do not fit"
            if z_um is not None:
                return Judgement(None, said, z_um, terms=terms)
        if z_um is None:
            said = f"{verdict.reason}; after {count} planes no z is left to take"
            return Judgement("max_planes", said, terms=terms)
        if getattr(verdict, "audit", False) or is_due(plan, taken):
            drawn = draw(plan, taken, taken[0].frame)
            if drawn is not None:
                return Judgement(None, verdict.reason, drawn, "audit", terms)
        return Judgement(None, verdict.reason, z_um, terms=terms)
