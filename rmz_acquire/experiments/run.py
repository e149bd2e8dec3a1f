"""Runs an experiment from its first move to the summary, fresh or taken up again."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition import Control
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.callbacks import DecisionWatcher, Watcher
from rmz_acquire.experiments.experiment_yaml import as_experiment
from rmz_acquire.experiments.going import go
from rmz_acquire.experiments.keeping import as_json, as_yaml, check_kept
from rmz_acquire.experiments.loading import FinishedRun
from rmz_acquire.experiments.on_core import OnCore
from rmz_acquire.experiments.on_stack import OnStack
from rmz_acquire.experiments.own import Own
from rmz_acquire.experiments.stored import StoredExperiment
from rmz_acquire.experiments.target_calibration import with_card
from rmz_acquire.experiments.truth import Truth
from rmz_acquire.experiments.useq_fields import check_fields
from rmz_acquire.optics import Optics
from rmz_acquire.recording import check_folder, versions
from rmz_acquire.recording.experiment_folder import ExperimentFolder
from rmz_acquire.simulation.recorded import RecordedMicroscope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import useq
    from numpy.typing import NDArray
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments.instrument import Instrument
    from rmz_acquire.experiments.own import MakesEstimator, MakesPolicy, MakesRule
    from rmz_acquire.experiments.prepare import Prepared
    from rmz_acquire.experiments.replay_decisions import Further
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Decision, Estimate, Estimator, Policy, StopRule

__all__ = ["resume", "run"]

logger = logging.getLogger(__name__)


def run(
    microscope: CMMCorePlus | RecordedMicroscope,
    sequence: useq.MDASequence | Mapping[str, Any] | Path | str,
    out: Path | str,
    *,
    overwrite: bool = False,
    config: str | None = None,
    truth: NDArray[Any] | Truth | None = None,
    control: Control | None = None,
    on_decision: Callable[[Volume, Decision, Estimate | None], None] | None = None,
    watcher: Watcher | None = None,
    estimator: Estimator | MakesEstimator | str | None = None,
    policy: Policy | MakesPolicy | str | None = None,
    stop_rule: StopRule | MakesRule | str | None = None,
) -> FinishedRun:
    """Run an experiment whose z-stacks are adaptive scans.

    Works on a core that another program owns: its engine is put back at the end, and
    its viewers see the frames as they come, with the sequence's own indices.

    Every plane is on disk before it is decided upon. A run of one volume also leaves
    ``volume.ome.tif`` and ``report.png``.

    Parameters
    ----------
    microscope : CMMCorePlus or RecordedMicroscope
        The microscope; or a recorded stack in the place of the specimen, for which no
        Micro-Manager is needed.
    sequence : useq.MDASequence, dict or path
        The experiment, with our block under ``metadata["rmz_acquire"]``; its keys and
        values; or its YAML.
    out : path
        The folder for it.
    overwrite : bool
        Whether to replace an experiment that the folder holds.
    config : str, optional
        The configuration of the microscope, to be noted.
    truth : ndarray, (Z, Y, X), or Truth, optional
        What the volume is scored against, camera counts, beside wiener, linear and
        nearest from the same planes.
    control : Control, optional
        Aborts it from another thread. Pause with ``core.mda.set_paused(True)``.
    on_decision : callable, optional
        Is handed the volume, each decision and its estimate (None where it failed).
    watcher : Watcher, optional
        Is told of planes and volumes too; `on_decision` is then not called.
    estimator : callable, Estimator or str, optional
        Your own: what makes one for each volume, ``estimator(z_um, optics)``, such as
        its class (optics is None where they are not known); a fresh one, where there
        is one volume; or a name as in the block.
    policy, stop_rule : object, callable or str, optional
        Your own `rmz_acquire.scanning.Policy` and `StopRule`: an object for all
        volumes, what makes one of the plan of each, or a name. What ran is recorded
        by its name, ``package.module:Class``.

    Returns
    -------
    FinishedRun
        With planes, volumes, decisions and `summary`; also after a failure or an
        abort: look at ``summary.status``.

    Raises
    ------
    InputError
        Before anything moves or is written, with the key that is wrong.
    """
    sequence = as_experiment(sequence)
    check_folder(out, overwrite=overwrite)
    own = Own(estimator, policy, stop_rule)
    sequence = with_card(own.into(sequence))
    check_fields(sequence)
    check_kept(sequence)
    instrument = _instrument(microscope)
    prepared = instrument.prepare(sequence, own)
    against = _against(truth)
    if against is not None:
        against.check(prepared)
    started = datetime.now(UTC)
    ExperimentFolder.prepare(
        out,
        {
            "started": started,
            "config": _from_anywhere(config),
            "here_um": prepared.here_um,
            "regions": prepared.settings.regions,
            **prepared.estimators.describe(),
            "imaging": prepared.imagings.to_list(),
            "audits": True,
            **instrument.state(prepared),
            "truth": None if against is None else against.describe(),
            "sequence": as_json(sequence),
            "versions": versions(),
        },
        as_yaml(sequence),
        overwrite=overwrite,
    )
    watcher = _watcher(watcher, on_decision)
    control = control or Control()
    summary = go(
        instrument, prepared, Path(out), control, watcher, started, truth=against
    )
    return FinishedRun(Path(out), summary)


def resume(
    microscope: CMMCorePlus | RecordedMicroscope,
    out: Path | str,
    *,
    truth: NDArray[Any] | Truth | None = None,
    control: Control | None = None,
    on_decision: Callable[[Volume, Decision, Estimate | None], None] | None = None,
    watcher: Watcher | None = None,
    further: Further | None = None,
    estimator: Estimator | MakesEstimator | str | None = None,
    policy: Policy | MakesPolicy | str | None = None,
    stop_rule: StopRule | MakesRule | str | None = None,
) -> FinishedRun:
    """Go on with an experiment that was killed, aborted or failed.

    The next plane is the one that would have come next; what was decided is decided
    again from the planes, and compared.

    Parameters
    ----------
    microscope : CMMCorePlus or RecordedMicroscope
        The microscope; its settings are brought to what they were. Or the stack.
    out : path
        The experiment's folder.
    truth, control, on_decision, watcher
        As for `run`.
    further : Further, optional
        More planes of a volume that has ended; its scan decides on with them.
    estimator, policy, stop_rule : optional
        Those that `run` was given, where they cannot be imported by their names.

    Returns
    -------
    FinishedRun
        As of `run`.

    Raises
    ------
    InputError
        If there is no experiment, the microscope is not what it was, or another
        estimator is used than before. Says what differs.
    """
    own = Own(estimator, policy, stop_rule)
    stored = StoredExperiment(out, own)
    if "grid_unknown" in stored.told:
        msg = f"{out} is of version 0.1.0, which did not go on with such a run"
        raise InputError(msg)

    def same(prepared: Prepared) -> Prepared:
        prepared = _same(stored, prepared)
        _check_further(prepared, further)
        return prepared

    instrument = _instrument(microscope)
    prepared = instrument.prepare_again(stored, own, same)
    against = _against(truth)
    if against is not None:
        against.check(prepared)
    started = datetime.fromisoformat(stored.told["started"])
    elapsed_s = (datetime.now(UTC) - started).total_seconds()
    summary = go(
        instrument,
        prepared,
        Path(out),
        control or Control(),
        _watcher(watcher, on_decision),
        started,
        elapsed_s=elapsed_s,
        further=further,
        truth=against,
    )
    return FinishedRun(Path(out), summary)


def _instrument(microscope: CMMCorePlus | RecordedMicroscope) -> Instrument:
    if isinstance(microscope, RecordedMicroscope):
        return OnStack(microscope)
    return OnCore(microscope)


def _against(truth: NDArray[Any] | Truth | None) -> Truth | None:
    return truth if truth is None or isinstance(truth, Truth) else Truth(truth)


def _watcher(
    watcher: Watcher | None,
    on_decision: Callable[[Volume, Decision, Estimate | None], None] | None,
) -> Watcher:
    if watcher is None and on_decision is not None:
        return DecisionWatcher(on_decision)
    return watcher or Watcher()


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


def _same(stored: StoredExperiment, prepared: Prepared) -> Prepared:
    """Refuse another estimator, or other pictures, than the experiment began with."""
    told, now = dict(stored.told), prepared.estimators.describe()
    if told["optics"]:
        # keys that Optics has got since: then they had their default
        told["optics"] = {
            name: Optics.model_validate(one).model_dump()
            for name, one in told["optics"].items()
        }
    imaged = prepared.imagings.difference(stored.prepared.imagings)
    if stored.is_old:
        # what it told of binned pictures, or of another lens, may be wrong; it goes on
        # with what it was decided with
        if now["optics"] != told["optics"]:
            logger.warning(
                "the optics are %s, the experiment goes on with those that it began "
                "with, %s",
                now["optics"],
                told["optics"],
            )
        earlier = stored.prepared
        imagings = earlier.imagings.with_cameras_of(prepared.imagings)
        estimators = earlier.estimators
        prepared = replace(prepared, imagings=imagings, estimators=estimators)
        now = estimators.describe()
    elif imaged is not None:
        raise InputError(f"the {imaged}, as the experiment began")
    for name in ("estimator", "model_sha256", "optics", "policy", "stop_rule"):
        is_now, was = now.get(name), told.get(name)
        if is_now != was:
            msg = f"the {name} is {is_now}, the experiment began with {was}"
            raise InputError(msg)
    return prepared


def _from_anywhere(config: str | None) -> str | None:
    """The configuration as it is found from any folder; a shipped one by its name."""
    if config is None:
        return None
    path = Path(config).expanduser()
    for file in (path, path.with_name(f"{path.name}.cfg")):
        if file.is_file():
            return str(file.resolve())
    return config
