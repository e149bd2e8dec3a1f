"""A run of one volume from its first plane to its report: the parts put together.

The one place that demo, replay and scan share: scan, record, score beside the
baselines, report. It knows no microscope: what takes the planes is handed to it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rmz_acquire.errors import InputError, ScanFailed
from rmz_acquire.evaluation import planes_not_taken, score
from rmz_acquire.optics import Optics
from rmz_acquire.plugins import ESTIMATOR, POLICY, STOP_RULE, full_name, qualified_name
from rmz_acquire.reconstruction import BASELINES, make_estimator
from rmz_acquire.recording import RunFolder, Summary, check_folder, read_planes
from rmz_acquire.scanning import (
    Decision,
    Estimate,
    Estimator,
    Microscope,
    Outcome,
    Plane,
    Policy,
    Recorder,
    Scan,
    ScanPlan,
    StopRule,
    own_estimator,
    own_policy,
    own_rule,
    run_scan,
)
from rmz_acquire.scanning.foreign import is_made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Runner", "run_volume"]

logger = logging.getLogger(__name__)

Runner = Callable[[Scan, Recorder], Outcome]
"""Runs a scan to its end and finishes the recorder, as `run_on_core` does."""


def run_volume(
    runner: Runner | Microscope,
    plan: ScanPlan,
    estimator: Estimator | Callable[[Any, Optics | None], Estimator],
    folder: Path | str,
    *,
    policy: Policy | Callable[[ScanPlan], Policy] | None = None,
    stop_rule: StopRule | Callable[[ScanPlan], StopRule] | None = None,
    optics: Optics | None = None,
    pixel_size_um: float | None = None,
    channel: str | None = None,
    truth: NDArray[Any] | None = None,
    truth_is: Literal["truth", "recorded stack"] = "truth",
    baselines: bool = True,
    overwrite: bool = False,
    on_start: Callable[[Scan], None] | None = None,
    on_decision: Callable[[Decision, Estimate | None], None] | None = None,
    on_step: Callable[[str], None] | None = None,
) -> Summary:
    """Scan one volume and leave everything about it in a folder.

    Parameters
    ----------
    runner : callable or Microscope
        What takes the planes: ``runner(scan, recorder)`` runs the scan to its end (on
        Micro-Manager `rmz_acquire.acquisition.run_on_core` with its options bound), or
        a microscope for `rmz_acquire.scanning.run_scan`.
    plan : ScanPlan
        What to do. Where it leaves the largest gap open and the estimator tells how
        far it reaches, that is the limit.
    estimator : Estimator or callable
        Fresh, with the plan's z grid; or what makes one, ``estimator(z_um, optics)``,
        such as a class of your own.
    folder : path
        Where to; see `rmz_acquire.recording.RunFolder`.
    policy, stop_rule : object or callable, optional
        Your own `rmz_acquire.scanning.Policy` and `StopRule`, or what makes one of
        the plan; by default those that the plan names. What is not ours is recorded
        by its name, ``package.module:Class``.
    optics : Optics, optional
        The microscope's; by default those that the estimator describes. Without any,
        there is no `wiener` beside the volume.
    pixel_size_um : float, optional
        At the sample, µm; by default that of the optics.
    channel : str, optional
        Name of the channel, for other programs.
    truth : ndarray, (Z, Y, X), optional
        The stack to score against, camera counts.
    truth_is : {"truth", "recorded stack"}
        What the report and the summary call it: a recorded stack has its noise.
    baselines : bool
        Whether to score wiener, linear and nearest from the same planes too.
    overwrite : bool
        Whether to replace a run that the folder holds.
    on_start : callable, optional
        Is handed the scan before it starts, so that somebody can abort it.
    on_decision : callable, optional
        Is handed each decision and its estimate, on the thread that runs the scan.
    on_step : callable, optional
        Is told what begins: "scan", "score", one for each baseline, "report".

    Returns
    -------
    Summary
        As in ``summary.json``; also of a run that was aborted.

    Raises
    ------
    InputError
        Before anything moves or is written, if the folder holds a run or the truth
        does not fit the grid.
    ScanFailed
        If the scan failed; what was taken is in the folder, which the message names.
    """
    check_folder(folder, overwrite=overwrite)
    if truth is not None and (truth.ndim != 3 or len(truth) != len(plan.z_um)):
        msg = (
            f"a truth of shape {truth.shape} does not fit {len(plan.z_um)} z positions"
        )
        raise InputError(msg)
    plan, own_z, own_stop = _with_own(plan, policy, stop_rule)
    name = qualified_name(estimator)
    if not is_made(ESTIMATOR, estimator):
        estimator = own_estimator(estimator, plan.z_um, optics)
    assert isinstance(estimator, Estimator)
    description = estimator.describe()
    if not name.startswith("rmz_acquire."):
        description = {**description, "estimator": name}
    if optics is None and description.get("optics") is not None:
        optics = Optics.model_validate(description["optics"])
    if optics is not None:
        description["optics"] = optics.model_dump()
        if pixel_size_um is None:
            pixel_size_um = optics.pixel_size_um
    plan = plan.within_reach(description.get("largest_gap_um"))
    scan = Scan(plan, estimator, policy=own_z, rule=own_stop, on_decision=on_decision)
    say = on_step if on_step is not None else _nothing

    record = RunFolder(
        folder,
        plan=plan,
        description=description,
        pixel_size_um=pixel_size_um,
        channel=channel,
        overwrite=overwrite,
        report=False,
    )
    if on_start is not None:
        on_start(scan)
    say("scan")
    if isinstance(runner, Microscope):
        outcome = run_scan(scan, runner, record)
    else:
        outcome = runner(scan, record)
    try:
        if truth is not None and record.summary is not None:
            told = record.summary.model_copy(update={"scored_against": truth_is})
            record.write_summary(told)
        if truth is not None and scan.volume is not None and outcome.status != "failed":
            _score(record, scan, truth, optics, baselines=baselines, say=say)
    finally:
        say("report")
        record.write_report(truth)
    if outcome.status == "failed":
        # what went wrong after the last plane has the plane's reason before it
        said = outcome.reason
        said = said if said.startswith("failed") else f"failed: {said}"
        msg = f"the scan {said}; what was taken is in {record.path}"
        raise ScanFailed(msg) from scan.error
    if record.summary is None:
        msg = "the runner did not finish the recorder"
        raise RuntimeError(msg)
    return record.summary


def _with_own(
    plan: ScanPlan,
    policy: Policy | Callable[[ScanPlan], Policy] | None,
    stop_rule: StopRule | Callable[[ScanPlan], StopRule] | None,
) -> tuple[ScanPlan, Policy | None, StopRule | None]:
    """Make what was handed over, and write its name into the plan."""
    names = {"policy": full_name(POLICY, plan.policy)}
    if plan.stop_rule is not None:
        names["stop_rule"] = full_name(STOP_RULE, plan.stop_rule)
    for key, given in (("policy", policy), ("stop_rule", stop_rule)):
        if given is None:
            continue
        name, named = qualified_name(given), getattr(plan, key)
        if key in plan.model_fields_set and named not in (None, name):
            msg = f"{key}: {name} was handed over, but the plan says {named}"
            raise InputError(msg)
        if plan.z_exact_um is not None:
            msg = f"{key}: {name} was handed over, but z_exact_um lists every plane"
            raise InputError(msg)
        names[key] = name
    plan = plan.model_copy(update=names)
    made_z = None if policy is None else own_policy(policy, plan)
    return plan, made_z, None if stop_rule is None else own_rule(stop_rule, plan)


def _score(
    record: RunFolder,
    scan: Scan,
    truth: NDArray[Any],
    optics: Optics | None,
    *,
    baselines: bool,
    say: Callable[[str], None],
) -> None:
    """Score the volume, and the baselines on the planes as they lie on disk."""
    say("score")
    summary = record.summary
    volume = scan.volume
    if summary is None or volume is None:
        return
    counted = [decision.used for decision in scan.decisions]
    taken = [d.z_actual_um for d in scan.decisions if d.used]
    unseen = planes_not_taken(summary.z_um, taken)
    own = score(truth, volume, unseen).to_dict()
    beside: dict[str, dict[str, float | None] | None] | None = None
    if baselines:
        planes = list(compress(read_planes(record.planes_path), counted))
        beside = {}
        for name in BASELINES:
            say(name)
            if name == scan.estimator.name:
                beside[name] = own
                continue
            made = _baseline(name, planes, summary.z_um, optics)
            beside[name] = (
                None if made is None else score(truth, made, unseen).to_dict()
            )
    record.write_summary(summary.model_copy(update={**own, "baselines": beside}))


def _baseline(
    name: str, planes: Sequence[Plane], z_um: Sequence[float], optics: Optics | None
) -> NDArray[np.float32] | None:
    """Make the volume of a baseline; None where it cannot be made."""
    if name == "wiener" and optics is None:
        return None
    try:
        estimator = make_estimator(name, np.asarray(z_um), optics)
        for plane in planes:
            estimator.add(plane.image, plane.z_um)
    except Exception:
        # a yardstick that breaks must not cost the run its summary
        logger.exception("the baseline %s could not be made", name)
        return None
    return estimator.volume


def _nothing(_: str) -> None:
    """Tell nobody."""
