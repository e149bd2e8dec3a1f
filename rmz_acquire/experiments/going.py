"""An experiment under way: the parts put together, run, and summed up."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from rmz_acquire.acquisition import (
    Autofocus,
    Control,
    FocusDrive,
    ScanEngine,
    ShutterGuard,
    acquire,
)
from rmz_acquire.experiments.experiment_summary import ExperimentSummary, Tally
from rmz_acquire.experiments.export import export_ome_tiff
from rmz_acquire.experiments.layout import lay_out
from rmz_acquire.experiments.restoring import steps_back
from rmz_acquire.experiments.volume_tasks import Visits
from rmz_acquire.recording.experiment_folder import OME_TIFF

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition import FocusLock
    from rmz_acquire.experiments.callbacks import Watcher
    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.replay_decisions import Further

__all__ = ["go"]

logger = logging.getLogger(__name__)


def go(
    core: CMMCorePlus,
    prepared: Prepared,
    lock: FocusLock,
    out: Path,
    control: Control | None,
    watcher: Watcher | None,
    started: datetime,
    *,
    elapsed_s: float | None = None,
    further: Further | None = None,
) -> ExperimentSummary:
    """Run what is prepared, from its first move to the summary on disk.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    prepared : Prepared
        The experiment.
    lock : FocusLock
        Off meanwhile.
    out : Path
        Its folder, with ``run.json`` in it.
    control : Control or None
        Ends it from another thread.
    watcher : Watcher or None
        Is told what happens.
    started : datetime
        When the experiment began, UTC.
    elapsed_s : float, optional
        How long ago that is, s, where it goes on.
    further : Further, optional
        What is wanted of a volume that has ended.

    Returns
    -------
    ExperimentSummary
    """
    control = control or Control()
    clock = time.perf_counter()
    folder = lay_out(out, prepared.volumes, prepared.settings, prepared.imagings)
    if watcher is not None:
        watcher.begin(prepared, folder)
    tally = Tally(prepared, folder)
    settings = prepared.settings.stage
    engine: ScanEngine
    drive = FocusDrive(
        core,
        prepared.stage,
        settle_ms=settings.settle_ms,
        tolerance_um=prepared.tolerance_um,
        approach_um=settings.approach_um,
        approach_from=settings.approach_from,
        approach_speed=settings.approach_speed,
        timeout_ms=settings.timeout_ms,
        retries=settings.retries,
        limits_um=prepared.limits_um,
        stopped=lambda: engine.stopped(),
    )
    light = ShutterGuard(core)
    focus = Autofocus(
        core,
        prepared.stage,
        required=prepared.settings.autofocus_failure == "stop",
        corrections_um=tally.corrections_um,
    )
    visits = Visits(
        prepared,
        folder,
        control,
        clock_s=core.mda.event_seconds_elapsed,
        elapsed_s=elapsed_s,
        watcher=watcher,
        further=further,
        on_end=tally.add,
        on_check=tally.add_check,
    )
    engine = ScanEngine(
        core,
        visits,
        drive=drive,
        light=light,
        autofocus=focus,
        control=control,
        on_end=lambda visit: visits.ended(visit.scan),
        resumed=elapsed_s is not None,
    )
    events = [volume.first for volume in prepared.volumes]
    if prepared.sequence.setup is not None:
        events.append(prepared.sequence.setup)
    groups = {event.channel.group for event in events if event.channel is not None}
    problems = acquire(
        core,
        engine,
        drive,
        light,
        prepared.sequence,
        groups=sorted(groups),
        cameras={imaging.camera for imaging in prepared.imagings},
        abort=control.abort,
        # nobody need wait for the next time point once no plane is wanted any more
        aborted=lambda: (
            control.reason is not None
            or (control.winding_up is not None and not engine.at_work)
        ),
        lock=lock,
        also=steps_back(core, prepared.sequence, prepared.volumes),
    )
    visit = engine.visit
    # a volume whose scan could not be made has no end that could be written
    begun = visit is not None and visits.pending is visit.scan
    if visit is not None and begun and visit.scan.outcome is not None:
        try:
            if visit.scan.outcome.ok:
                visits.ended(visit.scan)
            else:
                visit.recorder.finish(visit.scan.outcome, visit.scan.volume)
        except Exception as error:
            # its planes are there; the disk may be full
            logger.debug("the unfinished volume was not written", exc_info=error)
            if not isinstance(visit.scan.error, OSError):
                problems.append(" ".join(str(error).split()))
        if not visit.scan.outcome.ok:
            tally.add(visits.volume, visits.record, visit.scan)
    if visits.volume is not None and visits.record is not None:
        # one that was not ended has cost light too
        tally.add_check(visits.volume, visits.record)
    summary = tally.summary(
        visit.scan.outcome if visit is not None else None,
        reason=control.reason,
        enough=control.winding_up,
        problems=problems,
        lock=lock,
        autofocus=focus.failures,
        started=started,
        wall_s=time.perf_counter() - clock,
    )
    try:
        folder.write_summary(summary.model_dump(mode="json"))
    except OSError as error:
        logger.debug("the summary was not written", exc_info=error)
        said = summary.error or f"the summary could not be written: {error}"
        return summary.model_copy(update={"status": "failed", "error": said})
    if prepared.settings.ome_tiff and summary.planes_taken:
        try:
            export_ome_tiff(out, out / OME_TIFF)
        except OSError as error:
            logger.warning("the OME-TIFF could not be written: %s", error)
    return summary
