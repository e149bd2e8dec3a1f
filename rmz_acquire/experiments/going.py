"""An experiment under way: the parts put together, run, and summed up."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from rmz_acquire.errors import message_of
from rmz_acquire.experiments.export import export_ome_tiff
from rmz_acquire.experiments.layout import lay_out
from rmz_acquire.experiments.rendering import Rendering
from rmz_acquire.experiments.tally import Tally
from rmz_acquire.experiments.training_stacks import export_stacks
from rmz_acquire.experiments.volume_results import finish_volumes
from rmz_acquire.experiments.volume_tasks import VolumeTasks
from rmz_acquire.recording.folder import OME_TIFF

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from rmz_acquire.acquisition import Control
    from rmz_acquire.experiments.callbacks import Watcher
    from rmz_acquire.experiments.instrument import Instrument, Taken
    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.replay_decisions import Further
    from rmz_acquire.experiments.truth import Truth
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.recording import Summary
    from rmz_acquire.recording.experiment_folder import VolumeRecord
    from rmz_acquire.scanning import Scan

__all__ = ["go"]

logger = logging.getLogger(__name__)


def go(
    instrument: Instrument,
    prepared: Prepared,
    out: Path,
    control: Control,
    watcher: Watcher,
    started: datetime,
    *,
    elapsed_s: float | None = None,
    further: Further | None = None,
    truth: Truth | None = None,
) -> Summary:
    """Run what is prepared, from its first move to the summary on disk.

    Parameters
    ----------
    instrument : Instrument
        What it runs on.
    prepared : Prepared
        The experiment.
    out : Path
        Its folder, with ``run.json`` in it.
    control : Control
        Ends it from another thread.
    watcher : Watcher
        Is told what happens.
    started : datetime
        When the experiment began, UTC.
    elapsed_s : float, optional
        How long ago that is, s, where it goes on.
    further : Further, optional
        What is wanted of a volume that has ended.
    truth : Truth, optional
        What the volumes are scored against.

    Returns
    -------
    Summary
    """
    clock = time.perf_counter()
    folder = lay_out(out, prepared.volumes, prepared.settings, prepared.imagings)
    watcher.begin(prepared, folder)
    tally = Tally(prepared, folder)
    rendering = Rendering(prepared, folder, watcher)

    def ended(volume: Volume, record: VolumeRecord, scan: Scan) -> None:
        tally.add(volume, record, scan)
        rendering.add(volume, record.line)

    tasks = VolumeTasks(
        prepared,
        folder,
        control,
        clock_s=instrument.clock_s,
        elapsed_s=elapsed_s,
        watcher=watcher,
        further=further,
        on_end=ended,
        on_check=tally.add_check,
    )
    watcher.step("scan")
    resumed = elapsed_s is not None
    try:
        rendering.take_up()
        taken = instrument.take(prepared, tasks, tally, control, resumed=resumed)
        _end_the_last(taken, tasks, tally)
        reason, enough = control.reason, control.winding_up
        if rendering.left:
            watcher.step("volumes")
            rendering.finish(control)
        tally.note_shares(rendering.shares)
    finally:
        rendering.close()
    summary = tally.summary(
        taken.task.scan.outcome if taken.task is not None else None,
        reason=reason,
        enough=enough,
        to_render=rendering.left,
        problems=[*taken.problems, *rendering.problems],
        focus_lock=taken.focus_lock,
        autofocus=taken.autofocus_failures,
        started=started,
        wall_s=time.perf_counter() - clock,
    )
    try:
        folder.write_summary(summary)
        summary = finish_volumes(out, prepared, summary, truth, watcher.step)
    except OSError as error:
        logger.debug("the summary was not written", exc_info=error)
        said = summary.error or f"the summary could not be written: {error}"
        return summary.model_copy(update={"status": "failed", "error": said})
    if prepared.settings.training_stacks:
        try:
            export_stacks(out)
        except OSError as error:
            said = f"the stacks cannot be written ({error.strerror or error})"
            said = f"{said}: make room; their planes are there"
            return summary.model_copy(update={"status": "failed", "error": said})
    if prepared.settings.ome_tiff and summary.planes_taken:
        try:
            export_ome_tiff(out, out / OME_TIFF)
        except OSError as error:
            logger.warning("the OME-TIFF could not be written: %s", error)
    return summary


def _end_the_last(taken: Taken, tasks: VolumeTasks, tally: Tally) -> None:
    """Write down the volume that was under way at the end."""
    task = taken.task
    # a volume whose scan could not be made has no end that could be written
    begun = task is not None and tasks.pending is task.scan
    if task is not None and begun and task.scan.outcome is not None:
        try:
            if task.scan.outcome.ok:
                tasks.ended(task.scan)
            else:
                task.recorder.finish(task.scan.outcome, task.scan.volume)
        except Exception as error:
            # its planes are there; the disk may be full
            logger.debug("the unfinished volume was not written", exc_info=error)
            if not isinstance(task.scan.error, OSError):
                taken.problems.append(message_of(error))
        if not task.scan.outcome.ok:
            tally.add(tasks.volume, tasks.record, task.scan)
    if tasks.volume is not None and tasks.record is not None:
        # one that was not ended has cost light too
        tally.add_check(tasks.volume, tasks.record)
