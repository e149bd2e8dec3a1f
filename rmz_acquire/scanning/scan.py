"""A scan as a state machine: it asks for a z, is given the plane, and decides.

::

    idle ── next_z() ──▶ aiming ── observe(plane) ──▶ thinking ──▶ idle
      │                                                  │
      └── nothing left, abort(), fail() ──▶ finished ◀───┘ stop

It moves nothing and writes nothing: whoever runs it does that (`take_planes`, or
the acquisition engine on a microscope). One thread runs it; `abort`, `stop`, `ask` and
`go_on` may come from any.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from rmz_acquire.errors import message_of
from rmz_acquire.scanning.decide import Judge
from rmz_acquire.scanning.outcome import Outcome, ScanState, Status
from rmz_acquire.scanning.policies import make_policy
from rmz_acquire.scanning.records import Decision, Seen
from rmz_acquire.scanning.requested_planes import Requests
from rmz_acquire.scanning.rules import make_rule
from rmz_acquire.scanning.stale import RecentFrames

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import Estimator, Policy, StopRule
    from rmz_acquire.scanning.records import ChosenBy, Estimate, Plane
    from rmz_acquire.scanning.verdicts import Term

__all__ = ["Scan"]

logger = logging.getLogger(__name__)


class Scan(Requests):
    """The scan of one volume.

    Parameters
    ----------
    plan : ScanPlan
        What to do.
    estimator : Estimator
        Fresh, with the plan's z grid.
    policy : Policy, optional
        Where next; by default the one that the plan names.
    rule : StopRule, optional
        When to stop; by default that of the plan.
    frames : RecentFrames, optional
        The exposures before, where the scan is one of many.
    on_decision : callable, optional
        Called after every plane with the decision and the estimate (None where the
        estimate failed), on the thread that runs the scan. For watching: what it
        raises is logged and has no effect on the scan.

    Raises
    ------
    ValueError
        If the estimator's grid is not the plan's, or it has planes already.
    """

    def __init__(
        self,
        plan: ScanPlan,
        estimator: Estimator,
        *,
        policy: Policy | None = None,
        rule: StopRule | None = None,
        frames: RecentFrames | None = None,
        on_decision: Callable[[Decision, Estimate | None], None] | None = None,
    ) -> None:
        super().__init__()
        if not plan.has_grid(estimator.z_um):
            msg = "the estimator's z grid is not the plan's"
            raise ValueError(msg)
        if estimator.planes_taken:
            msg = f"the estimator has {estimator.planes_taken} planes already"
            raise ValueError(msg)
        self.plan = plan
        self.estimator = estimator
        policy = policy if policy is not None else make_policy(plan)
        rule = rule if rule is not None else make_rule(plan)
        #: The last exposures, to which those of a check may be compared.
        self.frames = frames or RecentFrames()
        self._judge = Judge(plan, policy, rule, self.frames)
        #: The planes that count, in order, with what was estimated of each.
        self.observed = self._judge.taken
        self._on_decision = on_decision
        self._lock = threading.Lock()
        self._state = ScanState.idle
        self._decisions: list[Decision] = []
        self._planes_taken = 0
        self._next_z_um = policy.next_z(())
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._next_by: ChosenBy = "policy"
        self._chosen_by: ChosenBy = "policy"
        self._terms: tuple[Term, ...] = ()

    @property
    def state(self) -> ScanState:
        """Where the scan stands."""
        return self._state

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None until it is finished."""
        return self._outcome

    @property
    def error(self) -> BaseException | None:
        """The exception that it failed of, if it did."""
        return self._error

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision so far, one a plane."""
        return tuple(self._decisions)

    @property
    def planes_taken(self) -> int:
        """M: how many planes it was given."""
        return self._planes_taken

    @property
    def planes_begun(self) -> int:
        """How many planes there are, with the one that was asked for."""
        return self._planes_taken + (self._state is ScanState.aiming)

    @property
    def planned_z_um(self) -> float | None:
        """Where the next plane is taken, as far as is known now, µm."""
        if self._state is ScanState.finished or self._ending is not None:
            return None
        asked = self._asked.first()
        return self._next_z_um if asked is None else asked

    @property
    def volume(self) -> NDArray[np.float32] | None:
        """The estimator's volume, camera counts, (Z, Y, X); None before a plane."""
        made = self.estimator.volume
        # one that does not fit has failed the scan: it is no volume to be kept
        return made if made is not None and len(made) == len(self.plan.z_um) else None

    @property
    def chosen_by(self) -> ChosenBy:
        """Who wanted the plane that was asked for last."""
        return self._chosen_by

    def next_z(self, *, ahead: bool = False) -> float | None:
        """Ask for the next z; None when the scan is finished.

        After an abort the answer is None at once, also where a plane was on its way,
        and `outcome` is there from then on.

        Parameters
        ----------
        ahead : bool
            Whether the plane that the scan `wants` is there already, exposed ahead:
            those that somebody asked for come after it.

        Returns
        -------
        float or None
            Where to take the next plane, µm.

        Raises
        ------
        RuntimeError
            If the plane that was asked for before has not come (`observe`) and
            nobody said that it never will (`abort`, `fail`).
        """
        with self._lock:
            if self._state is ScanState.finished:
                return None
            if self._ending is not None:
                self._finish_asked()
                return None
            if self._state is not ScanState.idle:
                msg = f"next_z() while {self._state.value}: observe() the plane first"
                raise RuntimeError(msg)
            z_um, self._chosen_by = self._next_z_um, self._next_by
            if self._asked and not ahead:
                z_um, self._chosen_by = self._asked.pop(), "hand"
            if z_um is None:
                self._finish("max_planes", "there is no z to take")
                return None
            self._state = ScanState.aiming
            return z_um

    def observe(self, plane: Plane) -> Decision:
        """Take in the plane that was asked for, and decide.

        An exception of the estimator or of a check is not raised: it finishes the
        scan as failed, and the decision says so, so that every plane has its line.

        Parameters
        ----------
        plane : Plane
            The plane, already safe with the recorder.

        Returns
        -------
        Decision

        Raises
        ------
        RuntimeError
            If no plane was asked for.
        """
        with self._lock:
            if self._state is not ScanState.aiming:
                msg = f"observe() while {self._state.value}: ask next_z() first"
                raise RuntimeError(msg)
            self._state = ScanState.thinking
            self._planes_taken += 1
        seen = Seen(chosen_by=self._chosen_by)
        try:
            judged = self._judge.consider(
                plane,
                self.estimator,
                seen,
                exposed=self._planes_taken,
                until=self._until,
                asked=bool(self._asked),
                old=self._asked.holding,
            )
            self._next_z_um, self._next_by = judged.z_um, judged.chosen_by
            status, reason = judged.status, judged.reason
        except Exception as error:
            self.fail(error)
            status, reason = "failed", f"failed: {message_of(error, typed=True)}"
        except BaseException as error:
            # ctrl-C lands here: no decision, but never a scan that thinks for ever
            self.abandon(f"interrupted by {type(error).__name__}")
            raise
        return self._told(self._conclude(plane, seen, status, reason), seen.estimate)

    def _told(self, decision: Decision, estimate: Estimate | None) -> Decision:
        """Keep a decision, and tell whoever looks on."""
        self._decisions.append(decision)
        if self._on_decision is not None:
            try:
                self._on_decision(decision, estimate)
            except Exception:
                logger.exception("what watches the scan raised; the scan goes on")
        return decision

    def z_ahead(self, plane: Plane) -> tuple[float, ChosenBy] | None:
        """Ask, before a plane is observed, where the next one would be.

        Parameters
        ----------
        plane : Plane
            The plane that was asked for.

        Returns
        -------
        float and str, or None
            µm, and who wants it, if the scan goes on; None where it ends, or where
            that is known only with the estimate.
        """
        if self._state is not ScanState.aiming or self._ending is not None:
            return None
        asked = self._asked.first()
        if asked is not None:
            return asked, "hand"
        return self._judge.z_ahead(plane, self.planes_begun, self._until)

    def wants(self, plane: Plane) -> bool:
        """Whether a plane that was exposed ahead is the one that comes next."""
        return (
            self._state is ScanState.idle
            and self._ending is None
            and self._next_by == plane.chosen_by
            and self._next_z_um == plane.z_requested_um
        )

    def pass_over(self, plane: Plane) -> Decision:
        """Take note of a plane that was exposed ahead and that the scan wants not.

        It counts as dose alone: the volume is what it would be without it.

        Parameters
        ----------
        plane : Plane
            The plane, already safe with the recorder.

        Raises
        ------
        RuntimeError
            If another plane is under way.
        """
        with self._lock:
            if self._state not in (ScanState.idle, ScanState.finished):
                msg = f"pass_over() while {self._state.value}: observe() the plane"
                raise RuntimeError(msg)
            number, self._planes_taken = self._planes_taken, self._planes_taken + 1
            if self._until is not None:
                self._until += 1
            if (outcome := self._outcome) is not None:
                said = f"{outcome.reason}; one more was exposed ahead and is not used"
                self._outcome = replace(outcome, reason=said, planes_taken=number + 1)
        seen = Seen(chosen_by=plane.chosen_by)
        old = self._asked.holding
        self._judge.pass_over(plane, seen, self._planes_taken, old=old)
        ended: Literal["continue", "stop"] = "continue" if outcome is None else "stop"
        said = "exposed ahead of the last decision, which does not want it: not used"
        return self._told(Decision.of(number, plane, seen, ended, said), None)

    def _end(self, status: Status, reason: str) -> None:
        if self._state is ScanState.finished:
            return
        self._ending = (status, reason)
        # never wait: a signal's handler may have interrupted the thread that holds it
        if self._lock.acquire(blocking=False):
            try:
                if self._state is ScanState.idle:
                    self._finish_asked()
            finally:
                self._lock.release()

    def fail(self, error: BaseException) -> None:
        """Finish the scan as failed; the first end stands, later ones are ignored.

        Parameters
        ----------
        error : BaseException
            What went wrong.
        """
        with self._lock:
            if self._state is ScanState.finished:
                return
            self._error, said = error, message_of(error, typed=True)
            self._finish("failed", f"failed after {self._count()}: {said}", said)

    def abandon(self, reason: str = "aborted") -> None:
        """Finish the scan at once, also in the middle of its thinking.

        For whoever runs the scan and will not wait for the estimator: the plane at
        hand counts, its decision is not made.

        Parameters
        ----------
        reason : str
            Who or what ended it, where nobody had before.
        """
        with self._lock:
            if self._state is not ScanState.finished:
                self._ending = self._ending or ("aborted", reason)
                self._finish_asked()

    def _conclude(
        self, plane: Plane, seen: Seen, status: Status | None, reason: str
    ) -> Decision:
        """Write the decision down and move on to idle or finished."""
        with self._lock:
            self._terms = seen.terms
            if self._state is ScanState.thinking:
                if status is not None:
                    self._finish(status, reason)
                elif self._ending is not None:
                    self._finish_asked()
                else:
                    self._state = ScanState.idle
            ended: Literal["continue", "stop"] = "continue"
            if self._outcome is not None:
                ended = "stop"
                reason = reason if status is not None else self._outcome.reason
            number = self._planes_taken - 1
            return Decision.of(number, plane, seen, ended, reason)

    def _finish_asked(self) -> None:
        """Finish as somebody wanted; the caller holds the lock."""
        assert self._ending is not None
        status, reason = self._ending
        if not self._judge.taken:
            status = "aborted"  # there is no volume that could be enough
        self._finish(status, f"{reason} after {self._count()}")

    def _finish(self, status: Status, reason: str, error: str | None = None) -> None:
        """Set the outcome; the caller holds the lock."""
        self._state = ScanState.finished
        taken = self._planes_taken
        self._outcome = Outcome(status, reason, taken, error, self._terms)
        logger.info("%s: %s", status, reason)

    def _count(self) -> str:
        return f"{self._planes_taken} plane{'' if self._planes_taken == 1 else 's'}"
