"""Runs an experiment from its first move to the summary, fresh or taken up again."""

from __future__ import annotations

import logging
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import useq

from rmz_acquire.acquisition import (
    Autofocus,
    Control,
    FocusDrive,
    FocusLock,
    LightGate,
    ScanEngine,
    acquire,
)
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.exporting import export_ome_tiff
from rmz_acquire.experiments.layout import lay_out
from rmz_acquire.experiments.prepare import Prepared, channel_of, prepare
from rmz_acquire.experiments.reading import read_experiment
from rmz_acquire.experiments.restoring import steps_back
from rmz_acquire.experiments.scope import restore_settings, settings_of
from rmz_acquire.experiments.settings import BLOCK
from rmz_acquire.experiments.summary import ExperimentSummary, Tally
from rmz_acquire.experiments.visits import Visits
from rmz_acquire.experiments.watching import DecisionWatcher, Watcher
from rmz_acquire.recording import check_folder, versions
from rmz_acquire.recording.experiment import (
    EXPERIMENT_FILES,
    OME_TIFF,
    ExperimentFolder,
    read_run,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.replaying import Further
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Decision, Estimate

__all__ = ["resume", "run"]

logger = logging.getLogger(__name__)


def run(
    core: CMMCorePlus,
    sequence: useq.MDASequence | Path | str,
    out: Path | str,
    *,
    overwrite: bool = False,
    config: str | None = None,
    control: Control | None = None,
    on_decision: Callable[[Volume, Decision, Estimate | None], None] | None = None,
    watcher: Watcher | None = None,
) -> ExperimentSummary:
    """Run an experiment whose z-stacks are adaptive scans.

    Works on a core that another program owns: its engine is put back at the end, and
    its viewers see the frames as they come, with the sequence's own indices.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    sequence : useq.MDASequence or path
        The experiment, with our block under ``metadata["rmz_acquire"]``; or its YAML.
    out : path
        The folder for it.
    overwrite : bool
        Whether to replace an experiment that the folder holds.
    config : str, optional
        The configuration of the microscope, to be noted.
    control : Control, optional
        Aborts it from another thread. Pause with ``core.mda.set_paused(True)``.
    on_decision : callable, optional
        Is handed the volume, each decision and its estimate (None where it failed).
    watcher : Watcher, optional
        Is told of planes and volumes too; `on_decision` is then not called.

    Returns
    -------
    ExperimentSummary
        Also after a failure or an abort: look at its `status`.

    Raises
    ------
    InputError
        Before anything moves or is written, with the key that is wrong.
    """
    if not isinstance(sequence, useq.MDASequence):
        sequence = read_experiment(sequence)
    check_folder(out, overwrite=overwrite, names=EXPERIMENT_FILES)
    prepared = prepare(core, sequence)
    lock = _lock(core, prepared)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of useq's about itself
        text = sequence.yaml() or ""
        dumped = sequence.model_dump(mode="json", exclude_unset=True)
    started = datetime.now(UTC)
    ExperimentFolder.prepare(
        out,
        {
            "started": started,
            "config": config,
            "here_um": prepared.here_um,
            "exposure_ms": float(core.getExposure()),
            **prepared.estimators.describe(),
            "pixel_size_um": prepared.pixel_size_um,
            "microscope": settings_of(core),
            "focus_lock": lock.device if lock.was_on else None,
            "sequence": dumped,
            "versions": versions(),
        },
        text,
        overwrite=overwrite,
    )
    watcher = _watcher(watcher, on_decision)
    return _go(core, prepared, lock, Path(out), control, watcher, started)


def resume(
    core: CMMCorePlus,
    out: Path | str,
    *,
    control: Control | None = None,
    on_decision: Callable[[Volume, Decision, Estimate | None], None] | None = None,
    watcher: Watcher | None = None,
    further: Further | None = None,
) -> ExperimentSummary:
    """Go on with an experiment that was killed, aborted or failed.

    The next plane is the one that would have come next; what was decided is decided
    again from the planes, and compared.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope; its settings are brought to what they were.
    out : path
        The experiment's folder.
    control, on_decision, watcher
        As for `run`.
    further : Further, optional
        More planes of a volume that has ended; its scan decides on with them.

    Returns
    -------
    ExperimentSummary

    Raises
    ------
    InputError
        If there is no experiment, the microscope is not what it was, or another
        estimator is used than before. Says what differs.
    """
    told = read_run(out)
    sequence = useq.MDASequence.model_validate(told["sequence"])
    # compared and checked before the first setting is touched
    prepared = prepare(core, sequence, told["here_um"])
    _check_same_model(told, prepared)
    # also where a kill left it off
    lock = _lock(core, prepared, was_on=told.get("focus_lock") is not None)
    restore_settings(core, told["microscope"])
    core.setExposure(told["exposure_ms"])
    _check_further(prepared, further)
    watcher = _watcher(watcher, on_decision)
    started = datetime.fromisoformat(told["started"])
    elapsed_s = (datetime.now(UTC) - started).total_seconds()
    return _go(
        core,
        prepared,
        lock,
        Path(out),
        control,
        watcher,
        started,
        elapsed_s=elapsed_s,
        further=further,
    )


def _go(
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
    control = control or Control()
    clock = time.perf_counter()
    folder = lay_out(
        out,
        prepared.volumes,
        prepared.settings,
        prepared.pixel_size_um,
        prepared.estimators.optics,
    )
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
    light = LightGate(core)
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
    groups = {c[0] for v in prepared.volumes if (c := channel_of(v)) is not None}
    problems = acquire(
        core,
        engine,
        drive,
        light,
        prepared.sequence,
        groups=sorted(groups),
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


def _lock(core: CMMCorePlus, prepared: Prepared, *, was_on: bool = False) -> FocusLock:
    """Find the focus lock; refuse one that is on, where the experiment wants that."""
    lock = FocusLock(core, prepared.stage, was_on=was_on)
    if lock.was_on and prepared.settings.focus_lock == "refuse":
        msg = (
            f"{BLOCK}.focus_lock: the focus lock {lock.device!r} is on and would hold "
            "the focus against the scan: switch it off, or set focus_lock: pause"
        )
        raise InputError(msg)
    return lock


def _watcher(
    watcher: Watcher | None,
    on_decision: Callable[[Volume, Decision, Estimate | None], None] | None,
) -> Watcher | None:
    if watcher is not None or on_decision is None:
        return watcher
    return DecisionWatcher(on_decision)


def _check_further(prepared: Prepared, further: Further | None) -> None:
    if further is None:
        return
    volume = next((v for v in prepared.volumes if v.key == further.key), None)
    if volume is None or volume.single:
        msg = f"the experiment has no volume {further.key} that could go on"
        raise InputError(msg)
    if prepared.settings.channels == "leader" and any(
        v.key[:3] == further.key[:3] and v.number < volume.number and not v.single
        for v in prepared.volumes
    ):
        msg = "this channel takes the planes of the one that leads: go on with that"
        raise InputError(msg)
    low, high = min(volume.z_um), max(volume.z_um)
    for z_um in further.z_um:
        if not low <= z_um <= high:
            msg = f"z {z_um:g} µm is outside the range of {low:g} to {high:g} µm"
            raise InputError(msg)


def _check_same_model(told: dict[str, Any], prepared: Prepared) -> None:
    now = prepared.estimators.describe()
    for name in ("estimator", "model_sha256", "optics"):
        if told[name] != now[name]:
            msg = f"the {name} is {now[name]}, the experiment began with {told[name]}"
            raise InputError(msg)
