"""A scan as a state machine: it asks for a z, is given the plane, and decides.

::

    idle ── next_z() ──▶ aiming ── observe(plane) ──▶ thinking ──▶ idle
      │                                                  │
      └── nothing left, abort(), fail() ──▶ finished ◀───┘ stop

It moves nothing and writes nothing: whoever runs it does that (`run_scan`, or
the acquisition engine on a microscope). One thread runs it; `abort`, `stop`, `ask` and
`go_on` may come from any.
"""

from __future__ import annotations

import logging
import math
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from rmz_acquire.errors import message_of
from rmz_acquire.scanning.decide import Judge
from rmz_acquire.scanning.policies import make_policy
from rmz_acquire.scanning.records import Decision, Outcome, Seen, Status
from rmz_acquire.scanning.requested_planes import RequestedPlanes
from rmz_acquire.scanning.stale import RecentFrames
from rmz_acquire.scanning.stopping import make_rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.scanning.plan import ScanPlan
    from rmz_acquire.scanning.protocols import Estimator, Policy, StopRule
    from rmz_acquire.scanning.records import ChosenBy, Estimate, Plane

__all__ = ["Scan", "ScanState"]

logger = logging.getLogger(__name__)


class ScanState(StrEnum):
    """Where a scan stands."""

    idle = "idle"
    aiming = "aiming"
    thinking = "thinking"
    finished = "finished"


class Scan:
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
        grid = [float(z) for z in estimator.z_um]
        if len(grid) != len(plan.z_um) or not all(
            math.isclose(a, b, abs_tol=1e-6)
            for a, b in zip(grid, plan.z_um, strict=True)
        ):
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
        self._on_decision = on_decision
        self._lock = threading.Lock()
        self._state = ScanState.idle
        self._decisions: list[Decision] = []
        self._planes_taken = 0
        self._next_z_um = policy.next_z(())
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._ending: tuple[Status, str] | None = None
        self._asked = RequestedPlanes()
        self._until: int | None = None
        self._next_by: ChosenBy = "policy"
        self._chosen_by: ChosenBy = "policy"

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
    def abort_requested(self) -> bool:
        """Whether somebody wants it to end at once."""
        return self._ending is not None and self._ending[0] == "aborted"

    @property
    def ending(self) -> bool:
        """Whether somebody wants it to end, at once or with the plane under way."""
        return self._ending is not None

    @property
    def chosen_by(self) -> ChosenBy:
        """Who wanted the plane that was asked for last."""
        return self._chosen_by

    def next_z(self) -> float | None:
        """Ask for the next z; None when the scan is finished.

        After an abort the answer is None at once, also where a plane was on its way,
        and `outcome` is there from then on.

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
            if self._asked:
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
        seen = Seen()
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
        decision = self._conclude(plane, seen, status, reason)
        if self._on_decision is not None:
            try:
                self._on_decision(decision, seen.estimate)
            except Exception:
                logger.exception("what watches the scan raised; the scan goes on")
        return decision

    def abort(self, reason: str = "aborted by the user") -> None:
        """End the scan; safe from any thread or signal handler, at any time, twice.

        A plane on its way may still be observed; then the scan is finished. Where
        none comes, the next `next_z` finishes it.

        Parameters
        ----------
        reason : str
            Who or what ended it.
        """
        if not self.abort_requested:
            self._end("aborted", reason)

    def stop(self, reason: str = "stopped by the user") -> None:
        """End the scan well: a plane under way still counts. As safe as `abort`."""
        if self._ending is None:
            self._end("stopped", reason)

    def ask(self, z_um: float, *, again: bool = False) -> None:
        """Take a plane here next, whatever the policy has in mind; from any thread.

        Parameters
        ----------
        z_um : float
            Where, µm.
        again : bool
            It was asked for before, and is among the planes that are given again.
        """
        self._asked.add(float(z_um), again=again)

    def replaying(self) -> AbstractContextManager[None]:
        """Take old planes in: what is asked for meanwhile comes after them."""
        return self._asked.held()

    def go_on(self, planes: int) -> None:
        """Take exactly so many more planes; only `stop` and `abort` end it before.

        Those asked for by hand count; others are the policy's, or in the largest gap.

        Parameters
        ----------
        planes : int
            After the one under way.
        """
        under_way = self._state is ScanState.aiming
        self._until = self._planes_taken + under_way + planes

    def as_planned(self) -> None:
        """Let rule and budget decide again, after a `go_on`."""
        self._until = None

    def _end(self, status: Status, reason: str) -> None:
        if self._state is ScanState.finished:
            return
        self._ending = (status, reason)
        # never wait: a signal's handler may have interrupted the very thread that
        # holds the lock, which will see the reason at its next step
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
            decision = Decision.of(number, plane, seen, ended, reason)
            self._decisions.append(decision)
            return decision

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
        self._outcome = Outcome(status, reason, self._planes_taken, error)
        logger.info("%s: %s", status, reason)

    def _count(self) -> str:
        return f"{self._planes_taken} plane{'' if self._planes_taken == 1 else 's'}"
