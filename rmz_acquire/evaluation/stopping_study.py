"""Stops with a stated error, on specimens that no calibration saw.

A threshold is calibrated on some specimens and tried on others of the same families.
Beside it: the paper's rule with an ε chosen by eye, and the fewest evenly spread planes
that keep the same promise, found by the same tests on the same specimens.
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
from rmz_acquire.evaluation.metrics import nrmse, planes_not_taken
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Mean, Result
from rmz_acquire.evaluation.scan_traces import Trace, trace_scan
from rmz_acquire.evaluation.specimen_families import (
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

    from rmz_acquire.evaluation.context import Study
    from rmz_acquire.evaluation.evaluation_config import StoppingSize
    from rmz_acquire.evaluation.held_out import HeldOut
    from rmz_acquire.scanning.protocols import StopRule

__all__ = ["KEY", "TITLE", "Trial", "draw", "fixed_errors", "result_of", "run"]

KEY, TITLE = "stopping", "Stops with a stated error, on specimens not calibrated on"

OPTICS = Optics(na=0.75, immersion_index=1.0, wavelength_um=0.52, pixel_size_um=0.325)
Z_STEP_UM, EXPOSURE_MS = 0.5, 300.0
ESTIMATOR = "wiener"

_CALIBRATION, _UNSEEN = 10_003, 20_000
"""Added to the seed of the evaluation: no specimen is in both, or anywhere else. On
those from 10 000 on, before the first, was chosen what is compared with a threshold."""

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
    return ScanPlan.from_grid(grid_of(size.planes, Z_STEP_UM), audit=0.0)


def paper_plan(size: StoppingSize) -> ScanPlan:
    """Give the plan of the paper's rule."""
    return ScanPlan.from_grid(grid_of(size.planes, Z_STEP_UM), stop_rule="paper")


def fixed_errors(stack: HeldOut, numbers: Iterable[int]) -> dict[int, float]:
    """NRMSE of volumes of evenly spread planes, by their number."""
    found = {}
    for m in numbers:
        taken = even_positions(len(stack.z_um), m)
        estimator = make_estimator(ESTIMATOR, stack.z_um, stack.optics)
        volume = estimator.add_all(stack.counts[taken], stack.z_um[taken])
        unseen = planes_not_taken(stack.z_um.tolist(), stack.z_um[taken].tolist())
        found[m] = nrmse(stack.truth, volume, unseen) or 0.0
    return found


def run(study: Study) -> Result:
    """Calibrate on some specimens, and stop on others."""
    size, first = study.size.stopping, study.config.seed
    every = range(size.planes - 1, 3, -1)
    known = list(_trials(study, first + _CALIBRATION, size.specimens, every))
    result, threshold, fixed = _calibrated(known, size)
    if threshold is None:
        return result
    until = (TargetRule(plan_of(size), threshold), PaperRule(paper_plan(size)))
    seeds = first + _UNSEEN, size.unseen
    new = list(_trials(study, *seeds, [] if fixed is None else [fixed], until))
    return result_of(known, new, size)


def _trials(
    study: Study,
    first: int,
    number: int,
    numbers: Iterable[int],
    until: Sequence[StopRule] = (),
) -> Iterator[Trial]:
    size = study.size.stopping
    plan = plan_of(size)
    for seed in range(first, first + number):
        for family in size.families or FAMILIES:
            study.say(f"{KEY} {family} {seed}")
            stack = simulate_family(
                family,
                seed,
                OPTICS,
                plan.z_um,
                side_px=size.side_px,
                exposure_ms=EXPOSURE_MS,
            )
            trace = trace_scan(
                stack.counts,
                stack.truth,
                plan,
                lambda z_um: make_estimator(ESTIMATOR, z_um, OPTICS),
                specimen=f"{family} {seed}",
                family=family,
                until=until,
            )
            yield Trial(trace, fixed_errors(stack, numbers), seed)


def _calibrated(
    known: Sequence[Trial], size: StoppingSize
) -> tuple[Result, float | None, int | None]:
    """A result with what was calibrated, the threshold and the fewest fixed planes."""
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
        f"misprediction at or below {found.threshold:.3g}; evenly spread, {least}."
    )
    return result, found.threshold, fixed


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
    result, threshold, fixed = _calibrated(known, size)
    if threshold is None:
        return result
    rules: dict[str, StopRule] = {
        CALIBRATED: TargetRule(plan_of(size), threshold),
        PAPER: PaperRule(paper_plan(size)),
    }
    for trial in new:
        ends = {label: _end(trial.trace, rule) for label, rule in rules.items()}
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
    of = {a: [r for r in result.rows if r["estimator"] == a] for a in labels}
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
    for family in dict.fromkeys(row["set"] for row in result.rows):
        rows = {a: [r for r in of[a] if r["set"] == family] for a in labels}
        over = {a: 100 * float(np.mean([r["over"] for r in rows[a]])) for a in labels}
        mean = {a: Mean.of(float(r["planes"]) for r in rows[a]) for a in labels}
        result.sum_up(f"{family}: over the target", over, unit="%", digits=0)
        result.sum_up(f"{family}: exposures", mean, digits=1)
    for label in labels:
        over, n = sum(r["over"] for r in of[label]), len(of[label])
        low, high = interval(over, n)
        result.notes.append(
            f"{label}: {over} of {n} specimens over the target; 95 % interval "
            f"(Clopper and Pearson) {low:.1%} to {high:.1%}."
        )


def draw(result: Result, figure: Figure) -> None:
    """Draw where the stops came: exposures and error of every specimen, by rule."""
    labels = list(dict.fromkeys(row["estimator"] for row in result.rows))
    figure.set_size_inches(4 * max(1, len(labels)), 3.6)
    families = list(dict.fromkeys(row["set"] for row in result.rows))
    axes: Any = None
    for i, label in enumerate(labels):
        axes = figure.add_subplot(1, len(labels), i + 1, sharey=axes)
        for family in families:
            rows = [
                r for r in result.rows if r["estimator"] == label and r["set"] == family
            ]
            across = [r["planes"] for r in rows]
            axes.plot(across, [r["nrmse"] for r in rows], ".", label=family)
        axes.set_title(label, fontsize="medium")
        axes.set_xlabel("exposures, M")
        tidy(axes)
    if axes is not None:
        figure.axes[0].set_ylabel("NRMSE at the stop")
        axes.legend(fontsize="x-small")
