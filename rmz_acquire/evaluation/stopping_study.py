"""Stops with a stated error, on specimens that no calibration saw.

A threshold is calibrated on some specimens and tried on others of the same families.
Beside it: the paper's rule with an ε chosen by eye, and the fewest evenly spread planes
that keep the same promise, found by the same tests on the same specimens. And policies
are compared: how many planes each needs for the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.defaults import EPSILON
from rmz_acquire.errors import InputError
from rmz_acquire.evaluation.calibrating import choose_threshold
from rmz_acquire.evaluation.figures import tidy
from rmz_acquire.evaluation.learn_then_test import interval, last_rejected
from rmz_acquire.evaluation.policy_comparison import (
    Needed,
    compare,
    even_error,
    needed_by,
)
from rmz_acquire.evaluation.result import Mean, Result
from rmz_acquire.evaluation.scan_traces import Trace, trace_scan
from rmz_acquire.evaluation.specimen_families import (
    EMPTY,
    FAMILIES,
    grid_of,
    simulate_family,
)
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.scanning import PaperRule, ScanPlan, TargetRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.calibrating import Found
    from rmz_acquire.evaluation.context import Study
    from rmz_acquire.evaluation.evaluation_config import StoppingSize
    from rmz_acquire.evaluation.held_out import HeldOut
    from rmz_acquire.reconstruction.base import VolumeEstimator
    from rmz_acquire.scanning.protocols import StopRule

__all__ = ["KEY", "TITLE", "Trial", "draw", "result_of", "run"]

KEY, TITLE = "stopping", "Stops with a stated error, on specimens not calibrated on"

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
Z_STEP_UM, EXPOSURE_MS = 0.5, 300.0
ESTIMATOR, ADAPTIVE = "wiener", "error"

_CALIBRATION, _UNSEEN, _POLICIES = 10_003, 20_000, 30_000
"""Added to the seed of the evaluation: no specimen is in two of them. What is compared
with a threshold was chosen on others (seeds 600 000 to 600 019)."""

CALIBRATED, PAPER = "calibrated", f"paper, epsilon {EPSILON:g}"


@dataclass(frozen=True, slots=True)
class Trial:
    """A specimen, scanned.

    Parameters
    ----------
    trace : Trace
        Of the adaptive scan.
    fixed : dict of int to float
        NRMSE of the volume of so many evenly spread planes.
    seed : int
        Of the specimen.
    """

    trace: Trace
    fixed: dict[int, float]
    seed: int


def plan_of(size: StoppingSize) -> ScanPlan:
    """Give the plan of the adaptive scans."""
    grid = grid_of(size.planes, Z_STEP_UM)
    return ScanPlan.from_grid(grid, audit=0.0, policy=ADAPTIVE)


def paper_plan(size: StoppingSize) -> ScanPlan:
    """Give the plan of the paper's rule."""
    return plan_of(size).model_copy(update={"stop_rule": "paper"})


def run(study: Study) -> Result:
    """Calibrate on some specimens, stop on others, and compare policies."""
    size, first = study.size.stopping, study.config.seed
    families = size.families or list(FAMILIES)
    # the sequence of tests begins well above what can be enough: more need no test
    every = range(size.planes * 4 // 5, 3, -1)
    seeds = range(first + _CALIBRATION, first + _CALIBRATION + size.specimens)
    known = list(_trials(study, seeds, families, every))
    result, found, fixed = _calibrated(known, size)
    if found is None:
        return result
    until = _rules(found, size).values()
    numbers = [] if fixed is None else [fixed]
    seeds = range(first + _UNSEEN, first + _UNSEEN + size.unseen)
    new = list(_trials(study, seeds, families, numbers, tuple(until)))
    seeds = range(first + _UNSEEN, first + _UNSEEN + size.empty)
    new += _trials(study, seeds, [EMPTY], numbers, tuple(until))
    result = result_of(known, new, size)
    compare(result, list(_needed(study, families)), size.target_nrmse)
    return result


def _simulated(size: StoppingSize, family: str, seed: int) -> HeldOut:
    return simulate_family(
        family,
        seed,
        OPTICS,
        plan_of(size).z_um,
        side_px=size.side_px,
        exposure_ms=EXPOSURE_MS,
    )


def _make(z_um: NDArray[np.float64]) -> VolumeEstimator:
    return make_estimator(ESTIMATOR, z_um, OPTICS)


def _trials(
    study: Study,
    seeds: Iterable[int],
    families: Sequence[str],
    numbers: Iterable[int],
    until: Sequence[StopRule] = (),
) -> Iterator[Trial]:
    size = study.size.stopping
    for seed in seeds:
        for family in families:
            study.say(f"{KEY} {family} {seed}")
            stack = _simulated(size, family, seed)
            trace = trace_scan(
                stack.counts,
                stack.truth,
                plan_of(size),
                _make,
                specimen=f"{family} {seed}",
                family=family,
                until=until,
            )
            fixed = {m: even_error(stack, _make, m) for m in numbers}
            yield Trial(trace, fixed, seed)


def _needed(study: Study, families: Sequence[str]) -> Iterator[Needed]:
    """Planes that policies need, on specimens of their own."""
    size, first = study.size.stopping, study.config.seed + _POLICIES
    for name, number in size.policies.items():

        def make(z_um: NDArray[np.float64], name: str = name) -> VolumeEstimator:
            return make_estimator(name, z_um, OPTICS)

        for seed in range(first, first + number):
            for family in families:
                study.say(f"{KEY} policies {name} {family} {seed}")
                stack, target = _simulated(size, family, seed), size.target_nrmse
                planes = needed_by(
                    stack, plan_of(size), make, target, specimen=f"{family} {seed}"
                )
                yield Needed(name, family, seed, planes)


def _rules(found: Found, size: StoppingSize) -> dict[str, StopRule]:
    """Those that are tried, by label."""
    return {
        CALIBRATED: TargetRule(plan_of(size), found.threshold, found.score),
        PAPER: PaperRule(paper_plan(size)),
    }


def _calibrated(
    known: Sequence[Trial], size: StoppingSize
) -> tuple[Result, Found | None, int | None]:
    """A result, what was calibrated and the fewest fixed planes."""
    result = Result(KEY, TITLE)
    promise = {"alpha": size.alpha, "confidence": size.confidence}
    traces, target = [trial.trace for trial in known], size.target_nrmse
    try:
        found = choose_threshold(traces, plan_of(size), target, **promise)
    except InputError as error:
        result.notes.append(f"Nothing was calibrated: {error}.")
        return result, None, None
    numbers = sorted(known[0].fixed, reverse=True)
    failed = np.array([[t.fixed[m] > target for t in known] for m in numbers])
    index = last_rejected(failed, **promise)
    fixed = None if index is None else numbers[index]
    least = "no number of planes" if fixed is None else f"{fixed} planes"
    result.notes.append(
        f"Promise: NRMSE above {target:g} in at most {size.alpha:.0%} of specimens, "
        f"with confidence {size.confidence:.0%}. Calibrated on {found.n} specimens of "
        f"{len(found.families)} families, of which {found.failures} end above: "
        f"{found.score} at or below {found.threshold:.3g}; evenly spread, {least}."
    )
    return result, found, fixed


def result_of(
    known: Sequence[Trial], new: Sequence[Trial], size: StoppingSize
) -> Result:
    """Tables of trials.

    Parameters
    ----------
    known, new : sequence of Trial
        Those that are calibrated on, and those that the stops are tried on.
    size : StoppingSize
        With the promise.

    Returns
    -------
    Result
    """
    result, found, fixed = _calibrated(known, size)
    if found is None:
        return result
    for trial in new:
        rules = _rules(found, size).items()
        ends = {label: _end(trial.trace, rule) for label, rule in rules}
        if fixed is not None:
            ends[f"{fixed} planes, evenly spread"] = fixed, trial.fixed[fixed]
        for label, (planes, error) in ends.items():
            result.rows.append(
                {
                    "set": trial.trace.family,
                    "seed": trial.seed,
                    "estimator": label,
                    "planes": planes,
                    "nrmse": error,
                    "over": int(error > size.target_nrmse),
                }
            )
    _sum_up(result, fixed)
    return result


def _end(trace: Trace, rule: StopRule) -> tuple[int, float]:
    """After how many planes a scan stops, and its NRMSE then."""
    for m in range(1, len(trace.taken) + 1):
        if rule.judge(trace.taken[:m]).converged:
            return m, trace.nrmse[m - 1]
    return len(trace.taken), trace.nrmse[-1]


def _sum_up(result: Result, fixed: int | None) -> None:
    labels = list(dict.fromkeys(row["estimator"] for row in result.rows))
    # nothing has no error: empty fields would only dilute the share
    full = [row for row in result.rows if row["set"] != EMPTY]
    of = {a: [r for r in full if r["estimator"] == a] for a in labels}
    shares = {a: 100 * float(np.mean([r["over"] for r in of[a]])) for a in labels}
    planes = {a: Mean.of(float(r["planes"]) for r in of[a]) for a in labels}
    title = "specimens over the target"
    result.sum_up(title, shares, unit="%", digits=1, headline=True)
    result.sum_up("exposures", planes, digits=1, headline=True)
    result.sum_up("NRMSE", {a: Mean.of(r["nrmse"] for r in of[a]) for a in labels})
    if fixed is not None:
        saved = {a: 100 * (1 - planes[a].value / fixed) for a in labels}
        title = "exposures saved against the evenly spread"
        result.sum_up(title, saved, unit="%", digits=0, headline=True)
    for family in dict.fromkeys(row["set"] for row in full):
        rows = {a: [r for r in of[a] if r["set"] == family] for a in labels}
        over = {a: 100 * float(np.mean([r["over"] for r in rows[a]])) for a in labels}
        mean = {a: Mean.of(float(r["planes"]) for r in rows[a]) for a in labels}
        result.sum_up(f"{family}: over the target", over, unit="%", digits=0)
        result.sum_up(f"{family}: exposures", mean, digits=1)
    nothing = [row for row in result.rows if row["set"] == EMPTY]
    if nothing:
        rows = {a: [r for r in nothing if r["estimator"] == a] for a in labels}
        mean = {a: Mean.of(float(r["planes"]) for r in rows[a]) for a in labels}
        result.sum_up("empty fields: exposures", mean, digits=1, headline=True)
    for label in labels:
        over, n = sum(r["over"] for r in of[label]), len(of[label])
        low, high = interval(over, n)
        result.notes.append(
            f"{label}: {over} of {n} specimens over the target; 95 % interval "
            f"(Clopper and Pearson) {low:.1%} to {high:.1%}."
        )


def draw(result: Result, figure: Figure) -> None:
    """Draw where the stops came: exposures and error of every specimen, by rule."""
    tried = [row for row in result.rows if "nrmse" in row and row["set"] != EMPTY]
    labels = list(dict.fromkeys(row["estimator"] for row in tried))
    figure.set_size_inches(4 * max(1, len(labels)), 3.6)
    families = list(dict.fromkeys(row["set"] for row in tried))
    axes: Any = None
    for i, label in enumerate(labels):
        axes = figure.add_subplot(1, len(labels), i + 1, sharey=axes)
        for family in families:
            rows = [r for r in tried if r["estimator"] == label and r["set"] == family]
            across = [r["planes"] for r in rows]
            axes.plot(across, [r["nrmse"] for r in rows], ".", label=family)
        axes.set_title(label, fontsize="medium")
        axes.set_xlabel("exposures, M")
        tidy(axes)
    if axes is not None:
        figure.axes[0].set_ylabel("NRMSE at the stop")
        axes.legend(fontsize="x-small")
