"""From the volumes of an experiment to what the engine runs, one after the other."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition import VolumeTask
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.earlier_exposures import recall
from rmz_acquire.experiments.follower_channels import Following
from rmz_acquire.experiments.repeat_check import VolumeCheck
from rmz_acquire.experiments.replay_decisions import difference, replay
from rmz_acquire.experiments.spreads import spread_after
from rmz_acquire.experiments.time_lapse import TimeLapse
from rmz_acquire.experiments.volume_ledger import ledger_of
from rmz_acquire.scanning import Carrying, NoEstimator, RecentFrames, Scan, ScanPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import useq

    from rmz_acquire.acquisition import Control
    from rmz_acquire.experiments.callbacks import Watcher
    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.replay_decisions import Further
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording.experiment_folder import ExperimentFolder, VolumeRecord
    from rmz_acquire.scanning import (
        Decision,
        Estimate,
        Estimator,
        OldPlane,
        RegionVolume,
    )

__all__ = ["VolumeTasks", "fresh_scan", "take_up"]

logger = logging.getLogger(__name__)


class VolumeTasks:
    """Gives the volumes one by one, each when the one before it has come to its end.

    Volumes that are done already are left out; one that was begun is taken up where
    it was left, by giving its planes to a fresh estimator.

    Parameters
    ----------
    prepared : Prepared
        The experiment.
    folder : ExperimentFolder
        Its record.
    control : Control
        Stops it.
    clock_s : callable
        Seconds on the clock of the events.
    elapsed_s : float or None
        How long ago the experiment began, s; None for one that begins now.
    watcher : Watcher
        Is told what happens.
    further : Further, optional
        What is wanted of a volume that has ended.
    on_end : callable, optional
        Is handed each volume that ended well, its record and its scan.
    on_check : callable, optional
        Is handed each volume that was looked at again, and its record.
    """

    def __init__(
        self,
        prepared: Prepared,
        folder: ExperimentFolder,
        control: Control,
        *,
        clock_s: Callable[[], float],
        elapsed_s: float | None = None,
        watcher: Watcher,
        further: Further | None = None,
        on_end: Callable[[Volume, VolumeRecord, Scan], None] | None = None,
        on_check: Callable[[Volume, VolumeRecord], None] | None = None,
    ) -> None:
        self._on_check = on_check
        self._on_end = on_end
        self._prepared = prepared
        self._folder = folder
        self._control = control
        self._clock_s = clock_s
        self._elapsed_s = elapsed_s
        self._watcher = watcher
        self._further = further
        self._following = Following(prepared.settings, folder)
        self._time_lapse = TimeLapse(prepared.settings.time_lapse, folder)
        self._frames = RecentFrames()
        self._old_lines: list[dict[str, Any]] = []
        self._regions: Sequence[RegionVolume] = ()
        #: The volume at hand and its record.
        self.volume: Volume | None = None
        self.record: VolumeRecord | None = None
        #: Its scan, until how that ended is written down.
        self.pending: Scan | None = None

    def __iter__(self) -> Iterator[VolumeTask]:
        """Give them in order."""
        # what comes as fast as it goes has the time of the one before it
        due_before_s: dict[int, float] = {}
        after_old = False
        for volume in self._prepared.volumes:
            due_s, t = volume.first.min_start_time, volume.key[0]
            first_of_time = t not in due_before_s
            due_before_s.setdefault(t, due_s or 0.0)
            is_timed = due_s is not None and due_s > due_before_s.get(t - 1, due_s)
            exact = self._following.z_of(volume)
            further = self._further
            if further is not None and further.key != volume.key:
                further = None
            if further is None and self._done(volume, exact):
                done = self._folder.volumes_before[volume.key]
                self._time_lapse.take_up(volume, done.get("stands_on"))
                self._following.note(volume, self._following.counted(volume))
                continue
            if self._control.reason is not None or self._control.winding_up is not None:
                return
            self.volume = volume
            shift_s = self._elapsed_s or 0.0
            late: Callable[[], float] | None = None
            if first_of_time and is_timed and due_s is not None:
                due = due_s - shift_s

                def late(due: float = due) -> float:
                    return self._clock_s() - due

            watcher = self._watcher
            told = partial(watcher.plane, volume)
            decided = partial(self._decided, volume)
            self._regions = ()
            record = self.record = self._folder.record(volume.key, late, told)
            self.pending = None
            old = self._time_lapse.old(volume)
            if volume.key in self._folder.planes_before:
                recall(self._frames, self._folder, self._prepared.volumes, volume)
                after_old = True
            frames = self._frames.begin(volume.name)
            scan = fresh_scan(self._prepared, volume, exact, old, decided, frames)
            self.pending = scan
            self._old_lines = self._time_lapse.lines(volume) if old else []
            if not volume.single:
                rules = self._prepared.estimators.foreign_rules()
                record.plan = {**scan.plan.to_line(), **rules}
                record.ledger = partial(ledger_of, scan)
                if self._prepared.settings.spread:
                    record.spread = partial(spread_after, scan)
            watcher.volume(volume, scan)
            take_up(scan, volume, self._folder, record, self._control, further)
            if scan.outcome is not None and scan.outcome.ok:
                self.ended(scan)
                continue
            yield VolumeTask(
                scan,
                record,
                self._events(volume, scan),
                None if volume.autofocus is None else self._timed(volume.autofocus),
                volume.index.get("p"),
                self._check(volume, record),
                after_old,
            )
            after_old = False

    def ended(self, scan: Scan) -> None:
        """Write down the volume at hand, whose scan ended well.

        Its planes are noted for the channels that follow it.
        """
        volume, record, outcome = self.volume, self.record, scan.outcome
        assert volume is not None and record is not None and outcome is not None
        record.stands_on = self._time_lapse.note(volume, scan)
        if isinstance(scan.estimator, Carrying):
            record.dropped = scan.estimator.dropped
        if not volume.single:
            record.render = self._prepared.estimators.render(volume)
            record.made_of = self._made_of(volume, scan)
        record.finish(outcome, scan.volume)
        self.pending = None
        counted = [d.z_requested_um for d in scan.decisions if d.used]
        self._following.note(volume, counted)
        if self._on_end is not None:
            self._on_end(volume, record, scan)

    def _made_of(self, volume: Volume, scan: Scan) -> list[tuple[int, int, float]]:
        """The planes that its estimator was given: t, index in its volume, and z."""
        begun = scan.estimator
        believed = isinstance(begun, Carrying) and begun.dropped is None
        old = self._old_lines if believed else []
        made = [(int(one["t"]), int(one["order"]), float(one["z_um"])) for one in old]
        t = volume.key[0]
        return made + [(t, d.index, d.z_actual_um) for d in scan.decisions if d.used]

    def _check(self, volume: Volume, record: VolumeRecord) -> VolumeCheck | None:
        settings = self._prepared.settings
        if not settings.checks.repeat or volume.single:
            return None
        if volume.key in self._folder.checks_before:
            return None  # one that goes on after its stop was looked at then
        stage, side = settings.stage, 0
        if stage.approach_um > 0:
            side = 1 if stage.approach_from == "below" else -1
        return VolumeCheck(
            volume,
            record,
            settings.checks,
            side,
            lambda: self._regions,
            self._on_check,
        )

    def _decided(
        self, volume: Volume, decision: Decision, estimate: Estimate | None
    ) -> None:
        if estimate is not None:
            self._regions = estimate.regions
        self._watcher.decision(volume, decision, estimate)

    def _done(self, volume: Volume, exact_um: list[float] | None) -> bool:
        """Whether it was finished before; a leader that went on takes others along."""
        if not self._folder.done(volume.key):
            return False
        return exact_um is None or len(self._following.taken(volume)) >= len(exact_um)

    def _events(
        self, volume: Volume, scan: Scan
    ) -> Callable[[float, int], useq.MDAEvent]:
        begun = scan.planes_taken

        def event(z_um: float, order: int) -> useq.MDAEvent:
            made = volume.event(z_um, order)
            if order == begun and order > 0:
                # taken up in the middle: the position's properties are due again
                made = made.model_copy(update={"properties": volume.first.properties})
            return self._timed(made)

        return event

    def _timed(self, event: useq.MDAEvent) -> useq.MDAEvent:
        """Keep a resumed experiment on the schedule that it began with."""
        if self._elapsed_s is None:
            return event
        due_s = event.min_start_time
        update: dict[str, Any] = {"reset_event_timer": False}
        if due_s is not None:
            update["min_start_time"] = max(0.0, due_s - self._elapsed_s)
        timed: useq.MDAEvent = event.model_copy(update=update)
        return timed


def fresh_scan(
    prepared: Prepared,
    volume: Volume,
    exact_um: list[float] | None,
    old: Sequence[OldPlane] = (),
    on_decision: Callable[[Decision, Estimate | None], None] | None = None,
    frames: RecentFrames | None = None,
) -> Scan:
    """Make the scan of a volume that no plane was taken of.

    Parameters
    ----------
    prepared : Prepared
        The experiment.
    volume : Volume
        Which one.
    exact_um : list of float or None
        The z that it takes where it follows another channel, µm.
    old : sequence of OldPlane
        What it begins with, of the time points before.
    on_decision, frames : optional
        As for `Scan`.
    """
    estimator: Estimator
    if volume.single:
        z = volume.z_um[0]
        # a grid has two planes or more; the second is never asked for
        plan = ScanPlan.from_grid((z, z + 1.0), z_exact_um=(z,))
        estimator = NoEstimator(plan.z_um)
    else:
        plan = volume.plan(prepared.settings, exact_um)
        estimator = prepared.estimators.make(volume, plan.z_um)
        plan = plan.within_reach(estimator.describe().get("largest_gap_um"))
        if old:
            return _carrying(prepared, volume, plan, old, on_decision, frames)
    own = prepared.estimators.own
    return Scan(
        plan,
        estimator,
        policy=None if volume.single else own.policy_for(plan),
        rule=None if volume.single else own.rule_for(plan),
        on_decision=on_decision,
        frames=frames,
    )


def _carrying(
    prepared: Prepared,
    volume: Volume,
    plan: ScanPlan,
    old: Sequence[OldPlane],
    on_decision: Callable[[Decision, Estimate | None], None] | None,
    frames: RecentFrames | None,
) -> Scan:
    """Make the scan of a volume that begins with planes of the last time point."""
    settings = prepared.settings.time_lapse
    # planes taken again are its audits
    plan = plan.model_copy(update={"audit": 0.0})
    carrying = Carrying(
        plan,
        old,
        lambda: prepared.estimators.make(volume, plan.z_um),
        confirm=settings.confirm,
        tolerance=settings.tolerance,
    )
    return Scan(
        plan,
        carrying,
        policy=carrying,
        rule=carrying,
        on_decision=on_decision,
        frames=frames,
    )


def take_up(
    scan: Scan,
    volume: Volume,
    folder: ExperimentFolder,
    record: VolumeRecord,
    control: Control,
    further: Further | None = None,
) -> None:
    """Give a fresh scan the planes that were taken before, and compare.

    Parameters
    ----------
    scan : Scan
        Fresh.
    volume : Volume
        Its volume.
    folder : ExperimentFolder
        Has the planes and what was decided on them.
    record : VolumeRecord
        Is given the decisions that a kill, or an abort, cost.
    control : Control
        Stops it.
    further : Further, optional
        What is wanted beyond these planes.

    Raises
    ------
    InputError
        If another decision comes of the same planes: it would not be the same scan.
    """
    lines = folder.decisions_before.get(volume.key, [])
    before = {line["index"]: line for line in lines}  # of one made twice, the last
    for done in replay(scan, folder.planes_of(volume.key), further, before):
        number, decision = done.number, done.decision
        if decision is None:
            msg = (
                f"plane {number + 1} of volume {volume.key} was taken at "
                f"{done.plane.z_requested_um:g} µm, the scan would take it at "
                f"{done.wanted_um} µm: the settings, or the model, are not those that "
                "it began with"
            )
            raise InputError(msg)
        line = before.get(number)
        if line is not None:
            told = difference(line, decision)
            if told is not None:
                msg = f"volume {volume.key}, plane {number + 1}: {told}"
                raise InputError(msg)
        if line is None or line["decision"] != decision.decision:
            record.write_decision(decision)
        if control.reason is not None:
            return
