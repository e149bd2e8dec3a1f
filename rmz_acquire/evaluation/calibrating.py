"""The threshold of the rule `target`, from scans of dense stacks.

Thresholds are tried on traces: every stack is scanned once. Their sequence was fixed
before there were stacks, as the procedure wants it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire import __version__
from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.learn_then_test import (
    failures_allowed,
    fewest_specimens,
    last_rejected,
)
from rmz_acquire.evaluation.scan_traces import trace_scan
from rmz_acquire.evaluation.whole_errors import WholeErrors
from rmz_acquire.scanning import SCORES, StopCalibration, TargetRule
from rmz_acquire.scanning.stop_calibration import hash_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.evaluation.scan_traces import Trace
    from rmz_acquire.evaluation.whole_errors import Whole
    from rmz_acquire.scanning import Estimator, ScanPlan
    from rmz_acquire.scanning.stop_calibration import ScoreName

__all__ = [
    "RELATIVE",
    "DenseStack",
    "Found",
    "calibrate",
    "check_enough",
    "check_promise",
    "choose_threshold",
    "stops_of",
]

RELATIVE = tuple(float(x) for x in np.geomspace(1 / 8, 8, 193))
"""Thresholds over the target, strictest first: steps of 2.2 %."""


@dataclass(frozen=True, slots=True)
class Found:
    """A threshold, and what came of it on the specimens it was found on.

    Parameters
    ----------
    threshold : float
        Of the score.
    score : str
        A key of `SCORES`.
    n, failures : int
        Specimens, and those above the target.
    mean_planes : float
        That the scans took.
    families : dict of str to int
        Specimens of each kind.
    """

    threshold: float
    score: ScoreName
    n: int
    failures: int
    mean_planes: float
    families: dict[str, int]


@dataclass(frozen=True, slots=True)
class DenseStack:
    """A stack to calibrate on.

    Parameters
    ----------
    specimen, family : str
        What it is of: those of one specimen count once.
    counts : ndarray, (Z, Y, X)
        What the camera gave.
    truth : ndarray, (Z, Y, X)
        What volumes are compared with: without noise where that is known.
    """

    specimen: str
    family: str
    counts: NDArray[Any]
    truth: NDArray[Any]


def check_promise(target_nrmse: float, alpha: float, confidence: float) -> None:
    """Refuse what is no promise.

    Raises
    ------
    InputError
        Naming the key.
    """
    if not (np.isfinite(target_nrmse) and target_nrmse > 0):
        msg = f"target_nrmse must be above 0, not {target_nrmse:g}"
        raise InputError(msg)
    for key, value in (("alpha", alpha), ("confidence", confidence)):
        if not 0 < value < 1:
            msg = f"{key} must lie between 0 and 1, not {value:g}"
            raise InputError(msg)


def check_enough(n: int, alpha: float, confidence: float) -> None:
    """Refuse fewer specimens than any threshold needs.

    Parameters
    ----------
    n : int
        Specimens.
    alpha, confidence : float
        Of the promise.

    Raises
    ------
    InputError
        Saying how many are needed.
    """
    least = fewest_specimens(alpha, confidence)
    if n < least:
        msg = (
            f"stacks: {n} specimens are too few for alpha {alpha:g} with confidence "
            f"{confidence:g}: {least} are needed where none of them fails, more where "
            "some do; until then take the full stack"
        )
        raise InputError(msg)


def stops_of(
    trace: Trace, plan: ScanPlan, thresholds: Sequence[float], score: ScoreName
) -> NDArray[np.int_]:
    """After how many planes a scan stops, by threshold.

    Parameters
    ----------
    trace : Trace
        A scan to its most planes.
    plan : ScanPlan
        Its plan.
    thresholds : sequence of float
        (T,) of the score.
    score : str
        A key of `SCORES`.

    Returns
    -------
    ndarray of int, (T,)
        All of its planes where the rule does not stop it.
    """
    rule, most = TargetRule(plan, np.inf, score), len(trace.taken)
    scores = np.full(most, np.inf)
    for m in range(1, most + 1):
        taken = trace.taken[:m]
        if rule.judge(taken).converged:  # as far as it does not hang on the threshold
            found = SCORES[score](taken, plan)
            scores[m - 1] = np.inf if found is None else found
    enough = scores[None, :] <= np.asarray(thresholds)[:, None]
    return np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, most)


def choose_threshold(
    traces: Sequence[Trace],
    plan: ScanPlan,
    target_nrmse: float,
    *,
    alpha: float,
    confidence: float,
) -> Found:
    """Choose the loosest threshold that keeps the promise.

    Parameters
    ----------
    traces : sequence of Trace
        Of scans to their most planes; of several crops of one specimen, the worst
        counts.
    plan : ScanPlan
        Theirs.
    target_nrmse, alpha, confidence : float
        That at most a share alpha of specimens ends with an NRMSE above the target,
        with this confidence.

    Returns
    -------
    Found

    Raises
    ------
    InputError
        Where there are too few specimens, or the target is out of reach; says how
        many are needed.
    """
    names = list(dict.fromkeys(trace.specimen for trace in traces))
    check_promise(target_nrmse, alpha, confidence)
    check_enough(len(names), alpha, confidence)
    score = _score_for(traces, plan)
    thresholds = target_nrmse * np.array(RELATIVE)
    tried = thresholds.tolist()
    stops = np.stack([stops_of(trace, plan, tried, score) for trace in traces])
    ended = np.stack(
        [np.asarray(t.nrmse)[each - 1] for t, each in zip(traces, stops, strict=True)]
    )
    of = np.array([names.index(trace.specimen) for trace in traces])
    failed = np.stack(
        [(ended[of == i] > target_nrmse).any(axis=0) for i in range(len(names))], axis=1
    )
    index = last_rejected(failed, alpha, confidence)
    if index is None:
        n, most = len(names), failures_allowed(len(names), alpha, confidence)
        msg = (
            f"target_nrmse {target_nrmse:g} is out of reach: after all of "
            f"{plan.max_planes} planes {int(failed[0].sum())} of {n} specimens are "
            f"above it, and {most} may be: raise it, or max_planes"
        )
        raise InputError(msg)
    kinds = {trace.specimen: trace.family for trace in traces}
    return Found(
        threshold=float(thresholds[index]),
        score=score,
        n=len(names),
        failures=int(failed[index].sum()),
        mean_planes=float(stops[:, index].mean()),
        families=dict(Counter(kinds.values())),
    )


def _score_for(traces: Sequence[Trace], plan: ScanPlan) -> ScoreName:
    """The best score that the estimator gives."""
    for score, give in SCORES.items():
        if any(give(trace.taken, plan) is not None for trace in traces):
            return score
    msg = (
        "estimator: it tells neither the error that it predicts nor how far planes "
        "were from what it predicted: there is nothing to compare with a threshold"
    )
    raise InputError(msg)


def calibrate(
    stacks: Iterable[DenseStack],
    plan: ScanPlan,
    make: Callable[[NDArray[np.float64]], Estimator],
    conditions: dict[str, Any],
    target_nrmse: float,
    *,
    alpha: float,
    confidence: float,
    sources: Sequence[str],
    specimens: int,
    whole: Whole | None = None,
    on_step: Callable[[str], None] | None = None,
) -> StopCalibration:
    """Scan dense stacks, and find the threshold that keeps a promise.

    Parameters
    ----------
    stacks : iterable of DenseStack
        Made or read one by one.
    plan : ScanPlan
        Of the scans.
    make : callable
        Makes a fresh estimator of a grid, (Z,) µm.
    conditions : dict
        Of the scans, as `conditions_of` gives them.
    target_nrmse, alpha, confidence : float
        As of `choose_threshold`.
    sources : sequence of str
        Where the stacks come from, to be noted.
    specimens : int
        How many there are among the stacks.
    whole : callable, optional
        Makes a whole volume of images and their z, where scans decide on regions and
        make none.
    on_step : callable, optional
        Is told each specimen.

    Returns
    -------
    StopCalibration

    Raises
    ------
    InputError
        As `choose_threshold`.
    """
    check_promise(target_nrmse, alpha, confidence)
    check_enough(specimens, alpha, confidence)
    allowed, errors = failures_allowed(specimens, alpha, confidence), None
    if whole is not None:
        errors = WholeErrors(whole, plan.z_um, target_nrmse, allowed)
    traces, tried = [], [target_nrmse * each for each in RELATIVE]
    for stack in stacks:
        if on_step is not None:
            on_step(stack.specimen)
        trace = trace_scan(
            stack.counts,
            stack.truth,
            plan,
            make,
            specimen=stack.specimen,
            family=stack.family,
        )
        if errors is not None:
            stops = stops_of(trace, plan, tried, _score_for([trace], plan))
            trace = errors.known(trace, stops, stack.counts, stack.truth)
        traces.append(trace)
    promise = {"alpha": alpha, "confidence": confidence}
    found = choose_threshold(traces, plan, target_nrmse, **promise)
    return StopCalibration(
        target_nrmse=target_nrmse,
        **promise,
        threshold=found.threshold,
        score=found.score,
        n=found.n,
        failures=found.failures,
        mean_planes=found.mean_planes,
        planes_full_scan=len(plan.z_um),
        families=found.families,
        sources=list(sources),
        conditions=conditions,
        sha256=hash_of(conditions),
        made={
            "rmz_acquire": __version__,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
