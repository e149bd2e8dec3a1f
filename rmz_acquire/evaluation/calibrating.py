"""The threshold of the rule `target`, from scans of dense stacks.

Thresholds are tried on traces: every stack is scanned once. Their sequence was fixed
before there were stacks, as the procedure wants it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.learn_then_test import (
    failures_allowed,
    fewest_specimens,
    last_rejected,
)
from rmz_acquire.scanning import TargetRule, predicted_nrmse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rmz_acquire.evaluation.scan_traces import Trace
    from rmz_acquire.scanning import ScanPlan

__all__ = ["RELATIVE", "Found", "check_promise", "choose_threshold", "stops_of"]

RELATIVE = tuple(float(x) for x in np.geomspace(1 / 16, 4, 97))
"""Thresholds over the target, strictest first: steps of 4.4 %."""


@dataclass(frozen=True, slots=True)
class Found:
    """A threshold, and what came of it on the specimens it was found on.

    Parameters
    ----------
    threshold : float
        Of the predicted NRMSE.
    n, failures : int
        Specimens, and those above the target.
    mean_planes : float
        That the scans took.
    families : dict of str to int
        Specimens of each kind.
    """

    threshold: float
    n: int
    failures: int
    mean_planes: float
    families: dict[str, int]


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


def stops_of(
    trace: Trace, plan: ScanPlan, thresholds: Sequence[float]
) -> NDArray[np.int_]:
    """After how many planes a scan stops, by threshold.

    Parameters
    ----------
    trace : Trace
        A scan to its most planes.
    plan : ScanPlan
        Its plan.
    thresholds : sequence of float
        (T,) of the predicted NRMSE.

    Returns
    -------
    ndarray of int, (T,)
        All of its planes where the rule does not stop it.
    """
    rule, most = TargetRule(plan, threshold=np.inf), len(trace.taken)
    scores = np.full(most, np.inf)
    for m in range(1, most + 1):
        taken = trace.taken[:m]
        if rule.judge(taken).converged:  # as far as it does not hang on the threshold
            score = predicted_nrmse(plan, taken)
            scores[m - 1] = np.inf if score is None else score
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
    check_promise(target_nrmse, alpha, confidence)
    least = fewest_specimens(alpha, confidence)
    names = list(dict.fromkeys(trace.specimen for trace in traces))
    if len(names) < least:
        msg = (
            f"stacks: {len(names)} specimens are too few for alpha {alpha:g} with "
            f"confidence {confidence:g}: {least} are needed where none of them fails, "
            "or take the full stack"
        )
        raise InputError(msg)
    if all(trace.taken[-1].predicted_error is None for trace in traces):
        msg = (
            "estimator: it predicts no error, and there is nothing to be compared with "
            "a threshold: take wiener or richardson-lucy"
        )
        raise InputError(msg)
    thresholds = target_nrmse * np.array(RELATIVE)
    stops = np.stack([stops_of(trace, plan, thresholds.tolist()) for trace in traces])
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
        n=len(names),
        failures=int(failed[index].sum()),
        mean_planes=float(stops[:, index].mean()),
        families=dict(Counter(kinds.values())),
    )
